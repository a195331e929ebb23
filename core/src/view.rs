//! What a painter needs of a session, borrowed: no texts are built, no units chosen.

use crate::{
    capacity::Capacity,
    state::{Connection, ConnectionStatus, Percentage, PromptState, State, Steps},
    text::Text,
    time::{Duration, Instant},
};

/// A session at a moment, for a screen.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The connection to the server.
    pub connection: &'a Connection,
    /// How long the server takes to answer a ping, smoothed over the last ones; known once one was answered.
    pub latency: Option<Duration>,
    /// How long until the next attempt to connect, where one is to come.
    pub next_attempt: Option<Duration>,
    /// Prompts queued and running, once the server told.
    pub queue_remaining: Option<u32>,
    /// The prompt last seen to start.
    pub prompt: Option<PromptView<'a>>,
}

/// A prompt, for a screen.
#[derive(Clone, Copy, Debug)]
pub struct PromptView<'a> {
    /// Its id; `None` where a reconnecting client was told the running node only.
    pub prompt_id: Option<&'a str>,
    /// How it fares.
    pub state: PromptState,
    /// Whether its end is known as well as it ever will be, see [`Prompt::is_settled`](crate::state::Prompt::is_settled).
    pub is_settled: bool,
    /// Of the whole workflow; `None` before success where the graph isn't known.
    pub percentage: Option<Percentage>,
    /// The node that runs, by its id in the submitted graph.
    pub current_node: Option<&'a str>,
    /// Its class, such as `KSampler`, where the graph is known.
    pub current_class: Option<&'a str>,
    /// Its bar.
    pub steps: Option<Steps>,
    /// Since the prompt's start, or from it to the end; `None` where the start wasn't seen.
    pub elapsed: Option<Duration>,
    /// How long it will run yet; `None` where that isn't known, and at the end.
    pub eta: Option<Duration>,
    /// Nodes of the graph.
    pub nodes_total: Option<u32>,
    /// Nodes whose results were still known.
    pub nodes_cached: Option<u32>,
    /// Nodes that have finished, the cached ones not among them.
    pub nodes_finished: u32,
    /// Messages of nodes that have output to show.
    pub outputs: u32,
    /// Preview images that passed by.
    pub previews: u32,
    /// Nodes that were blocked, which doesn't end a prompt.
    pub warnings: u32,
    /// Why it failed.
    pub error: Option<ErrorView<'a>>,
}

/// Why a prompt failed, for a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorView<'a> {
    /// The node of the submitted graph that failed.
    pub node_id: Option<&'a str>,
    /// Its class.
    pub node_type: Option<&'a str>,
    /// The exception's full name.
    pub exception_type: &'a str,
    /// Its message, which often ends with a line feed.
    pub exception_message: &'a str,
    /// The message was longer than what is kept.
    pub truncated: bool,
}

impl PromptView<'_> {
    /// A prompt of which nothing is known but how it fares: for painters to be tried with.
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
    /// What a painter needs at `now`.
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
