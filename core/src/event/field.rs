//! Where in a message a value stands, and which field it is.

use super::EventKind;
use crate::json::Container;

/// A value that is looked for, or a container that is read; what is in every other one is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// None: the value is checked and skipped. As a container: what is around the message.
    Skip,
    /// The message itself.
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
    // Numbers that are read at once, side by side so that they are told by one comparison.
    QueueRemaining,
    Value,
    Max,
    State,
    /// `data.nodes`, an object of a `progress_state`.
    Nodes,
    /// An entry of it.
    NodeState,
    /// The first members of an entry of a node that has finished.
    Finished,
    /// `data.nodes`, an array of an `execution_cached`.
    CachedNodes,
    /// An id in it.
    CachedNode,
    PreviewMetadata,
    ImageType,
    /// `data.entries`, an array of a `logs`.
    Entries,
    /// An entry of it.
    Entry,
    /// `m`, its text.
    LogText,
}

impl Field {
    /// The kind of container that holds fields here; `None` for a value.
    pub(super) const fn container(self) -> Option<Container> {
        match self {
            Self::Root | Self::Data | Self::Status | Self::ExecInfo | Self::Nodes | Self::NodeState | Self::Entry => {
                Some(Container::Object)
            }
            Self::CachedNodes | Self::Entries => Some(Container::Array),
            _ => None,
        }
    }

    /// The container around this one.
    pub(super) const fn parent(self) -> Self {
        match self {
            Self::Data => Self::Root,
            Self::Status | Self::Nodes | Self::CachedNodes | Self::Entries => Self::Data,
            Self::ExecInfo => Self::Status,
            Self::NodeState => Self::Nodes,
            Self::Entry => Self::Entries,
            _ => Self::Skip,
        }
    }

    /// What an element of this container is.
    pub(super) const fn element(self) -> Self {
        match self {
            Self::CachedNodes => Self::CachedNode,
            Self::Entries => Self::Entry,
            Self::Nodes => Self::NodeState,
            _ => Self::Skip,
        }
    }
}

/// Which fields were found with the right kind of value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found(u32);

impl Found {
    pub(super) const NONE: Self = Self(0);
    /// What a message begins with.
    pub(super) const OPENING: Self = Self(1 << Field::Root as u32 | 1 << Field::Type as u32 | 1 << Field::Data as u32);

    pub(super) const fn set(&mut self, field: Field) {
        self.0 |= 1 << field as u32;
    }

    pub(super) const fn clear(&mut self, field: Field) {
        self.0 &= !(1 << field as u32);
    }

    pub(super) const fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u32 != 0
    }

    pub(super) const fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

/// A member that is looked for, or only likely.
pub(super) struct Member {
    /// How the server spells it up to its value, behind another member.
    pub(super) spelled: &'static str,
    pub(super) field: Field,
}

/// The members of a container.
pub(super) struct Members {
    /// In the server's order.
    pub(super) likely: &'static [Member],
    /// Without these the message is malformed.
    pub(super) needed: Found,
}

impl Members {
    /// The first of those needed that was not found.
    #[inline]
    pub(super) fn missing(&self, found: Found) -> Option<&'static str> {
        if found.has_all(self.needed) { None } else { self.first_missing(found) }
    }

    #[inline(never)]
    fn first_missing(&self, found: Found) -> Option<&'static str> {
        let missing = |member: &&Member| self.needed.has(member.field) && !found.has(member.field);
        self.likely.iter().find(missing).map(Member::name)
    }
}

/// Around a name where the server spells it behind another member.
const BEFORE_NAME: &str = ", \"";
const BEHIND_NAME: &str = "\": ";

/// Bytes of the comma before a name and the space behind it, which the first member hasn't.
pub(super) const COMMA_AND_SPACE: usize = 2;

impl Member {
    /// How the server spells it up to its value.
    #[inline]
    pub(super) fn spelled(&self, is_first: bool) -> &'static [u8] {
        let spelled = self.spelled.as_bytes();
        if is_first { spelled.get(COMMA_AND_SPACE..).unwrap_or_default() } else { spelled }
    }

    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        let around = BEFORE_NAME.len().saturating_add(BEHIND_NAME.len());
        self.spelled.len() == name.len().saturating_add(around)
            && self.spelled.as_bytes().get(BEFORE_NAME.len()..).is_some_and(|behind| behind.starts_with(name))
    }

    pub(super) fn name(&self) -> &'static str {
        let name = self.spelled.strip_prefix(BEFORE_NAME).and_then(|name| name.strip_suffix(BEHIND_NAME));
        name.unwrap_or_default()
    }
}

macro_rules! members {
    ($($name:literal $field:ident $($needed:ident)?),*) => {
        const {
            &Members {
                likely: &[$(Member { spelled: concat!(", \"", $name, "\": "), field: Field::$field }),*],
                needed: Found($(members!(@ $field $($needed)?) |)* 0),
            }
        }
    };
    (@ $field:ident needed) => { 1 << Field::$field as u32 };
    (@ $field:ident) => { 0 };
}

/// The members that are looked for in the container `level` of a message of the kind `kind`, and likely ones, in the
/// server's order.
pub(super) const fn members(level: Field, kind: EventKind) -> &'static Members {
    use EventKind as K;
    match level {
        Field::Root => members!["type" Type needed, "data" Data needed],
        Field::Status => members!["exec_info" ExecInfo],
        Field::ExecInfo => members!["queue_remaining" QueueRemaining needed],
        Field::NodeState => members![
            // All of a node that has finished, most often.
            "value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id" Finished,
            "value" Value needed, "max" Max needed, "state" State needed, "node_id" Skip,
            "prompt_id" Skip, "display_node_id" DisplayNode, "parent_node_id\": null, \"real_node_id" Skip,
            "real_node_id" Skip
        ],
        Field::Entry => members!["m" LogText],
        Field::Data => match kind {
            K::Status => members!["status" Status, "sid" Sid],
            K::ExecutionStart | K::ExecutionSuccess => members!["prompt_id" PromptId needed, "timestamp" Timestamp],
            K::ExecutionCached => members!["nodes" CachedNodes needed, "prompt_id" PromptId needed],
            K::Executing => members!["node" Node needed, "display_node" DisplayNode, "prompt_id" PromptId],
            K::Progress => members!["value" Value needed, "max" Max needed, "prompt_id" PromptId, "node" Node],
            K::ProgressState => members!["prompt_id" PromptId needed, "nodes" Nodes needed],
            K::Executed => members![
                "node" Node needed, "display_node" DisplayNode, "output" Skip, "prompt_id" PromptId needed
            ],
            K::ExecutionInterrupted => members![
                "prompt_id" PromptId needed, "node_id" Node, "node_type" NodeType, "timestamp" Timestamp
            ],
            K::ExecutionError => members![
                "prompt_id" PromptId needed, "node_id" Node, "node_type" NodeType,
                "exception_message" ExceptionMessage needed, "exception_type" ExceptionType needed,
                "timestamp" Timestamp
            ],
            K::FeatureFlags => members!["supports_preview_metadata" PreviewMetadata],
            K::Logs => members!["entries" Entries needed],
            K::PreviewImageWithMetadata => members![
                "node_id" Node, "prompt_id" PromptId, "display_node_id" DisplayNode, "image_type" ImageType
            ],
            _ => members![],
        },
        _ => members![],
    }
}

/// Which of an entry's members comes behind those of a node that has finished.
pub(super) const BEHIND_FINISHED: u8 = 5;
