//! Leaving, in every state.

use super::*;
use crate::limits::CLOSE_SECONDS;

#[test]
fn an_open_socket_is_closed_in_good_order() {
    let mut host = ScriptedHost::connected();
    let did = host.tell(Input::Host(Host::Leave));
    assert_eq!(unmasked(&did[0]), (0x88, 1000_u16.to_be_bytes().to_vec()));
    assert_eq!(did[1..], [Close(Ws), Changed]);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
    host.assert_over();
}

#[test]
fn leaving_before_the_socket_is_open_drops_it() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(CONFIG);
        host.drain();
        advance(&mut host);
        host.now = Instant::from_millis(100);
        assert_eq!(host.tell(Input::Host(Host::Leave)), [Close(Ws), Changed]);
        assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
        host.assert_over();
    }
    let mut host = ScriptedHost::new(CONFIG);
    assert_eq!(host.tell(Input::Host(Host::Leave)), [Changed], "nothing was dialled");
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, None));
    host.assert_over();
}

#[test]
fn leaving_waits_for_what_is_on_its_way_and_at_most_two_seconds() {
    let (mut host, request) = ScriptedHost::asked();
    host.slow = true;
    host.hear(&accept(&request));
    host.now = Instant::from_millis(1_000);
    assert_eq!(host.tell(Input::Host(Host::Leave)), [Changed]);
    let did = host.tell(Input::Sent(Ws));
    assert_eq!((did.len(), unmasked(&did[0]).0), (1, 0x88), "{did:?}");
    assert_eq!(host.hear(&status(4)), [], "nothing is read any more");
    assert_eq!(host.deadline, Some(Instant::from_millis(1_000 + CLOSE_SECONDS * 1_000)));
    assert_eq!(host.tell(Input::Sent(Ws)), [Close(Ws)]);
    host.assert_over();

    let (mut host, request) = ScriptedHost::asked();
    host.slow = true;
    host.hear(&accept(&request));
    host.tell(Input::Host(Host::Leave));
    assert_eq!(host.later(CLOSE_SECONDS * 1_000), [Close(Ws), Changed], "not even the flags were sent");
    host.slow = false;
    host.assert_over();
}

#[test]
fn leaving_drops_the_exchange_too() {
    for opened in [false, true] {
        let mut host = ScriptedHost::connected_with(ASKS);
        assert_eq!(host.hear(&start("p")), [Dial(Http), Changed]);
        if opened {
            host.tell(Input::Opened(Http));
        }
        host.later(1_000);
        let did = host.tell(Input::Host(Host::Leave));
        assert_eq!(did.iter().filter(|did| **did == Close(Http)).count(), 1, "{did:?}");
        assert_eq!(did.iter().filter(|did| **did == Close(Ws)).count(), 1, "{did:?}");
        host.assert_over();
    }
}

#[test]
fn leaving_twice_or_after_the_end_changes_nothing() {
    let mut host = ScriptedHost::connected();
    host.tell(Input::Host(Host::Leave));
    host.later(1_000);
    host.tell(Input::Host(Host::Leave));
    host.assert_over();

    let mut host = ScriptedHost::connected();
    host.tell(Input::Closed(Ws, End::Eof));
    host.later(1_000);
    host.tell(Input::Host(Host::Leave));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Closed)), "why it ended stays known");
    host.assert_over();
}
