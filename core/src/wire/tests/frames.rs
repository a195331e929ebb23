//! Pings, closes, fragments and violations.

use super::*;
use crate::limits::CLOSE_SECONDS;

#[test]
fn ping_between_fragments_is_answered_with_its_payload() {
    for payload in [&b""[..], b"a", &[0xff; 125]] {
        let mut host = ScriptedHost::connected();
        let did = host.receive(&frame(0x89, payload));
        assert_eq!((did.len(), unmasked(&did[0])), (1, (0x8a, payload.to_vec())));
    }
    let mut host = ScriptedHost::connected();
    let message = status(5);
    let (first, rest) = message[2..].split_at(20);
    let bytes = [frame(0x01, first), frame(0x89, b"between"), frame(0x00, b""), frame(0x80, rest)].concat();
    for size in 1..bytes.len() {
        host.now = host.now.saturating_add(crate::time::Duration::from_secs(1));
        let sent: Vec<_> =
            bytes.chunks(size).flat_map(|piece| host.receive(piece)).filter(|did| *did != Changed).collect();
        assert_eq!((sent.len(), unmasked(&sent[0])), (1, (0x8a, b"between".to_vec())));
    }
    assert_eq!(host.session.state().queue_remaining(), Some(5));
    let messages = host.session.state().messages();
    assert_eq!((messages.text, messages.malformed), (u32::try_from(bytes.len() - 1).unwrap(), 0));
    assert_eq!(host.receive(&frame(0x8a, b"unsolicited")), []);
}

#[test]
fn close_frame_is_echoed_then_the_link_dropped() {
    for (payload, answer, fault) in [
        (&b""[..], &b""[..], FaultKind::Closed),
        (b"\x03\xe8", b"\x03\xe8", FaultKind::ClosedWith(1000)),
        (b"\x03\xe9going away", b"\x03\xe9", FaultKind::ClosedWith(1001)),
        (b"\x0f\xa0", b"\x0f\xa0", FaultKind::ClosedWith(4000)),
    ] {
        let mut host = ScriptedHost::connected();
        // What follows a close is not read.
        let did = host.receive(&[frame(0x88, payload), status(9)].concat());
        assert_eq!(unmasked(&did[0]), (0x88, answer.to_vec()));
        assert_eq!(did[1..], [Close(Ws), Changed]);
        assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(fault)));
        assert_eq!(host.session.state().queue_remaining(), None);
        host.assert_over();
    }
}

#[test]
fn protocol_violation_closes_with_its_code() {
    for (bytes, code) in [
        (frame(0xc1, b"{}"), 1002_u16),
        (frame(0x83, b""), 1002),
        (vec![0x81, 0x82, 0, 0, 0, 0, 0, 0], 1002),
        (frame(0x80, b""), 1002),
        (frame(0x09, b""), 1002),
        (vec![0x89, 126, 0, 126], 1002),
        (vec![0x81, 126, 0, 5], 1002),
        (frame(0x88, b"\x03"), 1002),
        (frame(0x88, b"\x03\xed"), 1002),
        (text("\u{fffd}").iter().map(|b| if *b == 0xbf { 0xff } else { *b }).collect(), 1007),
        ([frame(0x01, b"\xc3"), frame(0x80, b"")].concat(), 1007),
        (frame(0x88, b"\x03\xe8\xff"), 1007),
    ] {
        for size in [1, bytes.len()] {
            let mut host = ScriptedHost::connected();
            let did: Vec<_> = bytes.chunks(size).flat_map(|piece| host.receive(piece)).collect();
            assert_eq!(unmasked(&did[0]), (0x88, code.to_be_bytes().to_vec()), "{bytes:x?}");
            assert_eq!(did[1..], [Close(Ws), Changed]);
            assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Protocol)));
            assert_eq!(host.receive(&status(9)), []);
            assert_eq!(host.session.state().messages().text, 0, "what came before the fault was no whole message");
            host.assert_over();
        }
    }
}

#[test]
fn close_frame_that_can_not_be_sent_drops_the_link() {
    let mut host = ScriptedHost::connected();
    host.slow = true;
    assert_eq!(host.receive(&frame(0x88, b"\x03\xe8")).len(), 2, "the close and the change");
    assert_eq!(host.later(CLOSE_SECONDS * 1_000 - 1), []);
    assert!(!host.session.is_over());
    assert_eq!(host.later(1), [Close(Ws)]);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::ClosedWith(1000))));
    host.slow = false;
    host.assert_over();
}

#[test]
fn attached_socket_is_read_at_once() {
    let mut host = ScriptedHost::new(CONFIG);
    host.session.attach(host.now);
    assert_eq!(host.drain(), [Changed]);
    host.now = Instant::from_millis(20);
    assert_eq!(host.receive(&status(1)), [Changed]);
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}
