//! What a state says, as a value that can be kept and compared.

use comfyglow_core::capacity::Capacity;
use comfyglow_core::state::{ConnectionStatus, Messages, Percentage, PromptState, State, Steps};

/// What a screen may show of a state, and more; but for what depends on the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The connection's status, attempt and fault.
    pub connection: (ConnectionStatus, u32, Option<String>),
    /// Prompts queued and running.
    pub queue: Option<u32>,
    /// The prompt last seen to start.
    pub prompt: Option<Shot>,
}

/// What is known of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// Its id, as far as it is kept.
    pub id: Option<String>,
    /// Its id in a form by which two that are cut alike differ.
    pub whole: String,
    /// How it stands.
    pub state: PromptState,
    /// The current node, by its display id.
    pub node: Option<String>,
    /// How far it is.
    pub progress: Reached,
    /// Outputs, previews, texts and warnings.
    pub outputs: [u32; 4],
    /// The error record, in words.
    pub error: Option<String>,
}

/// How far a prompt is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// Of the whole workflow.
    pub percentage: Option<Percentage>,
    /// Of the current node.
    pub steps: Option<Steps>,
    /// Nodes of the graph.
    pub total: Option<u32>,
    /// Nodes that came from the cache.
    pub cached: Option<u32>,
    /// Nodes seen finished.
    pub finished: u32,
    /// Whether the counts are lower bounds.
    pub truncated: bool,
}

impl Shown {
    /// What `state` says.
    pub fn of<C: Capacity>(state: &State<C>) -> Self {
        let connection = state.connection();
        Self {
            connection: (connection.status, connection.attempt, connection.fault.map(|fault| format!("{fault:?}"))),
            queue: state.queue_remaining(),
            prompt: state.prompt().map(|prompt| Shot {
                id: prompt.prompt_id().map(ToString::to_string),
                whole: prompt.prompt_id().map(|id| format!("{:?}", id.as_id().key())).unwrap_or_default(),
                state: prompt.state(),
                node: prompt.current_node().map(ToString::to_string),
                progress: Reached {
                    percentage: prompt.percentage(),
                    steps: prompt.steps(),
                    total: prompt.nodes_total(),
                    cached: prompt.nodes_cached(),
                    finished: prompt.nodes_finished(),
                    truncated: prompt.truncated_nodes(),
                },
                outputs: [prompt.outputs(), prompt.previews(), prompt.text_updates(), prompt.warnings()],
                error: prompt.error().map(|error| format!("{error:?}")),
            }),
        }
    }
}

/// The counts of messages, as text, binary, malformed and unknown ones.
pub(super) fn counts(messages: Messages) -> [u32; 4] {
    [messages.text, messages.binary, messages.malformed, messages.unknown]
}
