use std::vec::Vec;

use super::*;

const OURS: Ipv4Address = Ipv4Address::new(192, 168, 1, 50);
const OTHER: Ipv4Address = Ipv4Address::new(192, 168, 1, 9);

const fn host(number: u8) -> Host<'static> {
    Host { name: "comfyglow", number, address: OURS }
}

#[test]
fn names_are_numbered() {
    for (number, labels) in [
        (1, &b"\x09comfyglow\x05local\0"[..]),
        (2, b"\x0bcomfyglow-2\x05local\0"),
        (10, b"\x0ccomfyglow-10\x05local\0"),
        (99, b"\x0ccomfyglow-99\x05local\0"),
    ] {
        assert_eq!(host(number).labels(&mut [0; NAME]), Some(labels));
    }
    let name = "a-name-of-thirty-two-bytes-in-all";
    let longest = Host { name: &name[..32], number: 99, ..host(1) };
    let (mut room, mut out) = ([0; NAME], [0; 192]);
    assert_eq!(longest.labels(&mut room).map(<[u8]>::len), Some(1 + 32 + 3 + 7));
    let alone = Reply { alone: Some((1, A)), address: true };
    assert!(longest.probe(&mut out).is_some());
    assert!(longest.answer(alone, &mut out).is_some());
}

#[test]
fn what_we_say_is_read_as_it_is_meant() {
    let mut out = [0; 192];
    let other = Host { address: OTHER, ..host(1) };
    let probe = host(1).probe(&mut out).unwrap();
    assert_eq!(other.hear(probe, false), Heard::Wanted(OURS));
    assert!(matches!(host(1).hear(probe, false), Heard::Asked(_)), "it is our own");
    assert_eq!(host(2).hear(probe, false), Heard::Nothing, "another name");
    let announcement = host(1).announcement(&mut out).unwrap();
    assert_eq!(other.hear(announcement, false), Heard::Taken);
    assert_eq!(host(1).hear(announcement, false), Heard::Nothing, "it is our own");
    assert_eq!(host(2).hear(announcement, false), Heard::Nothing, "another name");
    for cut in 0..announcement.len() {
        assert_ne!(
            other.hear(&announcement[..cut], false),
            Heard::Asked(Reply { alone: None, address: true }),
            "{cut}"
        );
    }
}

#[test]
fn the_bytes_are_those_of_the_rfc() {
    let mut out = [0; 192];
    let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x09COMFYGLOW\x05Local\0\0\x1c\0\x01";
    let Heard::Asked(reply) = host(1).hear(question, true) else { panic!("it asks for us") };
    let answer = host(1).answer(reply, &mut out).unwrap();
    let head = b"\x12\x34\x84\0\0\x01\0\x01\0\0\0\x01\x09comfyglow\x05local\0\0\x1c\0\x01";
    // There is no IPv6 address; of an IPv4 address there is this.
    let nothing = b"\xc0\x0c\0\x2f\0\x01\0\0\0\x0a\0\x05\xc0\x0c\0\x01\x40";
    let address = b"\xc0\x0c\0\x01\0\x01\0\0\0\x0a\0\x04\xc0\xa8\x01\x32";
    assert_eq!(answer, [&head[..], nothing, address].concat());
    let Heard::Asked(reply) = host(1).hear(question, false) else { panic!("it asks for us") };
    assert_eq!(reply, Reply { alone: None, address: false });
    let announcement = host(1).announcement(&mut out).unwrap();
    let head = b"\0\0\x84\0\0\0\0\x01\0\0\0\x01\x09comfyglow\x05local\0";
    assert_eq!(announcement[..head.len()], head[..]);
    assert_eq!(announcement[head.len()..head.len() + 14], *b"\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\xa8\x01\x32");
}

#[test]
fn names_are_read_wherever_they_point_and_never_forever() {
    // A question for another name, then ours, whose end is a pointer into the first.
    let packet = b"\0\0\0\0\0\x02\0\0\0\0\0\0\x04desk\x05local\0\0\x01\0\x01\x09comfyglow\xc0\x11\0\x01\x80\x01";
    assert_eq!(host(1).hear(packet, false), Heard::Asked(Reply { alone: None, address: true }));
    assert_eq!(host(1).hear(b"\0\0\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01", false), Heard::Nothing, "a circle");
    let mut state = 1_u32;
    for len in 0..2_000 {
        let bytes: Vec<u8> = (0..len % 80)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        let mut packet = b"\0\0\x84\0\0\x01\0\x01\0\x01\0\x01".to_vec();
        packet.extend(&bytes);
        host(1).hear(&packet, false);
        host(1).hear(&bytes, true);
    }
}
