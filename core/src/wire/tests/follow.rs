//! How an observer follows other clients' prompts: by the extension, the log or polling.

use super::{
    reconcile::{NOT_FOUND, history, jobs, queue, remaining},
    *,
};
use crate::{
    limits::{WAY_AGAIN_SECONDS, WAY_SECONDS},
    state::{ObserveMode, Source, Steps},
};

const PROMPT: &str = "/prompt";
const EXTENSION: &str = "/comfyglow";
const JOBS: &str = "/api/jobs?status=in_progress&limit=1";
const SUBSCRIBED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n";

/// A client that submits nothing.
const OBSERVES: Config<'static> = Config { client_id: ClientId::Fresh, ..POLLS };

fn ended(offset: u8) -> String {
    format!("/api/jobs?status=completed,failed,cancelled&limit=1&offset={offset:03}")
}

fn last_job(id: &str, status: &str) -> String {
    format!(r#"{{"jobs": [{{"id": "{id}", "status": "{status}"}}]}}"#)
}

/// A `logs` event with this text.
fn log(lines: &str) -> Vec<u8> {
    let m = serde_json::to_string(lines).unwrap();
    text(&format!(
        r#"{{"type": "logs", "data": {{"entries": [{{"t": "2026-11-22T17:47:36", "m": {m}}}], "size": null}}}}"#
    ))
}

fn bar(value: u32, max: u32) -> Vec<u8> {
    log(&format!("\r {}%|\u{2588}   | {value}/{max} [00:06<00:04,  1.41it/s]", value * 100 / max))
}

const EXECUTED: &str = "\u{1b}[32m[INFO]\u{1b}[0m Prompt executed in 7.34 seconds\n";

/// An observer of an idle server without the extension, 1 s after connecting; `log` is the response to its
/// subscription.
fn observer(log: &str) -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
    let did = host.receive(&[accept(&request), status(0)].concat());
    assert_eq!(did.first(), Some(&Dial(Http)));
    assert_eq!(links(host.respond(EXTENSION, NOT_FOUND)), [Dial(Http)]);
    assert_eq!(links(host.respond(LOG, log)), []);
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), []);
    host.at(1_000);
    host
}

/// The same at 2.3 s, after it learned that `p` with two nodes runs.
fn following() -> ScriptedHost<'static> {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    host.receive(&status(1));
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json(JOBS, &jobs(Some("p")));
    let graph = r#"{"4": {"class_type": "CheckpointLoader"}, "3": {"class_type": "KSampler"}, "5": {"class_type": "VAEDecode"}, "6": {"class_type": "SaveImage"}}"#;
    let queue = queue("p").replace(r#"{"1": {"class_type": "A"}}"#, graph);
    assert_eq!(links(host.respond_json("/queue", &queue)), []);
    host
}

fn steps(host: &ScriptedHost<'_>) -> Option<(i64, i64)> {
    let steps = host.session.state().prompt()?.steps();
    steps.map(|Steps { value, max }| (value.thousandths() / 1_000, max.thousandths() / 1_000))
}

fn source(host: &ScriptedHost<'_>) -> (Source, Option<ObserveMode>) {
    let connection = host.session.state().connection();
    (connection.source, connection.way)
}

#[test]
fn observer_with_extension_does_not_subscribe_to_the_log() {
    let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
    assert!(request.contains("clientId=comfyglow-"));
    host.receive(&accept(&request));
    assert_eq!(links(host.respond_json(EXTENSION, r#"{"mirror": true, "version": "0.1.0", "observers": 1}"#)), []);
    assert_eq!(source(&host).1, Some(ObserveMode::Extension));

    for other in [r#"{"mirror": false}"#, "{}", "<html>", r#"{"mirror": true"#] {
        let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
        host.receive(&accept(&request));
        assert_eq!(links(host.respond_json(EXTENSION, other)), [Dial(Http)], "{other}");
        assert_eq!(host.http_request(), LOG);
    }
}

#[test]
fn log_subscription_uses_the_id_of_each_connection() {
    let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
    let id = |request: &str| request.split_once("clientId=").unwrap().1.split('&').next().unwrap().to_string();
    let mut ids = vec![id(&request)];
    host.receive(&accept(&request));
    for again in [true, false] {
        host.respond(EXTENSION, NOT_FOUND);
        let Some(Send(Http, sent)) = host.report(Input::Opened(Http)).into_iter().next() else { panic!("no request") };
        let sent = String::from_utf8(sent).unwrap();
        let body = format!("{{\"clientId\": \"{}\", \"enabled\": true}}", ids.last().unwrap());
        assert!(sent.starts_with("PATCH /comfy/internal/logs/subscribe?token=a%20b HTTP/1.1\r\n"), "{sent}");
        assert!(sent.ends_with(&format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len())), "{sent}");
        host.report(Input::Bytes(Http, SUBSCRIBED.as_bytes()));
        assert_eq!(source(&host).1, Some(ObserveMode::Logs));
        if again {
            host.report(Input::Closed(Ws, End::Eof));
            assert_eq!(source(&host).1, None);
            let did = links(host.later(1_000));
            assert_eq!(did, [Dial(Http), Dial(Ws)], "the round that was due meanwhile");
            host.respond_json(PROMPT, &remaining(0));
            let request = host.open_socket();
            ids.push(id(&request));
            host.receive(&accept(&request));
        }
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn probe_response_for_an_old_connection_is_ignored() {
    let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
    host.receive(&accept(&request));
    host.respond(EXTENSION, NOT_FOUND);
    assert_eq!(host.http_request(), LOG);
    let did = host.report(Input::Closed(Ws, End::Eof));
    assert!(links(did).contains(&Close(Http)));
    host.later(1_000);
    let request = host.open_socket();
    host.respond_json(PROMPT, &remaining(0));
    host.receive(&accept(&request));
    assert_eq!(host.http_request(), EXTENSION);
}

#[test]
fn log_bar_and_end_become_steps_and_end() {
    let mut host = following();
    assert_eq!(source(&host), (Source::Polling, Some(ObserveMode::Logs)));
    host.at(3_000);
    assert_eq!(links(host.receive(&bar(0, 12))), []);
    host.at(4_000);
    host.receive(&bar(3, 12));
    assert_eq!((steps(&host), source(&host).0), (Some((3, 12)), Source::Logs));
    let view = host.session.view(host.now);
    let prompt = view.prompt.unwrap();
    assert_eq!((prompt.current_node, prompt.current_class), (Some("3"), Some("KSampler")));
    // Of four nodes, the loader is done and the sampler a quarter.
    assert_eq!(prompt.percentage.map(crate::state::Percentage::permille), Some(312));
    assert_eq!(prompt.elapsed, Some(Duration::from_secs(2)), "since the queue was told");
    assert!(prompt.eta >= Some(Duration::from_secs(4)), "{:?}", prompt.eta);

    host.at(5_000);
    host.receive(&bar(12, 12));
    assert_eq!(links(host.receive(&log(EXECUTED))), [Dial(Http)], "the outcome is requested at once");
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    host.receive(&status(0));
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), []);
    assert_eq!((host.prompt(), source(&host).0), (Some(("p", PromptState::Success)), Source::Polling));
    assert_eq!(links(host.later(1_000)), []);
}

#[test]
fn log_bar_before_the_prompt_is_known_counts() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    host.receive(&[status(1), bar(0, 12), bar(2, 12)].concat());
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json(JOBS, &jobs(Some("p")));
    assert_eq!(steps(&host), Some((2, 12)));
}

#[test]
fn log_error_is_completed_by_the_history() {
    let mut host = following();
    host.receive(&bar(3, 12));
    let lines =
        "!!! Exception during processing !!! no \u{fc}\nTraceback (most recent call last):\n  File \"x\"\nm.E: no\n\n";
    assert_eq!(links(host.receive(&log(lines))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(links(host.receive(&log(EXECUTED))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));
    let error = host.session.state().prompt().unwrap().error().unwrap();
    assert_eq!((error.exception_type.as_str(), error.exception_message.as_str()), ("m.E", "no \u{fc}"));
    assert!(!host.session.state().prompt().unwrap().is_settled(), "only the log said so");

    let history = r#"{"p": {"status": {"status_str": "error", "messages": [["execution_error",
        {"node_id": "3", "node_type": "KSampler", "exception_type": "E", "exception_message": "no, as it is"}]]}}}"#;
    assert_eq!(links(host.respond_json("/history/p", history)), []);
    let prompt = host.session.state().prompt().unwrap();
    assert!(prompt.is_settled());
    let error = prompt.error().unwrap();
    assert_eq!(error.exception_message.as_str(), "no, as it is");
    assert_eq!(error.node_id.as_ref().unwrap().as_str(), "3");
}

#[test]
fn history_overrides_the_log() {
    let mut host = following();
    host.receive(&log(&format!("!!! Exception during processing !!! caught\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));
    host.respond_json("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(host.session.state().prompt().unwrap().error(), None);

    let mut host = following();
    host.receive(&log(&format!("Processing interrupted\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)));
    host.respond_json("/history/p", "{}");
    host.respond_json(JOBS, &jobs(None));
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)), "nobody knows better");
    assert!(host.session.state().prompt().unwrap().is_settled());
}

#[test]
fn unseen_quick_prompts_are_reported_one_by_one() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    let did = host.receive(&[status(1), log(EXECUTED), status(0), status(1), log(EXECUTED), status(0)].concat());
    assert_eq!(links(did), [Dial(Http)]);
    assert_eq!(links(host.respond_json(&ended(1), &last_job("p", "completed"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(links(host.respond_json(&ended(0), &last_job("q", "failed"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/q", &history("q", "error"))), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Error)));
    // The next end in the log is another prompt's.
    assert_eq!(links(host.receive(&[status(1), log(EXECUTED), status(0)].concat())), [Dial(Http)]);
    assert_eq!(links(host.respond_json(&ended(0), &last_job("r", "completed"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/r", &history("r", "success"))), []);
    assert_eq!(host.prompt(), Some(("r", PromptState::Success)));
}

#[test]
fn unseen_quick_prompts_without_log_and_jobs_are_reported() {
    let mut host = observer(NOT_FOUND);
    assert_eq!(source(&host).1, Some(ObserveMode::Polling));
    host.at(2_000);
    assert_eq!(links(host.receive(&[status(1), status(0)].concat())), [Dial(Http)]);
    assert_eq!(links(host.respond(&ended(0), NOT_FOUND)), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history?max_items=1", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn socket_overrides_the_log() {
    let mut host = following();
    host.receive(&bar(3, 12));
    let progress = r#"{"type": "progress", "data": {"value": 1, "max": 4, "prompt_id": "p", "node": "3"}}"#;
    host.receive(&text(progress));
    host.receive(&bar(5, 12));
    assert_eq!((steps(&host), source(&host).0), (Some((1, 4)), Source::Websocket));
    // It does not end a prompt that the socket reports, but causes a poll.
    let at = host.now;
    assert_eq!(links(host.receive(&log(EXECUTED))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.now = at.saturating_add(Duration::from_millis(RECONCILE_MILLIS));
    assert_eq!(links(host.report(Input::Host(Host::Wake))), [Dial(Http)]);
}

#[test]
fn submitter_subscribes_to_the_log_for_foreign_prompts_only() {
    let mut host = ScriptedHost::connected_with(POLLS);
    host.receive(&[status(1), start("p")].concat());
    assert_eq!(links(host.respond_json("/queue", &queue("p"))), []);
    assert_eq!(source(&host).1, None);
    let success = r#"{"type": "execution_success", "data": {"prompt_id": "p"}}"#;
    let at = host.now;
    host.receive(&[text(success), status(1)].concat());
    host.now = at.saturating_add(Duration::from_millis(RECONCILE_MILLIS));
    assert_eq!(links(host.report(Input::Host(Host::Wake))), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    host.respond_json(JOBS, &jobs(Some("q")));
    assert_eq!(links(host.respond_json("/queue", &queue("q"))), [Dial(Http)]);
    assert_eq!(host.http_request(), LOG, "the extension tells only those who submit nothing");
}

#[test]
fn quick_prompts_in_close_succession_are_all_reported() {
    let mut host = observer(SUBSCRIBED);
    for (at, id) in [(2_000, "p"), (2_500, "q"), (3_000, "r")] {
        host.at(at);
        let did = host.receive(&[status(1), status(0), log(EXECUTED)].concat());
        assert_eq!(links(did), [Dial(Http)], "{id}");
        assert_eq!(links(host.respond_json(&ended(0), &last_job(id, "completed"))), [Dial(Http)]);
        host.respond_json(&format!("/history/{id}"), &history(id, "success"));
        assert_eq!(host.prompt(), Some((id, PromptState::Success)));
    }
}

#[test]
fn next_prompt_begins_after_the_outcome_of_the_last() {
    let mut host = following();
    host.at(3_000);
    host.receive(&status(2));
    assert_eq!(host.due(3_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.respond_json(PROMPT, &remaining(2))), [Dial(Http)]);
    // The prompt ends during the request, and the response is about the next one.
    assert_eq!(host.http_request(), JOBS);
    host.receive(&[status(1), log(EXECUTED), status(1)].concat());
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    let answer = answer(&jobs(Some("q")));
    host.report(Input::Bytes(Http, answer.as_bytes()));
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    host.respond_json(JOBS, &jobs(Some("q")));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
}

#[test]
fn log_without_ends_falls_back_to_the_queue() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    assert_eq!(links(host.receive(&[status(1), status(0)].concat())), []);
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.respond_json(&ended(0), &last_job("p", "completed"))), [Dial(Http)]);
    host.respond_json("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn shorter_queue_without_log_polls_at_once() {
    let mut host = observer(NOT_FOUND);
    host.at(2_000);
    host.receive(&[status(1), status(2), status(3)].concat());
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(3));
    host.respond_json(JOBS, &jobs(Some("p")));
    host.respond_json("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": [[1, "q", {}], [2, "r", {}]]}"#);
    host.at(3_000);
    assert_eq!(links(host.receive(&status(2))), [Dial(Http)]);
    // Another quick one ends meanwhile.
    assert_eq!(host.http_request(), JOBS);
    host.receive(&status(1));
    let answer = answer(&jobs(Some("r")));
    assert!(links(host.report(Input::Bytes(Http, answer.as_bytes()))).contains(&Dial(Http)));
    assert_eq!(links(host.respond_json("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json(&ended(0), &last_job("q", "completed"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/q", &history("q", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Success)));
    host.respond_json(JOBS, &jobs(Some("r")));
    assert_eq!(host.prompt(), Some(("r", PromptState::Running)));
}

#[test]
fn history_of_an_old_server_reports_several_prompts() {
    let mut host = observer(NOT_FOUND);
    host.at(2_000);
    host.receive(&[status(2), status(1), status(0)].concat());
    assert_eq!(links(host.respond(&ended(1), NOT_FOUND)), [Dial(Http)]);
    let [p, q] = ["p", "q"].map(|id| history(id, "success"));
    let both = format!("{},{}", &p[..p.len() - 1], &q[1..]);
    assert_eq!(links(host.respond_json("/history?max_items=2", &both)), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.respond_json("/history/p", &p)), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history?max_items=1", &q)), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/q", &q)), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Success)));
}

#[test]
fn late_log_lines_do_not_count_for_the_next_prompt() {
    let mut host = following();
    host.at(3_000);
    // The log arrives after the queue, and HTTP is faster.
    assert_eq!(links(host.receive(&status(1))), []);
    assert_eq!(host.due(3_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.respond_json(PROMPT, &remaining(1));
    assert_eq!(links(host.respond_json(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/p", &history("p", "error"))), [Dial(Http)]);
    host.respond_json(JOBS, &jobs(Some("q")));
    host.respond_json("/queue", &queue("q"));
    host.receive(&log(&format!("!!! Exception during processing !!! late\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
    assert_eq!(links(host.receive(&log(EXECUTED))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Ended)));
}

#[test]
fn end_by_a_misleading_log_line_is_revoked() {
    let mut host = following();
    host.receive(&bar(3, 12));
    assert_eq!(links(host.receive(&log("Prompt executed in 3.10 seconds\n"))), [Dial(Http)]);
    assert_eq!(links(host.respond_json("/history/p", "{}")), [Dial(Http)], "does it still run?");
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert!(!host.session.state().prompt().unwrap().is_settled());
    host.respond_json(JOBS, &jobs(Some("p")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.receive(&bar(4, 12));
    assert_eq!(steps(&host), Some((4, 12)));
    host.receive(&status(0));
    host.later(2_000);
    assert_eq!(links(host.respond_json("/history/p", &history("p", "error"))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));

    let mut host = following();
    host.receive(&log(EXECUTED));
    host.respond_json("/history/p", "{}");
    host.respond_json(JOBS, &jobs(None));
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert!(host.session.state().prompt().unwrap().is_settled(), "the history was cleared");
}

#[test]
fn failed_probe_does_not_block_other_requests() {
    let refuses = |status: u16| format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    for refusal in [refuses(401), refuses(407), refuses(500), answer("<html>")] {
        let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
        host.receive(&[accept(&request), status(0)].concat());
        assert_eq!(links(host.respond(EXTENSION, &refusal)), [Dial(Http)], "{refusal}");
        assert_eq!(links(host.respond(LOG, &refusal)), [], "{refusal}");
        assert_eq!(source(&host).1, Some(ObserveMode::Polling));
        assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
        assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), []);
    }
    let (mut host, request) = ScriptedHost::handshaking_with(OBSERVES);
    host.receive(&[accept(&request), status(0)].concat());
    let silent = WAY_SECONDS * 1_000;
    assert_eq!(host.http_request(), EXTENSION);
    assert_eq!(host.due(silent), [Close(Http), Dial(Http)]);
    assert_eq!(host.http_request(), LOG);
    assert_eq!(host.due(2 * silent), [Close(Http), Dial(Http)]);
    assert_eq!(source(&host).1, Some(ObserveMode::Polling));
    assert_eq!(links(host.respond_json(PROMPT, &remaining(0))), []);
    // Much later the probe is repeated.
    let again = 2 * silent + WAY_AGAIN_SECONDS * 1_000;
    while host.now < Instant::from_millis(again) {
        let due = host.deadline.unwrap();
        host.now = due;
        if links(host.report(Input::Host(Host::Wake))) == [Dial(Http)] && due < Instant::from_millis(again) {
            host.respond_json(PROMPT, &remaining(0));
        }
    }
    assert_eq!(host.http_request(), EXTENSION);
}

#[test]
fn ends_during_a_request_skip_no_prompt() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    assert_eq!(links(host.receive(&[status(1), status(0), log(EXECUTED)].concat())), [Dial(Http)]);
    // During each request one more prompt ends, and the response is about the newest.
    for (n, id) in (0..).zip(["q", "r", "s"]) {
        assert_eq!(host.http_request(), ended(n));
        host.receive(&log(EXECUTED));
        let answer = answer(&last_job(id, "completed"));
        assert!(links(host.report(Input::Bytes(Http, answer.as_bytes()))).contains(&Dial(Http)));
        assert_eq!(host.prompt(), None);
    }
    for (n, id) in [(3, "p"), (2, "q"), (1, "r"), (0, "s")] {
        assert_eq!(links(host.respond_json(&ended(n), &last_job(id, "completed"))), [Dial(Http)], "{id}");
        host.respond_json(&format!("/history/{id}"), &history(id, "success"));
        assert_eq!(host.prompt(), Some((id, PromptState::Success)));
    }
}

#[test]
fn doubted_end_with_jobs_refused_requests_the_queue() {
    let mut host = following();
    host.receive(&log(EXECUTED));
    assert_eq!(links(host.respond_json("/history/p", "{}")), [Dial(Http)]);
    assert_eq!(links(host.respond(JOBS, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")), [Dial(Http)]);
    host.respond_json("/queue", &queue("p"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
}
