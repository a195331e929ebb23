//! The state of a prompt's nodes, as `progress_state` tells it.

use serde_json::{Map, Value, json};

use super::messages::NodeName;

/// The nodes that have started, in that order.
pub(super) struct Progress {
    prompt_id: String,
    nodes: Map<String, Value>,
}

impl Progress {
    pub(super) fn new(prompt_id: &str) -> Self {
        Self { prompt_id: prompt_id.to_owned(), nodes: Map::new() }
    }

    /// The node starts: 0.0 of 1.0.
    pub(super) fn start(&mut self, node: &NodeName) {
        self.set(node, &json!(0.0), &json!(1.0), "running");
    }

    /// The node has done `value` of `max` steps.
    pub(super) fn update(&mut self, node: &NodeName, value: u64, max: u64) {
        self.set(node, &value.into(), &max.into(), "running");
    }

    /// The node has ended. One that never started, since it's cached, has whole numbers.
    pub(super) fn finish(&mut self, node: &NodeName) {
        let max = self.nodes.get(&node.id).map_or(json!(1), |entry| entry["max"].clone());
        self.set(node, &max, &max, "finished");
    }

    /// `progress_state`'s data.
    pub(super) fn data(&self) -> Value {
        json!({"prompt_id": self.prompt_id, "nodes": self.nodes})
    }

    fn set(&mut self, node: &NodeName, value: &Value, max: &Value, state: &str) {
        let entry = json!({
            "value": value, "max": max, "state": state, "node_id": node.id, "prompt_id": self.prompt_id,
            "display_node_id": node.display, "parent_node_id": node.parent, "real_node_id": node.display,
        });
        self.nodes.insert(node.id.clone(), entry);
    }
}
