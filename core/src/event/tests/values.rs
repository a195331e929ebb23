//! The event of each text message.

use super::*;

#[test]
fn text_message_of_each_type_gives_its_event() {
    let milli = Milli::from_thousandths;
    let p = id("p");
    for (kind, data, expected) in [
        (
            "status",
            r#"{"status": {"exec_info": {"queue_remaining": 4294967295}}}"#,
            Event::Status { queue_remaining: u32::MAX, sid: None },
        ),
        (
            "status",
            r#"{"status": {"exec_info": {"queue_remaining": 0}}, "sid": "5\u00e9"}"#,
            Event::Status { queue_remaining: 0, sid: Some(id("5é")) },
        ),
        (
            "status",
            r#"{"sid": 5, "status": {"exec_info": {"queue_remaining": -0}}}"#,
            Event::Status { queue_remaining: 0, sid: None },
        ),
        (
            "execution_start",
            r#"{"prompt_id": "p", "timestamp": 1795369628203}"#,
            Event::ExecutionStart { prompt_id: p, timestamp: Some(1_795_369_628_203) },
        ),
        (
            "execution_start",
            r#"{"timestamp": "soon", "prompt_id": "p"}"#,
            Event::ExecutionStart { prompt_id: p, timestamp: None },
        ),
        (
            "execution_start",
            r#"{"timestamp": 18446744073709551616, "prompt_id": ""}"#,
            Event::ExecutionStart { prompt_id: id(""), timestamp: None },
        ),
        (
            "execution_cached",
            r#"{"nodes": ["1", 2.50, "a\ud83d\ude00"], "prompt_id": "p"}"#,
            Event::ExecutionCached { prompt_id: p, nodes: 3 },
        ),
        ("execution_cached", r#"{"prompt_id": "p", "nodes": []}"#, Event::ExecutionCached { prompt_id: p, nodes: 0 }),
        (
            "executing",
            r#"{"node": "7.0.1", "display_node": "7", "prompt_id": "p"}"#,
            Event::Executing { node: Some(id("7.0.1")), display_node: Some(id("7")), prompt_id: Some(p) },
        ),
        (
            "executing",
            r#"{"node": 7e1, "display_node": true, "prompt_id": 1}"#,
            Event::Executing { node: Some(id("7e1")), display_node: None, prompt_id: None },
        ),
        (
            "executing",
            r#"{"node": null, "prompt_id": "p"}"#,
            Event::Executing { node: None, display_node: None, prompt_id: Some(p) },
        ),
        (
            "executing",
            r#"{"node": "7", "display_node": -0.5, "prompt_id": null}"#,
            Event::Executing { node: Some(id("7")), display_node: Some(id("-0.5")), prompt_id: None },
        ),
        (
            "progress",
            r#"{"value": 0.37, "max": 2e1, "prompt_id": "p", "node": "7"}"#,
            Event::Progress { value: milli(370), max: milli(20_000), prompt_id: Some(p), node: Some(id("7")) },
        ),
        (
            "progress",
            r#"{"value": -1e999, "max": 1e999, "prompt_id": null, "node": []}"#,
            Event::Progress { value: milli(i64::MIN), max: milli(i64::MAX), prompt_id: None, node: None },
        ),
        ("progress_state", r#"{"prompt_id": "p", "nodes": {}}"#, Event::ProgressState { prompt_id: p, nodes: 0 }),
        (
            "executed",
            r#"{"node": 9, "display_node": "9", "output": {"node": "1"}, "prompt_id": "p"}"#,
            Event::Executed { prompt_id: p, node: id("9"), display_node: Some(id("9")) },
        ),
        (
            "execution_success",
            r#"{"prompt_id": "p", "timestamp": 1.5}"#,
            Event::ExecutionSuccess { prompt_id: p, timestamp: None },
        ),
        (
            "execution_interrupted",
            r#"{"prompt_id": "p", "node_id": 4, "node_type": "KSampler", "executed": ["1"], "timestamp": 7}"#,
            Event::ExecutionInterrupted {
                prompt_id: p,
                node_id: Some(id("4")),
                node_type: Some(id("KSampler")),
                timestamp: Some(7),
            },
        ),
        (
            "execution_error",
            r#"{"prompt_id": "p", "node_id": "3", "node_type": 5, "executed": [], "exception_message": "line 1\n", "exception_type": "ValueError", "traceback": ["x"], "current_inputs": {"prompt_id": 1}, "timestamp": 8}"#,
            Event::ExecutionError {
                prompt_id: p,
                node_id: Some(id("3")),
                node_type: None,
                exception_type: id("ValueError"),
                exception_message: id("line 1\n"),
                timestamp: Some(8),
            },
        ),
        (
            "execution_error",
            r#"{"prompt_id": "p", "node_id": null, "exception_message": "", "exception_type": ""}"#,
            Event::ExecutionError {
                prompt_id: p,
                node_id: None,
                node_type: None,
                exception_type: id(""),
                exception_message: id(""),
                timestamp: None,
            },
        ),
        (
            "feature_flags",
            r#"{"supports_preview_metadata": true, "max_upload_size": 1}"#,
            Event::FeatureFlags { supports_preview_metadata: true },
        ),
        (
            "feature_flags",
            r#"{"supports_preview_metadata": 1, "extension": {"supports_preview_metadata": true}}"#,
            Event::FeatureFlags { supports_preview_metadata: false },
        ),
        ("logs", r#"{"entries": [], "size": null}"#, Event::Logs { entries: 0 }),
        ("a\\u0062c", "null", Event::Unknown { event_type: id("abc") }),
        ("", "[1, NaN]", Event::Unknown { event_type: id("") }),
        ("Status", "\"\"", Event::Unknown { event_type: id("Status") }),
        (
            "stat\\u0075s",
            r#"{"status": {"exec_info": {"queue_remaining": 2}}}"#,
            Event::Status { queue_remaining: 2, sid: None },
        ),
    ] {
        let spelled = message(kind, data);
        assert_event(&spelled, expected);
        let kind = read(Interest::NONE, &spelled, 5).events[0].clone();
        let name = |event: &str| event.split([' ', '(']).next().unwrap_or_default().to_string();
        assert_eq!(name(&kind), name(&format!("{expected:?}")), "the event does not depend on the interest: {spelled}");
    }
    assert_event(r#"{"type": "x"}"#, Event::Unknown { event_type: id("x") });
    assert_event(r#"{"sid": 1, "\u0074ype": "x", "sid": {"data": 1}} "#, Event::Unknown { event_type: id("x") });
}
