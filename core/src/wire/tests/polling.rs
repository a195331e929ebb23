//! HTTP while there is no socket.

use super::{
    reconcile::{asked, jobs, remaining},
    *,
};
use crate::limits::{POLL_MAX_SECONDS, POLL_SECONDS};

const POLL: u64 = POLL_SECONDS * 1_000;
const PROMPT: &str = "/prompt";
const JOBS: &str = "/api/jobs?status=in_progress&limit=1";

/// The socket is tried again after an hour only.
const NO_SOCKET: Config<'static> = Config {
    reconnect: ReconnectConfig {
        backoff: BackoffConfig {
            initial: Duration::from_secs(3_600),
            max: Duration::from_secs(3_600),
            ..TRIES.reconnect.backoff
        },
        ..TRIES.reconnect
    },
    ..POLLS
};

/// A host whose socket broke the protocol at 1 s: that the server answers over HTTP is no reason to hurry back.
fn without_socket() -> ScriptedHost<'static> {
    let mut host = asked(NO_SOCKET, 0);
    host.answers(PROMPT, &remaining(0));
    host.at(1_000);
    assert_eq!(host.hear(&frame(0x83, b""))[1..], [Close(Ws), Changed]);
    host
}

#[test]
fn the_server_is_asked_each_two_seconds() {
    let mut host = without_socket();
    for n in 1..20_u32 {
        assert_eq!(host.due(1_000 + u64::from(n) * POLL), [Dial(Http)]);
        let runs = [None, Some("p")][n as usize % 2];
        host.answers(PROMPT, &remaining(1));
        host.answers(JOBS, &jobs(runs));
        let state = host.session.state();
        assert_eq!(state.queue_remaining(), Some(1));
        if n == 1 {
            assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
            host.answers("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": []}"#);
        } else if n == 2 {
            host.answers("/history/p", r#"{"p": {"status": {"status_str": "success"}}}"#);
        }
    }
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)), "an end is no beginning");
}

#[test]
fn while_nobody_answers_the_wait_doubles_up_to_half_a_minute_and_an_answer_ends_that() {
    let mut host = without_socket();
    let mut at = 1_000;
    for wait in [2, 2, 4, 8, 16, 30, 30] {
        at += wait * 1_000;
        assert_eq!(host.due(at), [Dial(Http)]);
        assert_eq!(links(host.tell(Input::Closed(Http, End::Unreachable))), []);
    }
    assert_eq!(POLL_MAX_SECONDS, 30);
    assert_eq!(host.due(at + 30_000), [Dial(Http)]);
    host.answers(PROMPT, &remaining(0));
    assert_eq!(host.due(at + 32_000), [Dial(Http)]);
}

#[test]
fn a_proxy_that_answers_for_it_is_nobody() {
    let mut host = without_socket();
    let mut at = 1_000;
    for wait in [2, 2, 4, 8] {
        at += wait * 1_000;
        assert_eq!(host.due(at), [Dial(Http)]);
        host.responds(PROMPT, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    }
}

#[test]
fn attempts_that_fail_soon_after_each_other_do_not_put_it_off() {
    let mut host = ScriptedHost::new(POLLS);
    assert_eq!(host.drain(), [Dial(Ws), Changed]);
    for (at, next) in [(0, 1_000), (1_000, 2_000)] {
        assert_eq!(links(host.tell(Input::Closed(Ws, End::Unreachable))), [], "{at}");
        if next == 1_000 {
            assert_eq!(host.due(next), [Dial(Ws)]);
        }
    }
    assert_eq!(host.due(2_000), [Dial(Http)], "two seconds after the first attempt began");
}

#[test]
fn while_the_socket_is_being_made_the_server_is_asked_too() {
    let mut host = ScriptedHost::new(POLLS);
    assert_eq!(host.drain(), [Dial(Ws), Changed]);
    assert_eq!(host.due(POLL), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(1))), [Dial(Http)]);
    host.answers(JOBS, &jobs(None));
    let request = host.opens();
    host.hear(&accept(&request));
    assert_eq!(host.due(POLL + RECONCILE_MILLIS), [Dial(Http)], "as after each connect");
}

#[test]
fn an_answer_brings_the_socket_back_at_once_where_the_server_had_been_away() {
    for end in [End::Unreachable, End::Eof, End::Broken] {
        let mut host = ScriptedHost::new(POLLS);
        host.drain();
        host.tell(Input::Closed(Ws, end));
        assert_eq!(host.due(1_000), [Dial(Ws)]);
        host.tell(Input::Closed(Ws, end));
        assert_eq!(host.waiting(), Some((2_500, WaitingFor::Backoff)));
        assert_eq!(host.due(2_000), [Dial(Http)]);
        assert_eq!(links(host.answers(PROMPT, &remaining(0))), [Dial(Ws)], "{end:?}");
    }
}

#[test]
fn an_answer_is_no_reason_to_hurry_past_the_breaker() {
    let mut host = ScriptedHost::new(POLLS);
    host.drain();
    let connects = |host: &mut ScriptedHost<'_>, at| {
        let request = host.opens();
        host.hear(&[accept(&request), status(0)].concat());
        assert_eq!(host.due(at + RECONCILE_MILLIS), [Dial(Http)]);
    };
    for at in [0, 14_800, 29_600, 44_400] {
        connects(&mut host, at);
        host.answers(PROMPT, &remaining(0));
        host.at(at + 13_800);
        host.tell(Input::Closed(Ws, End::Eof));
        assert_eq!(host.due(at + 14_800), [Dial(Ws)]);
    }
    connects(&mut host, 59_200);
    assert_eq!(host.asks(), PROMPT);
    host.at(59_550);
    host.tell(Input::Closed(Ws, End::Eof));
    assert_eq!(host.waiting(), Some((61_050, WaitingFor::Backoff)));
    host.tell(Input::Bytes(Http, answer(&remaining(0)).as_bytes()));
    assert_eq!(host.waiting(), Some((60_000, WaitingFor::Backoff)), "the sixth attempt in 60 s would be too many");
    assert_eq!(host.due(60_000), [Dial(Ws)]);
}

#[test]
fn who_is_let_in_over_http_only_is_stopped_by_the_breaker() {
    let mut host = ScriptedHost::new(POLLS);
    let mut dials = Vec::new();
    // The socket fails at once, each time; over HTTP the server answers at once.
    while host.now < Instant::from_millis(60_000) {
        let mut did = host.tell(Input::Host(Host::Wake));
        if host.open.contains(&Http) {
            did.extend(host.tell(Input::Opened(Http)));
            did.extend(host.tell(Input::Bytes(Http, answer(&remaining(0)).as_bytes())));
        }
        dials.extend(did.iter().filter(|did| **did == Dial(Ws)).map(|_| host.now.as_micros() / 1_000));
        if host.open.contains(&Ws) {
            host.tell(Input::Closed(Ws, End::Eof));
        }
        if host.open.is_empty() {
            host.now = host.deadline.unwrap();
        }
    }
    assert_eq!(dials.len(), 6, "five, and a probe: {dials:?}");
}
