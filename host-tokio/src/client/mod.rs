//! A ComfyUI client: connects, tells how far the prompts are, submits and interrupts.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use comfyglow::client::Client;
//!
//! let client = Client::builder("http://127.0.0.1:8188").connect()?;
//! let workflow: serde_json::Value = serde_json::from_str(&std::fs::read_to_string("workflow_api.json")?)?;
//! let prompt = client.submit(&workflow).await?;
//! let mut finished = std::pin::pin!(client.finished(&prompt.prompt_id));
//! let mut progress = client.progress();
//! let finish = loop {
//!     tokio::select! {
//!         finish = &mut finished => break finish?,
//!         // The newest prompt, which may be another one.
//!         now = progress.changed() => match now? {
//!             Some(now) if now.prompt_id.as_deref() == Some(&prompt.prompt_id) => {
//!                 println!("{:?} {:?} % at {:?}", now.state, now.percentage, now.node);
//!             }
//!             _ => {}
//!         },
//!     }
//! };
//! println!("{:?} after {:?}", finish.state, finish.elapsed);
//! # Ok(()) }
//! ```
//!
//! One task for each client owns the connection and reads it without ever waiting for anybody. A [`Client`] is a handle to
//! it that costs little to clone; when the last one is dropped, the connection is closed in good order. There are four
//! ways to be told of things:
//!
//! | what is wanted | call |
//! |---|---|
//! | what is so now, and when it changes | [`Client::connection`], [`Client::progress`] |
//! | the end of one prompt | [`Client::finished`] |
//! | frames for a painter | [`Watch::animated`] |
//! | each event, typed, as it came | [`Client::events`], [`Client::decode`], [`Client::messages`] |
//!
//! All decisions are the core's: [`driver::Driver`] carries them out, and can be used without a task.

mod animated;
mod builder;
mod closed;
pub mod driver;
pub mod event;
mod events;
mod fanout;
mod finished;
mod graph;
pub(crate) mod http;
mod line;
mod mailbox;
mod output;
mod queue;
mod registry;
mod rejection;
pub(crate) mod stream;
mod submit;
mod task;
mod unheard;
mod watch;

use std::{fmt, sync::Arc};

use comfyglow_core::number::Milli;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{mpsc, oneshot, watch as tokio_watch},
    time,
};

pub use animated::{Animated, Frame};
pub use builder::{BuildError, Builder};
pub use closed::Closed;
pub use events::{Events, EventsError, Message};
pub use graph::Graph;
pub use http::{Http, RequestError, awaited};
pub use output::{File, NodeOutput};
pub use queue::{Interrupted, Outcome, Queue, Queued, Whereabouts};
pub use rejection::{NodeProblems, Problem, ProblemKind, Rejection};
pub use submit::{Submission, SubmitError, Submitted};
pub use watch::{Connection, Failure, Progress, Steps, Watch};

use event::{EventType, Topics};
use events::ROOM;
use registry::{Registry, Wants};
use task::Command;

/// A handle to a client: cheap to clone, and usable from any task.
///
/// Once the client has ended, every call tells [`Closed`].
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// What all handles share. When it is dropped, the task finds nobody left to command it, and leaves.
struct Handle {
    commands: mpsc::Sender<Command>,
    registry: Arc<Registry>,
    connection: tokio_watch::Receiver<Connection>,
    progress: tokio_watch::Receiver<Option<Progress>>,
    http: Arc<Http>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The client has ended.
    Closed(Closed),
    /// The request failed.
    Request(RequestError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(reason) => reason.fmt(f),
            Self::Request(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("http", &self.handle.http)
            .field("client_id", &self.client_id())
            .field("ended", &self.handle.registry.ended())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client to set up, of the server at `url`: `http://host:port/prefix`, or just `host` or `host:port`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    fn of(handle: Handle) -> Self {
        Self { handle: Arc::new(handle) }
    }

    /// The id that the server knows this client by, which changes where the server has lost sight of it.
    pub fn client_id(&self) -> Arc<str> {
        self.handle.connection.borrow().client_id.clone()
    }

    /// How the connection fares.
    pub fn connection(&self) -> Watch<Connection> {
        Watch::new(&self.handle.connection, &self.handle.registry)
    }

    /// How far the prompt is that was last seen to start; `None` until one was.
    ///
    /// It shows the newest prompt only, whosever that is: where another one begins right behind a prompt, its end may be
    /// passed over. [`finished`](Self::finished) waits for the end of a prompt.
    pub fn progress(&self) -> Watch<Option<Progress>> {
        Watch::new(&self.handle.progress, &self.handle.registry)
    }

    /// Waits until the server's messages arrive.
    ///
    /// # Errors
    ///
    /// Where the client ends before.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn connected(&self) -> Result<Connection, Closed> {
        self.connection().wait_for(Connection::is_connected).await
    }

    /// Events of the type `E` from now on: [`event::Progress`], [`event::Executing`] …, or [`event::Event`] for all.
    ///
    /// ```no_run
    /// # async fn example(client: comfyglow::client::Client) {
    /// use comfyglow::client::event::Progress;
    ///
    /// let mut steps = client.events::<Progress>();
    /// while let Some(Ok(step)) = steps.next().await {
    ///     println!("{} of {}", step.value, step.max);
    /// }
    /// # }
    /// ```
    pub fn events<E: EventType>(&self) -> Events<E> {
        events::events(&self.handle.registry, Wants::Events(E::TOPICS), ROOM)
    }

    /// Events of all the types in `topics` from now on, of which `room` may wait, 1 or more.
    ///
    /// ```no_run
    /// # fn example(client: comfyglow::client::Client) {
    /// use comfyglow::client::event::{Executing, Progress, Topics};
    ///
    /// let events = client.events_of(Topics::NONE.with::<Executing>().with::<Progress>(), 64);
    /// # }
    /// ```
    pub fn events_of(&self, topics: Topics, room: usize) -> Events<event::Event> {
        events::events(&self.handle.registry, Wants::Events(topics), room)
    }

    /// The `data` of text messages whose `type` is `event_type`, from now on, as a type of one's own: for what custom nodes
    /// send. A message may have 16 MiB; a longer one is lost, and told as such.
    ///
    /// It is read as strict JSON: `data` in which Python wrote `NaN` or `Infinity` can't be decoded, and is told as
    /// [`EventsError::Undecodable`]; [`messages`](Self::messages) has it as it came.
    pub fn decode<T: DeserializeOwned>(&self, event_type: &str) -> Events<T> {
        events::decoded(&self.handle.registry, event_type, ROOM)
    }

    /// Each message from now on as it came, those that can't be used too. A message may have 16 MiB; a longer one is lost,
    /// and told as such.
    pub fn messages(&self) -> Events<Message> {
        events::messages(&self.handle.registry, ROOM)
    }

    /// Submits a workflow in the API format, once there is a connection that will hear how it goes.
    ///
    /// It is never submitted twice: it has an id of its own, and where the server's answer is lost, the queue and the
    /// history are asked whether it arrived. Its percentage is known from the start.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]: refused by the server, node by node, or not sent, or sent without an answer.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the workflow may be queued or not.
    pub async fn submit(&self, workflow: &impl Serialize) -> Result<Submitted, SubmitError> {
        let mut submission = Submission::new(workflow, &self.client_id())?;
        let mut connection = self.connection();
        match time::timeout(self.handle.http.timeout(), connection.wait_for(Connection::is_connected)).await {
            Ok(Ok(connected)) => submission.set_client_id(&connected.client_id),
            Ok(Err(reason)) => return Err(SubmitError::Closed(reason)),
            Err(_) => return Err(SubmitError::NotConnected(Box::new(connection.get()))),
        }
        // Before it is sent: it may begin before the answer comes.
        self.command(Command::Submitted(submission.graph().clone())).await.map_err(SubmitError::Closed)?;
        let result = self.handle.http.submit(&submission).await;
        let own = submission.prompt_id();
        match &result {
            Ok(submitted) => {
                if submitted.prompt_id != own {
                    // What can't be told any more, the session asks for.
                    let graph = submission.graph().clone().of_prompt(&submitted.prompt_id);
                    let _ = self.command(Command::Submitted(graph)).await;
                    let _ = self.command(Command::Withdrawn(own.to_owned())).await;
                }
                let _ = self.command(Command::Accepted(submitted.prompt_id.clone())).await;
            }
            // It may be queued all the same.
            Err(SubmitError::Unanswered { .. }) => {}
            Err(_) => {
                let _ = self.command(Command::Withdrawn(own.to_owned())).await;
            }
        }
        result
    }

    /// Interrupts the prompt `prompt_id`, or takes it out of the queue.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the prompt may be interrupted or not.
    pub async fn interrupt(&self, prompt_id: &str) -> Result<Interrupted, CallError> {
        self.call()?.interrupt(prompt_id).await.map_err(CallError::Request)
    }

    /// Interrupts whatever runs; does nothing where nothing does.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the prompt may be interrupted or not.
    pub async fn interrupt_current(&self) -> Result<(), CallError> {
        self.call()?.interrupt_current().await.map_err(CallError::Request)
    }

    /// What the server has to do.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn queue(&self) -> Result<Queue, CallError> {
        self.call()?.queue().await.map_err(CallError::Request)
    }

    /// How the prompt `prompt_id` ended and what it gave; `None` while it hasn't, and where the server doesn't know it.
    ///
    /// # Errors
    ///
    /// Where the server can't be asked.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn outcome(&self, prompt_id: &str) -> Result<Option<Outcome>, CallError> {
        self.call()?.outcome(prompt_id).await.map_err(CallError::Request)
    }

    /// All that is known, as JSON: what `comfyglow watch --json` prints a line of. Its shape and meaning stand in the core's
    /// `SNAPSHOT.md`.
    ///
    /// # Errors
    ///
    /// Where the client has ended.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn snapshot(&self) -> Result<String, Closed> {
        self.ask(Command::Snapshot).await
    }

    /// What was learned of nodes' durations, for [`Builder::learned`] of a later client: a record to be kept in a file.
    /// Nothing that a prompt said is in it.
    ///
    /// # Errors
    ///
    /// Where the client has ended.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn learned(&self) -> Result<Vec<u8>, Closed> {
        self.ask(Command::Learned).await
    }

    /// Tries to connect now, whatever there is to wait for: somebody wants it.
    ///
    /// # Errors
    ///
    /// Where the client has ended.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, it may be tried or not.
    pub async fn reconnect(&self) -> Result<(), Closed> {
        self.command(Command::Reconnect).await
    }

    /// Closes the connection in good order, for all handles, and waits until that is done.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the connection may be closed or not.
    pub async fn close(&self) -> Closed {
        let _ = self.command(Command::Leave).await;
        self.closed().await
    }

    /// Waits until the client has ended, and tells why.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn closed(&self) -> Closed {
        let mut connection = self.connection();
        loop {
            if let Err(reason) = connection.changed().await {
                return reason;
            }
        }
    }

    fn call(&self) -> Result<&Http, CallError> {
        match self.handle.registry.ended() {
            Some(reason) => Err(CallError::Closed(reason)),
            None => Ok(&self.handle.http),
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (to, answer) = oneshot::channel();
        self.command(command(to)).await?;
        answer.await.map_err(|_| self.handle.registry.ended().unwrap_or(Closed::Aborted))
    }

    async fn command(&self, command: Command) -> Result<(), Closed> {
        let sent = self.handle.commands.send(command).await;
        sent.map_err(|_| self.handle.registry.ended().unwrap_or(Closed::Aborted))
    }
}

/// A number in units rather than thousandths.
fn units(number: Milli) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let thousandths = number.thousandths() as f64;
    thousandths / 1e3
}
