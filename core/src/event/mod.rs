//! What a message says: the server's events, typed, in the wire's names.
//!
//! [`Decoder`] reads messages in pieces and tells a [`Handler`] of each: first its [`Part`]s while they are read, then
//! exactly one [`Event`] at its end. Nothing is collected: image bytes and log texts are handed on as borrowed pieces,
//! ids and texts are cut at capacity, and what a message carries beyond the fields here ([`Message`]s hold it) is
//! checked and skipped.
//!
//! A message is *malformed* where it isn't one JSON object with a text `type` before its `data`, or where a field that
//! its type needs is missing or of the wrong kind; of an optional field, the wrong kind reads as missing.

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

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'a> {
    /// The queue's length changed, or the connection is new.
    Status {
        /// Prompts queued and running.
        queue_remaining: u32,
        /// The client id, in the first message of a connection only.
        sid: Option<Id<'a>>,
    },
    /// A prompt begins.
    ExecutionStart {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The server's clock, in milliseconds since 1970.
        timestamp: Option<u64>,
    },
    /// All nodes of the prompt whose results are still known were told ([`Part::CachedNode`]).
    ExecutionCached {
        /// The prompt.
        prompt_id: Id<'a>,
        /// How many ids there were.
        nodes: u32,
    },
    /// A node begins, or, without one, the prompt is over.
    Executing {
        /// The node; may be an expanded one, such as `4.0.0.1`.
        node: Option<Id<'a>>,
        /// The node of the submitted graph that it stands for.
        display_node: Option<Id<'a>>,
        /// The prompt; missing where the server greets a client that reconnected.
        prompt_id: Option<Id<'a>>,
    },
    /// A node's bar moved.
    Progress {
        /// Steps done.
        value: Milli,
        /// Steps in all; may be 0 or less.
        max: Milli,
        /// The prompt.
        prompt_id: Option<Id<'a>>,
        /// The node; may be an expanded one.
        node: Option<Id<'a>>,
    },
    /// All nodes that the prompt has started so far were told ([`Part::NodeState`]).
    ProgressState {
        /// The prompt.
        prompt_id: Id<'a>,
        /// How many nodes there were.
        nodes: u32,
    },
    /// A node has output to show.
    Executed {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node; may be an expanded one.
        node: Id<'a>,
        /// The node of the submitted graph that it stands for.
        display_node: Option<Id<'a>>,
    },
    /// The prompt ended well.
    ExecutionSuccess {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The server's clock, in milliseconds since 1970.
        timestamp: Option<u64>,
    },
    /// A node failed, and the prompt with it, unless `exception_type` is `ExecutionBlocked`.
    ExecutionError {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node of the submitted graph that failed.
        node_id: Option<Id<'a>>,
        /// Its class.
        node_type: Option<Id<'a>>,
        /// The exception's full name, such as `torch.OutOfMemoryError`.
        exception_type: Id<'a>,
        /// Its message, which often ends with a line feed.
        exception_message: Id<'a>,
        /// The server's clock, in milliseconds since 1970.
        timestamp: Option<u64>,
    },
    /// Somebody interrupted the prompt.
    ExecutionInterrupted {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node that was running.
        node_id: Option<Id<'a>>,
        /// Its class.
        node_type: Option<Id<'a>>,
        /// The server's clock, in milliseconds since 1970.
        timestamp: Option<u64>,
    },
    /// What the server is able to do, in answer to the client's flags.
    FeatureFlags {
        /// Previews come with metadata (binary kind 4) if the client asked for them.
        supports_preview_metadata: bool,
    },
    /// Lines of the server's log ([`Part::Log`]), for who subscribed to them.
    Logs {
        /// How many entries there were.
        entries: u32,
    },
    /// A preview image has passed by ([`Part::Image`]); binary kind 1.
    PreviewImage {
        /// How it is encoded.
        format: ImageFormat,
        /// Its size in bytes.
        len: u64,
    },
    /// A text that a node shows has passed by ([`Part::ProgressText`]); binary kind 3.
    ProgressText {
        /// The node.
        node: Id<'a>,
    },
    /// A preview image that names its node has passed by ([`Part::Image`]); binary kind 4.
    PreviewImageWithMetadata {
        /// How it is encoded.
        format: ImageFormat,
        /// Its size in bytes.
        len: u64,
        /// The prompt.
        prompt_id: Option<Id<'a>>,
        /// The node; may be an expanded one.
        node_id: Option<Id<'a>>,
        /// The node of the submitted graph that it stands for.
        display_node_id: Option<Id<'a>>,
    },
    /// A message of a type that isn't in this list: custom nodes send any.
    Unknown {
        /// Its `type`, which may be empty.
        event_type: Id<'a>,
    },
    /// A binary message of a kind that isn't in this list.
    UnknownBinary {
        /// Its kind.
        kind: u32,
    },
    /// A message that can't be used.
    Malformed(Malformed),
}

/// A part of a message that is still being read; the message may yet prove malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Part<'a> {
    /// An id in an `execution_cached`. The prompt is told at the end only.
    CachedNode {
        /// The node.
        node: Id<'a>,
    },
    /// An entry of a `progress_state`.
    NodeState {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node; may be an expanded one.
        node_id: Id<'a>,
        /// Steps done.
        value: Milli,
        /// Steps in all; may be 0 or less.
        max: Milli,
        /// Whether the node runs, has finished, or something that this version doesn't know.
        state: NodeStatus,
        /// The node of the submitted graph that it stands for.
        display_node_id: Option<Id<'a>>,
    },
    /// A piece of a log entry's text, with escapes and carriage returns as the terminal got them.
    Log(&'a [u8]),
    /// A piece of a text that a node shows.
    ProgressText(&'a [u8]),
    /// A piece of a preview image; how it is encoded, the message's end tells.
    Image(&'a [u8]),
}

/// A `progress_state` entry's `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NodeStatus {
    /// `running`; after an error or an interruption it stays so.
    Running,
    /// `finished`
    Finished,
    /// Any other word.
    Other,
}

impl NodeStatus {
    const fn named(name: &[u8]) -> Self {
        match name {
            b"running" => Self::Running,
            b"finished" => Self::Finished,
            _ => Self::Other,
        }
    }
}

/// How a preview image is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageFormat {
    /// JPEG, and whatever isn't known: the server's frontend takes it for JPEG too.
    Jpeg,
    /// PNG
    Png,
}

/// Why a message can't be used, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed {
    /// The offset of the offending byte; the message's length where something is missing.
    pub at: u64,
    /// What is wrong.
    pub reason: Reason,
}

/// What makes a message malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// It is no JSON.
    Json(JsonErrorKind),
    /// It is JSON, but no object.
    NoObject,
    /// It has no text `type` before its `data`.
    NoType,
    /// A field that its type needs is missing or of the wrong kind.
    Field(&'static str),
    /// A binary message is shorter than its header, or than its header says.
    Short,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.reason {
            Reason::Json(kind) => crate::json::JsonError { at: self.at, kind }.fmt(f),
            Reason::NoObject => f.write_str("no JSON object"),
            Reason::NoType => f.write_str("no text `type` before `data`"),
            Reason::Field(name) => write!(f, "`{name}` is missing or of the wrong kind"),
            Reason::Short => write!(f, "cut off at byte {}", self.at),
        }
    }
}

/// Is told what messages say.
pub trait Handler {
    /// A part of the message at hand.
    fn part(&mut self, part: Part<'_>);
    /// The message at hand ended.
    fn event(&mut self, event: Event<'_>);
}

#[cfg(test)]
mod tests;
