//! A device without a network: nothing is attempted, and no failure counts.

use super::*;
use crate::{
    limits::BREAKER_ATTEMPTS,
    state::{Blame, NetworkDown},
};

const LOST: Input<'static> = Input::Host(Host::Offline(NetworkDown::SignalLost));

/// A host that reports before its first attempt that it has no network.
fn offline(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(config);
    assert_eq!(host.report(Input::Host(Host::Offline(NetworkDown::Joining))), [Changed]);
    host
}

#[track_caller]
fn assert_offline(host: &ScriptedHost<'_>, reason: NetworkDown) {
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Offline(reason))));
    assert_eq!(host.waiting(), None);
}

#[test]
fn offline_dials_nothing_until_online() {
    for config in [RECONNECTS, POLLS] {
        let mut host = offline(config);
        assert_offline(&host, NetworkDown::Joining);
        assert_eq!(host.deadline, None, "there is nothing to wait for");
        assert_eq!(links(host.later(3_600_000)), []);
        assert!(!host.session.is_over());
        assert_eq!(host.session.state().connection().attempt, 0);
        let asks = config.http.then_some(Dial(Http));
        assert_eq!(
            links(host.report(Input::Host(Host::Online))),
            asks.into_iter().chain([Dial(Ws)]).collect::<Vec<_>>()
        );
        assert_eq!(host.session.state().connection().attempt, 1);
        assert_eq!(links(host.report(Input::Host(Host::Online))), [], "it is known");
    }
}

#[test]
fn session_starts_online() {
    let mut host = ScriptedHost::new(RECONNECTS);
    assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)]);
}

#[test]
fn offline_reason_is_shown_once_and_latest_wins() {
    let mut host = offline(RECONNECTS);
    host.later(1_000);
    for reason in [
        NetworkDown::WrongPassword,
        NetworkDown::NotFound,
        NetworkDown::Refused,
        NetworkDown::SignalLost,
        NetworkDown::NoAddress,
        NetworkDown::NoLink,
    ] {
        assert_eq!(links(host.report(Input::Host(Host::Offline(reason)))), []);
        host.later(1_000);
        assert_offline(&host, reason);
        assert_eq!(host.report(Input::Host(Host::Offline(reason))), [], "nothing changed");
        let fault = host.session.state().connection().fault.unwrap();
        assert_eq!(fault.name(), "offline");
        assert!(!fault.message().is_empty() && !fault.advice().is_empty() && !fault.needs_a_person());
        let yours = matches!(reason, NetworkDown::WrongPassword | NetworkDown::NotFound);
        assert_eq!(fault.blame(), if yours { Blame::Config } else { Blame::Network });
    }
}

#[test]
fn offline_drops_links_in_any_phase() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(RECONNECTS);
        host.drain();
        advance(&mut host);
        assert_eq!(links(host.report(LOST)), [Close(Ws)]);
        assert_offline(&host, NetworkDown::SignalLost);
        assert_eq!(host.deadline.filter(|at| *at > Instant::from_millis(2_000)), None);
        // Its last bytes arrive late.
        host.report_without_polling(Input::Closed(Ws, End::Broken));
        host.report_without_polling(Input::Bytes(Ws, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert_eq!(links(host.drain()), []);
        assert_offline(&host, NetworkDown::SignalLost);
    }
    let mut host = ScriptedHost::connected_with(POLLS);
    host.receive(&start("p"));
    assert_eq!(links(host.report(LOST)), [Close(Ws), Close(Http)], "it was asking");
    host.later(3_600_000);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)), "the prompt is as it was");
    assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Http), Dial(Ws)]);
}

#[test]
fn offline_does_not_wait_for_a_pending_send() {
    let (mut host, request) = ScriptedHost::handshaking_with(RECONNECTS);
    host.slow = true;
    host.receive(&accept(&request));
    assert_eq!(links(host.report(LOST)), [Close(Ws)]);
    host.slow = false;
    assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)]);
    host.open_socket();
}

#[test]
fn online_after_a_long_time_dials_at_once() {
    let mut host = ScriptedHost::new(RECONNECTS);
    host.drain();
    host.report(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)));
    host.report(LOST);
    assert_offline(&host, NetworkDown::SignalLost);
    assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)], "before that wait is over");
    // It did not count as a failure either.
    host.report(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((1_500, WaitingFor::Backoff)));
}

#[test]
fn flapping_network_respects_the_breaker() {
    let mut host = offline(RECONNECTS);
    for n in 1..=BREAKER_ATTEMPTS {
        assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)], "{n}");
        assert_eq!(links(host.report(LOST)), [Close(Ws)], "{n}");
        host.at(n as u64 * 1_000);
    }
    assert_eq!(links(host.report(Input::Host(Host::Online))), []);
    assert_eq!(host.waiting(), Some((60_000, WaitingFor::Backoff)));
    assert_eq!(host.status().0, ConnectionStatus::Disconnected);
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
    host.report(LOST);
    assert_offline(&host, NetworkDown::SignalLost);
    host.report(Input::Host(Host::Online));
    assert_eq!(host.due(60_000), [Dial(Ws)]);
}

#[test]
fn offline_keeps_the_circuit_open_unless_reconnect() {
    for by_hand in [false, true] {
        let mut host = ScriptedHost::new(RECONNECTS);
        host.drain();
        while host.session.session().circuit() == Circuit::Closed {
            host.report(Input::Closed(Ws, End::Unreachable));
            if let Some((until, WaitingFor::Backoff)) = host.waiting() {
                host.at(until);
                host.report(Input::Host(Host::Wake));
            }
        }
        let until = host.waiting().unwrap().0;
        host.report(LOST);
        assert_offline(&host, NetworkDown::SignalLost);
        if by_hand {
            assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [], "there is no network");
            assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)]);
        } else {
            assert_eq!(links(host.report(Input::Host(Host::Online))), []);
            assert_eq!(host.waiting(), Some((until, WaitingFor::Circuit)));
            assert_eq!(host.status().0, ConnectionStatus::Error);
            assert_eq!(host.due(until), [Dial(Ws)]);
        }
    }
}

#[test]
fn offline_after_a_proven_connection_resets_the_waits() {
    let mut host = ScriptedHost::new(RECONNECTS);
    host.drain();
    host.report(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.due(1_000), [Dial(Ws)]);
    let request = host.open_socket();
    host.receive(&accept(&request));
    host.at(100_000);
    host.report(LOST);
    host.report(Input::Host(Host::Online));
    host.report(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((101_000, WaitingFor::Backoff)), "the waits begin anew");
}

#[test]
fn offline_after_the_end_is_ignored() {
    let mut host = offline(RECONNECTS);
    host.report(Input::Host(Host::Leave));
    assert_eq!(host.status().0, ConnectionStatus::Disconnected);
    host.later(1_000);
    host.assert_over();
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), []);
    assert_eq!(host.report(Input::Host(Host::Online)), []);

    let mut host = ScriptedHost::new(RECONNECTS);
    host.drain();
    host.open_socket();
    host.receive(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    host.later(1_000);
    assert_eq!(host.report(LOST), []);
    assert_eq!(host.report(Input::Host(Host::Online)), []);
    assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Refused(401))));
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    host.open_socket();
    host.receive(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    host.report(LOST);
    assert_eq!(links(host.report(Input::Host(Host::Reconnect))), [], "there is no network");
    assert_eq!(links(host.report(Input::Host(Host::Online))), [Dial(Ws)], "a person wanted it");

    let mut session = Small::new(RECONNECTS, 1);
    session.attach(Instant::ZERO);
    session.handle_input(Instant::ZERO, LOST);
    assert_eq!(session.state().connection().status, ConnectionStatus::Connected);
}

#[test]
fn unknown_name_is_resolved_again() {
    let mut host = ScriptedHost::new(POLLS);
    host.drain();
    assert_eq!(links(host.report(Input::Closed(Ws, End::NameUnknown))), []);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::NameUnknown)));
    assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)));
    let fault = Fault::new(FaultKind::NameUnknown);
    assert_eq!((fault.name(), fault.blame(), fault.needs_a_person()), ("name_unknown", Blame::Config, false));
    assert!(host.due(1_000).contains(&Dial(Ws)));
}
