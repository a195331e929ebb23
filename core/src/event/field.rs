//! Where in a message a value stands, and which field it is.

use super::EventKind;

/// The container that is being read, among those that hold fields; every other one is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Outside of the message.
    Outside,
    /// The message itself.
    Root,
    /// `data`, or the metadata of a binary kind 4.
    Data,
    /// `data.status`
    Status,
    /// `data.status.exec_info`
    ExecInfo,
    /// `data.nodes`, an object of a `progress_state`.
    Nodes,
    /// An entry of it.
    Node,
    /// `data.nodes`, an array of an `execution_cached`.
    Cached,
    /// `data.entries`, an array of a `logs`.
    Entries,
    /// An entry of it.
    Entry,
}

impl Level {
    /// The container around this one.
    pub(super) const fn parent(self) -> Self {
        match self {
            Self::Outside | Self::Root => Self::Outside,
            Self::Data => Self::Root,
            Self::Status | Self::Nodes | Self::Cached | Self::Entries => Self::Data,
            Self::ExecInfo => Self::Status,
            Self::Node => Self::Nodes,
            Self::Entry => Self::Entries,
        }
    }
}

/// A value that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// None: the value is checked and skipped.
    Skip,
    Type,
    Data,
    PromptId,
    Timestamp,
    Sid,
    /// `node`, `node_id`
    Node,
    /// `display_node`, `display_node_id`
    DisplayNode,
    NodeType,
    ExceptionType,
    ExceptionMessage,
    Value,
    Max,
    State,
    QueueRemaining,
    PreviewMetadata,
    ImageType,
    /// `m`, a log entry's text.
    LogText,
    /// An id in the array `nodes`.
    CachedNode,
    /// A container that holds fields.
    Container(Level),
}

/// Which fields were found with the right kind of value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found(u32);

impl Found {
    pub(super) const NONE: Self = Self(0);

    const fn bit(field: Field) -> u32 {
        match field {
            Field::Skip | Field::LogText | Field::CachedNode => 0,
            Field::Type => 1,
            Field::Data => 1 << 1,
            Field::PromptId => 1 << 2,
            Field::Timestamp => 1 << 3,
            Field::Sid => 1 << 4,
            Field::Node => 1 << 5,
            Field::DisplayNode => 1 << 6,
            Field::NodeType => 1 << 7,
            Field::ExceptionType => 1 << 8,
            Field::ExceptionMessage => 1 << 9,
            Field::Value => 1 << 10,
            Field::Max => 1 << 11,
            Field::State => 1 << 12,
            Field::QueueRemaining => 1 << 13,
            Field::PreviewMetadata => 1 << 14,
            Field::ImageType => 1 << 15,
            // A message has at most one of the three that are looked for.
            Field::Container(_) => 1 << 16,
        }
    }

    pub(super) const fn set(&mut self, field: Field) {
        self.0 |= Self::bit(field);
    }

    pub(super) const fn clear(&mut self, field: Field) {
        self.0 &= !Self::bit(field);
    }

    pub(super) const fn has(self, field: Field) -> bool {
        self.0 & Self::bit(field) != 0
    }
}

/// The field named `key` in the container `level` of a message of the kind `kind`.
pub(super) fn field(level: Level, kind: EventKind, key: &[u8]) -> Field {
    use EventKind as K;
    match (level, key) {
        (Level::Root, b"type") => Field::Type,
        (Level::Root, b"data") => Field::Data,
        (Level::Data, b"prompt_id") => Field::PromptId,
        (Level::Data, _) => match (kind, key) {
            (K::Executing | K::Progress | K::Executed, b"node")
            | (K::ExecutionError | K::ExecutionInterrupted | K::PreviewImageWithMetadata, b"node_id") => Field::Node,
            (K::Executing | K::Executed, b"display_node") | (K::PreviewImageWithMetadata, b"display_node_id") => {
                Field::DisplayNode
            }
            (K::ExecutionError | K::ExecutionInterrupted, b"node_type") => Field::NodeType,
            (K::ExecutionError, b"exception_type") => Field::ExceptionType,
            (K::ExecutionError, b"exception_message") => Field::ExceptionMessage,
            (K::Progress, b"value") => Field::Value,
            (K::Progress, b"max") => Field::Max,
            (K::ProgressState, b"nodes") => Field::Container(Level::Nodes),
            (K::ExecutionCached, b"nodes") => Field::Container(Level::Cached),
            (K::Status, b"status") => Field::Container(Level::Status),
            (K::Status, b"sid") => Field::Sid,
            (K::Logs, b"entries") => Field::Container(Level::Entries),
            (K::FeatureFlags, b"supports_preview_metadata") => Field::PreviewMetadata,
            (K::PreviewImageWithMetadata, b"image_type") => Field::ImageType,
            (K::ExecutionStart | K::ExecutionSuccess | K::ExecutionError | K::ExecutionInterrupted, b"timestamp") => {
                Field::Timestamp
            }
            _ => Field::Skip,
        },
        (Level::Status, b"exec_info") => Field::Container(Level::ExecInfo),
        (Level::ExecInfo, b"queue_remaining") => Field::QueueRemaining,
        (Level::Node, b"value") => Field::Value,
        (Level::Node, b"max") => Field::Max,
        (Level::Node, b"state") => Field::State,
        (Level::Node, b"display_node_id") => Field::DisplayNode,
        (Level::Entry, b"m") => Field::LogText,
        _ => Field::Skip,
    }
}
