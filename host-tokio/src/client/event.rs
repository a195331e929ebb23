//! What the server says, owned, in the wire's words: what [`Client::events`](super::Client::events) yields.
//!
//! Texts are kept up to the capacities of [`AppCapacity`](comfyglow_core::capacity::AppCapacity); a longer one is cut, and
//! [`ExecutionError::truncated`] tells where that matters.

use std::sync::Arc;

use comfyglow_core::event::{EventKind, ImageFormat, Interest, NodeStatus};
use serde_json::Value;

pub use crate::finish::Finish;

use super::output::{self, File};

/// The queue's length changed, or the connection is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Prompts queued and running.
    pub queue_remaining: u32,
    /// The client's id, in the first message of a connection only.
    pub sid: Option<String>,
}

/// A prompt begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionStart {
    /// The prompt.
    pub prompt_id: String,
    /// The server's clock, in milliseconds since 1970.
    pub timestamp: Option<u64>,
}

/// The nodes of a prompt whose results are still known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionCached {
    /// The prompt.
    pub prompt_id: String,
    /// The nodes.
    pub nodes: Vec<String>,
}

/// A node begins, or, without one, the prompt is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executing {
    /// The node; may be an expanded one, such as `4.0.0.1`.
    pub node: Option<String>,
    /// The node of the submitted graph that it stands for.
    pub display_node: Option<String>,
    /// The prompt; missing where the server greets a client that reconnected.
    pub prompt_id: Option<String>,
}

/// A node's bar moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps done, to a thousandth.
    pub value: f64,
    /// Steps in all; may be 0 or less.
    pub max: f64,
    /// The prompt.
    pub prompt_id: Option<String>,
    /// The node; may be an expanded one.
    pub node: Option<String>,
}

/// All nodes that a prompt has started so far.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressState {
    /// The prompt.
    pub prompt_id: String,
    /// The nodes, in the order in which they started.
    pub nodes: Vec<NodeState>,
}

/// A node of a [`ProgressState`].
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState {
    /// The node; may be an expanded one.
    pub node_id: String,
    /// Steps done, to a thousandth.
    pub value: f64,
    /// Steps in all; may be 0 or less.
    pub max: f64,
    /// Whether it runs or has finished.
    pub state: NodeStatus,
    /// The node of the submitted graph that it stands for.
    pub display_node_id: Option<String>,
}

/// A node has output to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The prompt.
    pub prompt_id: String,
    /// The node; may be an expanded one.
    pub node: String,
    /// The node of the submitted graph that it stands for.
    pub display_node: Option<String>,
    pub(super) message: Option<Arc<[u8]>>,
}

impl Executed {
    /// The node's output, of any shape; null where it has none, `None` where the message was too long to be kept or is no
    /// strict JSON.
    pub fn output(&self) -> Option<Value> {
        let mut message: Value = serde_json::from_slice(self.message.as_deref()?).ok()?;
        Some(message["data"]["output"].take())
    }

    /// The files in the node's output.
    pub fn files(&self) -> Vec<File> {
        self.output().as_ref().map(output::files).unwrap_or_default()
    }
}

/// A prompt ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionSuccess {
    /// The prompt.
    pub prompt_id: String,
    /// The server's clock, in milliseconds since 1970.
    pub timestamp: Option<u64>,
}

/// A node failed, and the prompt with it, unless `exception_type` is `ExecutionBlocked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionError {
    /// The prompt.
    pub prompt_id: String,
    /// The node of the submitted graph that failed.
    pub node_id: Option<String>,
    /// Its class.
    pub node_type: Option<String>,
    /// The exception's full name, such as `torch.OutOfMemoryError`.
    pub exception_type: String,
    /// Its message, which often ends with a line feed.
    pub exception_message: String,
    /// The message was longer than what is kept.
    pub truncated: bool,
    /// The server's clock, in milliseconds since 1970.
    pub timestamp: Option<u64>,
}

/// Somebody interrupted the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionInterrupted {
    /// The prompt.
    pub prompt_id: String,
    /// The node that was running.
    pub node_id: Option<String>,
    /// Its class.
    pub node_type: Option<String>,
    /// The server's clock, in milliseconds since 1970.
    pub timestamp: Option<u64>,
}

/// What the server is able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureFlags {
    /// Previews come with metadata if the client asked for them.
    pub supports_preview_metadata: bool,
}

/// Lines of the server's log, for who subscribed to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// How many entries there were.
    pub entries: u32,
    /// Their texts, one behind the other, with escapes and carriage returns as the terminal got them.
    pub text: String,
}

/// A preview image, of either of the two kinds that the server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewImage {
    /// How it is encoded.
    pub format: ImageFormat,
    /// The encoded image.
    pub image: Arc<[u8]>,
    /// The prompt; `None` where the server doesn't tell previews' nodes.
    pub prompt_id: Option<String>,
    /// The node; may be an expanded one.
    pub node_id: Option<String>,
    /// The node of the submitted graph that it stands for.
    pub display_node_id: Option<String>,
}

/// A text that a node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressText {
    /// The node.
    pub node: String,
    /// The text.
    pub text: String,
}

/// A message of a type that is not in this list: custom nodes send any. [`Client::decode`](super::Client::decode) reads
/// what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its `type`, which may be empty.
    pub event_type: String,
}

/// Any of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each says what its type says")]
pub enum Event {
    Status(Status),
    ExecutionStart(ExecutionStart),
    ExecutionCached(ExecutionCached),
    Executing(Executing),
    Progress(Progress),
    ProgressState(ProgressState),
    Executed(Executed),
    ExecutionSuccess(ExecutionSuccess),
    ExecutionError(ExecutionError),
    ExecutionInterrupted(ExecutionInterrupted),
    FeatureFlags(FeatureFlags),
    Logs(Logs),
    PreviewImage(PreviewImage),
    ProgressText(ProgressText),
    Unknown(Unknown),
    /// A prompt's end, however it was learnt: one that the connection missed has no event of its own on the wire.
    Finish(Finish),
}

/// A set of types of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topics {
    pub(super) wire: Interest,
    pub(super) finishes: bool,
}

impl Topics {
    /// All of them.
    pub const ALL: Self = Self { wire: Interest::ALL, finishes: true };
    /// None.
    pub const NONE: Self = Self { wire: Interest::NONE, finishes: false };

    /// The set with the events of type `E` in it.
    #[must_use]
    pub fn with<E: EventType>(self) -> Self {
        let other = E::TOPICS;
        Self { wire: self.wire.union(other.wire), finishes: self.finishes || other.finishes }
    }

    const fn wire(kind: EventKind) -> Self {
        Self { wire: Interest::NONE.with(kind), finishes: false }
    }

    pub(super) fn contains(self, event: &Event) -> bool {
        match event {
            Event::Finish(_) => self.finishes,
            _ => true,
        }
    }
}

/// A type that events can be subscribed to by.
pub trait EventType: sealed::Sealed + Clone + Send + Sync + Unpin + 'static {
    /// The events that are of it.
    const TOPICS: Topics;
    /// The event, where it is of this type.
    fn of(event: Event) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Event {}

impl EventType for Event {
    const TOPICS: Topics = Topics::ALL;

    fn of(event: Event) -> Option<Self> {
        Some(event)
    }
}

macro_rules! event_types {
    ($($name:ident: $topics:expr;)*) => {$(
        impl sealed::Sealed for $name {}

        impl EventType for $name {
            const TOPICS: Topics = $topics;

            fn of(event: Event) -> Option<Self> {
                match event {
                    Event::$name(event) => Some(event),
                    _ => None,
                }
            }
        }

        impl From<$name> for Event {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        }
    )*};
}

event_types! {
    Status: Topics::wire(EventKind::Status);
    ExecutionStart: Topics::wire(EventKind::ExecutionStart);
    ExecutionCached: Topics::wire(EventKind::ExecutionCached);
    Executing: Topics::wire(EventKind::Executing);
    Progress: Topics::wire(EventKind::Progress);
    ProgressState: Topics::wire(EventKind::ProgressState);
    Executed: Topics::wire(EventKind::Executed);
    ExecutionSuccess: Topics::wire(EventKind::ExecutionSuccess);
    ExecutionError: Topics::wire(EventKind::ExecutionError);
    ExecutionInterrupted: Topics::wire(EventKind::ExecutionInterrupted);
    FeatureFlags: Topics::wire(EventKind::FeatureFlags);
    Logs: Topics::wire(EventKind::Logs);
    PreviewImage: Topics {
        wire: Interest::NONE.with(EventKind::PreviewImage).with(EventKind::PreviewImageWithMetadata),
        finishes: false,
    };
    ProgressText: Topics::wire(EventKind::ProgressText);
    Unknown: Topics::wire(EventKind::Unknown);
    Finish: Topics { wire: Interest::NONE, finishes: true };
}
