//! Pings, and links that went silent.

use super::*;
use crate::limits::LATE_WAKE_SECONDS;

const BEATS: Config<'static> = Config { heartbeat: HeartbeatConfig::DEFAULT, ..RECONNECTS };

/// A host whose socket opened at once.
fn open() -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::handshaking_with(BEATS);
    host.receive(&accept(&request));
    host
}

#[track_caller]
fn pings(did: &[Did], number: u8) {
    assert_eq!((did.len(), unmasked(&did[0])), (1, (0x89, vec![0, 0, 0, number])));
}

fn pong(number: u8) -> Vec<u8> {
    frame(0x8a, &[0, 0, 0, number])
}

#[test]
fn first_ping_after_1_s_then_30_s_after_each_pong() {
    let mut host = open();
    let mut at = 1_000;
    for number in 1..5 {
        pings(&host.due(at), number);
        assert_eq!(host.session.state().quality().latency().is_some(), number > 1);
        host.at(at + 40);
        assert_eq!(links(host.receive(&pong(number))), []);
        let quality = host.session.state().quality();
        assert_eq!(quality.latency(), Some(Duration::from_millis(40)));
        assert_eq!(quality.uptime(host.now), Some(Duration::from_millis(at + 40)));
        at += 30_040;
    }
    assert_eq!(host.session.state().quality().latency(), Some(Duration::from_millis(40)));
}

#[test]
fn no_pong_for_15_s_is_silent() {
    let mut host = open();
    pings(&host.due(1_000), 1);
    assert_eq!(host.due(16_000), [Close(Ws)]);
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Silent)));
    assert_eq!(host.waiting(), Some((17_000, WaitingFor::Backoff)));
    assert_eq!(host.session.state().quality().uptime(host.now), None);
}

#[test]
fn partial_frame_counts_as_life() {
    let mut host = open();
    pings(&host.due(1_000), 1);
    host.receive(&[0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 0]);
    for at in [10_000, 24_000, 38_000] {
        host.at(at);
        assert_eq!(links(host.receive(&[0; 10])), []);
    }
    assert_eq!(host.due(53_000), [Close(Ws)], "its last byte was 15 s ago");
    assert_eq!(host.status().1, Some(FaultKind::Silent));
}

#[test]
fn unsent_ping_times_out_from_its_due_time() {
    let mut host = open();
    host.slow = true;
    pings(&host.due(1_000), 1);
    assert_eq!(host.due(16_000), [Close(Ws)], "the link takes nothing any more");
    host.slow = false;
    assert_eq!(host.due(17_000), [Dial(Ws)]);
    host.open_socket();
}

#[test]
fn late_wake_pings_again_before_giving_up() {
    let late = 16_000 + LATE_WAKE_SECONDS * 1_000;
    for (at, gone) in [(late - 1, true), (late, true), (late + 1, false), (3_600_000, false)] {
        let mut host = open();
        pings(&host.due(1_000), 1);
        host.at(at);
        let did = links(host.report(Input::Host(Host::Wake)));
        if gone {
            assert_eq!(did, [Close(Ws)]);
            continue;
        }
        pings(&did, 2);
        host.later(10);
        assert_eq!(links(host.receive(&[pong(1), pong(2)].concat())), []);
        assert_eq!(host.session.state().quality().latency(), Some(Duration::from_millis(10)), "the first is no more");
        pings(&host.due(at + 30_010), 3);
        assert_eq!(host.due(at + 45_010), [Close(Ws)]);
    }
}

#[test]
fn heartbeat_restarts_with_each_connection() {
    let mut host = open();
    pings(&host.due(1_000), 1);
    host.report(Input::Closed(Ws, End::Eof));
    assert_eq!(host.due(2_000), [Dial(Ws)]);
    let request = host.open_socket();
    host.at(2_500);
    host.receive(&[accept(&request), pong(1)].concat());
    assert_eq!(host.session.state().quality().latency(), None, "no such ping was sent");
    pings(&host.due(3_500), 1);
}
