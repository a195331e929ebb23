//! When the next attempt is made.

use super::*;
use crate::limits::{BREAKER_ATTEMPTS, PROVEN_SECONDS, RETRY_AFTER_SECONDS};

/// A host without a socket yet, which is being dialled.
fn dialling(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(config);
    host.drain();
    host
}

/// The socket that was dialled gets this answer to its handshake.
fn refuses(host: &mut ScriptedHost<'_>, answer: &str) {
    host.opens();
    host.hear(answer.as_bytes());
}

/// The socket that was dialled opens and stays.
fn succeeds(host: &mut ScriptedHost<'_>) {
    let request = host.opens();
    host.hear(&accept(&request));
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn each_wait_is_half_as_long_again_until_the_circuit_opens() {
    let mut host = dialling(TRIES);
    let mut at = 0;
    for wait in [1_000, 1_500, 2_250, 3_375] {
        assert_eq!(links(host.tell(Input::Closed(Ws, End::Unreachable))), []);
        assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Unreachable)));
        assert_eq!(host.waiting(), Some((at + wait, WaitingFor::Backoff)));
        at += wait;
        assert_eq!(host.due(at), [Dial(Ws)]);
        assert_eq!(host.waiting(), None);
        assert_eq!(host.status(), (ConnectionStatus::Connecting, Some(FaultKind::Unreachable)));
    }
    assert_eq!(at, 8_125);
    let attempts = host.session.state().connection().attempt;
    assert_eq!(attempts as usize, BREAKER_ATTEMPTS);
    // The sixth within a minute: the circuit opens, for longer each time.
    for cool_down in [30_000, 60_000, 120_000, 240_000, 300_000, 300_000] {
        host.tell(Input::Closed(Ws, End::Unreachable));
        at += cool_down;
        assert_eq!(host.waiting(), Some((at, WaitingFor::Circuit)));
        assert_eq!(host.session.session().circuit(), Circuit::Open(Instant::from_millis(at)));
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Unreachable)));
        assert_eq!(host.due(at), [Dial(Ws)]);
        assert_eq!(host.session.session().circuit(), Circuit::HalfOpen);
    }
    succeeds(&mut host);
    assert_eq!(host.session.session().circuit(), Circuit::HalfOpen, "it has yet to prove itself");
    host.at(at + PROVEN_SECONDS * 1_000);
    host.hear(&status(1));
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
}

#[test]
fn a_connection_proves_itself_by_living_for_some_seconds() {
    for (lived, wait) in [(PROVEN_SECONDS * 1_000 - 1, 1_500), (PROVEN_SECONDS * 1_000, 1_000)] {
        let mut host = dialling(TRIES);
        host.tell(Input::Closed(Ws, End::Unreachable));
        host.due(1_000);
        succeeds(&mut host);
        host.at(1_000 + lived);
        host.tell(Input::Closed(Ws, End::Eof));
        assert_eq!(host.waiting(), Some((1_000 + lived + wait, WaitingFor::Backoff)));
    }
}

#[test]
fn links_that_live_for_seconds_only_open_the_circuit_too() {
    let mut host = dialling(TRIES);
    let mut at = 0;
    for _ in 1..BREAKER_ATTEMPTS {
        succeeds(&mut host);
        host.at(at + 6_000);
        host.tell(Input::Closed(Ws, End::Eof));
        at += 7_000;
        assert_eq!(host.due(at), [Dial(Ws)]);
    }
    succeeds(&mut host);
    host.at(at + 6_000);
    host.tell(Input::Closed(Ws, End::Eof));
    assert_eq!(host.waiting(), Some((at + 36_000, WaitingFor::Circuit)));
}

#[test]
fn a_probe_that_lives_but_briefly_leaves_it_open_for_longer() {
    let mut host = dialling(TRIES);
    while host.session.session().circuit() == Circuit::Closed {
        host.tell(Input::Closed(Ws, End::Unreachable));
        host.at(host.waiting().unwrap().0);
        host.tell(Input::Host(Host::Wake));
    }
    assert_eq!(host.session.session().circuit(), Circuit::HalfOpen);
    succeeds(&mut host);
    host.later(PROVEN_SECONDS * 1_000 - 1);
    host.tell(Input::Closed(Ws, End::Eof));
    let at = host.now.as_micros() / 1_000;
    assert_eq!(host.waiting(), Some((at + 60_000, WaitingFor::Circuit)));
}

#[test]
fn a_person_may_try_at_once() {
    let mut host = dialling(TRIES);
    while host.session.session().circuit() == Circuit::Closed {
        host.tell(Input::Closed(Ws, End::Unreachable));
        if let Some((until, WaitingFor::Backoff)) = host.waiting() {
            host.at(until);
            host.tell(Input::Host(Host::Wake));
        }
    }
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [], "it is being made");
    let at = host.now.as_micros() / 1_000;
    host.tell(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((at + 1_000, WaitingFor::Backoff)), "all begins anew");
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    succeeds(&mut host);
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [], "there is one");
}

#[test]
fn a_fault_that_needs_a_person_waits_for_one() {
    for status in [301, 302, 307, 308, 401, 403, 404, 407] {
        let mut host = dialling(POLLS);
        refuses(&mut host, &format!("HTTP/1.1 {status} X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Refused(status))));
        host.later(100);
        host.assert_over();
        assert!(host.tell(Input::Host(Host::Reconnect)).contains(&Dial(Ws)), "{status}");
        assert!(!host.session.is_over());
        succeeds(&mut host);
    }
    for code in [1008_u16, 3000, 3003, 4401, 4403] {
        let mut host = dialling(POLLS);
        succeeds(&mut host);
        host.hear(&frame(0x88, &code.to_be_bytes()));
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::ClosedWith(code))));
        host.later(100);
        host.assert_over();
    }
}

#[test]
fn other_faults_are_tried_again() {
    for status in [200, 204, 400, 402, 429, 500, 502, 503, 504] {
        let mut host = dialling(TRIES);
        refuses(&mut host, &format!("HTTP/1.1 {status} X\r\n\r\n"));
        assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)), "{status}");
    }
    for code in [1000_u16, 1001, 1009, 1011, 1012, 1013, 4000] {
        let mut host = dialling(TRIES);
        succeeds(&mut host);
        host.hear(&frame(0x88, &code.to_be_bytes()));
        assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)), "{code}");
        assert_eq!(host.due(1_000), [Dial(Ws)]);
    }
}

#[test]
fn the_server_may_ask_for_a_longer_wait() {
    let longest = u64::from(RETRY_AFTER_SECONDS);
    for (asked, wait, why) in [
        ("0", 1, WaitingFor::Backoff),
        ("1", 1, WaitingFor::Backoff),
        ("2", 2, WaitingFor::Server),
        (&(longest - 1).to_string(), longest - 1, WaitingFor::Server),
        (&longest.to_string(), longest, WaitingFor::Server),
        (&(longest + 1).to_string(), longest, WaitingFor::Server),
        ("99999999999999999999", 1, WaitingFor::Backoff),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1, WaitingFor::Backoff),
    ] {
        for status in [429, 503] {
            let mut host = dialling(TRIES);
            refuses(&mut host, &format!("HTTP/1.1 {status} X\r\nRetry-After: {asked}\r\n\r\n"));
            assert_eq!(host.waiting(), Some((wait * 1_000, why)), "{asked}");
            assert_eq!(host.due(wait * 1_000), [Dial(Ws)]);
            // It was about that answer only.
            host.tell(Input::Closed(Ws, End::Unreachable));
            assert_eq!(host.waiting(), Some((wait * 1_000 + 1_500, WaitingFor::Backoff)));
        }
    }
}

#[test]
fn attempts_may_be_counted() {
    for attempts in 1..4 {
        let limited = ReconnectConfig { attempts: Some(attempts), ..TRIES.reconnect };
        let mut host = dialling(Config { reconnect: limited, ..POLLS });
        for n in 1..attempts {
            host.tell(Input::Closed(Ws, End::Unreachable));
            host.at(host.waiting().unwrap().0);
            assert!(links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Ws)), "{n} of {attempts}");
        }
        host.tell(Input::Closed(Ws, End::Unreachable));
        host.later(100);
        assert_eq!(host.waiting(), None);
        host.assert_over();
        assert!(host.tell(Input::Host(Host::Reconnect)).contains(&Dial(Ws)));
    }
    // A connection that proved itself begins the count anew.
    let limited = ReconnectConfig { attempts: Some(2), ..TRIES.reconnect };
    let mut host = dialling(Config { reconnect: limited, ..TRIES });
    for n in 0..9 {
        succeeds(&mut host);
        host.later(100_000);
        host.tell(Input::Closed(Ws, End::Eof));
        assert!(host.waiting().is_some(), "{n}");
        host.at(host.waiting().unwrap().0);
        host.tell(Input::Host(Host::Wake));
    }
}

#[test]
fn chance_spreads_the_waits_over_their_upper_half() {
    let waits: Vec<u64> = (0..50)
        .map(|seed| {
            let mut session = Small::new(Config { reconnect: ReconnectConfig::DEFAULT, ..TRIES }, seed);
            let _ = session.poll_output(Instant::ZERO);
            session.handle_input(Instant::ZERO, Input::Closed(Ws, End::Unreachable));
            session.state().connection().waiting.unwrap().until.as_micros()
        })
        .collect();
    assert!(waits.iter().all(|wait| (500_000..1_000_000).contains(wait)), "{waits:?}");
    assert!((0..10).all(|tenth| waits.iter().any(|wait| (wait - 500_000) / 50_000 == tenth)), "{waits:?}");
}
