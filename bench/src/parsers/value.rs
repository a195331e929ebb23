//! `serde_json`'s tree of values, as most scripts read messages.
use anyhow::{Context as _, Result};
use comfyglow_core::event::EventKind;
use serde_json::Value;

use crate::{
    Summary,
    summary::{digest, milli},
};

/// What `message` says.
pub(super) fn summary(message: &str) -> Result<Summary> {
    let message: Value = serde_json::from_str(message)?;
    read(&message).context("a field is missing")
}

fn read(message: &Value) -> Option<Summary> {
    use EventKind as K;
    let data = message.get("data")?;
    let id = |name| data.get(name).and_then(Value::as_str).map_or(0, digest);
    let number = |object: &Value, name| object.get(name).and_then(Value::as_f64).map(milli);
    let of = |kind| Summary { prompt: id("prompt_id"), node: id("node"), ..Summary::new(kind) };
    Some(match message.get("type")?.as_str()? {
        "status" => {
            let queue = data.get("status")?.get("exec_info")?.get("queue_remaining")?.as_i64()?;
            Summary { max: queue, node: id("sid"), ..Summary::new(K::Status) }
        }
        "execution_start" => of(K::ExecutionStart),
        "execution_success" => of(K::ExecutionSuccess),
        "execution_cached" => {
            Summary { count: u32::try_from(data.get("nodes")?.as_array()?.len()).ok()?, ..of(K::ExecutionCached) }
        }
        "executing" => of(K::Executing),
        "executed" => of(K::Executed),
        "progress" => Summary { value: number(data, "value")?, max: number(data, "max")?, ..of(K::Progress) },
        "progress_state" => {
            let mut sum = of(K::ProgressState);
            for node in data.get("nodes")?.as_object()?.values() {
                let finished = node.get("state")?.as_str()? == "finished";
                sum.entry(number(node, "value")?, number(node, "max")?, finished);
            }
            sum
        }
        "execution_error" => Summary { node: id("node_id"), message: id("exception_message"), ..of(K::ExecutionError) },
        "feature_flags" => Summary::new(K::FeatureFlags),
        _ => Summary::new(K::Unknown),
    })
}
