//! Runs of real servers.

use std::collections::BTreeMap;

use anyhow::Result;
use comfyglow::recording::{Message, Recording};
use serde_json::Value;

use super::Run;
use crate::{ServerMessage, name_of, traces};

/// A run that is shorter is over before anyone looks at the time left, in microseconds.
const SHORTEST: u64 = 250_000;

/// The runs of all [recordings](traces) that ended in success and whose graph is known: each list has those of one
/// workflow, in the order of the recordings' names. Workflows are the same where their graphs are, but for seeds and what is
/// saved where; or, with `other_settings`, where they have the same nodes.
///
/// # Errors
///
/// Where a recording can't be read.
pub fn recorded(other_settings: bool) -> Result<Vec<Vec<Run>>> {
    let mut all: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for file in traces() {
        let recording = Recording::read(&file)?;
        let graphs = recording.graphs();
        for conn in recording.connections() {
            let Ok(heard) = recording.messages(conn) else { continue };
            let mut begun: Option<Run> = None;
            let mut start_ms = 0.0;
            for heard in heard {
                let Message::Text(text) = &heard.wire else { continue };
                let Ok(message) = serde_json::from_str::<Value>(text) else { continue };
                let prompt = message["data"]["prompt_id"].as_str().unwrap_or_default();
                if message["type"] == "execution_start" {
                    start_ms = heard.t_ms;
                    begun = graphs.get(prompt).map(|graph| Run {
                        name: format!("{} {conn}", name_of(&file)),
                        prompt_id: prompt.to_owned(),
                        graph: classes(graph),
                        heard: Vec::new(),
                    });
                }
                let Some(run) = &mut begun else { continue };
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since the start")]
                run.heard.push((((heard.t_ms - start_ms) * 1_000.0) as u64, ServerMessage::Text(text.clone())));
                let over = message["type"] == "execution_success" && prompt == run.prompt_id;
                if let Some(run) = begun.take_if(|run| over && run.length() >= SHORTEST) {
                    let key = if other_settings {
                        format!("{:?}", run.graph)
                    } else {
                        without_seeds(&graphs[&run.prompt_id])
                    };
                    all.entry(key).or_default().push(run);
                }
            }
        }
    }
    Ok(all.into_values().collect())
}

fn classes(graph: &Value) -> Vec<(String, String)> {
    let nodes = graph.as_object().into_iter().flatten();
    nodes.map(|(id, node)| (id.clone(), node["class_type"].as_str().unwrap_or_default().to_owned())).collect()
}

/// The graph's text without what differs from run to run of the same workflow.
fn without_seeds(graph: &Value) -> String {
    let mut graph = graph.clone();
    for node in graph.as_object_mut().into_iter().flat_map(|nodes| nodes.values_mut()) {
        for name in ["seed", "noise_seed", "filename_prefix", "color", "tag"] {
            node["inputs"].as_object_mut().map(|inputs| inputs.remove(name));
        }
    }
    graph.to_string()
}
