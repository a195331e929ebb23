//! A socket that is open, but receives no events.

use super::{
    reconcile::{NOT_FOUND, polling_host, remaining},
    *,
};
use crate::limits::{DEAF_GRACE_SECONDS, DEAF_SECONDS};

const FIRST: u64 = RECONCILE_MILLIS + DEAF_SECONDS * 1_000;
const GRACE: u64 = DEAF_GRACE_SECONDS * 1_000;
const PROMPT: &str = "/prompt";

/// A host whose socket was silent for half a minute, and which asks over HTTP.
fn silent(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = polling_host(config, 0);
    host.respond_json(PROMPT, &remaining(0));
    assert_eq!(host.due(FIRST), [Dial(Http)]);
    host
}

#[test]
fn deaf_socket_is_closed_and_opened_again() {
    let mut host = silent(POLLS);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    assert_eq!(host.status(), (ConnectionStatus::Connected, None), "it may be on its way");
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    let did = host.respond_json(PROMPT, &remaining(1));
    assert_eq!((unmasked(&did[0]), did[1].clone()), ((0x88, 1000_u16.to_be_bytes().to_vec()), Close(Ws)));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Deaf)));
    assert_eq!(host.waiting(), Some((FIRST + GRACE + 1_000, WaitingFor::Backoff)));
    assert_eq!(host.due(FIRST + GRACE + 1_000), [Dial(Ws)]);
    let request = host.open_socket();
    host.receive(&[accept(&request), status(1)].concat());
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn socket_that_receives_a_message_is_not_deaf() {
    // Other messages are no status, but the queue's may stand behind them.
    for (heard, remains) in [(status(0), 1), (status(1), 1), (text(r#"{"type": "x", "data": {}}"#), 1), (Vec::new(), 0)]
    {
        let mut host = silent(POLLS);
        host.respond_json(PROMPT, &remaining(1));
        host.respond_json("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
        host.later(100);
        if !heard.is_empty() {
            host.receive(&heard);
        }
        while !links(host.report(Input::Host(Host::Wake))).contains(&Dial(Http)) {
            host.now = host.deadline.unwrap();
        }
        assert!(!links(host.respond_json(PROMPT, &remaining(remains))).contains(&Close(Ws)));
        assert_eq!(host.status(), (ConnectionStatus::Connected, None));
    }
}

#[test]
fn socket_silent_from_the_start_is_deaf() {
    let (mut host, request) = ScriptedHost::handshaking_with(POLLS);
    host.receive(&accept(&request));
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(0));
    assert_eq!(host.due(RECONCILE_MILLIS + GRACE), [Dial(Http)]);
    assert!(host.respond_json(PROMPT, &remaining(0)).contains(&Close(Ws)));
    assert_eq!(host.status().1, Some(FaultKind::Deaf));
}

#[test]
fn pong_does_not_disprove_deafness() {
    let mut host = silent(POLLS);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    host.receive(&frame(0x8a, b"pong"));
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    assert!(host.respond_json(PROMPT, &remaining(1)).contains(&Close(Ws)));
}

#[test]
fn deafness_after_a_submission_is_found_early() {
    let mut host = silent(POLLS);
    host.respond_json(PROMPT, &remaining(0));
    host.at(40_000);
    host.report(Input::Host(Host::Graph { prompt_id: Id::from("p"), nodes: 3 }));
    assert_eq!(host.due(40_000 + GRACE), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    assert_eq!(host.due(40_000 + 2 * GRACE), [Dial(Http)]);
    assert!(host.respond_json(PROMPT, &remaining(1)).contains(&Close(Ws)));
}

#[test]
fn deaf_at_the_last_attempt_requests_nothing() {
    let mut host = silent(WITH_HTTP);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json("/api/jobs?status=in_progress&limit=1", r#"{"jobs": [{"id": "p", "status": "in_progress"}]}"#);
    host.respond_json("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": []}"#);
    host.respond(LOG, NOT_FOUND);
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    // The socket stays silent during the request; a prompt ended, whose outcome would be requested next.
    assert!(!links(host.respond_json(PROMPT, &remaining(3))).contains(&Dial(Http)));
    host.assert_over();
}
