//! What is known of a server: its queue, the prompt that runs, the connection.
//!
//! Only the [reducer](crate::reducer) changes it.

mod connection;
mod names;
mod nodes;
mod prompt;

pub use connection::{Connection, ConnectionStatus, Fault, FaultKind, LastEvent, Source, Whose};
pub use prompt::{ErrorRecord, Percentage, Prompt, PromptState, Steps};

pub(crate) use nodes::{Nodes, Seen, WHOLE, part_of};
pub(crate) use prompt::{Announced, Target};

use crate::{limits::REPLACED_PROMPTS, progress::History, reducer::Changes, text::Key};

/// All that is known of a server. The capacities are those of [`crate::limits`].
#[derive(Debug)]
pub struct State<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize> {
    /// The connection to the server.
    pub(crate) connection: Connection,
    /// Prompts queued and running, once the server told.
    pub(crate) queue_remaining: Option<u32>,
    /// The prompt last seen to start.
    pub(crate) prompt: Option<Prompt<ID, MESSAGE>>,
    /// How many records have begun.
    pub(crate) generation: u32,
    /// The nodes of that prompt.
    pub(crate) nodes: Nodes<NODES, NAMES>,
    /// The last progress events.
    pub(crate) history: History,
    /// Messages received whole.
    pub(crate) messages: Messages,
    /// Prompts whose record was replaced, the newest last.
    pub(crate) replaced: heapless::Deque<Key, REPLACED_PROMPTS>,
    /// What the entries of the `progress_state` at hand said so far.
    pub(crate) announced: Announced<ID>,
    /// What the message at hand changed by beginning, naming or reviving the record, whatever else it says.
    pub(crate) renewed: Changes,
}

/// How many messages were received whole, and of what use they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Messages {
    /// Text messages.
    pub text: u32,
    /// Binary messages.
    pub binary: u32,
    /// Messages of either kind that can't be used.
    pub malformed: u32,
    /// Messages of either kind whose type or kind isn't known.
    pub unknown: u32,
}

impl<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize> Default
    for State<ID, MESSAGE, NODES, NAMES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize> State<ID, MESSAGE, NODES, NAMES> {
    /// Nothing is known.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            connection: Connection::new(),
            queue_remaining: None,
            prompt: None,
            generation: 0,
            nodes: Nodes::new(),
            history: History::new(),
            messages: Messages { text: 0, binary: 0, malformed: 0, unknown: 0 },
            replaced: heapless::Deque::new(),
            announced: Announced::new(),
            renewed: Changes::NONE,
        }
    }

    /// The connection to the server.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Prompts queued and running, once the server told.
    pub const fn queue_remaining(&self) -> Option<u32> {
        self.queue_remaining
    }

    /// The prompt last seen to start.
    pub const fn prompt(&self) -> Option<&Prompt<ID, MESSAGE>> {
        self.prompt.as_ref()
    }

    /// How many prompts were seen to begin, the one at hand among them: its number.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Messages received whole.
    pub const fn messages(&self) -> Messages {
        self.messages
    }

    /// The last progress events, the oldest first.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// The class of the prompt's node with the id `node`, such as `KSampler`, where the graph was seen.
    pub fn class_of(&self, node: crate::text::Id<'_>) -> Option<&str> {
        self.nodes.class(node.key())
    }
}
