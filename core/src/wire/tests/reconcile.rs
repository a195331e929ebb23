//! What is requested over HTTP once the socket is open, and what the responses mean.

use super::*;
use crate::{
    limits::{DEAF_SECONDS, OUTCOME_TRIES, POLL_SECONDS},
    state::{ObserveMode, Source},
};

const PROMPT: &str = "/prompt";
const JOBS: &str = "/api/jobs?status=in_progress&limit=1";
pub(super) const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

pub(super) fn remaining(prompts: u32) -> String {
    format!(r#"{{"exec_info": {{"queue_remaining": {prompts}}}}}"#)
}

/// The body of `/api/jobs` while `prompt` runs, or no prompt.
pub(super) fn jobs(prompt: Option<&str>) -> String {
    let jobs = prompt.map_or(String::new(), |id| format!(r#"{{"id": "{id}", "status": "in_progress"}}"#));
    format!(r#"{{"jobs": [{jobs}], "pagination": {{"offset": 0}}}}"#)
}

/// The body of `/queue` while `prompt` runs.
pub(super) fn queue(prompt: &str) -> String {
    format!(
        r#"{{"queue_running": [[0, "{prompt}", {{"1": {{"class_type": "A"}}}}, {{}}, ["1"]]], "queue_pending": []}}"#
    )
}

pub(super) fn history(prompt: &str, status: &str) -> String {
    format!(r#"{{"{prompt}": {{"outputs": {{}}, "status": {{"status_str": "{status}", "messages": []}}}}}}"#)
}

/// A host that polls at 300 ms, after its socket reported `remaining` prompts.
pub(super) fn polling_host(config: Config<'static>, remaining: u32) -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::handshaking_with(config);
    host.receive(&accept(&request));
    host.at(100);
    host.receive(&status(remaining));
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    host
}

/// A host at 1 s that knows from the socket that `p` with one node runs.
fn running() -> ScriptedHost<'static> {
    let mut host = ScriptedHost::connected_with(POLLS);
    host.receive(&[status(1), start("p")].concat());
    host.respond_json("/queue", &queue("p"));
    host.later(100);
    host
}

#[test]
fn polls_soon_after_open_then_when_silent() {
    let mut host = polling_host(WITH_HTTP, 0);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), []);
    let again = RECONCILE_MILLIS + DEAF_SECONDS * 1_000;
    assert_eq!(host.due(again), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), []);
    assert_eq!(host.due(again + DEAF_SECONDS * 1_000), [Dial(Http)]);
}

#[test]
fn observer_learns_the_running_prompt_and_its_graph() {
    let mut host = polling_host(WITH_HTTP, 2);
    assert_eq!(host.prompt(), None);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(2))), [Dial(Http)]);
    assert_eq!(links(host.respond_json(JOBS, &jobs(Some("p")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(host.session.state().connection().source, Source::Polling);
    assert_eq!(links(host.respond_json("/queue", &queue("p"))), [Dial(Http)], "it is another client's");
    assert_eq!(links(host.respond(LOG, NOT_FOUND)), []);
    assert_eq!(host.session.state().connection().way, Some(ObserveMode::Polling));
    assert_eq!(host.session.state().prompt().and_then(crate::state::Prompt::nodes_total), Some(1));

    // The socket reports another queue: the prompt ended, and another may run.
    host.at(5_000);
    assert_eq!(links(host.receive(&status(1))), []);
    assert_eq!(host.due(5_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(1))), [Dial(Http)]);
    assert_eq!(links(host.respond_json(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)), "its outcome is requested first");
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(links(host.respond_json(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
    assert_eq!(links(host.respond_json("/queue", &queue("q"))), []);

    host.at(9_000);
    assert_eq!(links(host.receive(&status(0))), [Dial(Http)], "it ended: the outcome is requested at once");
    assert_eq!(links(host.respond_json("/history/q", &history("q", "error"))), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Error)));
}

#[test]
fn queue_changes_in_quick_succession_poll_once() {
    let mut host = polling_host(WITH_HTTP, 0);
    host.respond_json(PROMPT, &remaining(0));
    for n in 1..4 {
        host.at(2_000 + u64::from(n) * 50);
        assert_eq!(links(host.receive(&status(n))), []);
    }
    assert_eq!(host.due(2_050 + RECONCILE_MILLIS), [Dial(Http)], "after the first");
    assert_eq!(links(host.respond_json(PROMPT, &remaining(3))), [Dial(Http)]);
    assert_eq!(links(host.respond_json(JOBS, &jobs(None))), []);
}

#[test]
fn queue_changes_with_socket_events_do_not_poll() {
    let mut host = running();
    let at = host.now;
    assert_eq!(links(host.receive(&status(2))), []);
    host.now = at.saturating_add(Duration::from_secs(20));
    assert_eq!(links(host.report(Input::Host(Host::Wake))), []);

    let mut host = ScriptedHost::connected_with(WITH_HTTP);
    assert_eq!(links(host.receive(&status(1))), []);
    host.later(RECONCILE_MILLIS - 1);
    assert_eq!(links(host.receive(&start("p"))), [Dial(Http)], "of the graph only");
    assert_eq!(links(host.respond_json("/queue", &queue("p"))), []);
    assert_eq!(links(host.later(1_000)), []);
}

#[test]
fn server_without_jobs_is_polled_by_its_queue() {
    let mut host = polling_host(WITH_HTTP, 1);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(links(host.respond(JOBS, NOT_FOUND)), [Dial(Http)]);
    assert_eq!(
        links(host.respond_json("/queue", &queue("p"))),
        [Dial(Http)],
        "the graph is known, the log subscription follows"
    );
    assert_eq!(links(host.respond(LOG, NOT_FOUND)), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.at(5_000);
    host.receive(&status(1));
    assert_eq!(host.due(5_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(links(host.respond_json("/queue", &queue("p"))), [], "known by now");

    let mut host = polling_host(WITH_HTTP, 1);
    host.respond_json(PROMPT, &remaining(1));
    host.respond(JOBS, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    host.respond_json("/queue", &queue("p"));
    host.respond(LOG, NOT_FOUND);
    host.at(5_000);
    host.receive(&status(1));
    host.due(5_000 + RECONCILE_MILLIS);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(host.http_request(), JOBS, "what fails once may be there the next time");
}

#[test]
fn prompt_ended_while_disconnected_gets_its_outcome() {
    let mut host = running();
    host.report(Input::Closed(Ws, End::Eof));
    let at = host.now.as_micros() / 1_000;
    assert_eq!(host.due(at + 1_000), [Dial(Ws)]);
    let request = host.open_socket();
    host.receive(&[accept(&request), status(0)].concat());
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.report(Input::Host(Host::Wake))), [], "requested already");
    let interrupted = r#"{"p": {"status": {"status_str": "error", "messages": [["execution_interrupted", {}]]}}}"#;
    host.respond_json("/history/p", interrupted);
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)));
}

/// A restored prompt is marked until the server confirms it.
#[test]
fn restored_prompt_is_confirmed_or_ended() {
    let restored = || {
        let mut host = ScriptedHost::new(POLLS);
        let now = host.now;
        let started = crate::event::Event::ExecutionStart { prompt_id: Id::from("p"), timestamp: None };
        apply(host.session.session.state_mut(), now, Action::Text(&started), &mut ());
        apply(host.session.session.state_mut(), now, Action::Graph { prompt_id: Id::from("p"), nodes: 3 }, &mut ());
        host.session.session.state_mut().restored();
        assert_eq!(links(host.drain()), [Dial(Ws)]);
        host
    };
    let source = |host: &ScriptedHost<'_>| host.session.state().connection().source;

    // Over HTTP, without a socket.
    let mut host = restored();
    assert_eq!(host.due(2_000), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(source(&host), Source::Restored, "another one may run");
    host.respond_json(JOBS, &jobs(Some("p")));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Running)), Source::Polling));

    let mut host = restored();
    assert_eq!(host.due(2_000), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), [Dial(Http)]);
    host.respond_json("/history/p", &history("p", "success"));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Success)), Source::Polling));

    // By the socket.
    let mut host = restored();
    let request = host.open_socket();
    let progress = r#"{"type": "progress", "data": {"value": 1, "max": 2, "prompt_id": "p", "node": "1"}}"#;
    host.receive(&[accept(&request), status(1)].concat());
    assert_eq!(source(&host), Source::Restored);
    host.receive(&text(progress));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Running)), Source::Websocket));
}

#[test]
fn outcome_unknown_to_the_server_is_requested_once() {
    for answer in [&answer("{}"), NOT_FOUND, "HTTP/1.1 403 Forbidden\r\n\r\n"] {
        let mut host = running();
        assert_eq!(links(host.receive(&status(0))), [Dial(Http)]);
        assert_eq!(links(host.respond("/history/p", answer)), []);
        assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
        assert!(host.session.state().prompt().unwrap().is_settled(), "{answer}");
        assert_eq!(links(host.later(20_000)), []);
    }
}

#[test]
fn outcome_request_that_fails_is_repeated_a_few_times() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{";
    for heard in ["", busy, cut] {
        let mut host = running();
        assert_eq!(links(host.receive(&status(0))), [Dial(Http)]);
        let mut wait = POLL_SECONDS * 1_000;
        for tries in 1..=OUTCOME_TRIES {
            let at = host.now.as_micros() / 1_000;
            assert_eq!(host.http_request(), "/history/p");
            host.report(Input::Bytes(Http, heard.as_bytes()));
            host.report(Input::Closed(Http, End::Eof));
            let settled = host.session.state().prompt().unwrap().is_settled();
            assert_eq!(settled, tries == OUTCOME_TRIES, "after {tries}");
            if !settled {
                assert_eq!(host.due(at + wait), [Dial(Http)]);
                wait *= 2;
            }
        }
        assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
        let mut asks = 0;
        let end = host.now.saturating_add(Duration::from_secs(70));
        while let Some(deadline) = host.deadline.filter(|deadline| *deadline < end) {
            host.now = deadline;
            if links(host.report(Input::Host(Host::Wake))).contains(&Dial(Http)) && host.http_request() == "/history/p"
            {
                asks += 1;
            }
            host.report(Input::Closed(Http, End::Unreachable));
        }
        assert_eq!(asks, if heard == cut { 0 } else { 2 }, "without a response the requests go on: {heard}");
    }
}

#[test]
fn outcome_is_requested_until_the_server_is_back() {
    let mut host = running();
    host.report_without_polling(Input::Closed(Ws, End::Eof));
    let item = Item::Prompt { prompt_id: Id::from("p"), status: JobStatus::Ended };
    let since = host.session.state().socket_generation();
    apply(host.session.session.state_mut(), host.now, Action::Response { since, item }, &mut ());
    let mut requests = 0;
    while host.now < Instant::from_millis(600_000) {
        let did = links(host.drain());
        for link in did.into_iter().filter_map(|did| if let Dial(link) = did { Some(link) } else { None }) {
            requests += u32::from(link == Http);
            host.report_without_polling(Input::Closed(link, End::Unreachable));
        }
        host.drain();
        host.now = host.deadline.unwrap();
        host.report_without_polling(Input::Host(Host::Wake));
    }
    assert!((20..30).contains(&requests), "every 30 s in the end: {requests}");
    assert!(!host.session.state().prompt().unwrap().is_settled());
    host.report(Input::Host(Host::Reconnect));
    while !links(host.report(Input::Host(Host::Wake))).contains(&Dial(Http)) {
        host.now = host.deadline.unwrap();
    }
    host.respond_json("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn response_does_not_override_newer_socket_events() {
    let mut host = polling_host(WITH_HTTP, 1);
    assert_eq!(host.http_request(), PROMPT);
    host.receive(&status(3));
    host.report(Input::Bytes(Http, answer(&remaining(1)).as_bytes()));
    assert_eq!(host.session.state().queue_remaining(), Some(3));
    assert_eq!(host.http_request(), JOBS);
    host.receive(&start("q"));
    host.report(Input::Bytes(Http, answer(&jobs(Some("p"))).as_bytes()));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
}

/// The socket stalls during a message that may begin another prompt's record.
#[test]
fn ignored_response_does_not_cause_endless_requests() {
    let mut host = running();
    let began = r#"{"type": "progress_state", "data": {"prompt_id": "r", "nodes": {"1": {"value": 1, "max": 1, "state": "running"}"#;
    host.receive(&frame(0x01, began.as_bytes()));
    assert_eq!(host.due(30_300), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(links(host.respond_json(JOBS, &jobs(Some("q")))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(links(host.later(20_000)), []);
}

#[test]
fn login_refusal_stops_requests_until_the_next_connection() {
    for status in [401, 403, 407] {
        let mut host = polling_host(POLLS, 1);
        host.respond(PROMPT, &format!("HTTP/1.1 {status} No\r\n\r\n"));
        host.receive(&start("p"));
        assert_eq!(links(host.later(120_000)), []);
        assert_eq!(host.deadline, None);
        host.report(Input::Closed(Ws, End::Eof));
        assert_eq!(host.due(120_300 + 1_000), [Dial(Ws)], "nor while there is no socket");
        let request = host.open_socket();
        assert_eq!(links(host.receive(&accept(&request)))[0], Dial(Http), "the running prompt's graph");
    }
}

/// A client that may not use HTTP must not wait for an outcome.
#[test]
fn end_is_settled_when_http_is_refused() {
    let mut host = polling_host(POLLS, 1);
    host.respond(PROMPT, "HTTP/1.1 403 No\r\n\r\n");
    host.receive(&start("p"));
    host.receive(&status(0));
    let prompt = host.session.state().prompt().expect("it was seen");
    assert_eq!((prompt.state(), prompt.is_settled()), (PromptState::Ended, true));
}

#[test]
fn missed_submission_is_requested_unless_another_prompt_runs() {
    for (status, state) in [("success", PromptState::Success), ("error", PromptState::Error)] {
        let mut host = ScriptedHost::connected_with(POLLS);
        assert_eq!(links(host.report(Input::Host(Host::Missed { prompt_id: Id::from("q") }))), [Dial(Http)]);
        host.respond_json("/history/q", &history("q", status));
        assert_eq!(host.prompt(), Some(("q", state)));
        assert_eq!(
            links(host.report(Input::Host(Host::Missed { prompt_id: Id::from("q") }))),
            [],
            "it is known by now"
        );
        assert_eq!(host.prompt(), Some(("q", state)));
    }
    let mut host = running();
    assert_eq!(links(host.report(Input::Host(Host::Missed { prompt_id: Id::from("q") }))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
}
