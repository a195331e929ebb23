//! What a screen shows of a session, borrowed from its state: no texts are built, no units chosen.

use crate::{
    capacity::Capacity,
    state::{Connection, ConnectionStatus, Percentage, PromptState, State, Steps},
    text::Text,
    time::{Duration, Instant},
};

/// A session at one moment, for a screen.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The connection to the server.
    pub connection: &'a Connection,
    /// How long a pong takes, smoothed over the last ones; `None` before the first pong.
    pub latency: Option<Duration>,
    /// The time until the next attempt to connect; `None` if no attempt is planned.
    pub next_attempt: Option<Duration>,
    /// Prompts queued and running; `None` until the server reports it.
    pub queue_remaining: Option<u32>,
    /// The prompt that started last; `None` until one was seen.
    pub prompt: Option<PromptView<'a>>,
}

/// A prompt, for a screen.
#[derive(Clone, Copy, Debug)]
pub struct PromptView<'a> {
    /// Its id; `None` if the server reported only the running node, as it does after a reconnect.
    pub prompt_id: Option<&'a str>,
    /// Whether it runs, or how it ended.
    pub state: PromptState,
    /// Whether its end is final, see [`Prompt::is_settled`](crate::state::Prompt::is_settled).
    pub is_settled: bool,
    /// The share of the whole workflow that is done; `None` before success if the graph is unknown.
    pub percentage: Option<Percentage>,
    /// The running node, by its id in the submitted graph; `None` if no node runs.
    pub current_node: Option<&'a str>,
    /// Its class, such as `KSampler`; `None` if the graph is unknown.
    pub current_class: Option<&'a str>,
    /// Its progress bar; `None` if it has none.
    pub steps: Option<Steps>,
    /// The time since the prompt's start, or from its start to its end; `None` if the start was not seen.
    pub elapsed: Option<Duration>,
    /// The time left; `None` if unknown, and at the end.
    pub eta: Option<Duration>,
    /// Nodes of the graph; `None` if the graph is unknown.
    pub nodes_total: Option<u32>,
    /// Nodes whose cached results were used; `None` until the server reports it.
    pub nodes_cached: Option<u32>,
    /// Nodes that have finished, without the cached ones.
    pub nodes_finished: u32,
    /// Messages that report a node's output.
    pub outputs: u32,
    /// Preview images received.
    pub previews: u32,
    /// Blocked nodes, which don't end a prompt.
    pub warnings: u32,
    /// Why it failed; `None` if it did not.
    pub error: Option<ErrorView<'a>>,
}

/// Why a prompt failed, for a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorView<'a> {
    /// The node of the submitted graph that failed; `None` if unknown.
    pub node_id: Option<&'a str>,
    /// The node's class; `None` if unknown.
    pub node_type: Option<&'a str>,
    /// The exception's full name.
    pub exception_type: &'a str,
    /// The exception's message, which often ends with a line feed.
    pub exception_message: &'a str,
    /// Whether the message was cut.
    pub truncated: bool,
}

impl PromptView<'_> {
    /// A prompt of which only the state is known, for tests of a screen.
    pub const fn new(state: PromptState) -> Self {
        Self {
            prompt_id: None,
            state,
            is_settled: true,
            percentage: None,
            current_node: None,
            current_class: None,
            steps: None,
            elapsed: None,
            eta: None,
            nodes_total: None,
            nodes_cached: None,
            nodes_finished: 0,
            outputs: 0,
            previews: 0,
            warnings: 0,
            error: None,
        }
    }
}

impl View<'_> {
    /// Whether the server's messages arrive.
    pub fn is_connected(&self) -> bool {
        self.connection.status == ConnectionStatus::Connected
    }
}

impl<C: Capacity> State<C> {
    /// What a screen shows at `now`.
    pub fn view(&self, now: Instant) -> View<'_> {
        let prompt = self.prompt().map(|prompt| PromptView {
            prompt_id: prompt.prompt_id().map(Text::as_str),
            state: prompt.state(),
            is_settled: prompt.is_settled(),
            percentage: prompt.percentage(),
            current_node: prompt.current_node().map(Text::as_str),
            current_class: prompt.current_node().and_then(|node| self.class_of(node.as_id())),
            steps: prompt.steps(),
            elapsed: prompt.elapsed(now),
            eta: self.eta(now),
            nodes_total: prompt.nodes_total(),
            nodes_cached: prompt.nodes_cached(),
            nodes_finished: prompt.nodes_finished(),
            outputs: prompt.outputs(),
            previews: prompt.previews(),
            warnings: prompt.warnings(),
            error: prompt.error().map(|error| ErrorView {
                node_id: error.node_id.as_ref().map(Text::as_str),
                node_type: error.node_type.as_ref().map(Text::as_str),
                exception_type: error.exception_type.as_str(),
                exception_message: error.exception_message.as_str(),
                truncated: error.exception_message.is_cut(),
            }),
        });
        let connection = self.connection();
        let next_attempt = connection.waiting.map(|waiting| waiting.until.saturating_since(now));
        View {
            connection,
            latency: self.quality().latency(),
            next_attempt,
            queue_remaining: self.queue_remaining(),
            prompt,
        }
    }
}
