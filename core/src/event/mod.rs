//! Typed events from the server's messages, named as on the wire.
//!
//! [`Decoder`] reads messages in pieces and calls a [`Handler`]: [`Handler::part`] for each [`Part`] while the message
//! is read, then [`Handler::event`] exactly once, at its end. The decoder collects nothing. Image bytes and log texts
//! reach the handler as borrowed pieces. Ids and texts are cut at capacity. A message's other members are checked and
//! skipped; [`Observer::raw`](crate::reducer::Observer::raw) receives them undecoded, as [`Message`] pieces.
//!
//! A message is *malformed* if it is not one JSON object with a text `type` before its `data`. It is also malformed if
//! a field that its type requires is missing or has the wrong kind of value. An optional field with the wrong kind of
//! value reads as missing.

mod binary;
#[cfg(feature = "serde")]
mod decode;
mod decoder;
mod entry;
mod field;
mod fields;
mod kind;
mod message;
mod reader;

#[cfg(feature = "serde")]
pub use decode::{Collector, DecodeError, decode};
pub use decoder::Decoder;
pub use kind::{EventKind, Interest};
pub use message::{Message, MessageKind};

use crate::{json::JsonErrorKind, number::Milli, text::Id};

/// One complete message from the server.
///
/// An [`Id`] is cut at the decoder's capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'a> {
    /// The queue's length changed, or the connection is new (`status`).
    Status {
        /// Number of prompts queued and running.
        queue_remaining: u32,
        /// The client's id; `None` except in the first message of a connection.
        sid: Option<Id<'a>>,
    },
    /// A prompt began (`execution_start`).
    ExecutionStart {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// The server's clock in milliseconds since 1970; `None` if missing.
        timestamp: Option<u64>,
    },
    /// The server listed the nodes whose cached results it uses (`execution_cached`). [`Part::CachedNode`] carries each
    /// id.
    ExecutionCached {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// Number of ids in the list.
        nodes: u32,
    },
    /// A node began, or the prompt is over if `node` is `None` (`executing`).
    Executing {
        /// The node's id. An expanded node has an id such as `4.0.0.1`.
        node: Option<Id<'a>>,
        /// Id of the node in the submitted graph that this node belongs to.
        display_node: Option<Id<'a>>,
        /// The prompt's id; `None` when the server greets a client that reconnected.
        prompt_id: Option<Id<'a>>,
    },
    /// A node's progress bar moved (`progress`).
    Progress {
        /// Number of steps done.
        value: Milli,
        /// Total number of steps; may be 0 or negative.
        max: Milli,
        /// The prompt's id.
        prompt_id: Option<Id<'a>>,
        /// The node's id; may be that of an expanded node.
        node: Option<Id<'a>>,
    },
    /// The server listed all nodes that the prompt has started so far (`progress_state`). [`Part::NodeState`] carries
    /// each entry.
    ProgressState {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// Number of nodes in the list.
        nodes: u32,
    },
    /// A node has output to show (`executed`).
    Executed {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// The node's id; may be that of an expanded node.
        node: Id<'a>,
        /// Id of the node in the submitted graph that this node belongs to.
        display_node: Option<Id<'a>>,
    },
    /// The prompt succeeded (`execution_success`).
    ExecutionSuccess {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// The server's clock in milliseconds since 1970; `None` if missing.
        timestamp: Option<u64>,
    },
    /// A node failed (`execution_error`). The prompt failed too, unless `exception_type` is `ExecutionBlocked`.
    ExecutionError {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// Id of the node in the submitted graph that failed.
        node_id: Option<Id<'a>>,
        /// That node's class.
        node_type: Option<Id<'a>>,
        /// The exception's full class name, such as `torch.OutOfMemoryError`.
        exception_type: Id<'a>,
        /// The exception's message, which often ends with a line feed.
        exception_message: Id<'a>,
        /// The server's clock in milliseconds since 1970; `None` if missing.
        timestamp: Option<u64>,
    },
    /// A user interrupted the prompt (`execution_interrupted`).
    ExecutionInterrupted {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// Id of the node that was running.
        node_id: Option<Id<'a>>,
        /// That node's class.
        node_type: Option<Id<'a>>,
        /// The server's clock in milliseconds since 1970; `None` if missing.
        timestamp: Option<u64>,
    },
    /// The server's capabilities, sent in response to the client's flags (`feature_flags`).
    FeatureFlags {
        /// Whether previews come with metadata (binary kind 4) if the client requested them.
        supports_preview_metadata: bool,
    },
    /// The server's log grew (`logs`); only clients that subscribed receive it. [`Part::Log`] carries the text.
    Logs {
        /// Number of log entries.
        entries: u32,
    },
    /// A preview image ended (binary kind 1). [`Part::Image`] carries its bytes.
    PreviewImage {
        /// The image's encoding.
        format: ImageFormat,
        /// The image's size in bytes.
        len: u64,
    },
    /// A text that a node shows ended (binary kind 3). [`Part::ProgressText`] carries it.
    ProgressText {
        /// The node's id.
        node: Id<'a>,
    },
    /// A preview image that names its node ended (binary kind 4). [`Part::Image`] carries its bytes.
    PreviewImageWithMetadata {
        /// The image's encoding.
        format: ImageFormat,
        /// The image's size in bytes.
        len: u64,
        /// The prompt's id.
        prompt_id: Option<Id<'a>>,
        /// The node's id; may be that of an expanded node.
        node_id: Option<Id<'a>>,
        /// Id of the node in the submitted graph that this node belongs to.
        display_node_id: Option<Id<'a>>,
    },
    /// A text message of a type that this list lacks. Custom nodes send their own types.
    Unknown {
        /// The message's `type`, which may be empty.
        event_type: Id<'a>,
    },
    /// A binary message of a kind that this list lacks.
    UnknownBinary {
        /// The message's kind.
        kind: u32,
    },
    /// A malformed message; the [module's documentation](self) says what that is.
    Malformed(Malformed),
}

/// A part of a message, reported while the message is still being read.
///
/// The message may still turn out to be malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Part<'a> {
    /// An id in an `execution_cached`. Only the event at the end names the prompt.
    CachedNode {
        /// The node's id.
        node: Id<'a>,
    },
    /// An entry of a `progress_state`.
    NodeState {
        /// The prompt's id.
        prompt_id: Id<'a>,
        /// The node's id; may be that of an expanded node.
        node_id: Id<'a>,
        /// Number of steps done.
        value: Milli,
        /// Total number of steps; may be 0 or negative.
        max: Milli,
        /// Whether the node runs or has finished.
        state: NodeStatus,
        /// Id of the node in the submitted graph that this node belongs to.
        display_node_id: Option<Id<'a>>,
    },
    /// A piece of a log entry's text, with the terminal's escape sequences and carriage returns.
    Log(&'a [u8]),
    /// A piece of a text that a node shows.
    ProgressText(&'a [u8]),
    /// A piece of a preview image. The event at the end has its encoding.
    Image(&'a [u8]),
}

/// The `state` of a `progress_state` entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NodeStatus {
    /// `running`. A node keeps this state after an error or an interruption.
    Running,
    /// `finished`
    Finished,
    /// Any other word.
    Other,
}

impl NodeStatus {
    const fn from_name(name: &[u8]) -> Self {
        match name {
            b"running" => Self::Running,
            b"finished" => Self::Finished,
            _ => Self::Other,
        }
    }
}

/// A preview image's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageFormat {
    /// JPEG, or an unknown format number: ComfyUI's frontend also treats that as JPEG.
    Jpeg,
    /// PNG
    Png,
}

/// The error in a malformed message, and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed {
    /// Offset of the offending byte, or the message's length if something is missing.
    pub at: u64,
    /// The kind of error.
    pub reason: Reason,
}

/// The kind of error that makes a message malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// The message is not valid JSON.
    Json(JsonErrorKind),
    /// The message is JSON, but not an object.
    NoObject,
    /// The message has no text `type` before its `data`.
    NoType,
    /// A field that the message's type requires is missing or has the wrong kind of value.
    Field(&'static str),
    /// A binary message ends within its header, or is shorter than its header says.
    Short,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.reason {
            Reason::Json(kind) => crate::json::JsonError { at: self.at, kind }.fmt(f),
            Reason::NoObject => f.write_str("not a JSON object"),
            Reason::NoType => f.write_str("no text `type` before `data`"),
            Reason::Field(name) => write!(f, "`{name}` is missing or of the wrong kind"),
            Reason::Short => write!(f, "cut off at byte {}", self.at),
        }
    }
}

/// Receives what a [`Decoder`] reads.
pub trait Handler {
    /// Receives a part of the message being read.
    fn part(&mut self, part: Part<'_>);
    /// Receives the message's event, once, at its end.
    fn event(&mut self, event: Event<'_>);
}

#[cfg(test)]
mod tests;
