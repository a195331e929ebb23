//! Deadlines, wake-ups and debounced changes.

use super::*;
use crate::limits::{CONNECT_SECONDS, DEBOUNCE_MICROS};

const CONNECT: Instant = Instant::from_micros(CONNECT_SECONDS * 1_000_000);

#[test]
fn connect_and_handshake_time_out_after_10_s() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(CONFIG);
        host.drain();
        host.now = Instant::from_millis(9_000);
        advance(&mut host);
        assert_eq!(host.deadline, Some(CONNECT));
        host.now = Instant::from_micros(CONNECT.as_micros() - 1);
        assert_eq!(host.report(Input::Host(Host::Wake)), [], "a microsecond early");
        assert_eq!(host.status(), (ConnectionStatus::Connecting, None));
        for late in [0, 1, 5_000_000] {
            let mut host = ScriptedHost::new(CONFIG);
            host.drain();
            advance(&mut host);
            host.now = Instant::from_micros(CONNECT.as_micros() + late);
            assert_eq!(host.report(Input::Host(Host::Wake)), [Close(Ws), Changed]);
            assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::TimedOut)));
            host.assert_over();
        }
    }
}

#[test]
fn handshake_one_microsecond_before_timeout_connects() {
    let (mut host, request) = ScriptedHost::handshaking();
    host.now = Instant::from_micros(CONNECT.as_micros() - 1);
    host.receive(&accept(&request));
    assert_eq!(host.later(60_000), []);
    assert_eq!((host.status(), host.deadline), ((ConnectionStatus::Connected, None), None));
}

#[test]
fn wake_early_late_or_repeated_changes_nothing() {
    let mut host = ScriptedHost::new(CONFIG);
    assert_eq!(host.report(Input::Host(Host::Wake)), [Dial(Ws), Changed]);
    for _ in 0..3 {
        assert_eq!(host.report(Input::Host(Host::Wake)), []);
    }
    host.report(Input::Opened(Ws));
    assert_eq!(host.report(Input::Host(Host::Wake)), []);
    let mut host = ScriptedHost::connected();
    for millis in [0, 0, 1, 1_000_000] {
        assert_eq!(host.later(millis), []);
    }
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn changes_are_reported_at_once_then_every_16_ms() {
    let mut host = ScriptedHost::connected();
    let began = host.now.as_micros();
    let mut told = Vec::new();
    for n in 0..100_u64 {
        host.now = Instant::from_micros(began + n * 1_000);
        let did = host.receive(&status(u32::try_from(n).unwrap()));
        assert!(did.iter().all(|did| *did == Changed) && did.len() < 2, "{did:?}");
        told.extend(did.iter().map(|_| n));
        let due = host.deadline.map(|at| (at.as_micros() - began) / 1_000);
        let last = told.last().copied().unwrap();
        assert_eq!(due, (last != n).then_some(last + DEBOUNCE_MICROS / 1_000));
    }
    assert_eq!(told, [0, 16, 32, 48, 64, 80, 96]);
    host.now = host.deadline.unwrap();
    assert_eq!(host.report(Input::Host(Host::Wake)), [Changed], "the last");
    assert_eq!(host.session.view(host.now).queue_remaining, Some(99));
    assert_eq!((host.later(1_000), host.deadline), (vec![], None));
}

#[test]
fn message_without_visible_change_reports_no_change() {
    let mut host = ScriptedHost::connected();
    assert_eq!(host.receive(&status(1)), [Changed]);
    host.later(1_000);
    for nothing in [status(1), text("no JSON"), text(r#"{"type": "x"}"#), frame(0x82, &[0, 0, 0, 9])] {
        assert_eq!((host.receive(&nothing), host.deadline), (vec![], None));
    }
    let messages = host.session.state().messages();
    assert_eq!((messages.text, messages.binary, messages.malformed, messages.unknown), (4, 1, 1, 2));
}

#[test]
fn sends_wait_for_the_pending_send() {
    let (mut host, request) = ScriptedHost::handshaking_with(WITH_HTTP);
    host.slow = true;
    assert_eq!(host.receive(&accept(&request)).len(), 1, "the flags");
    assert_eq!(host.receive(&frame(0x89, b"1")), []);
    assert_eq!(host.receive(&frame(0x89, b"2")), []);
    let did = host.receive(&start("p"));
    assert_eq!(did, [Dial(Http)]);
    assert_eq!(host.report(Input::Opened(Http)), []);
    assert_eq!(host.report(Input::Sent(Http)), [], "that was not it");
    let did = host.report(Input::Sent(Ws));
    assert_eq!(unmasked(&did[0]), (0x8a, b"2".to_vec()), "of several pings the last is answered");
    assert_eq!(did.len(), 1);
    let did = host.report(Input::Sent(Ws));
    assert!(matches!(&did[..], [Send(Http, _)]), "{did:?}");
    assert_eq!(host.receive(&frame(0x89, b"3")), []);
    let did = host.report(Input::Sent(Http));
    assert_eq!(unmasked(&did[0]), (0x8a, b"3".to_vec()));
}
