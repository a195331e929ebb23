//! The messages that are counted: those of the benchmarks, and how a prompt comes to where they make sense.

macro_rules! message {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/bench-messages/", $name, ".json"))
    };
}

/// Every kind, by name.
pub(crate) const KINDS: [(&str, &str); 12] = [
    ("progress", message!("progress")),
    (
        "progress-reordered",
        r#"{"type": "progress", "data": {"node": "5", "prompt_id": "3328f0c8-9368-4070-90e7-087e854fe315", "max": 20, "value": 3}}"#,
    ),
    ("progress_state5", message!("progress_state5")),
    ("progress_state40", message!("progress_state40")),
    ("executing", message!("executing")),
    ("executing_null", message!("executing_null")),
    ("execution_start", message!("execution_start")),
    ("execution_cached20", message!("execution_cached20")),
    ("executed4", message!("executed4")),
    ("status", message!("status")),
    ("execution_error", message!("execution_error")),
    ("execution_success", message!("execution_success")),
];

/// A session of one workflow, one message a line.
pub(crate) const SESSION: &str = include_str!("../../../tests/fixtures/bench-messages/session.ndjson");

/// What comes before the one that is counted.
pub(crate) const BEFORE: [&str; 5] = [
    message!("status_sid"),
    message!("execution_start"),
    message!("progress_state5"),
    message!("executing"),
    r#"{"type": "progress", "data": {"value": 2, "max": 20, "prompt_id": "3328f0c8-9368-4070-90e7-087e854fe315", "node": "5"}}"#,
];
