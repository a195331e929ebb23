//! A client that reads too slowly leaves, since the server sends to one client after the other.

use super::{reconcile::remaining, *};
use crate::limits::{COURTESY_SECONDS, FLOW_GAP_MILLIS, POLL_SECONDS};

const FLOWS: Config<'static> = Config { heartbeat: HeartbeatConfig::DEFAULT, ..POLLS };
const PATIENCE: u64 = 5_000;

/// A host whose ping at 1 s isn't answered.
fn pinged() -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::handshaking_with(FLOWS);
    host.receive(&[accept(&request), status(0)].concat());
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json("/prompt", &remaining(0));
    let did = host.due(1_000);
    assert_eq!(unmasked(&did[0]), (0x89, vec![0, 0, 0, 1]));
    host
}

/// A message each `every` ms from `from` to `to`; what is to be done at the end.
fn flow(host: &mut ScriptedHost<'_>, from: u64, to: u64, every: usize) -> Vec<Did> {
    let mut did = Vec::new();
    for at in (from..=to).step_by(every) {
        assert_eq!(did, [], "before {at}");
        host.at(at);
        did = links(host.receive(&frame(0x82, &[0, 0, 0, 9])));
    }
    did
}

#[test]
fn pong_late_while_bytes_flow_drops_the_link_for_courtesy() {
    let mut host = pinged();
    assert_eq!(flow(&mut host, 1_000, 1_000 + PATIENCE, 500), []);
    host.at(1_001 + PATIENCE);
    assert_eq!(links(host.receive(&status(5))), [Close(Ws)], "a good-bye would stand behind all that is not read yet");
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Overrun)));
    assert_eq!(host.session.state().queue_remaining(), Some(5), "what was read counts");
    let left = 1_001 + PATIENCE;
    let back = left + COURTESY_SECONDS * 1_000;
    assert_eq!(host.waiting(), Some((back, WaitingFor::Courtesy)));
    for at in (left + POLL_SECONDS * 1_000..back).step_by(2_000) {
        assert_eq!(host.due(at), [Dial(Http)], "HTTP meanwhile");
        assert_eq!(links(host.respond_json("/prompt", &remaining(0))), [], "no hurry");
    }
    assert_eq!(host.due(back), [Dial(Http), Dial(Ws)]);
}

#[test]
fn pong_in_time_keeps_the_link_while_bytes_flow() {
    let mut host = pinged();
    flow(&mut host, 1_000, 1_000 + PATIENCE, 500);
    assert_eq!(links(host.receive(&frame(0x8a, &[0, 0, 0, 1]))), []);
    assert_eq!(host.session.state().quality().latency(), Some(Duration::from_millis(PATIENCE)));
    assert_eq!(flow(&mut host, 6_500, 30_000, 500), []);
}

#[test]
fn flow_gap_restarts_the_count() {
    let mut host = pinged();
    assert_eq!(flow(&mut host, 1_000, 5_000, 500), []);
    let at = 5_000 + FLOW_GAP_MILLIS + 1;
    assert_eq!(flow(&mut host, at, at + PATIENCE, 500), [], "counted from its end");
    host.at(at + PATIENCE + 1);
    assert_eq!(links(host.receive(b"\x81\x00")), [Close(Ws)]);

    let mut host = pinged();
    assert_eq!(flow(&mut host, 1_000, 6_000, 1_000), []);
    host.at(6_000 + FLOW_GAP_MILLIS);
    assert_eq!(links(host.receive(b"\x81\x00")), [Close(Ws)], "that was no gap");
}

#[test]
fn wake_after_an_hour_is_not_an_overrun() {
    let mut host = pinged();
    assert_eq!(flow(&mut host, 1_000, 5_000, 500), []);
    host.at(3_600_000);
    assert!(!host.receive(&status(1)).contains(&Close(Ws)));
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}
