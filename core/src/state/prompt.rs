use super::{Outcome, PromptEnd};
use crate::{
    api::{ErrorField, ErrorFields},
    capacity::{Bytes, Capacity},
    number::Milli,
    progress::{Percentage, RunTiming, Steps},
    text::{Id, Key, Text},
    time::{Duration, Instant},
};

/// The record of a prompt.
#[derive(Clone, Debug)]
pub struct Prompt<C: Capacity> {
    /// Its id; unknown after a reconnect, when the server reported only the running node.
    pub(in crate::state) id: Option<Text<C::Id>>,
    pub(in crate::state) end: PromptEnd,
    /// The node last made current, by its own id.
    pub(in crate::state) current: Option<Key>,
    /// Its display id, or its own if it has none.
    pub(in crate::state) shown: Text<C::Id>,
    pub(in crate::state) steps: Option<Steps>,
    /// When its start was seen.
    pub(in crate::state) started: Option<Instant>,
    /// When its end was seen.
    pub(in crate::state) ended: Option<Instant>,
    pub(in crate::state) nodes_total: Option<u32>,
    pub(in crate::state) nodes_cached: Option<u32>,
    /// The percentage of the complete workflow; never falls.
    pub(in crate::state) percentage: Percentage,
    /// Whether a `progress_state` was seen: no other message reports which nodes have finished.
    pub(in crate::state) has_progress_state: bool,
    /// The last entry of the last `progress_state`.
    pub(in crate::state) last_entry: Option<Key>,
    pub(in crate::state) outputs: u32,
    pub(in crate::state) previews: u32,
    pub(in crate::state) text_updates: u32,
    pub(in crate::state) warnings: u32,
    /// Valid once the outcome is an error.
    pub(in crate::state) error: ErrorRecord<C>,
    pub(in crate::state) nodes_finished: u32,
    pub(in crate::state) truncated_nodes: bool,
    /// The weights of the graph's nodes.
    pub(in crate::state) weights: Weights,
    /// The pace of its run.
    pub(in crate::state) run: RunTiming,
}

/// Holds the record, once a prompt was seen.
///
/// Not an `Option`: its content would be built on the stack first, and a record is too large for that.
#[derive(Debug)]
pub(crate) struct Slot<C: Capacity> {
    prompt: Prompt<C>,
    filled: bool,
}

impl<C: Capacity> Slot<C> {
    pub(in crate::state) const fn new() -> Self {
        Self { prompt: Prompt::new(), filled: false }
    }

    pub(in crate::state) const fn as_ref(&self) -> Option<&Prompt<C>> {
        if self.filled { Some(&self.prompt) } else { None }
    }

    pub(in crate::state) const fn as_mut(&mut self) -> Option<&mut Prompt<C>> {
        if self.filled { Some(&mut self.prompt) } else { None }
    }

    /// Replaces the record with that of a prompt of which only the id is known.
    pub(in crate::state) fn begin(&mut self, id: Option<Id<'_>>) {
        self.prompt.reset(id);
        self.filled = true;
    }

    /// Replaces the record with one that outlived a restart.
    #[cfg(feature = "record")]
    pub(in crate::state) fn restore(&mut self, prompt: Option<Prompt<C>>) {
        self.filled = prompt.is_some();
        if let Some(prompt) = prompt {
            self.prompt = prompt;
        }
    }
}

/// The weights of a graph's nodes in its percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    /// The sum over all nodes; their number if no duration was learned.
    pub(in crate::state) whole: u32,
    /// The sum over the nodes whose durations were learned.
    pub(in crate::state) learned: u32,
}

/// The state of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PromptState {
    /// It runs, as far as is known.
    Running,
    /// It succeeded; final.
    Success,
    /// A node failed; final.
    Error,
    /// A user interrupted it; final.
    Interrupted,
    /// It ended, but its outcome was not seen. A later event may report it.
    Ended,
}

impl PromptState {
    /// Whether the state is final: only a new start can follow.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Error | Self::Interrupted)
    }

    /// The word for it in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
        }
    }
}

/// Why a prompt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ErrorRecord<C: Capacity> {
    /// The node of the submitted graph that failed.
    pub node_id: Option<Text<C::Id>>,
    /// Its class.
    pub node_type: Option<Text<C::Id>>,
    /// The exception's full name.
    pub exception_type: Text<C::Id>,
    /// Its message; [`Text::is_cut`] if it was longer than the capacity.
    pub exception_message: Text<C::Message>,
}

impl<C: Capacity> ErrorRecord<C> {
    const fn new() -> Self {
        Self { node_id: None, node_type: None, exception_type: Text::new(), exception_message: Text::new() }
    }
}

/// A response is read into them directly, to save a second buffer. They are valid once the prompt has failed.
impl<C: Capacity> ErrorFields for ErrorRecord<C> {
    fn clear(&mut self) {
        self.node_id = None;
        self.node_type = None;
        self.exception_type.clear();
        self.exception_message.clear();
    }

    fn push(&mut self, text: ErrorField, piece: &[u8], first: bool) {
        match text {
            ErrorField::NodeId => push_id(&mut self.node_id, piece, first),
            ErrorField::NodeType => push_id(&mut self.node_type, piece, first),
            ErrorField::ExceptionType => {
                if first {
                    self.exception_type.clear();
                }
                self.exception_type.push(piece);
            }
            ErrorField::ExceptionMessage => {
                if first {
                    self.exception_message.clear();
                }
                self.exception_message.push(piece);
            }
        }
    }
}

/// Sets `place` to `id`, without building it on the stack first.
pub(in crate::state) fn set_id<B: Bytes>(place: &mut Option<Text<B>>, id: Option<Id<'_>>) {
    match id {
        Some(id) => place.get_or_insert_default().set(id),
        None => *place = None,
    }
}

/// `None` if it is empty.
fn push_id<B: Bytes>(id: &mut Option<Text<B>>, piece: &[u8], first: bool) {
    if first {
        *id = None;
    }
    if !piece.is_empty() {
        id.get_or_insert_default().push(piece);
    }
}

/// What the entries of a `progress_state` add up to at its end.
#[derive(Clone, Debug)]
pub(crate) struct Announced<C: Capacity> {
    /// The record that the entries belong to; `None` before the first entry.
    pub(in crate::state) target: Option<Target>,
    /// The last entry, and whether it runs.
    pub(in crate::state) last: Option<(Key, bool)>,
    /// The last entry that runs, with its bar. `shown` is the id that it is shown by.
    pub(in crate::state) running: Option<(Key, Milli, Milli)>,
    pub(in crate::state) shown: Text<C::Id>,
    /// The bar of the node that was current when the message began, if its entry runs.
    pub(in crate::state) current: Option<(Milli, Milli)>,
}

/// The record that the entries of a `progress_state` belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The current record.
    Record,
    /// The record that the message will begin.
    New,
    /// None: the prompt has ended.
    Nobody,
}

impl<C: Capacity> Announced<C> {
    pub(in crate::state) const fn new() -> Self {
        Self { target: None, last: None, running: None, shown: Text::new(), current: None }
    }

    pub(in crate::state) fn clear(&mut self) {
        self.target = None;
        self.last = None;
        self.running = None;
        self.current = None;
    }
}

impl<C: Capacity> Prompt<C> {
    /// Creates the record of a prompt of which nothing is known.
    pub(in crate::state) const fn new() -> Self {
        Self {
            id: None,
            end: PromptEnd::Running,
            shown: Text::new(),
            current: None,
            steps: None,
            started: None,
            ended: None,
            nodes_total: None,
            nodes_cached: None,
            percentage: Percentage::ZERO,
            has_progress_state: false,
            last_entry: None,
            outputs: 0,
            previews: 0,
            text_updates: 0,
            warnings: 0,
            error: ErrorRecord::new(),
            nodes_finished: 0,
            truncated_nodes: false,
            weights: Weights { whole: 0, learned: 0 },
            run: RunTiming::new(),
        }
    }

    /// Becomes the record of a prompt of which only the id is known. Texts that are not valid stay as they are.
    fn reset(&mut self, id: Option<Id<'_>>) {
        set_id(&mut self.id, id);
        self.end = PromptEnd::Running;
        self.current = None;
        self.steps = None;
        self.started = None;
        self.ended = None;
        self.nodes_total = None;
        self.nodes_cached = None;
        self.percentage = Percentage::ZERO;
        self.has_progress_state = false;
        self.last_entry = None;
        self.outputs = 0;
        self.previews = 0;
        self.text_updates = 0;
        self.warnings = 0;
        self.error.clear();
        self.nodes_finished = 0;
        self.truncated_nodes = false;
        self.weights = Weights::default();
        self.run = RunTiming::new();
    }

    /// Its id; `None` after a reconnect, when the server reported only the running node.
    pub const fn prompt_id(&self) -> Option<&Text<C::Id>> {
        self.id.as_ref()
    }

    /// Its state.
    pub const fn state(&self) -> PromptState {
        self.end.state()
    }

    /// Whether nothing more will be learned of its end: the state is final, or [`PromptState::Ended`] and the server
    /// does not know the outcome.
    pub const fn is_settled(&self) -> bool {
        !self.end.is_running() && !self.is_unsettled()
    }

    /// Whether it ended with an outcome that the server reported, not only its log.
    pub(crate) const fn is_final(&self) -> bool {
        self.end.is_final()
    }

    /// Whether it ended, and its outcome is still to be requested.
    pub(crate) const fn is_unsettled(&self) -> bool {
        // A request needs the complete id.
        self.end.is_open() && matches!(&self.id, Some(id) if !id.is_cut())
    }

    /// The running node's id in the submitted graph.
    pub const fn current_node(&self) -> Option<&Text<C::Id>> {
        if self.current.is_some() { Some(&self.shown) } else { None }
    }

    /// The key of the running node's own id. An expanded node has its own id, and is shown by another's.
    pub const fn current_key(&self) -> Option<Key> {
        self.current
    }

    /// The steps of the running node.
    pub const fn steps(&self) -> Option<Steps> {
        self.steps
    }

    /// The number of nodes in the submitted graph.
    pub const fn nodes_total(&self) -> Option<u32> {
        self.nodes_total
    }

    /// The number of nodes whose results were cached.
    pub const fn nodes_cached(&self) -> Option<u32> {
        self.nodes_cached
    }

    /// The number of nodes of the submitted graph that have finished, without the cached ones.
    pub const fn nodes_finished(&self) -> u32 {
        self.nodes_finished
    }

    /// Whether nodes did not fit the capacity. The counts are lower bounds then.
    pub const fn truncated_nodes(&self) -> bool {
        self.truncated_nodes
    }

    /// The percentage of the complete workflow; never falls. `None` until the prompt succeeds, if the graph is unknown.
    pub fn percentage(&self) -> Option<Percentage> {
        if self.end.is(Outcome::Success) {
            return Some(Percentage::FULL);
        }
        self.nodes_total.map(|_| self.percentage)
    }

    /// The number of outputs that nodes reported.
    pub const fn outputs(&self) -> u32 {
        self.outputs
    }

    /// The number of preview images received.
    pub const fn previews(&self) -> u32 {
        self.previews
    }

    /// The number of progress texts received.
    pub const fn text_updates(&self) -> u32 {
        self.text_updates
    }

    /// The number of blocked nodes. They do not end a prompt.
    pub const fn warnings(&self) -> u32 {
        self.warnings
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&ErrorRecord<C>> {
        self.end.is(Outcome::Error).then_some(&self.error)
    }

    /// How long it has run, or ran until its end; `None` if its start was not seen.
    pub fn elapsed(&self, now: Instant) -> Option<Duration> {
        Some(self.ended.unwrap_or(now).saturating_since(self.started?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{BodyReader, Request};

    crate::capacity! {
        struct Small { id: 8, message: 8, nodes: 1, names: 8, durations: 1, history: 1, request: 8 }
    }

    #[test]
    fn error_of_response_in_pieces_is_stored() {
        let body = r#"{"p": {"status": {"messages": [["execution_error", {"node_id": 7, "node_id": "\u00fc", "node_type": -Infinity, "exception_message": "0123456789\n", "exception_type": "E"}]]}}}"#;
        for size in 1..=body.len() {
            let mut record = ErrorRecord::<Small>::new();
            record.node_type = Some(Text::from("before"));
            let mut answer = BodyReader::<Small>::new(Request::History);
            for mut piece in body.as_bytes().chunks(size) {
                while answer.next(&mut piece, &mut record).unwrap().is_some() {}
            }
            assert_eq!((record.node_id, record.node_type), (Some(Text::from("ü")), None), "pieces of {size}");
            assert_eq!((record.exception_type.as_str(), record.exception_message.as_str()), ("E", "01234567"));
            assert!(record.exception_message.is_cut());
        }
    }
}
