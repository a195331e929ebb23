//! HTTP while there is no socket.

use super::{
    reconcile::{jobs, polling_host, remaining},
    *,
};
use crate::limits::{POLL_MAX_SECONDS, POLL_SECONDS};

const POLL: u64 = POLL_SECONDS * 1_000;
const PROMPT: &str = "/prompt";
const JOBS: &str = "/api/jobs?status=in_progress&limit=1";

/// The next attempt is made after an hour only.
const NO_SOCKET: Config<'static> = Config {
    reconnect: ReconnectConfig {
        backoff: BackoffConfig {
            initial: Duration::from_secs(3_600),
            max: Duration::from_secs(3_600),
            ..RECONNECTS.reconnect.backoff
        },
        ..RECONNECTS.reconnect
    },
    ..POLLS
};

/// A host whose server violated the protocol at 1 s, so that HTTP responses don't shorten the wait.
fn without_socket() -> ScriptedHost<'static> {
    let mut host = polling_host(NO_SOCKET, 0);
    host.respond_json(PROMPT, &remaining(0));
    host.at(1_000);
    assert_eq!(host.receive(&frame(0x83, b""))[1..], [Close(Ws), Changed]);
    host
}

#[test]
fn polls_every_two_seconds_without_socket() {
    let mut host = without_socket();
    for n in 1..20_u32 {
        assert_eq!(host.due(1_000 + u64::from(n) * POLL), [Dial(Http)]);
        let runs = [None, Some("p")][n as usize % 2];
        host.respond_json(PROMPT, &remaining(1));
        host.respond_json(JOBS, &jobs(runs));
        let state = host.session.state();
        assert_eq!(state.queue_remaining(), Some(1));
        if n == 1 {
            assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
            host.respond_json("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": []}"#);
        } else if n == 2 {
            host.respond_json("/history/p", r#"{"p": {"status": {"status_str": "success"}}}"#);
        }
    }
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)), "an end is no beginning");
}

#[test]
fn poll_wait_doubles_without_response_and_resets_with_one() {
    let mut host = without_socket();
    let mut at = 1_000;
    for wait in [2, 2, 4, 8, 16, 30, 30] {
        at += wait * 1_000;
        assert_eq!(host.due(at), [Dial(Http)]);
        assert_eq!(links(host.report(Input::Closed(Http, End::Unreachable))), []);
    }
    assert_eq!(POLL_MAX_SECONDS, 30);
    assert_eq!(host.due(at + 30_000), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(0));
    assert_eq!(host.due(at + 32_000), [Dial(Http)]);
}

#[test]
fn proxy_error_counts_as_no_response() {
    let mut host = without_socket();
    let mut at = 1_000;
    for wait in [2, 2, 4, 8] {
        at += wait * 1_000;
        assert_eq!(host.due(at), [Dial(Http)]);
        host.respond(PROMPT, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    }
}

#[test]
fn failing_attempts_do_not_delay_polls() {
    let mut host = ScriptedHost::new(POLLS);
    assert_eq!(host.drain(), [Dial(Ws), Changed]);
    for (at, next) in [(0, 1_000), (1_000, 2_000)] {
        assert_eq!(links(host.report(Input::Closed(Ws, End::Unreachable))), [], "{at}");
        if next == 1_000 {
            assert_eq!(host.due(next), [Dial(Ws)]);
        }
    }
    assert_eq!(host.due(2_000), [Dial(Http)], "two seconds after the first attempt began");
}

#[test]
fn polls_while_connecting() {
    let mut host = ScriptedHost::new(POLLS);
    assert_eq!(host.drain(), [Dial(Ws), Changed]);
    assert_eq!(host.due(POLL), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(1))), [Dial(Http)]);
    host.respond_json(JOBS, &jobs(None));
    let request = host.open_socket();
    host.receive(&accept(&request));
    assert_eq!(host.due(POLL + RECONCILE_MILLIS), [Dial(Http)], "as after each connect");
}

#[test]
fn response_after_absence_reconnects_at_once() {
    for end in [End::Unreachable, End::Eof, End::Broken] {
        let mut host = ScriptedHost::new(POLLS);
        host.drain();
        host.report(Input::Closed(Ws, end));
        assert_eq!(host.due(1_000), [Dial(Ws)]);
        host.report(Input::Closed(Ws, end));
        assert_eq!(host.waiting(), Some((2_500, WaitingFor::Backoff)));
        assert_eq!(host.due(2_000), [Dial(Http)]);
        assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), [Dial(Ws)], "{end:?}");
    }
}

#[test]
fn response_does_not_bypass_the_breaker() {
    let mut host = ScriptedHost::new(POLLS);
    host.drain();
    let connects = |host: &mut ScriptedHost<'_>, at| {
        let request = host.open_socket();
        host.receive(&[accept(&request), status(0)].concat());
        assert_eq!(host.due(at + RECONCILE_MILLIS), [Dial(Http)]);
    };
    for at in [0, 14_800, 29_600, 44_400] {
        connects(&mut host, at);
        host.respond_json(PROMPT, &remaining(0));
        host.at(at + 13_800);
        host.report(Input::Closed(Ws, End::Eof));
        assert_eq!(host.due(at + 14_800), [Dial(Ws)]);
    }
    connects(&mut host, 59_200);
    assert_eq!(host.http_request(), PROMPT);
    host.at(59_550);
    host.report(Input::Closed(Ws, End::Eof));
    assert_eq!(host.waiting(), Some((61_050, WaitingFor::Backoff)));
    host.report(Input::Bytes(Http, answer(&remaining(0)).as_bytes()));
    assert_eq!(host.waiting(), Some((60_000, WaitingFor::Backoff)), "the sixth attempt in 60 s would be too many");
    assert_eq!(host.due(60_000), [Dial(Ws)]);
}

#[test]
fn http_without_websocket_is_limited_by_the_breaker() {
    let mut host = ScriptedHost::new(POLLS);
    let mut dials = Vec::new();
    // The socket always fails at once; HTTP responds at once.
    while host.now < Instant::from_millis(60_000) {
        let mut did = host.report(Input::Host(Host::Wake));
        if host.open.contains(&Http) {
            did.extend(host.report(Input::Opened(Http)));
            did.extend(host.report(Input::Bytes(Http, answer(&remaining(0)).as_bytes())));
        }
        dials.extend(did.iter().filter(|did| **did == Dial(Ws)).map(|_| host.now.as_micros() / 1_000));
        if host.open.contains(&Ws) {
            host.report(Input::Closed(Ws, End::Eof));
        }
        if host.open.is_empty() {
            host.now = host.deadline.unwrap();
        }
    }
    assert_eq!(dials.len(), 6, "five, and a probe: {dials:?}");
}
