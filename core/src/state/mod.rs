//! The state of a server as the session knows it: its queue, the running prompt, the connection.
//!
//! Only the [reducer] and the import of a record change it: its fields are private to this module and its children.

mod changes;
mod connection;
mod end;
mod names;
mod nodes;
mod observation;
mod prompt;
#[cfg(feature = "record")]
pub mod record;
pub mod reducer;

pub use crate::progress::{Percentage, Steps};
pub use changes::Changes;
pub use connection::{
    Blame, Connection, ConnectionStatus, Fault, FaultKind, LastEvent, NetworkDown, ObserveMode, Source, Waiting,
    WaitingFor,
};
pub use prompt::{ErrorRecord, Prompt, PromptState};

pub(crate) use end::{Outcome, PromptEnd};
pub(crate) use nodes::{Nodes, Seen, WHOLE, part_of};
pub(crate) use observation::Activity;
pub(crate) use prompt::{Announced, Target};

use observation::Observation;
use prompt::{Slot, Weights, set_id};

use crate::{
    capacity::{Capacity, Length as _},
    limits::REPLACED_PROMPTS,
    progress::{History, Learned, NodeDuration, RemainingWork},
    quality::Quality,
    text::Key,
    time::{Duration, Instant},
};

/// The state of a server as the session knows it. Its [`Capacity`] limits what it keeps.
///
/// Only the [reducer] and the import of a record change it. Everything else reads it:
///
/// ```
/// # use comfyglow_core::{capacity::GadgetCapacity, state::State};
/// let state = State::<GadgetCapacity>::new();
/// assert_eq!(state.generation(), 0);
/// ```
///
/// ```compile_fail,E0616
/// # use comfyglow_core::{capacity::GadgetCapacity, state::State};
/// let mut state = State::<GadgetCapacity>::new();
/// state.generation = 1;
/// ```
#[derive(Debug)]
pub struct State<C: Capacity> {
    /// The connection to the server.
    connection: Connection,
    /// The number of queued and running prompts; `None` until the server reports it.
    queue_remaining: Option<u32>,
    /// The prompt last seen to start.
    prompt: Slot<C>,
    /// The number of records that have begun.
    generation: u32,
    /// The nodes of that prompt.
    nodes: Nodes<C>,
    /// The last progress events.
    history: History<C::History>,
    /// The durations of nodes in earlier runs.
    learned: Learned<C::Durations>,
    /// Counts of complete messages.
    messages: Messages,
    /// What the socket has reported.
    socket_generation: SocketGeneration,
    /// The quality of the connection.
    quality: Quality,
    /// The prompts whose records were replaced, the newest first. The rest are keys that no id has.
    replaced: [Key; REPLACED_PROMPTS],
    /// What the entries of the current `progress_state` have reported.
    announced: Announced<C>,
    /// What the current message changed before its end, or when it began, named or revived the record.
    renewed: Changes,
    /// What the server's log and its queue report.
    observation: Observation,
}

/// Counts what the socket has reported of things that HTTP reports too. A request keeps it, so that its response, which
/// may be older than what the socket reported meanwhile, takes nothing of that back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SocketGeneration {
    /// Reports of the queue, modulo 2^32.
    pub(crate) status: u32,
    /// Reports of a prompt, modulo 2^32.
    pub(crate) prompts: u32,
}

impl SocketGeneration {
    /// Nothing.
    pub(crate) const NONE: Self = Self { status: 0, prompts: 0 };

    pub(crate) const fn status(self) -> u32 {
        self.status
    }
}

/// Counts of complete messages, by kind and use.
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
    /// Messages of either kind whose type is unknown.
    pub unknown: u32,
}

impl<C: Capacity> Default for State<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Capacity> State<C> {
    /// Nothing is known.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub fn new() -> Self {
        Self {
            connection: Connection::new(),
            queue_remaining: None,
            prompt: Slot::new(),
            generation: 0,
            nodes: Nodes::new(),
            history: History::new(),
            learned: Learned::new(),
            messages: Messages { text: 0, binary: 0, malformed: 0, unknown: 0 },
            socket_generation: SocketGeneration::NONE,
            quality: Quality::new(),
            replaced: [Key::NONE; REPLACED_PROMPTS],
            announced: Announced::new(),
            renewed: Changes::NONE,
            observation: Observation::new(),
        }
    }

    /// The connection to the server.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The number of queued and running prompts; `None` until the server reports it.
    pub const fn queue_remaining(&self) -> Option<u32> {
        self.queue_remaining
    }

    /// The prompt last seen to start.
    pub const fn prompt(&self) -> Option<&Prompt<C>> {
        self.prompt.as_ref()
    }

    /// The number of prompts seen to begin, the current one included.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Counts of complete messages.
    pub const fn messages(&self) -> Messages {
        self.messages
    }

    /// What the socket has reported until now. Keep it with each request, and pass it to
    /// [`Action::Response`](crate::reducer::Action::Response) with the response.
    pub const fn socket_generation(&self) -> SocketGeneration {
        self.socket_generation
    }

    /// Prompts that ended without a record, whose outcomes are still to be requested: the last of those that ended.
    pub(crate) const fn unseen_ends(&self) -> u8 {
        self.observation.unseen()
    }

    /// Ends, modulo 256, after which another prompt may run than the record's: the log reported them while the socket's
    /// record runs, or the queue while any does.
    pub(crate) const fn doubtful_ends(&self) -> u8 {
        self.observation.doubtful()
    }

    /// Ends of prompts without a record, by the queue, that the log is to report.
    pub(crate) const fn falls(&self) -> u8 {
        self.observation.queue_only()
    }

    /// Acts as if the prompt was restored from a record.
    #[cfg(test)]
    pub(crate) const fn restored(&mut self) {
        self.connection.source = Source::Restored;
    }

    /// The quality of the connection.
    pub const fn quality(&self) -> &Quality {
        &self.quality
    }

    /// The last progress events, the oldest first.
    pub const fn history(&self) -> &History<C::History> {
        &self.history
    }

    /// The durations of nodes in earlier runs.
    pub const fn learned(&self) -> &Learned<C::Durations> {
        &self.learned
    }

    /// The estimated remaining time of the prompt; `None` if it has ended, or its start or graph is unknown.
    ///
    /// If no durations were learned, it extrapolates the run so far, and is `None` before there is progress. Otherwise
    /// it is the sum of what the remaining nodes took in earlier runs, at this run's pace. The more nodes are new, the
    /// more the extrapolation counts. It is never less than what the server's log reports of a sampler.
    pub fn eta(&self, now: Instant) -> Option<Duration> {
        let prompt = self.prompt.as_ref().filter(|prompt| prompt.end.is_running())?;
        let reported = if C::HTTP { prompt.run.reported_remaining(now) } else { None };
        self.learned_eta(now, prompt).max(reported)
    }

    fn learned_eta(&self, now: Instant, prompt: &Prompt<C>) -> Option<Duration> {
        let elapsed = prompt.elapsed(now)?;
        let linear = crate::progress::linear_eta(elapsed, prompt.percentage()?);
        let Weights { whole, learned: known } = prompt.weights;
        if C::Durations::MAX == 0 || known == 0 {
            return linear;
        }
        let mut pending = whole.saturating_sub(self.nodes.weight_done());
        let current = prompt.current_node().map(|shown| {
            let key = shown.as_id().key();
            let (weight, left) = self.nodes.left_of(key);
            pending = pending.saturating_sub(left);
            match self.nodes.name_of(key).and_then(|name| self.learned.expected(name)) {
                Some(took) => (took, true),
                None => (NodeDuration::without_steps(weight.get()), false),
            }
        });
        let planned = Duration::from_millis(u64::from(
            prompt.run.remaining_millis(now, RemainingWork { whole, pending, current }),
        ));
        if self.connection.source != Source::Websocket && current.is_none() {
            // Nothing reports the current progress.
            return Some(planned.saturating_sub(elapsed)).filter(|rest| *rest > Duration::ZERO);
        }
        let Some(linear) = linear.filter(|_| known < whole) else { return Some(planned) };
        // In parts of 256, so the products of long times have room.
        let share = u64::from(known).saturating_mul(256).checked_div(u64::from(whole))?;
        let others = linear.as_micros().saturating_mul(256_u64.saturating_sub(share));
        Some(Duration::from_micros(planned.as_micros().saturating_mul(share).saturating_add(others) >> 8))
    }

    /// The class of the prompt's node `node`, such as `KSampler`; `None` if the graph was not seen.
    pub fn class_of(&self, node: crate::text::Id<'_>) -> Option<&str> {
        self.nodes.class(node.key())
    }
}
