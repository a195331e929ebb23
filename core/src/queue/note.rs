use super::{Priority, QueueItem};
use crate::{
    number::Milli,
    state::{ConnectionStatus, Percentage, PromptState, Steps},
    text::Key,
};

/// What a [`Note`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NoteKind {
    /// The connection's status changed.
    Connection(ConnectionStatus),
    /// A prompt began, or was found running.
    ExecutionStart,
    /// Some nodes use cached results: [`Note::count`] is their number.
    ExecutionCached,
    /// Another node runs: [`Note::node`].
    Executing,
    /// A node has output to show: [`Note::node`].
    Executed,
    /// The queue's length changed: [`Note::count`] is the number of prompts queued and running.
    Status,
    /// The prompt progressed: [`Note::node`], [`Note::steps`], [`Note::percentage`].
    Progress,
    /// A node was blocked. That does not end its prompt.
    Warning,
    /// The prompt ended in this state, which is never [`PromptState::Running`].
    ///
    /// Another end may follow until [`Prompt::is_settled`](crate::state::Prompt::is_settled): [`PromptState::Ended`] is
    /// a guess, and an outcome that only the server's log reported may be corrected.
    End(PromptState),
    /// Notes of [`Priority::End`] were dropped because the queue was full: [`Note::count`] is their number.
    Lagged,
}

impl NoteKind {
    /// The priority of notes of this kind.
    pub const fn priority(self) -> Priority {
        match self {
            Self::Connection(_) | Self::Warning | Self::End(_) | Self::Lagged => Priority::End,
            Self::ExecutionStart | Self::ExecutionCached | Self::Executing | Self::Executed => Priority::Change,
            Self::Status => Priority::Status,
            Self::Progress => Priority::Progress,
        }
    }
}

/// Something that happened, in numbers. The texts are in the [`State`](crate::state::State).
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The steps of the bar; there is no bar if `max` is 0.
    value: Milli,
    max: Milli,
    node: Key,
    generation: u32,
    /// A count, or a percentage in millionths of a percent, or [`UNKNOWN`].
    number: u32,
    kind: NoteKind,
    has_node: bool,
}

/// Stands for an unknown count or percentage.
const UNKNOWN: u32 = u32::MAX;

impl Note {
    /// Creates a note without numbers, about the prompt with this [`generation`](crate::state::State::generation).
    pub fn new(generation: u32, kind: NoteKind) -> Self {
        let none = Milli::from_thousandths(0);
        Self { value: none, max: none, node: Key::default(), generation, number: UNKNOWN, kind, has_node: false }
    }

    /// Sets the node that the note is about.
    #[must_use]
    pub fn with_node(mut self, node: Option<Key>) -> Self {
        self.has_node = node.is_some();
        self.node = node.unwrap_or_default();
        self
    }

    /// Sets the count.
    #[must_use]
    pub const fn with_count(mut self, count: u32) -> Self {
        self.number = count;
        self
    }

    /// Sets the current node's bar and the percentage of the whole workflow.
    #[must_use]
    pub fn with_progress(mut self, steps: Option<Steps>, percentage: Option<Percentage>) -> Self {
        (self.value, self.max) =
            steps.map_or((Milli::from_thousandths(0), Milli::from_thousandths(0)), |steps| (steps.value, steps.max));
        self.number = percentage.map_or(UNKNOWN, Percentage::millionths);
        self
    }

    /// What the note reports.
    pub const fn kind(&self) -> NoteKind {
        self.kind
    }

    /// The number of the prompt that the note is about: [`State::generation`](crate::state::State::generation) at that
    /// time.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The node that the note is about, by its id's [`key`](crate::text::Id::key); `None` if it is about no node.
    pub fn node(&self) -> Option<Key> {
        self.has_node.then_some(self.node)
    }

    /// The number of nodes, prompts or notes, depending on the kind; `None` if the note has no count.
    pub fn count(&self) -> Option<u32> {
        (self.kind != NoteKind::Progress && self.number != UNKNOWN).then_some(self.number)
    }

    /// The current node's bar; `None` if it has none.
    pub fn steps(&self) -> Option<Steps> {
        Steps::new(self.value, self.max)
    }

    /// The percentage of the whole workflow; `None` if unknown or if the note is not progress.
    pub fn percentage(&self) -> Option<Percentage> {
        (self.kind == NoteKind::Progress && self.number != UNKNOWN).then(|| Percentage::from_millionths(self.number))
    }
}

impl QueueItem for Note {
    fn generation(&self) -> u32 {
        self.generation
    }

    fn priority(&self) -> Priority {
        self.kind.priority()
    }

    fn replaces(&self, _: &Self) -> bool {
        self.kind == NoteKind::Progress
    }

    fn is_end(&self) -> bool {
        matches!(self.kind, NoteKind::End(_))
    }

    fn lagged(generation: u32, count: u32) -> Self {
        Self::new(generation, NoteKind::Lagged).with_count(count)
    }

    fn lagged_count(&self) -> Option<u32> {
        (self.kind == NoteKind::Lagged).then_some(self.number)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Note {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} of prompt {=u32}", self.kind, self.generation);
    }
}
