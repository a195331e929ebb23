//! What a submitted prompt is made of.

use std::collections::VecDeque;

use comfyglow_core::{
    capacity::Capacity,
    reducer::Observer,
    session::{Host, Link},
    text::Id,
    time::Instant,
    wire::{Input, Wire},
};
use serde_json::Value;

/// Submissions whose graphs wait for their prompts to begin; past them the session asks the server.
const GRAPHS: usize = 64;

/// Bytes of a piece in which messages are read while a graph waits to be told: less than a prompt's start has, so that
/// the graph is told before what follows, and be it the end.
const PIECE: usize = 64;

/// The nodes of a submitted prompt's graph and their classes, which a session makes its percentage of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    prompt_id: String,
    /// Ids and classes; the class is empty where it isn't told.
    nodes: Vec<(String, String)>,
}

impl Graph {
    /// The graph of the prompt `prompt_id`: `workflow` is in the API format, an object with a node under each id.
    pub fn new(prompt_id: &str, workflow: &Value) -> Self {
        let nodes = workflow.as_object().into_iter().flatten();
        let class = |node: &Value| node["class_type"].as_str().unwrap_or_default().to_owned();
        Self { prompt_id: prompt_id.to_owned(), nodes: nodes.map(|(id, node)| (id.clone(), class(node))).collect() }
    }

    /// Whose it is.
    pub fn prompt_id(&self) -> &str {
        &self.prompt_id
    }

    /// The same for the prompt `prompt_id`.
    #[must_use]
    pub fn of_prompt(self, prompt_id: &str) -> Self {
        Self { prompt_id: prompt_id.to_owned(), ..self }
    }

    /// The class of a node, such as `KSampler`.
    pub fn class_of(&self, node: &str) -> Option<&str> {
        let class = self.nodes.iter().find(|(id, _)| id == node).map(|(_, class)| class.as_str());
        class.filter(|class| !class.is_empty())
    }

    /// What a session is told of it, in this order.
    pub(super) fn inputs(&self) -> impl Iterator<Item = Input<'_>> {
        let prompt_id = Id::from(self.prompt_id.as_str());
        let nodes = self.nodes.iter().filter(|(_, class)| !class.is_empty());
        let nodes = nodes
            .map(move |(node, class)| Input::Host(Host::GraphNode { prompt_id, node: Id::from(node.as_str()), class }));
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        nodes.chain(std::iter::once(Input::Host(Host::Graph { prompt_id, nodes: count })))
    }
}

/// Graphs of submissions that have not begun, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Graphs(VecDeque<Graph>);

impl Graphs {
    pub(super) fn push(&mut self, graph: Graph) {
        if self.0.len() == GRAPHS {
            self.0.pop_front();
        }
        self.0.push_back(graph);
    }

    pub(super) fn withdraw(&mut self, prompt_id: &str) {
        self.0.retain(|graph| graph.prompt_id != prompt_id);
    }

    /// Has `session` read `bytes`, and tells it the graph of a prompt that begins in them.
    pub(super) fn hear<C: Capacity>(
        &mut self,
        session: &mut Wire<'_, C>,
        now: Instant,
        link: Link,
        bytes: &[u8],
        observer: &mut impl Observer<C>,
    ) {
        let size = if self.0.is_empty() { bytes.len() } else { PIECE };
        for piece in bytes.chunks(size.max(1)) {
            session.handle_input_with(now, Input::Bytes(link, piece), observer);
            self.tell(session, now, observer);
        }
    }

    /// Tells `session` the graph of the prompt that runs, where it was submitted here.
    pub(super) fn tell<C: Capacity>(
        &mut self,
        session: &mut Wire<'_, C>,
        now: Instant,
        observer: &mut impl Observer<C>,
    ) {
        if self.0.is_empty() {
            return;
        }
        let running = session.state().prompt().and_then(|prompt| prompt.prompt_id());
        let is_running = |graph: &Graph| running.is_some_and(|id| id.as_id() == Id::from(graph.prompt_id()));
        let Some(graph) = self.0.iter().position(is_running).and_then(|at| self.0.remove(at)) else { return };
        for input in graph.inputs() {
            session.handle_input_with(now, input, observer);
        }
    }
}
