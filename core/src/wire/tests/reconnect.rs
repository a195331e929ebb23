//! When the next attempt is made.

use super::*;
use crate::limits::{BREAKER_ATTEMPTS, PROVEN_SECONDS, RETRY_AFTER_SECONDS};

/// A host that is dialling the socket.
fn dialling(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(config);
    host.drain();
    host
}

/// The dialled socket opens and gets this response to its handshake.
fn refuses(host: &mut ScriptedHost<'_>, answer: &str) {
    host.open_socket();
    host.receive(answer.as_bytes());
}

/// The dialled socket connects and stays open.
fn succeeds(host: &mut ScriptedHost<'_>) {
    let request = host.open_socket();
    host.receive(&accept(&request));
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn waits_grow_by_half_until_the_circuit_opens() {
    let mut host = dialling(RECONNECTS);
    let mut at = 0;
    for wait in [1_000, 1_500, 2_250, 3_375] {
        assert_eq!(links(host.report(Input::Closed(Ws, End::Unreachable))), []);
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
    // The sixth attempt within a minute opens the circuit, for longer each time.
    for cool_down in [30_000, 60_000, 120_000, 240_000, 300_000, 300_000] {
        host.report(Input::Closed(Ws, End::Unreachable));
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
    host.receive(&status(1));
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
}

#[test]
fn connection_alive_for_5_s_resets_the_waits() {
    for (lived, wait) in [(PROVEN_SECONDS * 1_000 - 1, 1_500), (PROVEN_SECONDS * 1_000, 1_000)] {
        let mut host = dialling(RECONNECTS);
        host.report(Input::Closed(Ws, End::Unreachable));
        host.due(1_000);
        succeeds(&mut host);
        host.at(1_000 + lived);
        host.report(Input::Closed(Ws, End::Eof));
        assert_eq!(host.waiting(), Some((1_000 + lived + wait, WaitingFor::Backoff)));
    }
}

#[test]
fn short_lived_links_open_the_circuit() {
    let mut host = dialling(RECONNECTS);
    let mut at = 0;
    for _ in 1..BREAKER_ATTEMPTS {
        succeeds(&mut host);
        host.at(at + 6_000);
        host.report(Input::Closed(Ws, End::Eof));
        at += 7_000;
        assert_eq!(host.due(at), [Dial(Ws)]);
    }
    succeeds(&mut host);
    host.at(at + 6_000);
    host.report(Input::Closed(Ws, End::Eof));
    assert_eq!(host.waiting(), Some((at + 36_000, WaitingFor::Circuit)));
}

#[test]
fn short_lived_probe_keeps_the_circuit_open_longer() {
    let mut host = dialling(RECONNECTS);
    while host.session.session().circuit() == Circuit::Closed {
        host.report(Input::Closed(Ws, End::Unreachable));
        host.at(host.waiting().unwrap().0);
        host.report(Input::Host(Host::Wake));
    }
    assert_eq!(host.session.session().circuit(), Circuit::HalfOpen);
    succeeds(&mut host);
    host.later(PROVEN_SECONDS * 1_000 - 1);
    host.report(Input::Closed(Ws, End::Eof));
    let at = host.now.as_micros() / 1_000;
    assert_eq!(host.waiting(), Some((at + 60_000, WaitingFor::Circuit)));
}

#[test]
fn reconnect_dials_at_once() {
    let mut host = dialling(RECONNECTS);
    while host.session.session().circuit() == Circuit::Closed {
        host.report(Input::Closed(Ws, End::Unreachable));
        if let Some((until, WaitingFor::Backoff)) = host.waiting() {
            host.at(until);
            host.report(Input::Host(Host::Wake));
        }
    }
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [], "it is being made");
    let at = host.now.as_micros() / 1_000;
    host.report(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((at + 1_000, WaitingFor::Backoff)), "all begins anew");
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    succeeds(&mut host);
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [], "there is one");
}

#[test]
fn fault_that_needs_a_person_waits_for_reconnect() {
    for status in [301, 302, 307, 308, 401, 403, 404, 407] {
        let mut host = dialling(POLLS);
        refuses(&mut host, &format!("HTTP/1.1 {status} X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Refused(status))));
        host.later(100);
        host.assert_over();
        assert!(host.report(Input::Host(Host::Reconnect)).contains(&Dial(Ws)), "{status}");
        assert!(!host.session.is_over());
        succeeds(&mut host);
    }
    for code in [1008_u16, 3000, 3003, 4401, 4403] {
        let mut host = dialling(POLLS);
        succeeds(&mut host);
        host.receive(&frame(0x88, &code.to_be_bytes()));
        assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::ClosedWith(code))));
        host.later(100);
        host.assert_over();
    }
}

#[test]
fn temporary_fault_is_retried() {
    for status in [200, 204, 400, 402, 429, 500, 502, 503, 504] {
        let mut host = dialling(RECONNECTS);
        refuses(&mut host, &format!("HTTP/1.1 {status} X\r\n\r\n"));
        assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)), "{status}");
    }
    for code in [1000_u16, 1001, 1009, 1011, 1012, 1013, 4000] {
        let mut host = dialling(RECONNECTS);
        succeeds(&mut host);
        host.receive(&frame(0x88, &code.to_be_bytes()));
        assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)), "{code}");
        assert_eq!(host.due(1_000), [Dial(Ws)]);
    }
}

#[test]
fn retry_after_extends_the_wait() {
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
            let mut host = dialling(RECONNECTS);
            refuses(&mut host, &format!("HTTP/1.1 {status} X\r\nRetry-After: {asked}\r\n\r\n"));
            assert_eq!(host.waiting(), Some((wait * 1_000, why)), "{asked}");
            assert_eq!(host.due(wait * 1_000), [Dial(Ws)]);
            // It counts for one response only.
            host.report(Input::Closed(Ws, End::Unreachable));
            assert_eq!(host.waiting(), Some((wait * 1_000 + 1_500, WaitingFor::Backoff)));
        }
    }
}

#[test]
fn attempt_limit_ends_the_session() {
    for attempts in 1..4 {
        let limited = ReconnectConfig { attempts: Some(attempts), ..RECONNECTS.reconnect };
        let mut host = dialling(Config { reconnect: limited, ..POLLS });
        for n in 1..attempts {
            host.report(Input::Closed(Ws, End::Unreachable));
            host.at(host.waiting().unwrap().0);
            assert!(links(host.report(Input::Host(Host::Wake))).contains(&Dial(Ws)), "{n} of {attempts}");
        }
        host.report(Input::Closed(Ws, End::Unreachable));
        host.later(100);
        assert_eq!(host.waiting(), None);
        host.assert_over();
        assert!(host.report(Input::Host(Host::Reconnect)).contains(&Dial(Ws)));
    }
    // A proven connection resets the count.
    let limited = ReconnectConfig { attempts: Some(2), ..RECONNECTS.reconnect };
    let mut host = dialling(Config { reconnect: limited, ..RECONNECTS });
    for n in 0..9 {
        succeeds(&mut host);
        host.later(100_000);
        host.report(Input::Closed(Ws, End::Eof));
        assert!(host.waiting().is_some(), "{n}");
        host.at(host.waiting().unwrap().0);
        host.report(Input::Host(Host::Wake));
    }
}

#[test]
fn jitter_spreads_waits_over_their_upper_half() {
    let waits: Vec<u64> = (0..50)
        .map(|seed| {
            let mut session = Small::new(Config { reconnect: ReconnectConfig::DEFAULT, ..RECONNECTS }, seed);
            let _ = session.poll_output(Instant::ZERO);
            session.handle_input(Instant::ZERO, Input::Closed(Ws, End::Unreachable));
            session.state().connection().waiting.unwrap().until.as_micros()
        })
        .collect();
    assert!(waits.iter().all(|wait| (500_000..1_000_000).contains(wait)), "{waits:?}");
    assert!((0..10).all(|tenth| waits.iter().any(|wait| (wait - 500_000) / 50_000 == tenth)), "{waits:?}");
}
