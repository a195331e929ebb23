//! What is asked over HTTP once the socket is open, and what the answers mean.

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

/// What `/api/jobs` says where `prompt` runs, or nothing.
pub(super) fn jobs(prompt: Option<&str>) -> String {
    let jobs = prompt.map_or(String::new(), |id| format!(r#"{{"id": "{id}", "status": "in_progress"}}"#));
    format!(r#"{{"jobs": [{jobs}], "pagination": {{"offset": 0}}}}"#)
}

/// What `/queue` says where `prompt` runs.
pub(super) fn queue(prompt: &str) -> String {
    format!(
        r#"{{"queue_running": [[0, "{prompt}", {{"1": {{"class_type": "A"}}}}, {{}}, ["1"]]], "queue_pending": []}}"#
    )
}

pub(super) fn history(prompt: &str, status: &str) -> String {
    format!(r#"{{"{prompt}": {{"outputs": {{}}, "status": {{"status_str": "{status}", "messages": []}}}}}}"#)
}

/// A host at 1 s whose socket told, at 100 ms, that `remaining` prompts are there, and which has asked for them.
pub(super) fn asked(config: Config<'static>, remaining: u32) -> ScriptedHost<'static> {
    let (mut host, request) = ScriptedHost::asked_with(config);
    host.hear(&accept(&request));
    host.at(100);
    host.hear(&status(remaining));
    assert_eq!(host.due(RECONCILE_MILLIS), [Dial(Http)]);
    host
}

/// A host at 1 s which knows from the socket that `p` runs, of one node.
fn running() -> ScriptedHost<'static> {
    let mut host = ScriptedHost::connected_with(POLLS);
    host.hear(&[status(1), start("p")].concat());
    host.answers("/queue", &queue("p"));
    host.later(100);
    host
}

#[test]
fn shortly_after_the_socket_opened_the_server_is_asked_then_now_and_again() {
    let mut host = asked(ASKS, 0);
    assert_eq!(links(host.answers(PROMPT, &remaining(0))), []);
    let again = RECONCILE_MILLIS + DEAF_SECONDS * 1_000;
    assert_eq!(host.due(again), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(0))), []);
    assert_eq!(host.due(again + DEAF_SECONDS * 1_000), [Dial(Http)]);
}

#[test]
fn an_observer_learns_what_runs_and_of_which_nodes() {
    let mut host = asked(ASKS, 2);
    assert_eq!(host.prompt(), None);
    assert_eq!(links(host.answers(PROMPT, &remaining(2))), [Dial(Http)]);
    assert_eq!(links(host.answers(JOBS, &jobs(Some("p")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(host.session.state().connection().source, Source::Polling);
    assert_eq!(links(host.answers("/queue", &queue("p"))), [Dial(Http)], "it is another client's");
    assert_eq!(links(host.responds(LOG, NOT_FOUND)), []);
    assert_eq!(host.session.state().connection().way, Some(ObserveMode::Polling));
    assert_eq!(host.session.state().prompt().and_then(crate::state::Prompt::nodes_total), Some(1));

    // The socket tells that the queue is another one: the prompt ended, and another may run.
    host.at(5_000);
    assert_eq!(links(host.hear(&status(1))), []);
    assert_eq!(host.due(5_000 + RECONCILE_MILLIS), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(1))), [Dial(Http)]);
    assert_eq!(links(host.answers(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)), "how it ended, is asked first");
    assert_eq!(links(host.answers("/history/p", &history("p", "success"))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
    assert_eq!(links(host.answers(JOBS, &jobs(Some("q")))), [Dial(Http)]);
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
    assert_eq!(links(host.answers("/queue", &queue("q"))), []);

    host.at(9_000);
    assert_eq!(links(host.hear(&status(0))), [Dial(Http)], "it is over: how, is asked at once");
    assert_eq!(links(host.answers("/history/q", &history("q", "error"))), []);
    assert_eq!(host.prompt(), Some(("q", PromptState::Error)));
}

#[test]
fn many_changes_of_the_queue_are_one_reason_to_ask() {
    let mut host = asked(ASKS, 0);
    host.answers(PROMPT, &remaining(0));
    for n in 1..4 {
        host.at(2_000 + u64::from(n) * 50);
        assert_eq!(links(host.hear(&status(n))), []);
    }
    assert_eq!(host.due(2_050 + RECONCILE_MILLIS), [Dial(Http)], "after the first");
    assert_eq!(links(host.answers(PROMPT, &remaining(3))), [Dial(Http)]);
    assert_eq!(links(host.answers(JOBS, &jobs(None))), []);
}

#[test]
fn whom_the_socket_tells_of_the_prompt_does_not_ask_at_each_change_of_the_queue() {
    let mut host = running();
    let at = host.now;
    assert_eq!(links(host.hear(&status(2))), []);
    host.now = at.saturating_add(Duration::from_secs(20));
    assert_eq!(links(host.tell(Input::Host(Host::Wake))), []);

    let mut host = ScriptedHost::connected_with(ASKS);
    assert_eq!(links(host.hear(&status(1))), []);
    host.later(RECONCILE_MILLIS - 1);
    assert_eq!(links(host.hear(&start("p"))), [Dial(Http)], "of the graph only");
    assert_eq!(links(host.answers("/queue", &queue("p"))), []);
    assert_eq!(links(host.later(1_000)), []);
}

#[test]
fn an_old_server_without_jobs_is_asked_for_its_queue() {
    let mut host = asked(ASKS, 1);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(links(host.responds(JOBS, NOT_FOUND)), [Dial(Http)]);
    assert_eq!(links(host.answers("/queue", &queue("p"))), [Dial(Http)], "the graph is in it, the log is asked for");
    assert_eq!(links(host.responds(LOG, NOT_FOUND)), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    host.at(5_000);
    host.hear(&status(1));
    assert_eq!(host.due(5_000 + RECONCILE_MILLIS), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(links(host.answers("/queue", &queue("p"))), [], "known by now");

    let mut host = asked(ASKS, 1);
    host.answers(PROMPT, &remaining(1));
    host.responds(JOBS, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    host.answers("/queue", &queue("p"));
    host.responds(LOG, NOT_FOUND);
    host.at(5_000);
    host.hear(&status(1));
    host.due(5_000 + RECONCILE_MILLIS);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(host.asks(), JOBS, "what fails once may be there the next time");
}

#[test]
fn a_prompt_that_ended_while_nobody_listened_is_told_with_its_outcome() {
    let mut host = running();
    host.tell(Input::Closed(Ws, End::Eof));
    let at = host.now.as_micros() / 1_000;
    assert_eq!(host.due(at + 1_000), [Dial(Ws)]);
    let request = host.opens();
    host.hear(&[accept(&request), status(0)].concat());
    assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
    assert_eq!(links(host.tell(Input::Host(Host::Wake))), [], "asked already");
    let interrupted = r#"{"p": {"status": {"status_str": "error", "messages": [["execution_interrupted", {}]]}}}"#;
    host.answers("/history/p", interrupted);
    assert_eq!(host.prompt(), Some(("p", PromptState::Interrupted)));
}

/// What an earlier session kept is marked as old until the server says what became of it.
#[test]
fn a_restored_prompt_is_confirmed_or_over() {
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

    // Over HTTP, as long as there is no socket.
    let mut host = restored();
    assert_eq!(host.due(2_000), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(source(&host), Source::Restored, "another one may run");
    host.answers(JOBS, &jobs(Some("p")));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Running)), Source::Polling));

    let mut host = restored();
    assert_eq!(host.due(2_000), [Dial(Http)]);
    assert_eq!(links(host.answers(PROMPT, &remaining(0))), [Dial(Http)]);
    host.answers("/history/p", &history("p", "success"));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Success)), Source::Polling));

    // By the socket.
    let mut host = restored();
    let request = host.opens();
    let progress = r#"{"type": "progress", "data": {"value": 1, "max": 2, "prompt_id": "p", "node": "1"}}"#;
    host.hear(&[accept(&request), status(1)].concat());
    assert_eq!(source(&host), Source::Restored);
    host.hear(&text(progress));
    assert_eq!((host.prompt(), source(&host)), (Some(("p", PromptState::Running)), Source::Websocket));
}

#[test]
fn an_outcome_that_the_server_does_not_know_is_asked_for_once() {
    for answer in [&answer("{}"), NOT_FOUND, "HTTP/1.1 403 Forbidden\r\n\r\n"] {
        let mut host = running();
        assert_eq!(links(host.hear(&status(0))), [Dial(Http)]);
        assert_eq!(links(host.responds("/history/p", answer)), []);
        assert_eq!(host.prompt(), Some(("p", PromptState::Ended)));
        assert!(host.session.state().prompt().unwrap().is_settled(), "{answer}");
        assert_eq!(links(host.later(20_000)), []);
    }
}

#[test]
fn an_outcome_that_nobody_tells_is_asked_for_a_few_times_ever_later() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{";
    for heard in ["", busy, cut] {
        let mut host = running();
        assert_eq!(links(host.hear(&status(0))), [Dial(Http)]);
        let mut wait = POLL_SECONDS * 1_000;
        for tries in 1..=OUTCOME_TRIES {
            let at = host.now.as_micros() / 1_000;
            assert_eq!(host.asks(), "/history/p");
            host.tell(Input::Bytes(Http, heard.as_bytes()));
            host.tell(Input::Closed(Http, End::Eof));
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
            if links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Http)) && host.asks() == "/history/p" {
                asks += 1;
            }
            host.tell(Input::Closed(Http, End::Unreachable));
        }
        assert_eq!(asks, if heard == cut { 0 } else { 2 }, "where nobody answered, it is asked on: {heard}");
    }
}

#[test]
fn while_the_server_is_away_no_outcome_is_given_up() {
    let mut host = running();
    host.told(Input::Closed(Ws, End::Eof));
    let item = Item::Prompt { prompt_id: Id::from("p"), status: JobStatus::Ended };
    let since = host.session.state().socket_generation();
    apply(host.session.session.state_mut(), host.now, Action::Response { since, item }, &mut ());
    let mut asked = 0;
    while host.now < Instant::from_millis(600_000) {
        let did = links(host.drain());
        for link in did.into_iter().filter_map(|did| if let Dial(link) = did { Some(link) } else { None }) {
            asked += u32::from(link == Http);
            host.told(Input::Closed(link, End::Unreachable));
        }
        host.drain();
        host.now = host.deadline.unwrap();
        host.told(Input::Host(Host::Wake));
    }
    assert!((20..30).contains(&asked), "each 30 s at last: {asked}");
    assert!(!host.session.state().prompt().unwrap().is_settled());
    host.tell(Input::Host(Host::Reconnect));
    while !links(host.tell(Input::Host(Host::Wake))).contains(&Dial(Http)) {
        host.now = host.deadline.unwrap();
    }
    host.answers("/history/p", &history("p", "success"));
    assert_eq!(host.prompt(), Some(("p", PromptState::Success)));
}

#[test]
fn an_answer_does_not_take_back_what_the_socket_said_since() {
    let mut host = asked(ASKS, 1);
    assert_eq!(host.asks(), PROMPT);
    host.hear(&status(3));
    host.tell(Input::Bytes(Http, answer(&remaining(1)).as_bytes()));
    assert_eq!(host.session.state().queue_remaining(), Some(3));
    assert_eq!(host.asks(), JOBS);
    host.hear(&start("q"));
    host.tell(Input::Bytes(Http, answer(&jobs(Some("p"))).as_bytes()));
    assert_eq!(host.prompt(), Some(("q", PromptState::Running)));
}

/// The socket is amid a message that may begin another prompt's record, and stalls.
#[test]
fn an_answer_that_does_not_count_is_no_reason_to_ask_on_and_on() {
    let mut host = running();
    let began = r#"{"type": "progress_state", "data": {"prompt_id": "r", "nodes": {"1": {"value": 1, "max": 1, "state": "running"}"#;
    host.hear(&frame(0x01, began.as_bytes()));
    assert_eq!(host.due(30_300), [Dial(Http)]);
    host.answers(PROMPT, &remaining(1));
    assert_eq!(links(host.answers(JOBS, &jobs(Some("q")))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
    assert_eq!(links(host.later(20_000)), []);
}

#[test]
fn who_is_not_let_in_asks_no_more_until_the_next_connection() {
    for status in [401, 403, 407] {
        let mut host = asked(POLLS, 1);
        host.responds(PROMPT, &format!("HTTP/1.1 {status} No\r\n\r\n"));
        host.hear(&start("p"));
        assert_eq!(links(host.later(120_000)), []);
        assert_eq!(host.deadline, None);
        host.tell(Input::Closed(Ws, End::Eof));
        assert_eq!(host.due(120_300 + 1_000), [Dial(Ws)], "nor while there is no socket");
        let request = host.opens();
        assert_eq!(links(host.hear(&accept(&request)))[0], Dial(Http), "the running prompt's graph");
    }
}

/// Whom nobody answers must not wait for an outcome.
#[test]
fn an_end_is_settled_where_nothing_may_be_asked() {
    let mut host = asked(POLLS, 1);
    host.responds(PROMPT, "HTTP/1.1 403 No\r\n\r\n");
    host.hear(&start("p"));
    host.hear(&status(0));
    let prompt = host.session.state().prompt().expect("it was seen");
    assert_eq!((prompt.state(), prompt.is_settled()), (PromptState::Ended, true));
}

#[test]
fn a_submission_that_was_missed_is_asked_for_unless_another_prompt_runs() {
    for (status, state) in [("success", PromptState::Success), ("error", PromptState::Error)] {
        let mut host = ScriptedHost::connected_with(POLLS);
        assert_eq!(links(host.tell(Input::Host(Host::Missed { prompt_id: Id::from("q") }))), [Dial(Http)]);
        host.answers("/history/q", &history("q", status));
        assert_eq!(host.prompt(), Some(("q", state)));
        assert_eq!(links(host.tell(Input::Host(Host::Missed { prompt_id: Id::from("q") }))), [], "it is known by now");
        assert_eq!(host.prompt(), Some(("q", state)));
    }
    let mut host = running();
    assert_eq!(links(host.tell(Input::Host(Host::Missed { prompt_id: Id::from("q") }))), []);
    assert_eq!(host.prompt(), Some(("p", PromptState::Running)));
}
