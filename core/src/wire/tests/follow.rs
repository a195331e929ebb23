//! How an observer follows the prompts of others: by the extension, by the log, by asking.

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

/// Who submits nothing.
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

/// An observer on an idle server with no extension, a second after it connected; `log` is the answer to who subscribes.
fn observer(log: &str) -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
    let did = host.hear(&[accept(&request), status(0)].concat());
    assert_eq!(did.first(), Some(&Dial(Http)));
    assert_eq!(links(host.responds(EXTENSION, NOT_FOUND)), [Dial(Http)]);
    assert_eq!(links(host.responds(LOG, log)), []);
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(0))), []);
    host.at(1_000);
    host
}

/// The same, and at 2.3 s it has found out that `p` runs, of two nodes.
fn following() -> ScriptedHost<'static> {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    host.hear(&status(1));
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    host.answers(JOBS, &jobs(Some("p")));
    let graph = r#"{"4": {"class_type": "CheckpointLoader"}, "3": {"class_type": "KSampler"}, "5": {"class_type": "VAEDecode"}, "6": {"class_type": "SaveImage"}}"#;
    let queue = queue("p").replace(r#"{"1": {"class_type": "A"}}"#, graph);
    assert_eq!(links(host.answers("/queue", &queue)), []);
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
fn the_extension_is_looked_for_first_and_makes_the_log_needless() {
    let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
    assert!(request.contains("clientId=comfyglow-"));
    host.hear(&accept(&request));
    assert_eq!(links(host.answers(EXTENSION, r#"{"mirror": true, "version": "0.1.0", "observers": 1}"#)), []);
    assert_eq!(source(&host).1, Some(ObserveMode::Extension));

    for other in [r#"{"mirror": false}"#, "{}", "<html>", r#"{"mirror": true"#] {
        let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
        host.hear(&accept(&request));
        assert_eq!(links(host.answers(EXTENSION, other)), [Dial(Http)], "{other}");
        assert_eq!(host.asks(), LOG);
    }
}

#[test]
fn the_log_is_subscribed_to_by_the_clients_own_id_anew_for_each_connection() {
    let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
    let id = |request: &str| request.split_once("clientId=").unwrap().1.split('&').next().unwrap().to_string();
    let mut ids = vec![id(&request)];
    host.hear(&accept(&request));
    for again in [true, false] {
        host.responds(EXTENSION, NOT_FOUND);
        let Some(Send(Http, sent)) = host.tell(Input::Opened(Http)).into_iter().next() else { panic!("no request") };
        let sent = String::from_utf8(sent).unwrap();
        let body = format!("{{\"clientId\": \"{}\", \"enabled\": true}}", ids.last().unwrap());
        assert!(sent.starts_with("PATCH /comfy/internal/logs/subscribe?token=a%20b HTTP/1.1\r\n"), "{sent}");
        assert!(sent.ends_with(&format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len())), "{sent}");
        host.tell(Input::Bytes(Http, SUBSCRIBED.as_bytes()));
        assert_eq!(source(&host).1, Some(ObserveMode::Logs));
        if again {
            host.tell(Input::Closed(Ws, End::Eof));
            assert_eq!(source(&host).1, None);
            let did = links(host.later(1_000));
            assert_eq!(did, [Dial(Http), Dial(Ws)], "the round that was due meanwhile");
            host.answers(PROMPT, &remaining(0));
            let request = host.opens();
            ids.push(id(&request));
            host.hear(&accept(&request));
        }
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn an_answer_to_the_connection_before_counts_for_nothing() {
    let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
    host.hear(&accept(&request));
    host.responds(EXTENSION, NOT_FOUND);
    assert_eq!(host.asks(), LOG);
    let did = host.tell(Input::Closed(Ws, End::Eof));
    assert!(links(did).contains(&Close(Http)));
    host.later(1_000);
    let request = host.opens();
    host.answers(PROMPT, &remaining(0));
    host.hear(&accept(&request));
    assert_eq!(host.asks(), EXTENSION);
}

#[test]
fn a_samplers_bar_is_the_steps_of_the_sampler_and_its_end_the_prompts() {
    let mut host = following();
    assert_eq!(source(&host), (Source::Polling, Some(ObserveMode::Logs)));
    host.at(3_000);
    assert_eq!(links(host.hear(&bar(0, 12))), []);
    host.at(4_000);
    host.hear(&bar(3, 12));
    assert_eq!((steps(&host), source(&host).0), (Some((3, 12)), Source::Logs));
    let view = host.session.view(host.now);
    let prompt = view.prompt.unwrap();
    assert_eq!((prompt.current_node, prompt.current_class), (Some("3"), Some("KSampler")));
    // The loader has run, the sampler a quarter: of four nodes.
    assert_eq!(prompt.percentage.map(crate::state::Percentage::permille), Some(312));
    assert_eq!(prompt.elapsed, Some(Duration::from_secs(2)), "since the queue was told");
    assert!(prompt.eta >= Some(Duration::from_secs(4)), "{:?}", prompt.eta);

    host.at(5_000);
    host.hear(&bar(12, 12));
    assert_eq!(links(host.hear(&log(EXECUTED))), [Dial(Http)], "how, is asked at once");
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    host.hear(&status(0));
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), []);
    assert_eq!((host.prompt(), source(&host).0), (Some(("p", PromptState::Success)), Source::Polling));
    assert_eq!(links(host.later(1_000)), []);
}

#[test]
fn a_bar_that_came_before_the_prompt_was_known_is_its_own() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    host.hear(&[status(1), bar(0, 12), bar(2, 12)].concat());
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    host.answers(JOBS, &jobs(Some("p")));
    assert_eq!(steps(&host), Some((2, 12)));
}

#[test]
fn what_failed_is_told_at_once_and_in_full_by_the_history() {
    let mut host = following();
    host.hear(&bar(3, 12));
    let lines =
        "!!! Exception during processing !!! no \u{fc}\nTraceback (most recent call last):\n  File \"x\"\nm.E: no\n\n";
    assert_eq!(links(host.hear(&log(lines))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(links(host.hear(&log(EXECUTED))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));
    let error = host.session.state().prompt().unwrap().error().unwrap();
    assert_eq!((error.exception_type.as_str(), error.exception_message.as_str()), ("m.E", "no \u{fc}"));
    assert!(!host.session.state().prompt().unwrap().is_settled(), "only the log said so");

    let history = r#"{"p": {"status": {"status_str": "error", "messages": [["execution_error",
        {"node_id": "3", "node_type": "KSampler", "exception_type": "E", "exception_message": "no, as it is"}]]}}}"#;
    assert_eq!(links(host.answers("/history/p", history)), []);
    let prompt = host.session.state().prompt().unwrap();
    assert!(prompt.is_settled());
    let error = prompt.error().unwrap();
    assert_eq!(error.exception_message.as_str(), "no, as it is");
    assert_eq!(error.node_id.as_ref().unwrap().as_str(), "3");
}

#[test]
fn the_history_is_right_where_the_log_was_understood_wrongly() {
    let mut host = following();
    host.hear(&log(&format!("!!! Exception during processing !!! caught\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));
    host.answers("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(host.session.state().prompt().unwrap().error(), None);

    let mut host = following();
    host.hear(&log(&format!("Processing interrupted\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)));
    host.answers("/history/p", "{}");
    host.answers(JOBS, &jobs(None));
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)), "nobody knows better");
    assert!(host.session.state().prompt().unwrap().is_settled());
}

#[test]
fn prompts_too_quick_to_be_seen_running_are_told_one_by_one() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    let did = host.hear(&[status(1), log(EXECUTED), status(0), status(1), log(EXECUTED), status(0)].concat());
    assert_eq!(links(did), [Dial(Http)]);
    assert_eq!(links(host.answers(&ended(1), &last_job("p", "completed"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(links(host.answers(&ended(0), &last_job("q", "failed"))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/q", &history("q", "error"))), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Error)));
    // What the log tells next is another one's end.
    assert_eq!(links(host.hear(&[status(1), log(EXECUTED), status(0)].concat())), [Dial(Http)]);
    assert_eq!(links(host.answers(&ended(0), &last_job("r", "completed"))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/r", &history("r", "success"))), []);
    assert_eq!(host.prompt(), Some(("r", PromptState::Success)));
}

#[test]
fn without_a_log_the_queue_tells_of_quick_ones_and_without_jobs_the_history() {
    let mut host = observer(NOT_FOUND);
    assert_eq!(source(&host).1, Some(ObserveMode::Polling));
    host.at(2_000);
    assert_eq!(links(host.hear(&[status(1), status(0)].concat())), [Dial(Http)]);
    assert_eq!(links(host.responds(&ended(0), NOT_FOUND)), [Dial(Http)]);
    assert_eq!(links(host.answers("/history?max_items=1", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn the_socket_stands_above_the_log() {
    let mut host = following();
    host.hear(&bar(3, 12));
    let progress = r#"{"type": "progress", "data": {"value": 1, "max": 4, "prompt_id": "p", "node": "3"}}"#;
    host.hear(&text(progress));
    host.hear(&bar(5, 12));
    assert_eq!((steps(&host), source(&host).0), (Some((1, 4)), Source::Websocket));
    // It doesn't end what the socket tells of, but is a reason to ask.
    let at = host.now;
    assert_eq!(links(host.hear(&log(EXECUTED))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.now = at.saturating_add(Duration::from_millis(RECONCILE_MILLIS));
    assert_eq!(links(host.tell(Input::Host(Host::Wake))), [Dial(Http)]);
}

#[test]
fn who_submits_subscribes_only_where_another_clients_prompt_runs() {
    let mut host = ScriptedHost::connected_with(POLLS);
    host.hear(&[status(1), start("p")].concat());
    assert_eq!(links(host.answers("/queue", &queue("p"))), []);
    assert_eq!(source(&host).1, None);
    let success = r#"{"type": "execution_success", "data": {"prompt_id": "p"}}"#;
    let at = host.now;
    host.hear(&[text(success), status(1)].concat());
    host.now = at.saturating_add(Duration::from_millis(RECONCILE_MILLIS));
    assert_eq!(links(host.tell(Input::Host(Host::Wake))), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    host.answers(JOBS, &jobs(Some("q")));
    assert_eq!(links(host.answers("/queue", &queue("q"))), [Dial(Http)]);
    assert_eq!(host.asks(), LOG, "the extension tells only those who submit nothing");
}

#[test]
fn quick_ones_that_follow_each_other_soon_are_told_each() {
    let mut host = observer(SUBSCRIBED);
    for (at, id) in [(2_000, "p"), (2_500, "q"), (3_000, "r")] {
        host.at(at);
        let did = host.hear(&[status(1), status(0), log(EXECUTED)].concat());
        assert_eq!(links(did), [Dial(Http)], "{id}");
        assert_eq!(links(host.answers(&ended(0), &last_job(id, "completed"))), [Dial(Http)]);
        host.answers(&format!("/history/{id}"), &history(id, "success"));
        assert_eq!(host.prompt(), Some((id, PromptState::Success)));
    }
}

#[test]
fn the_next_prompt_begins_once_it_is_known_how_the_one_before_ended() {
    let mut host = following();
    host.at(3_000);
    host.hear(&status(2));
    assert_eq!(host.due(3_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(2))), [Dial(Http)]);
    // While it is asked, the prompt ends, and the answer is of the next.
    assert_eq!(host.asks(), JOBS);
    host.hear(&[status(1), log(EXECUTED), status(1)].concat());
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    let answer = answer(&jobs(Some("q")));
    host.tell(Input::Bytes(Http, answer.as_bytes()));
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    host.answers(JOBS, &jobs(Some("q")));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
}

#[test]
fn where_the_log_tells_no_ends_the_queue_does() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    assert_eq!(links(host.hear(&[status(1), status(0)].concat())), []);
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.answers(&ended(0), &last_job("p", "completed"))), [Dial(Http)]);
    host.answers("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn without_a_log_a_shorter_queue_is_a_reason_to_ask_at_once() {
    let mut host = observer(NOT_FOUND);
    host.at(2_000);
    host.hear(&[status(1), status(2), status(3)].concat());
    assert_eq!(host.due(2_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(3));
    host.answers(JOBS, &jobs(Some("p")));
    host.answers("/queue", r#"{"queue_running": [[0, "p", {}]], "queue_pending": [[1, "q", {}], [2, "r", {}]]}"#);
    host.at(3_000);
    assert_eq!(links(host.hear(&status(2))), [Dial(Http)]);
    // Another quick one ends meanwhile.
    assert_eq!(host.asks(), JOBS);
    host.hear(&status(1));
    let answer = answer(&jobs(Some("r")));
    assert!(links(host.tell(Input::Bytes(Http, answer.as_bytes()))).contains(&Dial(Http)));
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(links(host.answers(&ended(0), &last_job("q", "completed"))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/q", &history("q", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Success)));
    host.answers(JOBS, &jobs(Some("r")));
    assert_eq!(host.prompt(), Some(("r", PromptState::Running)));
}

#[test]
fn the_history_of_an_old_server_tells_of_several_at_once() {
    let mut host = observer(NOT_FOUND);
    host.at(2_000);
    host.hear(&[status(2), status(1), status(0)].concat());
    assert_eq!(links(host.responds(&ended(1), NOT_FOUND)), [Dial(Http)]);
    let [p, q] = ["p", "q"].map(|id| history(id, "success"));
    let both = format!("{},{}", &p[..p.len() - 1], &q[1..]);
    assert_eq!(links(host.answers("/history?max_items=2", &both)), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.answers("/history/p", &p)), [Dial(Http)]);
    assert_eq!(links(host.answers("/history?max_items=1", &q)), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/q", &q)), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Success)));
}

#[test]
fn late_lines_of_the_prompt_before_are_none_of_the_next() {
    let mut host = following();
    host.at(3_000);
    // The log comes behind the queue, and HTTP is quicker.
    assert_eq!(links(host.hear(&status(1))), []);
    assert_eq!(host.due(3_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(links(host.answers(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/p", &history("p", "error"))), [Dial(Http)]);
    host.answers(JOBS, &jobs(Some("q")));
    host.answers("/queue", &queue("q"));
    host.hear(&log(&format!("!!! Exception during processing !!! late\n{EXECUTED}")));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
    assert_eq!(links(host.hear(&log(EXECUTED))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Ended)));
}

#[test]
fn an_end_that_a_foreign_line_told_is_taken_back() {
    let mut host = following();
    host.hear(&bar(3, 12));
    assert_eq!(links(host.hear(&log("Prompt executed in 3.10 seconds\n"))), [Dial(Http)]);
    assert_eq!(links(host.answers("/history/p", "{}")), [Dial(Http)], "does it still run?");
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert!(!host.session.state().prompt().unwrap().is_settled());
    host.answers(JOBS, &jobs(Some("p")));
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.hear(&bar(4, 12));
    assert_eq!(steps(&host), Some((4, 12)));
    host.hear(&status(0));
    host.later(2_000);
    assert_eq!(links(host.answers("/history/p", &history("p", "error"))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Error)));

    let mut host = following();
    host.hear(&log(EXECUTED));
    host.answers("/history/p", "{}");
    host.answers(JOBS, &jobs(None));
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert!(host.session.state().prompt().unwrap().is_settled(), "the history was cleared");
}

#[test]
fn what_doesnt_answer_or_wants_a_login_keeps_nothing_else_from_being_asked() {
    let refuses = |status: u16| format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    for refusal in [refuses(401), refuses(407), refuses(500), answer("<html>")] {
        let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
        host.hear(&[accept(&request), status(0)].concat());
        assert_eq!(links(host.responds(EXTENSION, &refusal)), [Dial(Http)], "{refusal}");
        assert_eq!(links(host.responds(LOG, &refusal)), [], "{refusal}");
        assert_eq!(source(&host).1, Some(ObserveMode::Polling));
        assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
        assert_eq!(links(host.answers(PROMPT, &remaining(0))), []);
    }
    let (mut host, request) = ScriptedHost::asked_with(OBSERVES);
    host.hear(&[accept(&request), status(0)].concat());
    let silent = WAY_SECONDS * 1_000;
    assert_eq!(host.asks(), EXTENSION);
    assert_eq!(host.due(silent), [Close(Http), Dial(Http)]);
    assert_eq!(host.asks(), LOG);
    assert_eq!(host.due(2 * silent), [Close(Http), Dial(Http)]);
    assert_eq!(source(&host).1, Some(ObserveMode::Polling));
    assert_eq!(links(host.answers(PROMPT, &remaining(0))), []);
    // Much later it is tried again.
    let again = 2 * silent + WAY_AGAIN_SECONDS * 1_000;
    while host.now < Instant::from_millis(again) {
        let due = host.deadline.unwrap();
        host.now = due;
        if links(host.tell(Input::Host(Host::Wake))) == [Dial(Http)] && due < Instant::from_millis(again) {
            host.answers(PROMPT, &remaining(0));
        }
    }
    assert_eq!(host.asks(), EXTENSION);
}

#[test]
fn an_end_while_it_is_asked_after_another_moves_none() {
    let mut host = observer(SUBSCRIBED);
    host.at(2_000);
    assert_eq!(links(host.hear(&[status(1), status(0), log(EXECUTED)].concat())), [Dial(Http)]);
    // Each time it is asked, one more ends, and the answer is the newest's.
    for (n, id) in (0..).zip(["q", "r", "s"]) {
        assert_eq!(host.asks(), ended(n));
        host.hear(&log(EXECUTED));
        let answer = answer(&last_job(id, "completed"));
        assert!(links(host.tell(Input::Bytes(Http, answer.as_bytes()))).contains(&Dial(Http)));
        assert_eq!(host.prompt(), None);
    }
    for (n, id) in [(3, "p"), (2, "q"), (1, "r"), (0, "s")] {
        assert_eq!(links(host.answers(&ended(n), &last_job(id, "completed"))), [Dial(Http)], "{id}");
        host.answers(&format!("/history/{id}"), &history(id, "success"));
        assert_eq!(host.prompt(), Some((id, PromptState::Success)));
    }
}

#[test]
fn where_a_doubt_is_refused_an_answer_the_queue_is_asked() {
    let mut host = following();
    host.hear(&log(EXECUTED));
    assert_eq!(links(host.answers("/history/p", "{}")), [Dial(Http)]);
    assert_eq!(links(host.responds(JOBS, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")), [Dial(Http)]);
    host.answers("/queue", &queue("p"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
}
