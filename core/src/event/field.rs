//! The fields of a message: where a value stands, and which members are expected there.

use super::EventKind;
use crate::json::Container;

/// A value or container that the decoder reads. The contents of all other containers are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A value that is checked and skipped. As a container: the outside of the message.
    Skip,
    /// The message's outermost object.
    Root,
    Type,
    /// `data`, or the metadata of a binary kind 4.
    Data,
    PromptId,
    Timestamp,
    /// `data.status`
    Status,
    /// `data.status.exec_info`
    ExecInfo,
    Sid,
    /// `node`, `node_id`
    Node,
    /// `display_node`, `display_node_id`
    DisplayNode,
    NodeType,
    ExceptionType,
    ExceptionMessage,
    // Numbers that `Fields::take_value` reads. They stand together so that one comparison finds them.
    QueueRemaining,
    Value,
    Max,
    State,
    /// `data.nodes`, an object of a `progress_state`.
    Nodes,
    /// An entry of [`Nodes`](Self::Nodes).
    NodeState,
    /// Not one member, but the first four of a finished node's entry, up to the value of `node_id`.
    FinishedPrefix,
    /// `data.nodes`, an array of an `execution_cached`.
    CachedNodes,
    /// An id in [`CachedNodes`](Self::CachedNodes).
    CachedNode,
    PreviewMetadata,
    ImageType,
    /// `data.entries`, an array of a `logs`.
    LogEntries,
    /// An entry of [`LogEntries`](Self::LogEntries).
    LogEntry,
    /// `m`, the text of a log entry.
    LogText,
}

impl Field {
    /// The kind of container that this field must be; `None` if it is a plain value.
    pub(super) const fn container(self) -> Option<Container> {
        match self {
            Self::Root
            | Self::Data
            | Self::Status
            | Self::ExecInfo
            | Self::Nodes
            | Self::NodeState
            | Self::LogEntry => Some(Container::Object),
            Self::CachedNodes | Self::LogEntries => Some(Container::Array),
            _ => None,
        }
    }

    /// The container that contains this one.
    pub(super) const fn parent(self) -> Self {
        match self {
            Self::Data => Self::Root,
            Self::Status | Self::Nodes | Self::CachedNodes | Self::LogEntries => Self::Data,
            Self::ExecInfo => Self::Status,
            Self::NodeState => Self::Nodes,
            Self::LogEntry => Self::LogEntries,
            _ => Self::Skip,
        }
    }

    /// The field that each element of this container is.
    pub(super) const fn element(self) -> Self {
        match self {
            Self::CachedNodes => Self::CachedNode,
            Self::LogEntries => Self::LogEntry,
            Self::Nodes => Self::NodeState,
            _ => Self::Skip,
        }
    }
}

/// A set of fields, such as those found with the right kind of value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(u32);

impl FieldSet {
    pub(super) const NONE: Self = Self(0);
    /// The fields found once a message's opening was read.
    pub(super) const OPENING: Self = Self(1 << Field::Root as u32 | 1 << Field::Type as u32 | 1 << Field::Data as u32);

    pub(super) const fn set(&mut self, field: Field) {
        self.0 |= 1 << field as u32;
    }

    pub(super) const fn clear(&mut self, field: Field) {
        self.0 &= !(1 << field as u32);
    }

    pub(super) const fn contains(self, field: Field) -> bool {
        self.0 & 1 << field as u32 != 0
    }

    pub(super) const fn contains_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

/// A member that the decoder looks for, or only expects.
pub(super) struct Member {
    /// The server's spelling after another member, up to the value.
    pub(super) spelling: &'static str,
    pub(super) field: Field,
}

/// The expected members of a container.
pub(super) struct Members {
    /// In the server's order.
    pub(super) expected: &'static [Member],
    /// If one of these is missing, the message is malformed.
    pub(super) required: FieldSet,
}

impl Members {
    /// The name of the first required member that was not found.
    #[inline]
    pub(super) fn missing(&self, found: FieldSet) -> Option<&'static str> {
        if found.contains_all(self.required) { None } else { self.first_missing(found) }
    }

    #[inline(never)]
    fn first_missing(&self, found: FieldSet) -> Option<&'static str> {
        let missing = |member: &&Member| self.required.contains(member.field) && !found.contains(member.field);
        self.expected.iter().find(missing).map(Member::name)
    }
}

/// The server's spelling around a name after another member.
const BEFORE_KEY: &str = ", \"";
const AFTER_KEY: &str = "\": ";

/// Bytes of the comma and space before a name, which the first member lacks.
pub(super) const COMMA_AND_SPACE: usize = 2;

impl Member {
    /// The server's spelling up to the value.
    #[inline]
    pub(super) fn spelling(&self, is_first: bool) -> &'static [u8] {
        let spelling = self.spelling.as_bytes();
        if is_first { spelling.get(COMMA_AND_SPACE..).unwrap_or_default() } else { spelling }
    }

    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        let around = BEFORE_KEY.len().saturating_add(AFTER_KEY.len());
        self.spelling.len() == name.len().saturating_add(around)
            && self.spelling.as_bytes().get(BEFORE_KEY.len()..).is_some_and(|key| key.starts_with(name))
    }

    pub(super) fn name(&self) -> &'static str {
        let name = self.spelling.strip_prefix(BEFORE_KEY).and_then(|name| name.strip_suffix(AFTER_KEY));
        name.unwrap_or_default()
    }
}

macro_rules! members {
    ($($name:literal $field:ident $($required:ident)?),*) => {
        const {
            &Members {
                expected: &[$(Member { spelling: concat!(", \"", $name, "\": "), field: Field::$field }),*],
                required: FieldSet($(members!(@ $field $($required)?) |)* 0),
            }
        }
    };
    (@ $field:ident required) => { 1 << Field::$field as u32 };
    (@ $field:ident) => { 0 };
}

/// The members to look for in the container `level` of a message of the kind `kind`, in the server's order.
pub(super) const fn members(level: Field, kind: EventKind) -> &'static Members {
    use EventKind as K;
    match level {
        Field::Root => members!["type" Type required, "data" Data required],
        Field::Status => members!["exec_info" ExecInfo],
        Field::ExecInfo => members!["queue_remaining" QueueRemaining required],
        Field::NodeState => members![
            // Most entries of finished nodes begin with exactly this.
            "value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id" FinishedPrefix,
            "value" Value required, "max" Max required, "state" State required, "node_id" Skip,
            "prompt_id" Skip, "display_node_id" DisplayNode, "parent_node_id\": null, \"real_node_id" Skip,
            "real_node_id" Skip
        ],
        Field::LogEntry => members!["m" LogText],
        Field::Data => match kind {
            K::Status => members!["status" Status, "sid" Sid],
            K::ExecutionStart | K::ExecutionSuccess => members!["prompt_id" PromptId required, "timestamp" Timestamp],
            K::ExecutionCached => members!["nodes" CachedNodes required, "prompt_id" PromptId required],
            K::Executing => members!["node" Node required, "display_node" DisplayNode, "prompt_id" PromptId],
            K::Progress => members!["value" Value required, "max" Max required, "prompt_id" PromptId, "node" Node],
            K::ProgressState => members!["prompt_id" PromptId required, "nodes" Nodes required],
            K::Executed => members![
                "node" Node required, "display_node" DisplayNode, "output" Skip, "prompt_id" PromptId required
            ],
            K::ExecutionInterrupted => members![
                "prompt_id" PromptId required, "node_id" Node, "node_type" NodeType, "timestamp" Timestamp
            ],
            K::ExecutionError => members![
                "prompt_id" PromptId required, "node_id" Node, "node_type" NodeType,
                "exception_message" ExceptionMessage required, "exception_type" ExceptionType required,
                "timestamp" Timestamp
            ],
            K::FeatureFlags => members!["supports_preview_metadata" PreviewMetadata],
            K::Logs => members!["entries" LogEntries required],
            K::PreviewImageWithMetadata => members![
                "node_id" Node, "prompt_id" PromptId, "display_node_id" DisplayNode, "image_type" ImageType
            ],
            _ => members![],
        },
        _ => members![],
    }
}

/// Index of the expected member that follows [`Field::FinishedPrefix`].
pub(super) const AFTER_FINISHED_PREFIX: u8 = 5;
