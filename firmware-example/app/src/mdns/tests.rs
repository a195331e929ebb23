use std::{string::String, vec::Vec};

use super::*;

const HOST: [u8; 4] = [192, 168, 1, 20];
const RESPONDER: IpEndpoint = IpEndpoint::new(IpAddress::v4(192, 168, 1, 20), PORT);
const QUERY: Query<'_> = Query { id: 0x1234, name: "desk.local" };
const HEADER: &[u8] = b"\x12\x34\x84\0\0\x01\0\x01\0\0\0\0";
const QUESTION: &[u8] = b"\x04desk\x05local\0\0\x01\0\x01";
const RECORD: &[u8] = b"\0\x01\0\x01\0\0\0\x0a\0\x04\xc0\xa8\x01\x14";
/// The question's name.
const POINTER: &[u8] = b"\xc0\x0c";

/// The address that the query reads out of `packet` on a link of 192.168.1.0/24.
fn read(packet: &[u8], from: IpEndpoint) -> Option<Ipv4Address> {
    QUERY.address(packet, from, Ipv4Cidr::new(Ipv4Address::new(192, 168, 1, 50), 24))
}

/// A response to the query.
fn response() -> Vec<u8> {
    [HEADER, QUESTION, POINTER, RECORD].concat()
}

/// A response whose bytes from `at` on are `bytes`.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut response = response();
    response[at..at + bytes.len()].copy_from_slice(bytes);
    response
}

/// A response to the query that says this in its answers' section.
fn answered(count: u8, answers: &[&[u8]]) -> Option<Ipv4Address> {
    let mut packet = [HEADER, QUESTION, &answers.concat()].concat();
    packet[7] = count;
    read(&packet, RESPONDER)
}

#[test]
fn local_name_in_local_is_found_in_any_case() {
    for (host, name) in [
        ("desk.local", Some("desk.local")),
        ("Desk.LOCAL.", Some("Desk.LOCAL")),
        ("a.b.local", Some("a.b.local")),
        ("local", None),
        ("desk", None),
        ("desk.local.lan", None),
        ("desk.notlocal", None),
        ("", None),
    ] {
        assert_eq!(local_name(host), name, "{host}");
    }
}

#[test]
fn query_of_a_name_is_one_question_for_its_address() {
    let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04desk\x05local\0\0\x01\0\x01";
    assert_eq!(QUERY.bytes().as_deref(), Some(&question[..]));
}

#[test]
fn query_of_the_longest_name_fits() {
    // A server's name is followed by a colon and a port.
    for name in [std::format!("{}.{}.local", "d".repeat(32), "d".repeat(31)), "a.".repeat(32) + "local"] {
        let fits = name.len() <= SERVER_BYTES - 2;
        assert!(fits && Query { name: &name, ..QUERY }.bytes().is_some(), "{name}");
    }
}

#[test]
fn query_of_an_impossible_name_is_none() {
    let label: String = "d".repeat(64);
    for name in ["", ".local", "a..local", &std::format!("{label}.local")] {
        assert_eq!(Query { name, ..QUERY }.bytes(), None, "{name}");
    }
}

#[test]
fn address_in_a_response_is_read() {
    assert_eq!(read(&response(), RESPONDER), Some(HOST.into()));
    // Not all responders repeat the question.
    let alone = [b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0", &QUESTION[..12], RECORD].concat();
    assert_eq!(read(&alone, RESPONDER), Some(HOST.into()));
}

#[test]
fn address_from_another_port_is_none() {
    for port in [0, 53, 5352, 5354, 40_000] {
        assert_eq!(read(&response(), IpEndpoint { port, ..RESPONDER }), None, "{port}");
    }
}

#[test]
fn address_from_another_link_is_none() {
    for addr in [IpAddress::v4(192, 168, 2, 20), IpAddress::v4(10, 0, 0, 1), IpAddress::v4(127, 0, 0, 1)] {
        assert_eq!(read(&response(), IpEndpoint { addr, ..RESPONDER }), None, "{addr}");
    }
}

#[test]
fn address_in_what_is_no_response_to_the_query_is_none() {
    for (at, bytes, what) in [
        (0, &b"\x12\x35"[..], "another ID"),
        (0, b"\0\0", "no ID"),
        (2, b"\x04\0", "a query"),
        (2, b"\x94\0", "another operation"),
        (2, b"\x84\x03", "an error"),
        (7, b"\0", "no answer"),
    ] {
        assert_eq!(read(&changed(at, bytes), RESPONDER), None, "{what}");
    }
}

#[test]
fn address_of_another_name_is_none() {
    for name in [
        &b"\x04desk\0"[..],
        b"\x05local\0",
        b"\x04disk\x05local\0",
        b"\x03des\x05local\0",
        b"\x05desk2\x05local\0",
        b"\x04desk\x05local\x03lan\0",
        b"\x01a\x04desk\x05local\0",
        b"\x0adesk.local\0",
        b"\x01a\xc0\x0c",
        b"\xc0\x11",
        b"\0",
    ] {
        assert_eq!(answered(1, &[name, RECORD]), None, "{name:?}");
        assert_eq!(answered(2, &[name, RECORD, POINTER, RECORD]), Some(HOST.into()), "{name:?} before it");
    }
}

#[test]
fn address_of_the_name_in_another_spelling_is_read() {
    for name in [&b"\x04DESK\x05Local\0"[..], b"\x04desk\xc0\x11", POINTER] {
        assert_eq!(answered(1, &[name, RECORD]), Some(HOST.into()), "{name:?}");
    }
}

#[test]
fn address_in_another_record_is_none() {
    for record in [
        &b"\0\x1c\0\x01\0\0\0\x0a\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..],
        b"\0\x10\0\x01\0\0\0\x0a\0\x04\xc0\xa8\x01\x14",
        b"\0\x01\0\x03\0\0\0\x0a\0\x04\xc0\xa8\x01\x14",
        b"\0\x01\0\x01\0\0\0\x0a\0\x03\xc0\xa8\x01",
        b"\0\x01\0\x01\0\0\0\x0a\xff\xff\xc0\xa8\x01\x14",
    ] {
        assert_eq!(answered(1, &[POINTER, record]), None, "{record:?}");
    }
    // What the name stands for is another name.
    let alias = b"\0\x05\0\x01\0\0\0\x0a\0\x06\x03gpu\xc0\x11";
    assert_eq!(answered(2, &[POINTER, alias, b"\x03gpu\xc0\x11", RECORD]), None);
}

#[test]
fn address_in_a_packet_that_is_cut_off_is_none() {
    let response = response();
    for end in 0..response.len() {
        assert_eq!(read(&response[..end], RESPONDER), None, "{end}");
    }
}

#[test]
fn address_in_rubbish_does_not_panic_and_ends() {
    // A name that points to itself, one that points ahead, and one far behind the packet's end.
    for name in [b"\xc0\x1c", b"\xc0\x1e", b"\xff\xff"] {
        assert_eq!(answered(1, &[name, RECORD]), None, "{name:?}");
    }
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    for _ in 0..20_000 {
        let mut packet = response();
        for _ in 0..=random() % 4 {
            let at = usize::from(random()) % packet.len();
            packet[at] = random();
        }
        packet.truncate(usize::from(random()));
        read(&packet, RESPONDER);
        let rubbish: Vec<u8> = HEADER.iter().copied().chain((0..random()).map(|_| random())).collect();
        read(&rubbish, RESPONDER);
    }
}
