//! Deadlines, wake-ups and held-back changes.

use super::*;
use crate::limits::{CONNECT_SECONDS, DEBOUNCE_MICROS};

const CONNECT: Instant = Instant::from_micros(CONNECT_SECONDS * 1_000_000);

#[test]
fn dialling_and_the_handshake_together_have_ten_seconds() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(CONFIG);
        host.drain();
        host.now = Instant::from_millis(9_000);
        advance(&mut host);
        assert_eq!(host.deadline, Some(CONNECT));
        host.now = Instant::from_micros(CONNECT.as_micros() - 1);
        assert_eq!(host.tell(Input::Host(Host::Wake)), [], "a microsecond early");
        assert_eq!(host.status(), (ConnectionStatus::Connecting, None));
        for late in [0, 1, 5_000_000] {
            let mut host = ScriptedHost::new(CONFIG);
            host.drain();
            advance(&mut host);
            host.now = Instant::from_micros(CONNECT.as_micros() + late);
            assert_eq!(host.tell(Input::Host(Host::Wake)), [Close(Ws), Changed]);
            assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::TimedOut)));
            host.assert_over();
        }
    }
}

#[test]
fn an_answer_in_the_last_microsecond_is_in_time() {
    let (mut host, request) = ScriptedHost::asked();
    host.now = Instant::from_micros(CONNECT.as_micros() - 1);
    host.hear(&accept(&request));
    assert_eq!(host.later(60_000), []);
    assert_eq!((host.status(), host.deadline), ((ConnectionStatus::Connected, None), None));
}

#[test]
fn a_wake_up_that_is_early_late_or_repeated_does_no_harm() {
    let mut host = ScriptedHost::new(CONFIG);
    assert_eq!(host.tell(Input::Host(Host::Wake)), [Dial(Ws), Changed]);
    for _ in 0..3 {
        assert_eq!(host.tell(Input::Host(Host::Wake)), []);
    }
    host.tell(Input::Opened(Ws));
    assert_eq!(host.tell(Input::Host(Host::Wake)), []);
    let mut host = ScriptedHost::connected();
    for millis in [0, 0, 1, 1_000_000] {
        assert_eq!(host.later(millis), []);
    }
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn the_first_change_is_told_at_once_then_one_each_16_ms_and_the_last_never_lost() {
    let mut host = ScriptedHost::connected();
    let began = host.now.as_micros();
    let mut told = Vec::new();
    for n in 0..100_u64 {
        host.now = Instant::from_micros(began + n * 1_000);
        let did = host.hear(&status(u32::try_from(n).unwrap()));
        assert!(did.iter().all(|did| *did == Changed) && did.len() < 2, "{did:?}");
        told.extend(did.iter().map(|_| n));
        let due = host.deadline.map(|at| (at.as_micros() - began) / 1_000);
        let last = told.last().copied().unwrap();
        assert_eq!(due, (last != n).then_some(last + DEBOUNCE_MICROS / 1_000));
    }
    assert_eq!(told, [0, 16, 32, 48, 64, 80, 96]);
    host.now = host.deadline.unwrap();
    assert_eq!(host.tell(Input::Host(Host::Wake)), [Changed], "the last");
    assert_eq!(host.session.view(host.now).queue_remaining, Some(99));
    assert_eq!((host.later(1_000), host.deadline), (vec![], None));
}

#[test]
fn messages_that_change_nothing_shown_are_no_reason_to_paint() {
    let mut host = ScriptedHost::connected();
    assert_eq!(host.hear(&status(1)), [Changed]);
    host.later(1_000);
    for nothing in [status(1), text("no JSON"), text(r#"{"type": "x"}"#), frame(0x82, &[0, 0, 0, 9])] {
        assert_eq!((host.hear(&nothing), host.deadline), (vec![], None));
    }
    let messages = host.session.state().messages();
    assert_eq!((messages.text, messages.binary, messages.malformed, messages.unknown), (4, 1, 1, 2));
}

#[test]
fn nothing_is_sent_while_something_is_on_its_way() {
    let (mut host, request) = ScriptedHost::asked_with(ASKS);
    host.slow = true;
    assert_eq!(host.hear(&accept(&request)).len(), 1, "the flags");
    assert_eq!(host.hear(&frame(0x89, b"1")), []);
    assert_eq!(host.hear(&frame(0x89, b"2")), []);
    let did = host.hear(&start("p"));
    assert_eq!(did, [Dial(Http)]);
    assert_eq!(host.tell(Input::Opened(Http)), []);
    assert_eq!(host.tell(Input::Sent(Http)), [], "that was not it");
    let did = host.tell(Input::Sent(Ws));
    assert_eq!(unmasked(&did[0]), (0x8a, b"2".to_vec()), "of several pings the last is answered");
    assert_eq!(did.len(), 1);
    let did = host.tell(Input::Sent(Ws));
    assert!(matches!(&did[..], [Send(Http, _)]), "{did:?}");
    assert_eq!(host.hear(&frame(0x89, b"3")), []);
    let did = host.tell(Input::Sent(Http));
    assert_eq!(unmasked(&did[0]), (0x8a, b"3".to_vec()));
}
