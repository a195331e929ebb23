//! Bodies as ComfyUI sends them, and others; what the recordings hold is read in `tests/tests/http_answers.rs`.

use super::*;
use crate::json::JsonErrorKind;
use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// What the answer said, fact by fact, and how it ended; the same in pieces of every size.
#[track_caller]
fn read(asked: Asked, body: &str) -> (Vec<String>, Result<(), AnswerError>) {
    let mut answer = Answer::<36, 24>::new(Asked::Queue);
    // Of what was read before, nothing counts.
    let before = r#"{"queue_running": [], "queue_pending": []}["#;
    assert_eq!(answer.next(&mut before.as_bytes()), Ok(Some(Fact::Queue { running: 0, waiting: 0 })));
    let mut read = |size| {
        answer.reset(asked);
        let mut facts = Vec::new();
        for mut piece in body.as_bytes().chunks(size) {
            loop {
                match answer.next(&mut piece) {
                    Ok(Some(fact)) => facts.push(format!("{fact:?}")),
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(answer.next(&mut &b"{}"[..]), Err(error), "said again");
                        assert_eq!(answer.finish(), Err(error));
                        return (facts, Err(error));
                    }
                }
            }
            assert!(piece.is_empty());
        }
        (facts, answer.finish())
    };
    let whole = read(body.len().max(1));
    for size in 1..body.len() {
        assert_eq!(read(size), whole, "pieces of {size}: {body}");
    }
    whole
}

#[track_caller]
fn says(asked: Asked, body: &str, facts: &[Fact<'_>]) {
    let facts = facts.iter().map(|fact| format!("{fact:?}")).collect();
    assert_eq!(read(asked, body), (facts, Ok(())), "{body}");
}

fn prompt<'a>(prompt_id: &'a str, standing: Standing<'a>) -> Fact<'a> {
    Fact::Prompt { prompt_id: Id::from(prompt_id), standing }
}

/// An error of a node 3.
fn error<'a>(node_type: &'a str, exception_type: &'a str, exception_message: &'a str) -> Standing<'a> {
    Standing::Error {
        node_id: Some(Id::from("3")),
        node_type: Some(Id::from(node_type)),
        exception_type: Id::from(exception_type),
        exception_message: Id::from(exception_message),
    }
}

/// An error of which nothing is told.
fn untold() -> Standing<'static> {
    let empty = Id::from("");
    Standing::Error { node_id: None, node_type: None, exception_type: empty, exception_message: empty }
}

#[test]
fn what_remains_is_a_whole_number_of_32_bits() {
    for (number, remaining) in [("0", 0), ("2", 2), ("-0", 0), ("4294967295", u32::MAX)] {
        says(
            Asked::Prompt,
            &format!(r#"{{"exec_info": {{"queue_remaining": {number}}}}}"#),
            &[Fact::Remaining(remaining)],
        );
        let more =
            format!(r#"{{"a": [1], "exec_info": {{"x": 5, "queue_remaining":{number} , "y": "1"}}, "b": null}}"#);
        says(Asked::Prompt, &more, &[Fact::Remaining(remaining)]);
    }
    let long = "1".repeat(100);
    for number in ["-1", "2.0", "2e0", "4294967296", "\"2\"", "null", "true", "NaN", "-Infinity", "[2]", "{}", &long] {
        let body = format!(r#"{{"exec_info": {{"queue_remaining": {number}}}}}"#);
        assert_eq!(read(Asked::Prompt, &body), (vec![], Err(AnswerError::Shape)), "{number}");
    }
}

#[test]
fn a_number_that_is_cut_is_none() {
    let mut answer = Answer::<4, 4>::new(Asked::Prompt);
    let body = r#"{"exec_info": {"queue_remaining": 12345}}"#;
    assert_eq!(answer.next(&mut body.as_bytes()), Ok(None));
    assert_eq!(answer.finish(), Err(AnswerError::Shape));
}

#[test]
fn the_queue_tells_who_runs_with_the_graph_and_who_waits() {
    let body = r#"{"queue_pending": [[4, "later", {"1": {"class_type": "X"}}, {}, ["1"]], [-5, "front"]],
        "queue_running": [[3, "p-1", {"7": {"inputs": {"class_type": ["no"], "a": [["4", 0]]}, "class_type": "KSampler"},
        "12:3": {"class_type": "VAE\ud83d\ude00", "inputs": {}}, "\u00fc": {"inputs": {}}},
        {"client_id": "c", "extra_pnginfo": {"workflow": {"nodes": [{"class_type": "No"}]}}}, ["9"]]], "more": 1}"#;
    let id = Id::from("p-1");
    let node = |node, class| Fact::Node { prompt_id: id, node: Id::from(node), class };
    says(
        Asked::Queue,
        body,
        &[
            prompt("later", Standing::Waiting),
            prompt("front", Standing::Waiting),
            prompt("p-1", Standing::Running),
            node("7", "KSampler"),
            node("12:3", "VAE😀"),
            Fact::Graph { prompt_id: id, nodes: 3 },
            Fact::Queue { running: 1, waiting: 2 },
        ],
    );
    says(Asked::Queue, r#"{"queue_running": [], "queue_pending": []}"#, &[Fact::Queue { running: 0, waiting: 0 }]);
}

#[test]
fn a_graph_without_a_prompt_is_nobodys_and_a_prompt_may_have_none() {
    for item in
        [r#"[1, 5, {"1": {"class_type": "X"}}]"#, r#"[1, ["p"], {"1": {"class_type": "X"}}]"#, "[]", "[[], null]"]
    {
        let body = format!(r#"{{"queue_running": [{item}], "queue_pending": [{item}, {{"1": "p"}}, "p"]}}"#);
        says(Asked::Queue, &body, &[Fact::Queue { running: 1, waiting: 1 }]);
    }
    let body = r#"{"queue_running": [[1, "p"], [2, 5, {"1": {"class_type": "X"}}]], "queue_pending": []}"#;
    says(Asked::Queue, body, &[prompt("p", Standing::Running), Fact::Queue { running: 2, waiting: 0 }]);
    for graph in
        ["", ", []", ", null", r#", "x""#, r#", [{"1": {"class_type": "X"}}]"#, r#", 1, {"1": {"class_type": "X"}}"#]
    {
        let body = format!(r#"{{"queue_running": [[1, "p"{graph}]], "queue_pending": []}}"#);
        says(Asked::Queue, &body, &[prompt("p", Standing::Running), Fact::Queue { running: 1, waiting: 0 }]);
    }
    let body =
        r#"{"queue_running": [[1, "p", {"1": {"class_type": 5}, "2": "x", "3": [], "4": {}}]], "queue_pending": []}"#;
    let graph = Fact::Graph { prompt_id: Id::from("p"), nodes: 2 };
    says(Asked::Queue, body, &[prompt("p", Standing::Running), graph, Fact::Queue { running: 1, waiting: 0 }]);
}

/// A history's entry of `p` with this status.
fn history(status: &str) -> String {
    format!(
        r#"{{"p": {{"prompt": [1, "p", {{"status": {{"status_str": "no"}}}}], "outputs": {{"1": {{"status": []}}}}, "status": {status}, "meta": {{}}}}}}"#
    )
}

#[test]
fn the_history_tells_how_a_prompt_ended() {
    const SENT: &str = r#""node_id": "3", "node_type": "T\u00e9", "executed": ["1"], "exception_message": "Out of memory\n", "exception_type": "E", "traceback": ["exception_type"], "current_inputs": {"node_id": ["9"]}"#;
    let failed = error("Té", "E", "Out of memory\n");
    let message =
        |kind: &str, data: &str| format!(r#"["execution_start", {{"node_id": "8"}}], ["{kind}", {{{data}}}]"#);
    let status = |word: &str, messages: &str| {
        format!(r#"{{"status_str": "{word}", "completed": {}, "messages": [{messages}]}}"#, word == "success")
    };
    for (status, standing) in [
        (status("success", &message("execution_success", "")), Standing::Success),
        (status("error", &message("execution_error", SENT)), failed),
        (status("error", &message("execution_interrupted", r#""node_id": "2""#)), Standing::Interrupted),
        // Before 2024-07-21 there were no such messages.
        (status("success", ""), Standing::Success),
        (status("error", ""), untold()),
        (status("error", r#"["execution_error", null]"#), untold()),
        (status("error", r#"["execution_error", null], [5, {"node_id": "9"}]"#), untold()),
        (format!(r#"{{"messages": [{}], "status_str": "error"}}"#, message("execution_error", SENT)), failed),
        // What was blocked ends nothing.
        (
            status("success", &message("execution_error", r#""node_id": "3", "exception_type": "ExecutionBlocked""#)),
            Standing::Success,
        ),
        (status("error", &format!("{}, {}", message("execution_error", SENT), r#"["a", {"node_id": "9"}]"#)), failed),
        (status("error", &format!("{}, {}", message("execution_error", SENT), r#"[5, {"node_id": "9"}]"#)), failed),
        (
            status("error", &format!("{}, {}", message("execution_error", SENT), message("execution_error", ""))),
            untold(),
        ),
        (status("", &format!("{}, {}", message("execution_success", ""), r#"["a", {}]"#)), Standing::Success),
        (r#"{"completed": true, "status_str": "a"}"#.to_string(), Standing::Success),
        (r#"{"completed": true, "status_str": "error"}"#.to_string(), untold()),
        (r#"{"status_str": "error", "completed": true}"#.to_string(), untold()),
        (r#"{"completed": true}"#.to_string(), Standing::Success),
        (r#"{"completed": false}"#.to_string(), Standing::Ended),
        (
            r#"{"status_str": "strange", "completed": 1, "messages": [5, [], [[]], {"execution_error": 1}]}"#
                .to_string(),
            Standing::Ended,
        ),
        ("null".to_string(), Standing::Ended),
    ] {
        says(Asked::History, &history(&status), &[prompt("p", standing)]);
    }
    says(Asked::History, "{}", &[]);
}

#[test]
fn what_is_of_the_wrong_kind_reads_as_missing() {
    for id in ["null", "true", "NaN", "-Infinity", "[3]", "{\"node_id\": 3}"] {
        let error = format!(r#"{{"node_id": {id}, "node_type": "T", "exception_type": 5, "exception_message": null}}"#);
        let empty = Id::from("");
        let node_type = Some(Id::from("T"));
        let standing = Standing::Error { node_id: None, node_type, exception_type: empty, exception_message: empty };
        let body = format!(r#"{{"id": "p", "status": "failed", "execution_error": {error}}}"#);
        says(Asked::Job, &body, &[prompt("p", standing)]);
        let status = format!(r#"{{"status_str": "error", "messages": [["execution_error", {error}]]}}"#);
        says(Asked::History, &history(&status), &[prompt("p", standing)]);
    }
}

#[test]
fn an_entry_keeps_nothing_of_the_one_before() {
    let failed = r#"{"status": {"status_str": "error", "messages": [["execution_error", {"node_id": 3, "node_type": "T", "exception_type": "E", "exception_message": "m"}]]}}"#;
    let body = format!(
        r#"{{"\u00fc/1": {failed}, "b": {{"status": {{"status_str": "error"}}}}, "c": {{}}, "d": [], "e": {failed}}}"#
    );
    let standing = error("T", "E", "m");
    let facts = [prompt("ü/1", standing), prompt("b", untold()), prompt("c", Standing::Ended), prompt("e", standing)];
    says(Asked::History, &body, &facts);
}

#[test]
fn jobs_tell_how_they_stand() {
    let job = |id: &str, status: &str| {
        format!(
            r#"{{"id": "{id}", "status": "{status}", "priority": 2, "preview_output": {{"id": "x", "status": "failed"}}, "outputs_count": 1}}"#
        )
    };
    let standings = [
        ("pending", Standing::Waiting),
        ("in_progress", Standing::Running),
        ("completed", Standing::Success),
        ("failed", untold()),
        ("cancelled", Standing::Interrupted),
    ];
    for (status, standing) in standings {
        says(Asked::Job, &job("p", status), &[prompt("p", standing)]);
    }
    let failed = r#"{"execution_error": {"node_id": "3", "node_type": "T", "exception_message": "m", "exception_type": "E", "current_inputs": {"status": "pending"}}, "status": "failed", "id": "f"}"#;
    let jobs = standings.map(|(status, _)| job(status, status)).join(", ");
    let body = format!(
        r#"{{"pagination": {{"total": 9}}, "jobs": [{failed}, {jobs}, {}, {{"id": "x"}}, {{"status": "failed"}}, 5, [], {{}}]}}"#,
        job("x", "paused")
    );
    let mut facts = vec![prompt("f", error("T", "E", "m"))];
    facts.extend(standings.map(|(status, standing)| prompt(status, standing)));
    says(Asked::Jobs, &body, &facts);
    says(Asked::Jobs, r#"{"jobs": [], "pagination": {}}"#, &[]);
}

#[test]
fn what_was_not_asked_for_is_an_error() {
    for (asked, bodies) in [
        (
            Asked::Prompt,
            &[r#"{"exec_info": null}"#, r#"{"queue_remaining": 1}"#, r#"[{"exec_info": {"queue_remaining": 1}}]"#][..],
        ),
        (
            Asked::Queue,
            &[r#"{"queue_running": []}"#, r#"{"queue_running": [], "queue_pending": null}"#, r#"[[[[["x"]]]]]"#],
        ),
        (Asked::History, &["[]", "[{}]"]),
        (
            Asked::Job,
            &[
                r#"{"error": "Job not found"}"#,
                r#"{"id": "p"}"#,
                r#"{"id": "p", "status": "paused"}"#,
                r#"{"id": "", "status": "failed"}"#,
            ],
        ),
        (Asked::Jobs, &[r#"{"jobs": {}}"#, r#"[{"id": "p", "status": "failed"}]"#]),
    ] {
        for body in [&["{}", "null", "5", "\"x\"", "[]"][..], bodies].concat() {
            if (asked, body) != (Asked::History, "{}") {
                assert_eq!(read(asked, body), (vec![], Err(AnswerError::Shape)), "{asked:?}: {body}");
            }
        }
        let error = |body: &str| match read(asked, body) {
            (facts, Err(AnswerError::Json(error))) if facts.is_empty() => error.kind,
            other => panic!("{body}: {other:?}"),
        };
        assert_eq!(error("<html>"), JsonErrorKind::UnexpectedByte);
        assert_eq!(error(""), JsonErrorKind::UnexpectedEnd);
        assert_eq!(error("{\"exec_info\": {"), JsonErrorKind::UnexpectedEnd);
        assert_eq!(error(&"[".repeat(1_000)), JsonErrorKind::TooDeep);
        assert_eq!(error(&r#"{"":"#.repeat(1_000)), JsonErrorKind::TooDeep);
    }
}

#[test]
fn no_body_is_too_large() {
    let mut answer = Answer::<36, 24>::new(Asked::History);
    let mut feed = |text: &str| {
        let mut piece = text.as_bytes();
        let fact = answer.next(&mut piece).unwrap().map(|fact| format!("{fact:?}"));
        assert!(piece.is_empty());
        fact
    };
    feed(r#"{"p": {"outputs": {"1": {"images": ["#);
    (0..10_000).for_each(|_| assert_eq!(feed(r#"{"filename": "x", "subfolder": ""}, "#), None));
    feed(r#"1]}}, "status": {"messages": [["execution_error", {"exception_type": "E", "exception_message": ""#);
    (0..10_000).for_each(|_| assert_eq!(feed("a message without end "), None));
    let told = feed(r#""}]]}}"#).unwrap();
    assert!(told.contains(r#"exception_message: "a message without end a ""#), "{told}");
    assert_eq!(answer.finish().map_err(|_| ()), Err(()), "a brace is missing");
}

#[test]
fn a_text_that_is_cut_says_so() {
    let body = r#"{"id": "p", "status": "failed", "execution_error": {"exception_message": "0123456789abcdefghijklm\u00fcopq"}}"#;
    let mut answer = Answer::<36, 24>::new(Asked::Job);
    let Ok(Some(Fact::Prompt { standing: Standing::Error { exception_message, .. }, .. })) =
        answer.next(&mut body.as_bytes())
    else {
        panic!("no error")
    };
    assert_eq!((exception_message.as_str(), exception_message.is_cut()), ("0123456789abcdefghijklm", true));
}

#[test]
fn words_are_told_apart_by_their_hashes() {
    for (index, (name, _)) in VERDICTS.iter().enumerate() {
        assert!(VERDICTS[..index].iter().all(|(other, _)| other != name));
    }
}
