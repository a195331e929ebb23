use core::cmp::Ordering;

use crate::{
    number::Milli,
    state::{ConnectionStatus, Percentage, PromptState, Steps},
    text::Key,
};

/// What a [`Note`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Kind {
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
    /// Notes of the class [`Class::End`] were dropped because the queue was full: [`Note::count`] is their number.
    Lagged,
}

/// The urgency of a note. Within a prompt, a note of a lesser class comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// Ends, warnings, and the connection's status.
    End,
    /// Starts, changes of the node, and outputs.
    Change,
    /// The length of the server's queue.
    Status,
    /// Progress.
    Progress,
}

impl Kind {
    /// The class of notes of this kind.
    pub const fn class(self) -> Class {
        match self {
            Self::Connection(_) | Self::Warning | Self::End(_) | Self::Lagged => Class::End,
            Self::ExecutionStart | Self::ExecutionCached | Self::Executing | Self::Executed => Class::Change,
            Self::Status => Class::Status,
            Self::Progress => Class::Progress,
        }
    }
}

/// Something that happened, in numbers. The texts are in the [`State`](crate::state::State).
///
/// Notes compare by the order in which a [`Queue`](super::Queue) delivers them: by the prompt's generation, then by
/// class, then by arrival.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The steps of the bar; there is no bar if `max` is 0.
    value: Milli,
    max: Milli,
    node: Key,
    generation: u32,
    /// A count, or a percentage in millionths of a percent, or [`UNKNOWN`].
    number: u32,
    /// The order of arrival in the queue.
    pub(super) order: u32,
    kind: Kind,
    has_node: bool,
}

/// Stands for an unknown count or percentage.
const UNKNOWN: u32 = u32::MAX;

impl Note {
    /// Creates a note without numbers, about the prompt with this [`generation`](crate::state::State::generation).
    pub fn new(generation: u32, kind: Kind) -> Self {
        let none = Milli::from_thousandths(0);
        Self {
            value: none,
            max: none,
            node: Key::default(),
            generation,
            number: UNKNOWN,
            order: 0,
            kind,
            has_node: false,
        }
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
    pub const fn kind(&self) -> Kind {
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
        (self.kind != Kind::Progress && self.number != UNKNOWN).then_some(self.number)
    }

    /// The current node's bar; `None` if it has none.
    pub fn steps(&self) -> Option<Steps> {
        Steps::new(self.value, self.max)
    }

    /// The percentage of the whole workflow; `None` if unknown or if the note is not progress.
    pub fn percentage(&self) -> Option<Percentage> {
        (self.kind == Kind::Progress && self.number != UNKNOWN).then(|| Percentage::from_millionths(self.number))
    }

    /// Takes the contents of a later note of the same kind, but keeps its own place in the order.
    pub(super) fn take_over(&mut self, later: Self) {
        *self = Self { order: self.order, ..later };
    }

    /// The number of notes that this one stands for.
    pub(super) fn weight(&self) -> u32 {
        if self.kind == Kind::Lagged { self.number } else { 1 }
    }

    /// The key that notes compare by.
    const fn rank(&self) -> (u32, Class, u32) {
        (self.generation, self.kind.class(), self.order)
    }
}

impl PartialEq for Note {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Note {}

impl PartialOrd for Note {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Note {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Note {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} of prompt {=u32}", self.kind, self.generation);
    }
}
