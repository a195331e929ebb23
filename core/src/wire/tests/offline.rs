//! A device without a network: nothing is attempted, and nobody is blamed for it.

use super::*;
use crate::{
    limits::BREAKER_ATTEMPTS,
    state::{Blame, NetworkDown},
};

const LOST: Input<'static> = Input::Host(Host::Offline(NetworkDown::SignalLost));

/// A gadget knows before its first attempt that it has no network.
fn offline(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = ScriptedHost::new(config);
    assert_eq!(host.tell(Input::Host(Host::Offline(NetworkDown::Joining))), [Changed]);
    host
}

#[track_caller]
fn assert_offline(host: &ScriptedHost<'_>, reason: NetworkDown) {
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Offline(reason))));
    assert_eq!(host.waiting(), None);
}

#[test]
fn nothing_is_dialled_without_a_network_and_at_once_with_one() {
    for config in [TRIES, POLLS] {
        let mut host = offline(config);
        assert_offline(&host, NetworkDown::Joining);
        assert_eq!(host.deadline, None, "there is nothing to wait for");
        assert_eq!(links(host.later(3_600_000)), []);
        assert!(!host.session.is_over());
        assert_eq!(host.session.state().connection().attempt, 0);
        let asks = config.http.then_some(Dial(Http));
        assert_eq!(links(host.tell(Input::Host(Host::Online))), asks.into_iter().chain([Dial(Ws)]).collect::<Vec<_>>());
        assert_eq!(host.session.state().connection().attempt, 1);
        assert_eq!(links(host.tell(Input::Host(Host::Online))), [], "it is known");
    }
}

#[test]
fn a_session_that_is_never_told_is_online() {
    let mut host = ScriptedHost::new(TRIES);
    assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)]);
}

#[test]
fn each_absence_is_told_once_and_the_latest_stays() {
    let mut host = offline(TRIES);
    host.later(1_000);
    for reason in [
        NetworkDown::WrongPassword,
        NetworkDown::NotFound,
        NetworkDown::Refused,
        NetworkDown::SignalLost,
        NetworkDown::NoAddress,
        NetworkDown::NoLink,
    ] {
        assert_eq!(links(host.tell(Input::Host(Host::Offline(reason)))), []);
        host.later(1_000);
        assert_offline(&host, reason);
        assert_eq!(host.tell(Input::Host(Host::Offline(reason))), [], "nothing changed");
        let fault = host.session.state().connection().fault.unwrap();
        assert_eq!(fault.name(), "offline");
        assert!(!fault.message().is_empty() && !fault.advice().is_empty() && !fault.needs_a_person());
        let yours = matches!(reason, NetworkDown::WrongPassword | NetworkDown::NotFound);
        assert_eq!(fault.blame(), if yours { Blame::Config } else { Blame::Network });
    }
}

#[test]
fn what_is_on_its_way_is_dropped_with_the_network() {
    for advance in BEFORE_OPEN {
        let mut host = ScriptedHost::new(TRIES);
        host.drain();
        advance(&mut host);
        assert_eq!(links(host.tell(LOST)), [Close(Ws)]);
        assert_offline(&host, NetworkDown::SignalLost);
        assert_eq!(host.deadline.filter(|at| *at > Instant::from_millis(2_000)), None);
        // Its last words come late.
        host.told(Input::Closed(Ws, End::Broken));
        host.told(Input::Bytes(Ws, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert_eq!(links(host.drain()), []);
        assert_offline(&host, NetworkDown::SignalLost);
    }
    let mut host = ScriptedHost::connected_with(POLLS);
    host.hear(&start("p"));
    assert_eq!(links(host.tell(LOST)), [Close(Ws), Close(Http)], "it was asking");
    host.later(3_600_000);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)), "the prompt is as it was");
    assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Http), Dial(Ws)]);
}

#[test]
fn what_is_being_sent_holds_nothing_up() {
    let (mut host, request) = ScriptedHost::asked_with(TRIES);
    host.slow = true;
    host.hear(&accept(&request));
    assert_eq!(links(host.tell(LOST)), [Close(Ws)]);
    host.slow = false;
    assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)]);
    host.opens();
}

#[test]
fn nobody_is_waited_for_that_the_network_kept_away() {
    let mut host = ScriptedHost::new(TRIES);
    host.drain();
    host.tell(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)));
    host.tell(LOST);
    assert_offline(&host, NetworkDown::SignalLost);
    assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)], "before that wait is over");
    // Nor did it count as a failure of the server.
    host.tell(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((1_500, WaitingFor::Backoff)));
}

#[test]
fn a_network_that_comes_and_goes_opens_no_circuit_and_visits_no_server_too_often() {
    let mut host = offline(TRIES);
    for n in 1..=BREAKER_ATTEMPTS {
        assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)], "{n}");
        assert_eq!(links(host.tell(LOST)), [Close(Ws)], "{n}");
        host.at(n as u64 * 1_000);
    }
    assert_eq!(links(host.tell(Input::Host(Host::Online))), []);
    assert_eq!(host.waiting(), Some((60_000, WaitingFor::Backoff)));
    assert_eq!(host.status().0, ConnectionStatus::Disconnected);
    assert_eq!(host.session.session().circuit(), Circuit::Closed);
    host.tell(LOST);
    assert_offline(&host, NetworkDown::SignalLost);
    host.tell(Input::Host(Host::Online));
    assert_eq!(host.due(60_000), [Dial(Ws)]);
}

#[test]
fn an_open_circuit_stays_so_unless_a_person_wants_it() {
    for by_hand in [false, true] {
        let mut host = ScriptedHost::new(TRIES);
        host.drain();
        while host.session.session().circuit() == Circuit::Closed {
            host.tell(Input::Closed(Ws, End::Unreachable));
            if let Some((until, WaitingFor::Backoff)) = host.waiting() {
                host.at(until);
                host.tell(Input::Host(Host::Wake));
            }
        }
        let until = host.waiting().unwrap().0;
        host.tell(LOST);
        assert_offline(&host, NetworkDown::SignalLost);
        if by_hand {
            assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [], "there is no network");
            assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)]);
        } else {
            assert_eq!(links(host.tell(Input::Host(Host::Online))), []);
            assert_eq!(host.waiting(), Some((until, WaitingFor::Circuit)));
            assert_eq!(host.status().0, ConnectionStatus::Error);
            assert_eq!(host.due(until), [Dial(Ws)]);
        }
    }
}

#[test]
fn a_connection_that_had_proved_itself_is_not_forgotten() {
    let mut host = ScriptedHost::new(TRIES);
    host.drain();
    host.tell(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.due(1_000), [Dial(Ws)]);
    let request = host.opens();
    host.hear(&accept(&request));
    host.at(100_000);
    host.tell(LOST);
    host.tell(Input::Host(Host::Online));
    host.tell(Input::Closed(Ws, End::Unreachable));
    assert_eq!(host.waiting(), Some((101_000, WaitingFor::Backoff)), "the waits begin anew");
}

#[test]
fn who_left_or_gave_up_is_told_nothing_by_it() {
    let mut host = offline(TRIES);
    host.tell(Input::Host(Host::Leave));
    assert_eq!(host.status().0, ConnectionStatus::Disconnected);
    host.later(1_000);
    host.assert_over();
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), []);
    assert_eq!(host.tell(Input::Host(Host::Online)), []);

    let mut host = ScriptedHost::new(TRIES);
    host.drain();
    host.opens();
    host.hear(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    host.later(1_000);
    assert_eq!(host.tell(LOST), []);
    assert_eq!(host.tell(Input::Host(Host::Online)), []);
    assert_eq!(host.status(), (ConnectionStatus::Error, Some(FaultKind::Refused(401))));
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [Dial(Ws)]);
    host.opens();
    host.hear(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    host.tell(LOST);
    assert_eq!(links(host.tell(Input::Host(Host::Reconnect))), [], "there is no network");
    assert_eq!(links(host.tell(Input::Host(Host::Online))), [Dial(Ws)], "a person wanted it");

    let mut session = Small::new(TRIES, 1);
    session.attach(Instant::ZERO);
    session.handle_input(Instant::ZERO, LOST);
    assert_eq!(session.state().connection().status, ConnectionStatus::Connected);
}

#[test]
fn a_name_that_nobody_knows_is_looked_up_again() {
    let mut host = ScriptedHost::new(POLLS);
    host.drain();
    assert_eq!(links(host.tell(Input::Closed(Ws, End::NameUnknown))), []);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::NameUnknown)));
    assert_eq!(host.waiting(), Some((1_000, WaitingFor::Backoff)));
    let fault = Fault::new(FaultKind::NameUnknown);
    assert_eq!((fault.name(), fault.blame(), fault.needs_a_person()), ("name_unknown", Blame::Config, false));
    assert!(host.due(1_000).contains(&Dial(Ws)));
}
