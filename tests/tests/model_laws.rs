//! The model obeys the laws that any session has to, and its reader of JSON agrees with `serde_json`.

use comfyglow_tests::{
    ServerMessage,
    model::{
        Model, json,
        message::{self, Judged, Message},
    },
    strategies::{
        messages::{any_message, known, mutated, unknown},
        sessions::{End, Session, any_session, legal},
        spelling::{Spelling, spell, spelling},
        values::any_value,
    },
};
use proptest::prelude::*;
use serde_json::Value;

/// A model that knows what the session says beforehand, and has heard nothing.
fn model_of(session: &Session) -> Model {
    let mut model = Model::new();
    for (prompt, nodes) in &session.nodes_total {
        model.set_nodes_total(prompt, *nodes);
    }
    model
}

fn hear(model: &mut Model, t_ms: f64, wire: &ServerMessage) {
    match wire {
        ServerMessage::Text(text) => model.text(t_ms, text),
        ServerMessage::Binary(bytes) => model.binary(t_ms, bytes),
    }
}

fn is_start(wire: &ServerMessage) -> bool {
    matches!(wire, ServerMessage::Text(text) if matches!(message::text(text).judged, Judged::Used(Message::Start { .. })))
}

fn is_final(prompt: &Value) -> bool {
    matches!(prompt["state"].as_str(), Some("success" | "error" | "interrupted"))
}

/// How deep objects and arrays stand inside one another.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

proptest! {
    #[test]
    fn a_prompt_only_gets_further_and_an_end_is_final(session in any_session()) {
        let mut model = model_of(&session);
        let mut before = model.snapshot(0.0);
        for (t_ms, wire) in (1..).zip(&session.wire) {
            hear(&mut model, f64::from(t_ms), wire);
            let after = model.snapshot(f64::from(t_ms));
            let (old, new) = (&before["prompt"], &after["prompt"]);
            let begun_anew = is_start(wire) && old["state"] != "running";
            let same_prompt = !old.is_null() && old["prompt_id"] == new["prompt_id"] && !begun_anew;
            if same_prompt && is_final(old) {
                prop_assert!(old == new, "{old} became {new} by {wire:?}");
            } else if same_prompt {
                prop_assert!(old["percentage"].as_f64() <= new["percentage"].as_f64(), "{old} became {new} by {wire:?}");
            }
            if let Some(percentage) = new["percentage"].as_f64() {
                prop_assert!((0.0..=100.0).contains(&percentage));
                prop_assert_eq!(percentage > 99.95, new["state"] == "success");
            }
            prop_assert!(new["nodes_total"].is_null() || !new["percentage"].is_null());
            prop_assert_eq!(new["current_step"].is_null(), new["total_steps"].is_null());
            if new["state"] != "running" {
                prop_assert!(new["current_node"].is_null() && new["total_steps"].is_null() && new["eta_ms"].is_null());
            }
            before = after;
        }
    }

    #[test]
    fn counts_add_up(session in any_session()) {
        let mut model = model_of(&session);
        session.wire.iter().for_each(|wire| hear(&mut model, 0.0, wire));
        let texts = session.wire.iter().filter(|wire| matches!(wire, ServerMessage::Text(_))).count();
        let messages = &model.snapshot(0.0)["messages"];
        prop_assert_eq!(&messages["text"], &Value::from(texts));
        prop_assert_eq!(&messages["binary"], &Value::from(session.wire.len() - texts));
        let unused = messages["malformed"].as_u64().zip(messages["unknown"].as_u64()).map(|(a, b)| a + b);
        prop_assert!(unused <= Some(session.wire.len() as u64));
    }

    #[test]
    fn a_legal_session_ends_as_its_last_prompt((runs, session) in legal()) {
        let mut model = model_of(&session);
        session.wire.iter().for_each(|wire| hear(&mut model, 0.0, wire));
        let snapshot = model.snapshot(0.0);
        let last = runs.last().expect("a session has a prompt");
        let prompt = &snapshot["prompt"];
        let state = match last.end {
            End::Success => "success",
            End::Error => "error",
            End::Interrupted => "interrupted",
            End::Unheard => "ended",
        };
        prop_assert_eq!(&prompt["state"], state);
        prop_assert_eq!(&prompt["prompt_id"], &last.prompt);
        prop_assert_eq!(&prompt["nodes_cached"], last.cached);
        prop_assert_eq!(&prompt["elapsed_ms"], 0.0);
        let unfinished = last.end != End::Success;
        let expanded = last.expands.map(|index| index.index(last.steps.len()));
        let expanded_finished = expanded.is_some_and(|place| !(unfinished && place + 1 == last.steps.len()));
        let finished = last.steps.len() - usize::from(unfinished) - usize::from(expanded_finished);
        prop_assert_eq!(&prompt["nodes_finished"], finished);
        prop_assert_eq!(&snapshot["messages"]["malformed"], 0);
    }

    #[test]
    fn what_is_known_is_used_and_what_is_unknown_is_not(known in known(), unknown in unknown(), spelling in spelling()) {
        let judged = message::text(&spell(&known, &Spelling::Dumps));
        prop_assert!(matches!(judged.judged, Judged::Used(_)), "{known:?}");
        prop_assert!(!judged.open);
        prop_assert_eq!(judged, message::text(&spell(&known, &spelling)));
        prop_assert!(!matches!(message::text(&spell(&unknown, &spelling)).judged, Judged::Used(_)));
    }

    #[test]
    fn what_was_spelled_is_read(value in any_value(), spelling in spelling()) {
        let reading = json::read(&spell(&value, &spelling));
        prop_assert_eq!(reading.value, Some(value));
        prop_assert!(!reading.repeated_key);
    }

    #[test]
    fn serde_json_reads_no_more(text in prop_oneof![any_message(), mutated()]) {
        let ours = json::read(&text).value;
        match serde_json::from_str::<Value>(&text) {
            Ok(theirs) => prop_assert_eq!(ours.is_some(), depth(&theirs) <= json::DEPTH, "{}", text),
            // What we take and it doesn't: words, lone surrogates, numbers beyond a float's range.
            Err(error) if ours.is_some() => {
                let reason = error.to_string();
                let known = ["number out of range", "surrogate", "hex escape"].iter().any(|r| reason.contains(r));
                prop_assert!(known || text.contains("NaN") || text.contains("Infinity"), "{reason}: {text}");
            }
            Err(_) => {}
        }
    }
}
