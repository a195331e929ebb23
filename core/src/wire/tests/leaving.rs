//! Leaving, in every phase.

use super::*;
use crate::limits::CLOSE_SECONDS;

#[test]
fn leave_sends_a_close_frame_first() {
    let mut host = ScriptedHost::connected();
    let did = host.report(Input::Host(Host::Leave));
    assert_eq!(unmasked(&did[0]), (0x88, 1000_u16.to_be_bytes().to_vec()));
    assert_eq!(did[1..], [Close(Ws), Changed]);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
    host.assert_over();
}

#[test]
fn leave_before_open_drops_the_link() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(CONFIG);
        host.drain();
        advance(&mut host);
        host.now = Instant::from_millis(100);
        assert_eq!(host.report(Input::Host(Host::Leave)), [Close(Ws), Changed]);
        assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
        host.assert_over();
    }
    let mut host = ScriptedHost::new(CONFIG);
    assert_eq!(host.report(Input::Host(Host::Leave)), [Changed], "nothing was dialled");
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
    host.assert_over();
}

#[test]
fn leave_waits_at_most_two_seconds_for_a_pending_send() {
    let (mut host, request) = ScriptedHost::handshaking();
    host.slow = true;
    host.receive(&accept(&request));
    host.now = Instant::from_millis(1_000);
    assert_eq!(host.report(Input::Host(Host::Leave)), [Changed]);
    let did = host.report(Input::Sent(Ws));
    assert_eq!((did.len(), unmasked(&did[0]).0), (1, 0x88), "{did:?}");
    assert_eq!(host.receive(&status(4)), [], "nothing is read any more");
    assert_eq!(host.deadline, Some(Instant::from_millis(1_000 + CLOSE_SECONDS * 1_000)));
    assert_eq!(host.report(Input::Sent(Ws)), [Close(Ws)]);
    host.assert_over();

    let (mut host, request) = ScriptedHost::handshaking();
    host.slow = true;
    host.receive(&accept(&request));
    host.report(Input::Host(Host::Leave));
    assert_eq!(host.later(CLOSE_SECONDS * 1_000), [Close(Ws), Changed], "not even the flags were sent");
    host.slow = false;
    host.assert_over();
}

#[test]
fn leave_drops_the_exchange() {
    for opened in [false, true] {
        let mut host = ScriptedHost::connected_with(WITH_HTTP);
        assert_eq!(host.receive(&start("p")), [Dial(Http), Changed]);
        if opened {
            host.report(Input::Opened(Http));
        }
        host.later(1_000);
        let did = host.report(Input::Host(Host::Leave));
        assert_eq!(did.iter().filter(|did| **did == Close(Http)).count(), 1, "{did:?}");
        assert_eq!(did.iter().filter(|did| **did == Close(Ws)).count(), 1, "{did:?}");
        host.assert_over();
    }
}

#[test]
fn leave_twice_or_after_the_end_changes_nothing() {
    let mut host = ScriptedHost::connected();
    host.report(Input::Host(Host::Leave));
    host.later(1_000);
    host.report(Input::Host(Host::Leave));
    host.assert_over();

    let mut host = ScriptedHost::connected();
    host.report(Input::Closed(Ws, End::Eof));
    host.later(1_000);
    host.report(Input::Host(Host::Leave));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Closed)), "why it ended stays known");
    host.assert_over();
}
