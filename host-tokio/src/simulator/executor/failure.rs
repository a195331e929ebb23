//! What goes wrong with a node, and how it's told.

use serde_json::{Map, Value, json};

use super::Run;
use crate::simulator::{messages::NodeName, nodes, work::Failure};

/// Why a prompt stops before its end.
pub(super) enum Stop {
    Interrupted(NodeName),
    Failed(NodeName, Failure),
}

impl Run<'_> {
    fn class_of(&self, name: &NodeName) -> Value {
        nodes::class_type(&self.prompt.graph[&name.display]).into()
    }

    /// A node that would have taken something blocked: told as an error that doesn't end the prompt, guarded by
    /// nothing against reaching everyone, and not kept in the history.
    pub(super) fn tell_blocked(&self, name: &NodeName, message: &str) {
        let data = json!({
            "prompt_id": self.prompt.id, "node_id": name.display, "node_type": self.class_of(name),
            "executed": self.executed, "exception_message": format!("Execution Blocked: {message}"),
            "exception_type": "ExecutionBlocked", "traceback": [], "current_inputs": [], "current_outputs": [],
        });
        self.tell_all("execution_error", data);
    }

    /// Tells why the prompt stopped, in the log first.
    pub(super) fn tell_stop(&mut self, stop: Stop) {
        match stop {
            Stop::Interrupted(name) => {
                self.shared.logs.info("Processing interrupted");
                let data = json!({
                    "prompt_id": self.prompt.id, "node_id": name.display, "node_type": self.class_of(&name),
                    "executed": self.executed,
                });
                self.milestone("execution_interrupted", data, true);
            }
            Stop::Failed(name, failure) => {
                let traceback = traceback();
                self.shared.logs.error(&format!("!!! Exception during processing !!! {}", failure.message));
                self.shared.logs.error(&format!(
                    "Traceback (most recent call last):\n{}{}: {}\n",
                    traceback.concat(),
                    failure.kind,
                    failure.message
                ));
                let data = json!({
                    "prompt_id": self.prompt.id, "node_id": name.display, "node_type": self.class_of(&name),
                    "executed": self.executed, "exception_message": format!("{}\n", failure.message),
                    "exception_type": failure.kind, "traceback": traceback,
                    "current_inputs": current_inputs(&self.prompt.graph[&name.display]),
                    "current_outputs": self.prompt.graph.keys().collect::<Vec<_>>(),
                });
                self.milestone("execution_error", data, false);
            }
        }
    }
}

/// The inputs' values as a failure tells them: lists, and what came over a link as text.
fn current_inputs(node: &Value) -> Map<String, Value> {
    let inputs = node["inputs"].as_object().into_iter().flatten();
    let show = |value: &Value| match nodes::as_link(value) {
        Some(_) => json!(["tensor([[[[0.0000, 0.1373, 0.5490],\n          [0.0000, 0.1373, 0.5490]]]])"]),
        None => json!([value]),
    };
    inputs.map(|(name, value)| (name.clone(), show(value))).collect()
}

/// The frames that every failing node of ComfyUI has below its own.
fn traceback() -> Vec<String> {
    let frame = |line: u32, function: &str, code: &str| {
        format!(
            "  File \"/home/user/ComfyUI/execution.py\", line {line}, in {function}\n    {code}\n    {}\n",
            "^".repeat(code.len())
        )
    };
    vec![
        frame(
            545,
            "execute",
            "output_data, output_ui, has_subgraph, has_pending_tasks = await get_output_data(prompt_id, unique_id, obj, input_data_all, execution_block_cb=execution_block_cb, pre_execute_cb=pre_execute_cb, v3_data=v3_data)",
        ),
        frame(
            344,
            "get_output_data",
            "return_values = await _async_map_node_over_list(prompt_id, unique_id, obj, input_data_all, obj.FUNCTION, allow_interrupt=True, execution_block_cb=execution_block_cb, pre_execute_cb=pre_execute_cb, v3_data=v3_data)",
        ),
        frame(318, "_async_map_node_over_list", "await process_inputs(input_dict, i)"),
        frame(306, "process_inputs", "result = f(**inputs)"),
    ]
}
