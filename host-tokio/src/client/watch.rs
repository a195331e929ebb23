//! What is so now: the connection, and how far the prompt is.

use std::{sync::Arc, time::Duration};

use comfyglow_core::{
    state::{ConnectionStatus, Fault, ObserveMode, PromptState, Source, WaitingFor},
    view::{ErrorView, PromptView, View},
};
use tokio::{sync::watch, time};

use super::{animated::Animated, closed::Closed, driver::AppDriver, registry::Registry, units};
use crate::address::Address;

/// How the connection fares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Whether the server's messages arrive.
    pub status: ConnectionStatus,
    /// How the prompt's state is known.
    pub source: Source,
    /// How prompts of other clients are followed, once that was found out for this connection.
    pub way: Option<ObserveMode>,
    /// Attempts to connect since it was lost, or since the start; 0 while connected.
    pub attempt: u32,
    /// How often it was made again.
    pub reconnects: u32,
    /// What is wrong: whose fault, what happened and what to do.
    pub fault: Option<Fault>,
    /// What the system said of it.
    pub reason: Option<Arc<str>>,
    /// When the next attempt to connect will be made, and why not at once.
    pub waiting: Option<(time::Instant, WaitingFor)>,
    /// How long the server takes to answer a ping, smoothed.
    pub latency: Option<Duration>,
    /// Prompts queued and running on the server, once it told.
    pub queue_remaining: Option<u32>,
    /// The id that the server knows this client by.
    pub client_id: Arc<str>,
}

impl Connection {
    fn new(client_id: &str) -> Self {
        Self {
            status: ConnectionStatus::Connecting,
            source: Source::Websocket,
            way: None,
            attempt: 0,
            reconnects: 0,
            fault: None,
            reason: None,
            waiting: None,
            latency: None,
            queue_remaining: None,
            client_id: client_id.into(),
        }
    }

    /// Whether the server's messages arrive.
    pub fn is_connected(&self) -> bool {
        self.status == ConnectionStatus::Connected
    }
}

/// How far a prompt is, at a moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Its id; `None` where a reconnecting client was told the running node only.
    pub prompt_id: Option<Arc<str>>,
    /// How it fares.
    pub state: PromptState,
    /// Whether its end is known as well as it ever will be; of one that only the server's log told, it is asked first.
    pub is_settled: bool,
    /// Of the whole workflow, 0.0 to 100.0; `None` before success where its graph isn't known.
    pub percentage: Option<f64>,
    /// The node that runs, by its id in the submitted graph.
    pub node: Option<Arc<str>>,
    /// Its class, such as `KSampler`, where the graph is known.
    pub class: Option<Arc<str>>,
    /// Its bar.
    pub steps: Option<Steps>,
    /// How long it will run yet, as of [`at`](Self::at); `None` where that isn't known, and at the end.
    pub eta: Option<Duration>,
    /// How long it has run, as of [`at`](Self::at), or ran; `None` where its start wasn't seen.
    pub elapsed: Option<Duration>,
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
    pub failure: Option<Arc<Failure>>,
    /// When this was so.
    pub at: time::Instant,
}

pub use crate::finish::Failure;

/// The bar of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Steps done, to a thousandth.
    pub value: f64,
    /// Steps in all, more than 0.
    pub max: f64,
}

/// Sets `text` to what is known now; a text that is the same stays where it is.
fn keep(text: &mut Option<Arc<str>>, now: Option<&str>) {
    if text.as_deref() != now {
        *text = now.map(Arc::from);
    }
}

fn span(span: comfyglow_core::time::Duration) -> Duration {
    Duration::from_micros(span.as_micros())
}

impl Progress {
    fn new(at: time::Instant) -> Self {
        Self {
            prompt_id: None,
            state: PromptState::Running,
            is_settled: false,
            percentage: None,
            node: None,
            class: None,
            steps: None,
            eta: None,
            elapsed: None,
            nodes_total: None,
            nodes_cached: None,
            nodes_finished: 0,
            outputs: 0,
            previews: 0,
            warnings: 0,
            failure: None,
            at,
        }
    }

    fn set(&mut self, prompt: &PromptView<'_>, at: time::Instant) {
        keep(&mut self.prompt_id, prompt.prompt_id);
        keep(&mut self.node, prompt.current_node);
        keep(&mut self.class, prompt.current_class);
        self.state = prompt.state;
        self.is_settled = prompt.is_settled;
        self.percentage = prompt.percentage.map(|percentage| f64::from(percentage.millionths()) / 1e6);
        self.steps = prompt.steps.map(|steps| Steps { value: units(steps.value), max: units(steps.max) });
        self.eta = prompt.eta.map(span);
        self.elapsed = prompt.elapsed.map(span);
        self.nodes_total = prompt.nodes_total;
        self.nodes_cached = prompt.nodes_cached;
        self.nodes_finished = prompt.nodes_finished;
        self.outputs = prompt.outputs;
        self.previews = prompt.previews;
        self.warnings = prompt.warnings;
        if !is_told(self.failure.as_deref(), prompt.error.as_ref()) {
            self.failure = prompt.error.as_ref().map(|error| Arc::new(Failure::of(error)));
        }
        self.at = at;
    }

    /// Whether nothing but another prompt can follow.
    pub const fn is_over(&self) -> bool {
        self.state.is_final() && self.is_settled
    }
}

fn is_told(failure: Option<&Failure>, error: Option<&ErrorView<'_>>) -> bool {
    match (failure, error) {
        (None, None) => true,
        (Some(failure), Some(error)) => {
            failure.node_id.as_deref() == error.node_id
                && failure.exception_type == error.exception_type
                && failure.exception_message == error.exception_message
        }
        _ => false,
    }
}

/// Looks at something that changes: what it is now, and when it changes. Values in between may be passed over, the last
/// one never is.
#[derive(Clone, Debug)]
pub struct Watch<T> {
    receiver: watch::Receiver<T>,
    registry: Arc<Registry>,
}

impl<T: Clone> Watch<T> {
    pub(super) fn new(receiver: &watch::Receiver<T>, registry: &Arc<Registry>) -> Self {
        let mut receiver = receiver.clone();
        receiver.mark_changed();
        Self { receiver, registry: registry.clone() }
    }

    /// What is so now, or was when the client ended.
    pub fn get(&self) -> T {
        self.receiver.borrow().clone()
    }

    /// What is so now, where that wasn't told yet.
    pub(super) fn news(&mut self) -> Option<T> {
        let is_new = self.receiver.has_changed().unwrap_or_default();
        is_new.then(|| self.receiver.borrow_and_update().clone())
    }

    /// Waits until it is another than was last told by this; the first time it tells what is so now.
    ///
    /// # Errors
    ///
    /// Once the client has ended and the last value was told.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn changed(&mut self) -> Result<T, Closed> {
        match self.receiver.changed().await {
            Ok(()) => Ok(self.receiver.borrow_and_update().clone()),
            Err(_) => Err(self.registry.ended().unwrap_or(Closed::Aborted)),
        }
    }

    /// Waits until it is as `wanted` says, which it may be already.
    ///
    /// # Errors
    ///
    /// Once the client has ended and its last value is another.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn wait_for(&mut self, wanted: impl FnMut(&T) -> bool) -> Result<T, Closed> {
        match self.receiver.wait_for(wanted).await {
            Ok(value) => Ok(value.clone()),
            Err(_) => Err(self.registry.ended().unwrap_or(Closed::Aborted)),
        }
    }
}

impl Watch<Option<Progress>> {
    /// The progress for a painter: frames of a bar that moves smoothly.
    pub fn animated(self) -> Animated {
        Animated::new(self)
    }
}

/// Keeps the watched values up to date.
pub(super) struct Publisher {
    connection: watch::Sender<Connection>,
    progress: watch::Sender<Option<Progress>>,
}

impl Publisher {
    pub(super) fn new(client_id: &str) -> (Self, watch::Receiver<Connection>, watch::Receiver<Option<Progress>>) {
        let (connection, watched_connection) = watch::channel(Connection::new(client_id));
        let (progress, watched_progress) = watch::channel(None);
        (Self { connection, progress }, watched_connection, watched_progress)
    }

    /// Tells what `driver` knows now.
    pub(super) fn publish(&self, driver: &AppDriver<'_>) {
        let view = driver.view();
        let known = view.connection;
        self.connection.send_if_modified(|connection| {
            let before = connection.clone();
            connection.status = known.status;
            connection.source = known.source;
            connection.way = known.way;
            connection.attempt = known.attempt;
            connection.reconnects = known.reconnects;
            connection.fault = known.fault;
            connection.waiting = known.waiting.map(|waiting| (driver.at(waiting.until), waiting.why));
            connection.latency = view.latency.map(span);
            connection.queue_remaining = view.queue_remaining;
            let reason = known.fault.and(driver.reason()).map(ToString::to_string);
            keep(&mut connection.reason, reason.as_deref());
            let id = driver.session().session().client_id();
            if known.attempt != before.attempt || known.reconnects != before.reconnects {
                connection.client_id = Address::decoded(id).into();
            }
            *connection != before
        });
        self.publish_prompt(&view);
    }

    /// Tells how far the prompt is.
    pub(super) fn publish_prompt(&self, view: &View<'_>) {
        let Some(prompt) = &view.prompt else { return };
        let at = time::Instant::now();
        self.progress.send_modify(|progress| progress.get_or_insert_with(|| Progress::new(at)).set(prompt, at));
    }
}
