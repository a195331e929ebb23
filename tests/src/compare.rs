//! Whether a snapshot is what was expected.

use serde_json::Value;

/// How far two numbers may differ.
const TOLERANCE: f64 = 1e-6;
/// How far two durations may differ, in milliseconds: a clock counts whole microseconds or milliseconds.
const CLOCK_TOLERANCE: f64 = 1.0;

/// Ids and types are kept up to so many bytes on the desktop.
const ID_BYTES: usize = 256;
/// An exception's message is kept up to so many bytes on the desktop.
const MESSAGE_BYTES: usize = 4096;

/// The first place where `got` lacks what `expect` asks for, in words; `None` where it has it all.
///
/// Fields of `got` that `expect` doesn't name are not looked at. Numbers may differ by a millionth, durations
/// (`…_ms`) by a millisecond; a `truncated` or `truncated_nodes` that is missing in `got` is false.
pub fn mismatch(expect: &Value, got: &Value) -> Option<String> {
    differs("snapshot", expect, got)
}

/// Panics where `got` lacks what `expect` asks for, see [`mismatch`].
///
/// # Panics
///
/// With the place and both snapshots.
#[track_caller]
pub fn assert_matches(expect: &Value, got: &Value) {
    if let Some(what) = mismatch(expect, got) {
        panic!("{what}\nexpected {expect}\n     got {got}");
    }
}

/// Takes out of a snapshot what is not pinned, and cuts its texts as on the desktop.
///
/// # Panics
///
/// Where `snapshot` is not of the shape that the model gives.
pub fn keep_what_is_pinned(snapshot: &mut Value) {
    let Some(prompt) = snapshot["prompt"].as_object_mut() else { return };
    prompt.shift_remove("eta_ms");
    if prompt["state"] == "running" && !prompt["elapsed_ms"].is_null() {
        prompt.shift_remove("elapsed_ms");
    }
    for key in ["prompt_id", "current_node"] {
        cut_text(&mut prompt[key], ID_BYTES);
    }
    if let Some(error) = prompt["error"].as_object_mut() {
        for key in ["node_id", "node_type", "exception_type"] {
            cut_text(&mut error[key], ID_BYTES);
        }
        let cut = cut_text(&mut error["exception_message"], MESSAGE_BYTES);
        error["truncated"] = cut.into();
    }
}

/// Cuts a text at a character's boundary; true where something was cut off.
fn cut_text(value: &mut Value, bytes: usize) -> bool {
    let Value::String(text) = value else { return false };
    let long = text.len() > bytes;
    text.truncate(text.floor_char_boundary(bytes));
    long
}

fn differs(place: &str, expect: &Value, got: &Value) -> Option<String> {
    let same = match (expect, got) {
        (Value::Object(fields), Value::Object(_)) => {
            return fields.iter().find_map(|(key, expect)| {
                let missing = if key.starts_with("truncated") { Value::Bool(false) } else { Value::Null };
                let place = format!("{place}.{key}");
                match got.get(key) {
                    None if *expect != missing => Some(format!("{place}: {expect} expected, it is missing")),
                    None => None,
                    Some(got) => differs(&place, expect, got),
                }
            });
        }
        (Value::Number(expect), Value::Number(got)) => {
            let tolerance = if place.ends_with("_ms") { CLOCK_TOLERANCE } else { TOLERANCE };
            expect.as_f64().zip(got.as_f64()).is_some_and(|(expect, got)| (expect - got).abs() <= tolerance)
        }
        _ => expect == got,
    };
    (!same).then(|| format!("{place}: {expect} expected, got {got}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_must_be_there() {
        let got = json!({"a": 1.000_000_5, "b": {"c": null, "elapsed_ms": 7}, "d": [1]});
        for expect in [json!({}), json!({"a": 1}), json!({"b": {"c": null, "elapsed_ms": 7.9}}), json!({"d": [1]})] {
            assert_matches(&expect, &got);
        }
        assert_matches(&json!({"b": {"truncated": false}}), &got);
        for (expect, place) in [
            (json!({"a": 1.1}), "snapshot.a"),
            (json!({"b": {"c": 0}}), "snapshot.b.c"),
            (json!({"b": null}), "snapshot.b"),
            (json!({"b": {"truncated": true}}), "snapshot.b.truncated"),
            (json!({"e": 1}), "snapshot.e"),
        ] {
            let what = mismatch(&expect, &got).expect("they differ");
            assert!(what.starts_with(&format!("{place}:")), "{what}");
        }
    }
}
