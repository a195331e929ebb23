//! The bodies of answers over HTTP mean what `serde_json` finds in them: those of the recordings, and random ones.

use std::{collections::BTreeMap, fs};

use comfyglow_core::api::Request;
use comfyglow_tests::{answers, traces};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a recorded request asked for, if it is one that the core makes.
fn asked(path: &str) -> Option<Request> {
    let path = path.strip_prefix("/api").unwrap_or(path);
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["prompt"] => Some(Request::Prompt),
        ["queue"] => Some(Request::Queue),
        ["history", ..] => Some(Request::History),
        ["jobs"] => Some(Request::Jobs),
        _ => None,
    }
}

#[test]
fn recorded_bodies_mean_what_serde_json_finds_in_them() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for trace in traces() {
        let rows = fs::read_to_string(&trace).expect("a recording is UTF-8");
        for row in rows.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON")) {
            if row["dir"] != "http" || row["kind"] != "response" || row["method"] != "GET" {
                continue;
            }
            let Some(asked) = row["path"].as_str().and_then(asked) else { continue };
            let body = row["text"].as_str().unwrap_or_default();
            let value = serde_json::from_str(body).unwrap_or_default();
            let expected = answers::expected(asked, &value);
            assert_eq!(expected.is_some(), row["status"] == 200, "{body}");
            for size in [body.len().max(1), 1, 7] {
                let told = answers::read(asked, body.as_bytes(), size).ok();
                assert_eq!(told, expected, "{} of {} in pieces of {size}", row["path"], trace.display());
            }
            *seen.entry(format!("{asked:?}")).or_default() += 1;
        }
    }
    // A stock server has no extension to ask.
    let mut recorded = answers::ALL.iter().filter(|asked| **asked != Request::Extension);
    assert!(recorded.all(|asked| seen.contains_key(&format!("{asked:?}"))), "{seen:?}");
}

/// Whatever stands where something else should.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0.0..5.0).prop_map(Value::from),
        "[a-z]{0,3}|\\PC{0,9}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["execution_error", {"node_id": "9"}])),
        Just(json!({"class_type": "No", "status": "failed", "id": "no"})),
    ]
}

/// That, or now and then anything.
fn or_anything(right: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![8 => right, 1 => anything()]
}

fn text() -> impl Strategy<Value = Value> {
    or_anything("[0-9a-f-]{0,9}|\\PC{1,60}".prop_map(Value::from))
}

/// One of these words, or now and then anything.
fn word(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    or_anything(prop::sample::select(words).prop_map(Value::from))
}

/// An object of some of these members, and of others.
fn object<const N: usize>(members: [(&'static str, BoxedStrategy<Value>); N]) -> impl Strategy<Value = Value> {
    let members =
        members.map(|(name, value)| prop::option::weighted(0.9, value.prop_map(move |value| (name.to_owned(), value))));
    let others = prop::collection::vec(("[a-z_]{0,6}", anything()), 0..2);
    let object = (Vec::from(members), others)
        .prop_map(|(members, others)| others.into_iter().chain(members.into_iter().flatten()).collect());
    or_anything(object)
}

fn list(element: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    or_anything(prop::collection::vec(element, 0..4).prop_map(Value::from)).boxed()
}

/// An array of the first of these elements.
fn elements(elements: Vec<BoxedStrategy<Value>>) -> impl Strategy<Value = Value> {
    or_anything((0..=elements.len(), elements).prop_map(|(len, mut elements)| {
        elements.truncate(len.max(2));
        Value::from(elements)
    }))
}

/// An object whose members have any names.
fn table(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    or_anything(
        prop::collection::btree_map("[0-9:]{0,3}|\\PC{1,9}", value, 0..4).prop_map(|map| map.into_iter().collect()),
    )
    .boxed()
}

fn queue() -> impl Strategy<Value = Value> {
    let node = object([("class_type", text().boxed()), ("inputs", anything().boxed())]);
    let item = elements(vec![anything().boxed(), text().boxed(), table(node), anything().boxed(), anything().boxed()]);
    let item = item.boxed();
    object([("queue_running", list(item.clone())), ("queue_pending", list(item))])
}

fn error() -> impl Strategy<Value = Value> {
    object([
        ("node_id", text().boxed()),
        ("node_type", text().boxed()),
        ("exception_type", prop_oneof![text(), Just("ExecutionBlocked".into())].boxed()),
        ("exception_message", text().boxed()),
        ("current_inputs", anything().boxed()),
    ])
}

fn history() -> impl Strategy<Value = Value> {
    let kinds =
        ["execution_start", "execution_cached", "execution_success", "execution_error", "execution_interrupted"];
    let kind = word(Box::leak(Box::new(kinds)));
    let status = object([
        ("status_str", word(&["success", "error"]).boxed()),
        ("completed", anything().boxed()),
        ("messages", list(elements(vec![kind.boxed(), error().boxed()]))),
    ]);
    table(object([("status", status.boxed()), ("prompt", anything().boxed()), ("outputs", anything().boxed())]))
}

fn job() -> impl Strategy<Value = Value> {
    let statuses = word(&["pending", "in_progress", "completed", "failed", "failed", "cancelled"]);
    object([("id", text().boxed()), ("status", statuses.boxed()), ("execution_error", error().boxed())])
}

/// What may be asked for, and an answer of that shape, mostly.
fn body() -> impl Strategy<Value = (Request, Value)> {
    let remaining = or_anything(any::<u32>().prop_map(Value::from));
    let prompt = object([("exec_info", object([("queue_remaining", remaining.boxed())]).boxed())]);
    prop_oneof![
        (Just(Request::Prompt), prompt),
        (Just(Request::Queue), queue()),
        (Just(Request::History), history()),
        (Just(Request::Jobs), object([("jobs", list(job()))])),
    ]
}

proptest! {
    #[test]
    fn any_body_means_what_serde_json_finds_in_it((asked, body) in body(), pretty: bool, size in 1_usize..40) {
        let text = if pretty { format!("{body:#}\n") } else { body.to_string() };
        let expected = answers::expected(asked, &body);
        for size in [size, text.len()] {
            prop_assert_eq!(&answers::read(asked, text.as_bytes(), size).ok(), &expected, "{:?}: {}", asked, text);
        }
    }

    #[test]
    fn a_body_that_was_cut_or_damaged_is_no_answer_or_another(
        (asked, body) in body(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        size in 1_usize..40,
    ) {
        let mut bytes = body.to_string().into_bytes();
        let at = at.index(bytes.len());
        if !matches!(body, Value::Number(_)) {
            prop_assert!(answers::read(asked, &bytes[..at], size).is_err(), "cut at {}: {}", at, body);
        }
        bytes[at] = byte;
        prop_assert_eq!(answers::read(asked, &bytes, size), answers::read(asked, &bytes, bytes.len()));
        answers::check(asked, &bytes);
    }
}
