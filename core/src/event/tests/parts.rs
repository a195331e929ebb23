//! Parts, interests, and texts longer than their capacity.

use super::*;

#[test]
fn decoder_reports_parts_of_its_interest_only() {
    let nodes = r#"{"prompt_id": "p", "nodes": {"1": {"value": 1, "max": 1, "state": "finished", "display_node_id": "1"}, "2.0": {"state": "runn\u0069ng", "max": 8.5, "nodes": {"x": 1}, "value": 0.25, "display_node_id": 2}, "": {"value": 0, "max": 0, "state": "pending", "display_node_id": null}}}"#;
    let milli = Milli::from_thousandths;
    let state = |node, value, max, state, display: Option<&'static str>| {
        let part = Part::NodeState {
            prompt_id: id("p"),
            node_id: id(node),
            value: milli(value),
            max: milli(max),
            state,
            display_node_id: display.map(id),
        };
        format!("{part:?}")
    };
    let recorded = text(&message("progress_state", nodes));
    let expected = vec![
        state("1", 1_000, 1_000, NodeStatus::Finished, Some("1")),
        state("2.0", 250, 8_500, NodeStatus::Running, Some("2")),
        state("", 0, 0, NodeStatus::Other, None),
    ];
    assert_eq!((recorded.parts, recorded.events.len()), (expected, 1));

    let cached = text(&message("execution_cached", r#"{"nodes": ["1", 2.50, "\u00fc"], "prompt_id": "p"}"#));
    assert_eq!(cached.parts, ["1", "2.50", "ü"].map(|node| format!("{:?}", Part::CachedNode { node: id(node) })));

    let entries = r#"{"entries": [{"t": "now", "m": "\r 50%|\u2588|"}, 1, null, [{"m": "no"}], {"m": {"m": "no"}}, {"x": {"m": "no"}, "m": " 6/12"}], "size": {"m": "no"}}"#;
    let logs = text(&message("logs", entries));
    assert_eq!(logs.events, [format!("{:?}", Event::Logs { entries: 6 })]);
    assert_eq!(String::from_utf8(logs.bytes).unwrap(), "\r 50%|█| 6/12");

    for (kind, data) in
        [("progress_state", nodes), ("execution_cached", r#"{"nodes": ["1"], "prompt_id": "p"}"#), ("logs", entries)]
    {
        let recorded = read(Interest::ALL, &message(kind, data), 3);
        let unwanted = read(Interest::NONE.with(EventKind::Status), &message(kind, data), 3);
        assert_eq!((unwanted.parts, unwanted.bytes), (vec![], vec![]), "{kind}");
        assert_eq!(unwanted.events.len(), 1);
        let name = |event: &str| event.split(' ').next().map(str::to_string);
        assert_eq!(name(&unwanted.events[0]), name(&recorded.events[0]), "{kind} is named");
        let count = |event: &str| event.rsplit(": ").next().map(str::to_string);
        assert_eq!(count(&unwanted.events[0]), count(&recorded.events[0]), "{kind} is counted");
    }
}

#[test]
fn progress_state_with_bad_entry_reports_entries_before_it() {
    let broken = message(
        "progress_state",
        r#"{"prompt_id": "p", "nodes": {"1": {"value": 1, "max": 1, "state": "x"}, "2": {"value": 1, "max": 1}, "3": {"value": 1, "max": 1, "state": "x"}}}"#,
    );
    let recorded = text(&broken);
    assert_eq!(recorded.parts.len(), 1);
    assert_malformed_event(&recorded, Reason::Field("state"), broken.len());
    let cut = &broken[..broken.len() - 90];
    assert_malformed_event(&text(cut), Reason::Json(JsonErrorKind::UnexpectedEnd), cut.len());
}

fn assert_malformed_event(recorded: &Recorder, reason: Reason, at: usize) {
    assert_eq!(recorded.events, [format!("{:?}", Event::Malformed(Malformed { at: at as u64, reason }))]);
}

#[test]
fn id_beyond_capacity_is_cut_at_a_character() {
    for (written, kept) in [
        ("x".repeat(ID - 1), ID - 1),
        ("x".repeat(ID), ID),
        ("x".repeat(ID + 1), ID),
        ("é".repeat(ID / 2), ID),
        ("x".repeat(ID - 1) + "é", ID - 1),
        ("x".repeat(ID - 2) + "😀", ID - 2),
    ] {
        let recorded = text(&message("executing", &format!(r#"{{"node": "{written}", "prompt_id": "{written}"}}"#)));
        let shown = &written[..kept];
        let expected = Event::Executing { node: Some(id(shown)), display_node: None, prompt_id: Some(id(shown)) };
        assert_eq!(recorded.events, [format!("{expected:?}")]);
        assert_event(&message(&written, "1"), Event::Unknown { event_type: id(shown) });
    }
    let long = message(
        "execution_error",
        r#"{"prompt_id": "p", "exception_message": "1234567é and more", "exception_type": "t"}"#,
    );
    assert!(event(&long).contains(r#"exception_message: "1234567", "#), "{}", event(&long));
    let long_key = message("progress", &format!(r#"{{"value{}": 1, "value": 2, "max": 3}}"#, "x".repeat(100)));
    assert!(event(&long_key).contains("value: Milli(2000)"));
}

#[test]
fn interest_contains_kinds_added_by_with_and_union() {
    assert!(!Interest::NONE.contains(EventKind::Status) && Interest::ALL.contains(EventKind::Malformed));
    let some = Interest::NONE.with(EventKind::FeatureFlags).union(Interest::NONE.with(EventKind::PreviewImage));
    for kind in [EventKind::FeatureFlags, EventKind::PreviewImage] {
        assert!(some.contains(kind) && !Interest::STATE.contains(kind));
    }
    assert!(!some.contains(EventKind::Progress) && Interest::STATE.contains(EventKind::Progress));
}
