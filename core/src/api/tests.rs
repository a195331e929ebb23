//! Bodies as ComfyUI sends them, and others. `tests/tests/http_answers.rs` reads those of the recordings.

use super::*;
use crate::json::JsonErrorKind;
use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

crate::capacity! {
    struct Ids36 { id: 36, message: 1, nodes: 1, names: 1, durations: 1, history: 1, request: 1 }
}

crate::capacity! {
    struct Ids4 { id: 4, message: 1, nodes: 1, names: 1, durations: 1, history: 1, request: 1 }
}

/// The texts of an error, in the order of [`ErrorField`].
#[derive(Clone, Debug, Default, PartialEq)]
struct Texts([Vec<u8>; 4]);

impl ErrorFields for Texts {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, text: ErrorField, piece: &[u8], first: bool) {
        let Self(texts) = self;
        let text = &mut texts[text as usize];
        if first {
            text.clear();
        }
        text.extend(piece);
    }
}

impl From<[&str; 4]> for Texts {
    fn from(texts: [&str; 4]) -> Self {
        Self(texts.map(|text| text.as_bytes().to_vec()))
    }
}

/// An error without any text.
const NO_TEXTS: [&str; 4] = [""; 4];

/// The items of a response, the texts of its errors, and how it ended: the same in pieces of every size.
#[track_caller]
fn read(request: Request, body: &str) -> (Vec<String>, Vec<Texts>, Result<(), ReadError>) {
    let mut reader = BodyReader::<Ids36>::new(Request::Queue);
    // What was read before a reset does not count.
    let before = r#"{"queue_running": [], "queue_pending": []}["#;
    assert_eq!(reader.next(&mut before.as_bytes(), &mut ()), Ok(Some(Item::Queue { running: 0, waiting: 0 })));
    let mut read = |size| {
        reader.reset(request);
        let (mut items, mut errors, mut texts) = (Vec::new(), Vec::new(), Texts::default());
        for mut piece in body.as_bytes().chunks(size) {
            loop {
                match reader.next(&mut piece, &mut texts) {
                    Ok(Some(item)) => {
                        items.push(format!("{item:?}"));
                        if matches!(item, Item::Prompt { status: JobStatus::Error, .. }) {
                            errors.push(texts.clone());
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(reader.next(&mut &b"{}"[..], &mut ()), Err(error), "repeated");
                        assert_eq!(reader.finish(), Err(error));
                        return (items, errors, Err(error));
                    }
                }
            }
            assert!(piece.is_empty());
        }
        (items, errors, reader.finish())
    };
    let whole = read(body.len().max(1));
    for size in 1..body.len() {
        assert_eq!(read(size), whole, "pieces of {size}: {body}");
    }
    whole
}

#[track_caller]
fn assert_items(request: Request, body: &str, items: &[Item<'_>]) {
    assert_items_and_errors(request, body, items, &[]);
}

/// With the texts of errors.
#[track_caller]
fn assert_items_and_errors(request: Request, body: &str, items: &[Item<'_>], errors: &[[&str; 4]]) {
    let items = items.iter().map(|item| format!("{item:?}")).collect();
    let errors = errors.iter().map(|texts| Texts::from(*texts)).collect();
    assert_eq!(read(request, body), (items, errors, Ok(())), "{body}");
}

fn prompt(prompt_id: &str, status: JobStatus) -> Item<'_> {
    Item::Prompt { prompt_id: Id::from(prompt_id), status }
}

#[test]
fn remaining_other_than_32_bit_integer_is_a_shape_error() {
    for (number, remaining) in [("0", 0), ("2", 2), ("-0", 0), ("4294967295", u32::MAX)] {
        assert_items(
            Request::Prompt,
            &format!(r#"{{"exec_info": {{"queue_remaining": {number}}}}}"#),
            &[Item::Remaining(remaining)],
        );
        let more =
            format!(r#"{{"a": [1], "exec_info": {{"x": 5, "queue_remaining":{number} , "y": "1"}}, "b": null}}"#);
        assert_items(Request::Prompt, &more, &[Item::Remaining(remaining)]);
    }
    let long = "1".repeat(100);
    for number in ["-1", "2.0", "2e0", "4294967296", "\"2\"", "null", "true", "NaN", "-Infinity", "[2]", "{}", &long] {
        let body = format!(r#"{{"exec_info": {{"queue_remaining": {number}}}}}"#);
        assert_eq!(read(Request::Prompt, &body), (vec![], vec![], Err(ReadError::Shape)), "{number}");
    }
}

#[test]
fn remaining_longer_than_its_buffer_is_a_shape_error() {
    let mut reader = BodyReader::<Ids4>::new(Request::Prompt);
    let body = r#"{"exec_info": {"queue_remaining": 12345}}"#;
    assert_eq!(reader.next(&mut body.as_bytes(), &mut ()), Ok(None));
    assert_eq!(reader.finish(), Err(ReadError::Shape));
}

#[test]
fn queue_reports_running_prompts_with_graphs_and_waiting_prompts() {
    let body = r#"{"queue_pending": [[4, "later", {"1": {"class_type": "X"}}, {}, ["1"]], [-5, "front"]],
        "queue_running": [[3, "p-1", {"7": {"inputs": {"class_type": ["no"], "a": [["4", 0]]}, "class_type": "KSampler"},
        "12:3": {"class_type": "VAE\ud83d\ude00", "inputs": {}}, "\u00fc": {"inputs": {}}},
        {"client_id": "c", "extra_pnginfo": {"workflow": {"nodes": [{"class_type": "No"}]}}}, ["9"]]], "more": 1}"#;
    let id = Id::from("p-1");
    let node = |node, class| Item::Node { prompt_id: id, node: Id::from(node), class };
    assert_items(
        Request::Queue,
        body,
        &[
            prompt("later", JobStatus::Waiting),
            prompt("front", JobStatus::Waiting),
            prompt("p-1", JobStatus::Running),
            node("7", "KSampler"),
            node("12:3", "VAE😀"),
            Item::Graph { prompt_id: id, nodes: 3 },
            Item::Queue { running: 1, waiting: 2 },
        ],
    );
    assert_items(
        Request::Queue,
        r#"{"queue_running": [], "queue_pending": []}"#,
        &[Item::Queue { running: 0, waiting: 0 }],
    );
}

#[test]
fn queue_item_without_id_or_graph_is_counted_only() {
    for item in
        [r#"[1, 5, {"1": {"class_type": "X"}}]"#, r#"[1, ["p"], {"1": {"class_type": "X"}}]"#, "[]", "[[], null]"]
    {
        let body = format!(r#"{{"queue_running": [{item}], "queue_pending": [{item}, {{"1": "p"}}, "p"]}}"#);
        assert_items(Request::Queue, &body, &[Item::Queue { running: 1, waiting: 1 }]);
    }
    let body = r#"{"queue_running": [[1, "p"], [2, 5, {"1": {"class_type": "X"}}]], "queue_pending": []}"#;
    assert_items(Request::Queue, body, &[prompt("p", JobStatus::Running), Item::Queue { running: 2, waiting: 0 }]);
    for graph in
        ["", ", []", ", null", r#", "x""#, r#", [{"1": {"class_type": "X"}}]"#, r#", 1, {"1": {"class_type": "X"}}"#]
    {
        let body = format!(r#"{{"queue_running": [[1, "p"{graph}]], "queue_pending": []}}"#);
        assert_items(Request::Queue, &body, &[prompt("p", JobStatus::Running), Item::Queue { running: 1, waiting: 0 }]);
    }
    let body =
        r#"{"queue_running": [[1, "p", {"1": {"class_type": 5}, "2": "x", "3": [], "4": {}}]], "queue_pending": []}"#;
    let graph = Item::Graph { prompt_id: Id::from("p"), nodes: 2 };
    assert_items(
        Request::Queue,
        body,
        &[prompt("p", JobStatus::Running), graph, Item::Queue { running: 1, waiting: 0 }],
    );
}

/// A history's entry of `p` with this status.
fn history(status: &str) -> String {
    format!(
        r#"{{"p": {{"prompt": [1, "p", {{"status": {{"status_str": "no"}}}}], "outputs": {{"1": {{"status": []}}}}, "status": {status}, "meta": {{}}}}}}"#
    )
}

#[test]
fn history_entry_reports_status_and_error() {
    const SENT: &str = r#""node_id": "3", "node_type": "T\u00e9", "executed": ["1"], "exception_message": "Out of memory\n", "exception_type": "E", "traceback": ["exception_type"], "current_inputs": {"node_id": ["9"]}"#;
    let message =
        |kind: &str, data: &str| format!(r#"["execution_start", {{"node_id": "8"}}], ["{kind}", {{{data}}}]"#);
    let status = |word: &str, messages: &str| {
        format!(r#"{{"status_str": "{word}", "completed": {}, "messages": [{messages}]}}"#, word == "success")
    };
    let failed = Some(["3", "Té", "E", "Out of memory\n"]);
    let no_texts = Some(NO_TEXTS);
    for (record, status, texts) in [
        (status("success", &message("execution_success", "")), JobStatus::Success, None),
        (status("error", &message("execution_error", SENT)), JobStatus::Error, failed),
        (status("error", &message("execution_interrupted", r#""node_id": "2""#)), JobStatus::Interrupted, None),
        // Servers before 2024-07-21 sent no such messages.
        (status("success", ""), JobStatus::Success, None),
        (status("error", ""), JobStatus::Error, no_texts),
        (status("error", r#"["execution_error", null]"#), JobStatus::Error, no_texts),
        (status("error", r#"["execution_error", null], [5, {"node_id": "9"}]"#), JobStatus::Error, no_texts),
        (
            format!(r#"{{"messages": [{}], "status_str": "error"}}"#, message("execution_error", SENT)),
            JobStatus::Error,
            failed,
        ),
        // A blocked node does not end the prompt.
        (
            status("success", &message("execution_error", r#""node_id": "3", "exception_type": "ExecutionBlocked""#)),
            JobStatus::Success,
            None,
        ),
        (
            status("error", &format!("{}, {}", message("execution_error", SENT), r#"["a", {"node_id": "9"}]"#)),
            JobStatus::Error,
            failed,
        ),
        (
            status("error", &format!("{}, {}", message("execution_error", SENT), r#"[5, {"node_id": "9"}]"#)),
            JobStatus::Error,
            failed,
        ),
        (
            status("error", &format!("{}, {}", message("execution_error", SENT), message("execution_error", ""))),
            JobStatus::Error,
            no_texts,
        ),
        (status("", &format!("{}, {}", message("execution_success", ""), r#"["a", {}]"#)), JobStatus::Success, None),
        (r#"{"completed": true, "status_str": "a"}"#.to_string(), JobStatus::Success, None),
        (r#"{"completed": true, "status_str": "error"}"#.to_string(), JobStatus::Error, no_texts),
        (r#"{"status_str": "error", "completed": true}"#.to_string(), JobStatus::Error, no_texts),
        (r#"{"completed": true}"#.to_string(), JobStatus::Success, None),
        (r#"{"completed": false}"#.to_string(), JobStatus::Ended, None),
        (
            r#"{"status_str": "strange", "completed": 1, "messages": [5, [], [[]], {"execution_error": 1}]}"#
                .to_string(),
            JobStatus::Ended,
            None,
        ),
        ("null".to_string(), JobStatus::Ended, None),
    ] {
        assert_items_and_errors(Request::History, &history(&record), &[prompt("p", status)], texts.as_slice());
    }
    assert_items(Request::History, "{}", &[]);
}

#[test]
fn error_field_of_wrong_type_reads_as_missing() {
    for id in ["null", "true", "NaN", "-Infinity", "[3]", "{\"node_id\": 3}"] {
        let error = format!(r#"{{"node_id": {id}, "node_type": "T", "exception_type": 5, "exception_message": null}}"#);
        let (failed, texts) = ([prompt("p", JobStatus::Error)], [["", "T", "", ""]]);
        let status = format!(r#"{{"status_str": "error", "messages": [["execution_error", {error}]]}}"#);
        assert_items_and_errors(Request::History, &history(&status), &failed, &texts);
    }
}

#[test]
fn history_entry_forgets_the_entry_before() {
    let failed = r#"{"status": {"status_str": "error", "messages": [["execution_error", {"node_id": 3, "node_type": "T", "exception_type": "E", "exception_message": "m"}]]}}"#;
    let body = format!(
        r#"{{"\u00fc/1": {failed}, "b": {{"status": {{"status_str": "error"}}}}, "c": {{}}, "d": [], "e": {failed}}}"#
    );
    let error = |id| prompt(id, JobStatus::Error);
    let texts = ["3", "T", "E", "m"];
    let items = [error("ü/1"), error("b"), prompt("c", JobStatus::Ended), error("e")];
    assert_items_and_errors(Request::History, &body, &items, &[texts, NO_TEXTS, texts]);
}

#[test]
fn jobs_report_their_status() {
    let job = |id: &str, status: &str| {
        format!(
            r#"{{"id": "{id}", "status": "{status}", "priority": 2, "preview_output": {{"id": "x", "status": "failed"}}, "outputs_count": 1}}"#
        )
    };
    let words = [
        ("pending", JobStatus::Waiting),
        ("in_progress", JobStatus::Running),
        ("completed", JobStatus::Success),
        ("failed", JobStatus::Error),
        ("cancelled", JobStatus::Interrupted),
    ];
    let failed = r#"{"execution_error": {"node_id": "3", "node_type": "T", "exception_message": "m", "exception_type": "E", "current_inputs": {"status": "pending"}}, "status": "failed", "id": "f"}"#;
    let jobs = words.map(|(word, _)| job(word, word)).join(", ");
    let body = format!(
        r#"{{"pagination": {{"total": 9}}, "jobs": [{failed}, {jobs}, {}, {{"id": "x"}}, {{"status": "failed"}}, 5, [], {{}}]}}"#,
        job("x", "paused")
    );
    let mut items = vec![prompt("f", JobStatus::Error)];
    items.extend(words.map(|(word, status)| prompt(word, status)));
    assert_items_and_errors(Request::Jobs, &body, &items, &[NO_TEXTS, NO_TEXTS]);
    assert_items(Request::Jobs, r#"{"jobs": [], "pagination": {}}"#, &[]);
}

#[test]
fn unrequested_or_broken_body_is_an_error() {
    for (request, bodies) in [
        (
            Request::Prompt,
            &[r#"{"exec_info": null}"#, r#"{"queue_remaining": 1}"#, r#"[{"exec_info": {"queue_remaining": 1}}]"#][..],
        ),
        (
            Request::Queue,
            &[r#"{"queue_running": []}"#, r#"{"queue_running": [], "queue_pending": null}"#, r#"[[[[["x"]]]]]"#],
        ),
        (Request::History, &["[]", "[{}]"]),
        (Request::Jobs, &[r#"{"jobs": {}}"#, r#"[{"id": "p", "status": "failed"}]"#]),
    ] {
        for body in [&["{}", "null", "5", "\"x\"", "[]"][..], bodies].concat() {
            if (request, body) != (Request::History, "{}") {
                assert_eq!(read(request, body), (vec![], vec![], Err(ReadError::Shape)), "{request:?}: {body}");
            }
        }
        let error = |body: &str| match read(request, body) {
            (items, _, Err(ReadError::Json(error))) if items.is_empty() => error.kind,
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
fn body_of_any_size_is_read() {
    let mut reader = BodyReader::<Ids36>::new(Request::History);
    let mut texts = Texts::default();
    let mut feed = |text: &str| {
        let mut piece = text.as_bytes();
        let item = reader.next(&mut piece, &mut texts).unwrap().map(|item| format!("{item:?}"));
        assert!(piece.is_empty());
        item
    };
    feed(r#"{"p": {"outputs": {"1": {"images": ["#);
    (0..10_000).for_each(|_| assert_eq!(feed(r#"{"filename": "x", "subfolder": ""}, "#), None));
    feed(r#"1]}}, "status": {"messages": [["execution_error", {"exception_type": "E", "exception_message": ""#);
    (0..10_000).for_each(|_| assert_eq!(feed("a message without end "), None));
    assert_eq!(feed(r#""}]]}}"#), Some(format!("{:?}", prompt("p", JobStatus::Error))));
    assert!(reader.finish().is_err(), "a brace is missing");
    assert_eq!(texts, Texts::from(["", "", "E", &"a message without end ".repeat(10_000)]));
}

#[test]
fn error_texts_without_a_store_are_skipped() {
    let body = r#"{"p": {"status": {"messages": [["execution_error", {"exception_message": "m", "node_id": 3}]]}}}"#;
    let mut texts = Texts::default();
    for texts in [None, Some(&mut texts)] {
        let mut texts = texts;
        let mut reader = BodyReader::<Ids36>::new(Request::History);
        let item = reader.next(&mut body.as_bytes(), &mut texts);
        assert_eq!(item, Ok(Some(prompt("p", JobStatus::Error))));
    }
    assert_eq!(texts, Texts::from(["3", "", "", "m"]));
}

#[test]
fn status_words_have_distinct_hashes() {
    for (index, (name, _)) in STATUSES.iter().enumerate() {
        assert!(STATUSES[..index].iter().all(|(other, _)| other != name));
    }
}
