use core::cmp::Ordering;

use crate::{
    number::Milli,
    state::{ConnectionStatus, Percentage, PromptState, Steps},
    text::Key,
};

/// What a [`Note`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// The connection fares otherwise.
    Connection(ConnectionStatus),
    /// A prompt began, or was found to run.
    ExecutionStart,
    /// How many nodes' results were still known: [`Note::count`].
    ExecutionCached,
    /// Another node runs: [`Note::node`].
    Executing,
    /// A node has output to show: [`Note::node`].
    Executed,
    /// Prompts queued and running: [`Note::count`].
    Status,
    /// How far it is: [`Note::node`], [`Note::steps`], [`Note::percentage`].
    Progress,
    /// A node was blocked, which doesn't end its prompt.
    Warning,
    /// The prompt ended so, never [`PromptState::Running`]. An outcome may follow [`PromptState::Ended`], which is a guess, and
    /// another one what only the server's log told, until [`Prompt::is_settled`](crate::state::Prompt::is_settled).
    End(PromptState),
    /// So many notes of the class [`Class::End`], the connection's and warnings among them, didn't fit any more:
    /// [`Note::count`].
    Lagged,
}

/// How urgent a note is: of one prompt, a note of a lesser class comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// Errors and ends, and the connection's.
    End,
    /// Starts, changes of the node, outputs.
    Change,
    /// The server's queue.
    Status,
    /// How far it is.
    Progress,
}

impl Kind {
    /// How urgent it is.
    pub const fn class(self) -> Class {
        match self {
            Self::Connection(_) | Self::Warning | Self::End(_) | Self::Lagged => Class::End,
            Self::ExecutionStart | Self::ExecutionCached | Self::Executing | Self::Executed => Class::Change,
            Self::Status => Class::Status,
            Self::Progress => Class::Progress,
        }
    }
}

/// Something that happened, in numbers; the texts to it are in the [`State`](crate::state::State).
///
/// Notes compare by when they are to be told: the prompt's generation, then the class, then the order of arrival.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The bar; no bar where its end is 0.
    value: Milli,
    max: Milli,
    node: Key,
    generation: u32,
    /// A count, or millionths of a percent.
    number: u32,
    /// When it came to the queue.
    pub(super) order: u32,
    kind: Kind,
    has_node: bool,
}

/// Stands for a percentage that isn't known.
const UNKNOWN: u32 = u32::MAX;

impl Note {
    /// A note of the prompt of this `generation`, with no numbers.
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

    /// With the node that it speaks of.
    #[must_use]
    pub fn with_node(mut self, node: Option<Key>) -> Self {
        self.has_node = node.is_some();
        self.node = node.unwrap_or_default();
        self
    }

    /// With a count.
    #[must_use]
    pub const fn with_count(mut self, count: u32) -> Self {
        self.number = count;
        self
    }

    /// With how far it is.
    #[must_use]
    pub fn with_progress(mut self, steps: Option<Steps>, percentage: Option<Percentage>) -> Self {
        (self.value, self.max) =
            steps.map_or((Milli::from_thousandths(0), Milli::from_thousandths(0)), |steps| (steps.value, steps.max));
        self.number = percentage.map_or(UNKNOWN, Percentage::millionths);
        self
    }

    /// What it tells.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Which of the prompts seen to begin it speaks of: [`State::generation`](crate::state::State::generation) as of then.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The node it speaks of, by its id's [`key`](crate::text::Id::key).
    pub fn node(&self) -> Option<Key> {
        self.has_node.then_some(self.node)
    }

    /// How many: of nodes, prompts or notes, as the kind says.
    pub fn count(&self) -> Option<u32> {
        (self.kind != Kind::Progress && self.number != UNKNOWN).then_some(self.number)
    }

    /// The current node's bar.
    pub fn steps(&self) -> Option<Steps> {
        Steps::new(self.value, self.max)
    }

    /// Of the whole workflow.
    pub fn percentage(&self) -> Option<Percentage> {
        (self.kind == Kind::Progress && self.number != UNKNOWN).then(|| Percentage::from_millionths(self.number))
    }

    /// Takes the numbers of a later note of its kind.
    pub(super) fn take_over(&mut self, later: Self) {
        *self = Self { order: self.order, ..later };
    }

    /// How many notes it stands for.
    pub(super) fn weight(&self) -> u32 {
        if self.kind == Kind::Lagged { self.number } else { 1 }
    }

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
