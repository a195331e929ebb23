//! Text messages against the table of SNAPSHOT.md: their events, and what makes them malformed.

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;

mod binary;
#[cfg(feature = "serde")]
mod decode;
mod parts;
mod values;

// `ID` holds all ids of these tests. `MESSAGE` is small, so that an exception's message is cut.
const ID: usize = 32;

crate::capacity! {
    struct Small { id: 32, message: 8, nodes: 4, names: 32, durations: 1, history: 4, request: 512 }
}

/// Records events and parts as their `Debug` text, and joins the pieces of images and texts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recorder {
    events: Vec<String>,
    parts: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Recorder {
    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Log(piece) | Part::ProgressText(piece) | Part::Image(piece) => self.bytes.extend_from_slice(piece),
            other => self.parts.push(format!("{other:?}")),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        self.events.push(format!("{event:?}"));
    }
}

fn read(interest: Interest, message: &str, size: usize) -> Recorder {
    let (mut recorded, mut decoder) = (Recorder::default(), Decoder::<Small>::new(interest));
    // What the previous message left behind must not matter.
    decoder.text(br#"{"type": "executing", "data": {"node": "old", "prompt_id": "old"#, &mut Recorder::default());
    decoder.end_text(&mut Recorder::default());
    message.as_bytes().chunks(size.max(1)).for_each(|piece| decoder.text(piece, &mut recorded));
    decoder.end_text(&mut recorded);
    recorded
}

/// What a text message reports with [`Interest::ALL`]; asserts that pieces of any size report the same.
#[track_caller]
fn text(message: &str) -> Recorder {
    let whole = read(Interest::ALL, message, message.len());
    for size in 1..=message.len().min(16) {
        assert_eq!(read(Interest::ALL, message, size), whole, "{message} in pieces of {size}");
    }
    whole
}

/// The one event of a text message.
#[track_caller]
fn event(message: &str) -> String {
    let mut recorded = text(message);
    assert_eq!(recorded.events.len(), 1, "{message}");
    recorded.events.remove(0)
}

#[track_caller]
fn assert_event(message: &str, expected: Event<'_>) {
    assert_eq!(event(message), format!("{expected:?}"), "{message}");
}

fn message(kind: &str, data: &str) -> String {
    format!(r#"{{"type": "{kind}", "data": {data}}}"#)
}

#[track_caller]
fn assert_malformed(message: &str, reason: Reason, at: usize) {
    assert_event(message, Event::Malformed(Malformed { at: at as u64, reason }));
    // A message outside the interest is checked and reported too.
    let unwanted = read(Interest::NONE, message, message.len());
    assert_eq!(unwanted.events, text(message).events, "{message}");
    assert_eq!((unwanted.parts, unwanted.bytes), (vec![], vec![]), "{message}");
}

fn id(text: &str) -> Id<'_> {
    Id::from(text)
}

/// A field as it is written, and invalid values for it.
type RequiredField = (&'static str, &'static [&'static str]);

/// For each row of the table: the type, `data` with all required fields, and invalid values for each of them.
const REQUIRED: &[(&str, &str, &[RequiredField])] = &[
    (
        "status",
        r#"{"status": {"exec_info": {"queue_remaining": 1}}}"#,
        &[(
            r#""queue_remaining": 1"#,
            &["null", "true", "\"1\"", "-1", "1.0", "1e0", "4294967296", "NaN", "[1]", "{}", "99999999999999999999999"],
        )],
    ),
    ("execution_start", r#"{"prompt_id": "p"}"#, &[(r#""prompt_id": "p""#, NOT_TEXT)]),
    ("execution_success", r#"{"prompt_id": "p"}"#, &[(r#""prompt_id": "p""#, NOT_TEXT)]),
    ("execution_interrupted", r#"{"prompt_id": "p"}"#, &[(r#""prompt_id": "p""#, NOT_TEXT)]),
    (
        "execution_cached",
        r#"{"nodes": ["1", 2], "prompt_id": "p"}"#,
        &[
            (r#""prompt_id": "p""#, NOT_TEXT),
            (
                r#""nodes": ["1", 2]"#,
                &["null", "1", "\"1\"", "{}", "[null]", "[\"1\", true]", "[[]]", "[\"1\", {}]", "[NaN]"],
            ),
        ],
    ),
    ("executing", r#"{"node": "7"}"#, &[(r#""node": "7""#, NOT_ID)]),
    ("progress", r#"{"value": 1, "max": 20}"#, &[(r#""value": 1"#, NOT_NUMBER), (r#""max": 20"#, NOT_NUMBER)]),
    (
        "progress_state",
        r#"{"prompt_id": "p", "nodes": {"1": {"value": 1, "max": 2, "state": "running"}}}"#,
        &[
            (r#""prompt_id": "p""#, NOT_TEXT),
            (r#""value": 1"#, NOT_NUMBER),
            (r#""max": 2"#, NOT_NUMBER),
            (r#""state": "running""#, NOT_TEXT),
            (
                r#""nodes": {"1": {"value": 1, "max": 2, "state": "running"}}"#,
                &["null", "[]", "1", "\"\"", "{\"1\": 1}", "{\"1\": []}"],
            ),
        ],
    ),
    (
        "executed",
        r#"{"node": "7", "output": null, "prompt_id": "p"}"#,
        &[(r#""prompt_id": "p""#, NOT_TEXT), (r#""node": "7""#, NOT_ID_OR_NULL)],
    ),
    (
        "execution_error",
        r#"{"prompt_id": "p", "exception_message": "m", "exception_type": "t"}"#,
        &[
            (r#""prompt_id": "p""#, NOT_TEXT),
            (r#""exception_message": "m""#, NOT_TEXT),
            (r#""exception_type": "t""#, NOT_TEXT),
        ],
    ),
    ("feature_flags", "{}", &[]),
    ("logs", r#"{"entries": [{"m": "x"}]}"#, &[(r#""entries": [{"m": "x"}]"#, &["null", "{}", "\"\"", "1"])]),
];

const NOT_TEXT: &[&str] = &["null", "1", "true", "NaN", "[\"p\"]", "{\"p\": \"p\"}"];
const NOT_ID: &[&str] = &["true", "false", "NaN", "-Infinity", "[\"7\"]", "{\"node\": \"7\"}"];
const NOT_ID_OR_NULL: &[&str] = &["null", "true", "false", "NaN", "-Infinity", "[\"7\"]", "{}"];
const NOT_NUMBER: &[&str] = &["null", "true", "\"1\"", "NaN", "Infinity", "-Infinity", "[1]", "{}"];

/// The field that the reason names if the field written as `field` is missing or has `value`.
fn reported_field(field: &str, value: Option<&str>) -> &'static str {
    let name = field.split('"').nth(1).unwrap();
    let inner = value.filter(|value| name == "nodes" && value.starts_with('{') && field.contains("running"));
    if inner.is_some() {
        return "nodes";
    }
    ["queue_remaining", "prompt_id", "nodes", "node", "value", "max", "state", "exception_message", "exception_type"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("entries")
}

#[test]
fn text_message_without_required_field_is_malformed() {
    for (kind, data, fields) in REQUIRED {
        let good = message(kind, data);
        assert!(!event(&good).starts_with("Malformed"), "{good}");
        let with_more = good
            .replacen("\"data\": {", "\"sid\": [], \"data\": {\"more\": [{\"prompt_id\": 1}], ", 1)
            .replace(", }", "}");
        assert_eq!(event(&with_more), event(&good), "unknown fields are ignored");
        for bad in ["null", "[]", "1", "\"\"", "NaN"] {
            let bad = message(kind, bad);
            assert_malformed(&bad, Reason::Field("data"), bad.len());
        }
        let bad = format!(r#"{{"type": "{kind}"}}"#);
        assert_malformed(&bad, Reason::Field("data"), bad.len());
        for (field, values) in *fields {
            let (name, _) = field.split_once(": ").unwrap();
            let gone = good.replacen(field, "\"other\": 0", 1);
            assert_malformed(&gone, Reason::Field(reported_field(field, None)), gone.len());
            for value in *values {
                let bad = good.replacen(field, &format!("{name}: {value}"), 1);
                assert_malformed(&bad, Reason::Field(reported_field(field, Some(value))), bad.len());
            }
        }
    }
}

#[test]
fn invalid_message_reports_reason_and_offset() {
    use JsonErrorKind::{TooDeep, UnexpectedByte, UnexpectedEnd};
    for (text, reason, at) in [
        ("", Reason::Json(UnexpectedEnd), 0),
        ("{\"type\": \"status\"", Reason::Json(UnexpectedEnd), 17),
        ("{\"type\": \"x\", \"data\": {}} x", Reason::Json(UnexpectedByte), 26),
        ("{\"type\": \"x\", \"data\": {},}", Reason::Json(UnexpectedByte), 25),
        ("[]", Reason::NoObject, 0),
        ("[{\"type\": \"status\", \"data\": {}}]", Reason::NoObject, 0),
        ("null", Reason::NoObject, 0),
        ("\"status\"", Reason::NoObject, 0),
        ("12", Reason::NoObject, 0),
        ("{}", Reason::NoType, 2),
        ("{\"type\": null}", Reason::NoType, 14),
        ("{\"type\": 1, \"data\": {}}", Reason::NoType, 23),
        ("{\"type\": [\"status\"], \"data\": {}}", Reason::NoType, 32),
        ("{\"type\": {\"type\": \"x\"}}", Reason::NoType, 23),
        ("{\"data\": {\"type\": \"x\"}}", Reason::NoType, 23),
        ("{\"data\": {}, \"type\": \"feature_flags\"}", Reason::NoType, 37),
    ] {
        assert_malformed(text, reason, at);
    }
    let deep = message("odd", &("[".repeat(64) + &"]".repeat(64)));
    assert_malformed(&deep, Reason::Json(TooDeep), 24 + 63);
    let allowed = message("odd", &("[".repeat(63) + &"]".repeat(63)));
    assert_event(&allowed, Event::Unknown { event_type: id("odd") });
    let late = message("progress_state", r#"{"nodes": {}, "prompt_id": "p"}"#);
    assert_malformed(&late, Reason::Field("prompt_id"), late.len());
    assert_eq!(Malformed { at: 26, reason: Reason::Json(UnexpectedByte) }.to_string(), "unexpected byte at byte 26");
    assert_eq!(Malformed { at: 9, reason: Reason::Field("max") }.to_string(), "`max` is missing or of the wrong kind");
}
