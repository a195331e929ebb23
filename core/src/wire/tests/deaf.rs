//! A socket that lives, but is told nothing.

use super::{
    reconcile::{NOT_FOUND, asked, remaining},
    *,
};
use crate::limits::{DEAF_GRACE_SECONDS, DEAF_SECONDS};

const FIRST: u64 = RECONCILE_MILLIS + DEAF_SECONDS * 1_000;
const GRACE: u64 = DEAF_GRACE_SECONDS * 1_000;
const PROMPT: &str = "/prompt";

/// A host whose socket was silent for half a minute, and which asks over HTTP.
fn silent(config: Config<'static>) -> ScriptedHost<'static> {
    let mut host = asked(config, 0);
    host.answers(PROMPT, &remaining(0));
    assert_eq!(host.due(FIRST), [Dial(Http)]);
    host
}

#[test]
fn a_difference_that_stays_is_a_deaf_socket_which_is_left_and_made_anew() {
    let mut host = silent(POLLS);
    host.answers(PROMPT, &remaining(1));
    host.answers("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    assert_eq!(host.status(), (ConnectionStatus::Connected, None), "it may be on its way");
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    let did = host.answers(PROMPT, &remaining(1));
    assert_eq!((unmasked(&did[0]), did[1].clone()), ((0x88, 1000_u16.to_be_bytes().to_vec()), Close(Ws)));
    assert_eq!(host.status(), (ConnectionStatus::Disconnected, Some(FaultKind::Deaf)));
    assert_eq!(host.waiting(), Some((FIRST + GRACE + 1_000, WaitingFor::Backoff)));
    assert_eq!(host.due(FIRST + GRACE + 1_000), [Dial(Ws)]);
    let request = host.opens();
    host.hear(&[accept(&request), status(1)].concat());
    assert_eq!(host.status(), (ConnectionStatus::Connected, None));
}

#[test]
fn a_socket_that_says_anything_meanwhile_is_not_deaf() {
    // Other messages are no status, but the queue's may stand behind them.
    for (heard, remains) in [(status(0), 1), (status(1), 1), (text(r#"{"type": "x", "data": {}}"#), 1), (Vec::new(), 0)]
    {
        let mut host = silent(POLLS);
        host.answers(PROMPT, &remaining(1));
        host.answers("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
        host.later(100);
        if !heard.is_empty() {
            host.hear(&heard);
        }
        while !links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Http)) {
            host.now = host.deadline.unwrap();
        }
        assert!(!links(host.answers(PROMPT, &remaining(remains))).contains(&Close(Ws)));
        assert_eq!(host.status(), (ConnectionStatus::Connected, None));
    }
}

#[test]
fn a_socket_that_was_told_nothing_from_the_start_is_deaf_too() {
    let (mut host, request) = ScriptedHost::asked_with(POLLS);
    host.hear(&accept(&request));
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(0));
    assert_eq!(host.due(RECONCILE_MILLIS + GRACE), [Dial(Http)]);
    assert!(host.answers(PROMPT, &remaining(0)).contains(&Close(Ws)));
    assert_eq!(host.status().1, Some(FaultKind::Deaf));
}

#[test]
fn a_ping_s_answer_is_no_sign_that_it_hears() {
    let mut host = silent(POLLS);
    host.answers(PROMPT, &remaining(1));
    host.answers("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    host.hear(&frame(0x8a, b"pong"));
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    assert!(host.answers(PROMPT, &remaining(1)).contains(&Close(Ws)));
}

#[test]
fn after_a_submission_it_is_soon_known() {
    let mut host = silent(POLLS);
    host.answers(PROMPT, &remaining(0));
    host.at(40_000);
    host.tell(Input::Host(Host::Graph { prompt_id: Id::from("p"), nodes: 3 }));
    assert_eq!(host.due(40_000 + GRACE), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    host.answers("/api/jobs?status=in_progress&limit=1", r#"{"jobs": []}"#);
    assert_eq!(host.due(40_000 + 2 * GRACE), [Dial(Http)]);
    assert!(host.answers(PROMPT, &remaining(1)).contains(&Close(Ws)));
}

#[test]
fn where_it_was_the_last_attempt_nothing_more_is_asked() {
    let mut host = silent(ASKS);
    host.answers(PROMPT, &remaining(1));
    host.answers("/api/jobs?status=in_progress&limit=1", r#"{"jobs": [{"id": "p", "status": "in_progress"}]}"#);
    host.answers("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": []}"#);
    host.responds(LOG, NOT_FOUND);
    assert_eq!(host.due(FIRST + GRACE), [Dial(Http)]);
    // While it is asked, the socket is silent; a prompt ended, whose outcome would be asked next.
    assert!(!links(host.answers(PROMPT, &remaining(3))).contains(&Dial(Http)));
    host.assert_over();
}
