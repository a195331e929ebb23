//! The members and elements of ComfyUI's responses that are read, as a table. All else is skipped.

use crate::json::Container;

/// A value that is read, or a container with such a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Skipped, with everything in it.
    Other,

    /// The response to `/prompt`.
    Prompt,
    ExecInfo,
    Remaining,

    /// The response to `/queue`.
    Queue,
    Running,
    RunningItem,
    RunningNumber,
    RunningId,
    Graph,
    Node,
    Class,
    Pending,
    PendingItem,
    PendingNumber,
    PendingId,

    /// The response to `/history/{id}`.
    History,
    Entry,
    Status,
    StatusWord,
    Completed,
    Messages,
    Message,
    MessageType,
    MessageData,

    /// The response to `/api/jobs`.
    Jobs,
    JobList,
    Job,
    JobId,
    JobStatus,

    /// The response to `/comfyglow`.
    Extension,
    Mirror,

    NodeId,
    NodeType,
    ExceptionType,
    ExceptionMessage,
}

/// The 32-bit FNV-1a hash of a name. A collision gains an attacker nothing: the server could write the name itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    /// The empty name.
    pub(super) const EMPTY: Self = Self(0x811c_9dc5);
    /// In the table: a member of any name, or each element of a list.
    const EACH: Self = Self(0);
    /// In the table: the array element after the one in the row above.
    const NEXT: Self = Self(1);

    pub(super) const fn of(text: &str) -> Self {
        Self::EMPTY.and(text.as_bytes())
    }

    /// The hash of the name with `piece` appended.
    pub(super) const fn and(self, mut piece: &[u8]) -> Self {
        let mut hash = self.0;
        while let [byte, rest @ ..] = piece {
            hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
            piece = rest;
        }
        Self(hash)
    }
}

#[derive(Debug)]
struct Row {
    within: Place,
    name: Name,
    place: Place,
}

const fn member(within: Place, name: &str, place: Place) -> Row {
    Row { within, name: Name::of(name), place }
}

const fn each(within: Place, place: Place) -> Row {
    Row { within, name: Name::EACH, place }
}

const fn element(within: Place, place: Place) -> Row {
    Row { within, name: Name::NEXT, place }
}

/// From ComfyUI's server.py, execution.py and `comfy_execution/jobs.py`. A container occurs once, and an array's
/// elements are adjacent.
const ROWS: &[Row] = &[
    // {"exec_info": {"queue_remaining": 2}}
    member(Place::Prompt, "exec_info", Place::ExecInfo),
    member(Place::ExecInfo, "queue_remaining", Place::Remaining),
    // {"queue_running": [[number, prompt_id, {node: {"class_type": …}, …}, extra_data, outputs], …], "queue_pending":
    // […]}
    member(Place::Queue, "queue_running", Place::Running),
    member(Place::Queue, "queue_pending", Place::Pending),
    each(Place::Running, Place::RunningItem),
    element(Place::RunningItem, Place::RunningNumber),
    element(Place::RunningItem, Place::RunningId),
    element(Place::RunningItem, Place::Graph),
    each(Place::Graph, Place::Node),
    member(Place::Node, "class_type", Place::Class),
    each(Place::Pending, Place::PendingItem),
    element(Place::PendingItem, Place::PendingNumber),
    element(Place::PendingItem, Place::PendingId),
    // {prompt_id: {"prompt": …, "outputs": …, "status": {"status_str": …, "completed": …, "messages": [[type, data],
    // …]}}}
    each(Place::History, Place::Entry),
    member(Place::Entry, "status", Place::Status),
    member(Place::Status, "status_str", Place::StatusWord),
    member(Place::Status, "completed", Place::Completed),
    member(Place::Status, "messages", Place::Messages),
    each(Place::Messages, Place::Message),
    element(Place::Message, Place::MessageType),
    element(Place::Message, Place::MessageData),
    member(Place::MessageData, "node_id", Place::NodeId),
    member(Place::MessageData, "node_type", Place::NodeType),
    member(Place::MessageData, "exception_type", Place::ExceptionType),
    member(Place::MessageData, "exception_message", Place::ExceptionMessage),
    // {"jobs": [{"id": …, "status": …, …}, …], "pagination": …}
    member(Place::Jobs, "jobs", Place::JobList),
    each(Place::JobList, Place::Job),
    member(Place::Job, "id", Place::JobId),
    member(Place::Job, "status", Place::JobStatus),
    // {"mirror": true, "version": …, "observers": …}
    member(Place::Extension, "mirror", Place::Mirror),
];

impl Place {
    /// The kind of container that it must be; `None` for other values.
    pub(super) const fn container(self) -> Option<Container> {
        match self {
            Self::Running
            | Self::RunningItem
            | Self::Pending
            | Self::PendingItem
            | Self::Messages
            | Self::Message
            | Self::JobList => Some(Container::Array),
            Self::Prompt
            | Self::ExecInfo
            | Self::Queue
            | Self::Graph
            | Self::Node
            | Self::History
            | Self::Entry
            | Self::Status
            | Self::MessageData
            | Self::Jobs
            | Self::Job
            | Self::Extension => Some(Container::Object),
            _ => None,
        }
    }

    /// The member of this name.
    pub(super) fn member(self, name: Name) -> Self {
        let row = ROWS.iter().find(|row| row.within == self && (row.name == name || row.name == Name::EACH));
        row.map_or(Self::Other, |row| row.place)
    }

    /// The first element.
    pub(super) fn first(self) -> Self {
        self.member(Name::NEXT)
    }

    /// The element after `place`.
    pub(super) fn behind(self, place: Self) -> Self {
        let mut rows = ROWS.iter().skip_while(|row| (row.within, row.place) != (self, place));
        let row = rows.next().filter(|row| row.name == Name::EACH).or_else(|| rows.next());
        row.filter(|row| row.within == self).map_or(Self::Other, |row| row.place)
    }

    /// The container around this one.
    pub(super) fn around(self) -> Self {
        ROWS.iter().find(|row| row.place == self).map_or(Self::Other, |row| row.within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_distinct_hashes_and_places() {
        for (index, row) in ROWS.iter().enumerate() {
            let before = &ROWS[..index];
            let same = |other: &&Row| other.within == row.within && other.name == row.name;
            assert!(row.name == Name::NEXT || !before.iter().any(|other| same(&other)), "{row:?}");
            assert!(row.place.container().is_none() || before.iter().all(|other| other.place != row.place), "{row:?}");
            assert!(row.name != Name::EMPTY && row.within.container().is_some(), "{row:?}");
            let next = row.name == Name::NEXT && before.iter().any(|other| same(&other));
            assert!(
                !next || before.last().is_some_and(|other| same(&other)),
                "{row:?} is adjacent to the other elements"
            );
        }
    }
}
