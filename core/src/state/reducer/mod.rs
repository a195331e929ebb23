//! The one function that changes [`State`]. It implements the snapshot's rules for every action in every state.
//!
//! Each message is applied at its end, in one step and in the order of the wire. The [`Part`]s before its end report
//! single nodes. If the message may begin a prompt, these nodes are staged until the end.

mod action;
mod connection;
mod logs;
mod observer;
mod prompt;
mod responses;

pub use action::Action;
pub use observer::Observer;

use crate::{
    api::{EXECUTION_BLOCKED, ErrorFields},
    capacity::{Capacity, Length as _},
    event::{Event, EventKind, NodeStatus, Part},
    number::Milli,
    state::{Changes, LastEvent, Outcome, Prompt, PromptEnd, Seen, Source, State, Target, part_of, set_id},
    text::{Id, Key},
    time::Instant,
};

/// Applies `action` to `state` at `now`, reports the changes to `observer`, and returns them.
///
/// # Examples
///
/// ```
/// use comfyglow_core::{
///     capacity::GadgetCapacity,
///     event::Event,
///     reducer::{Action, apply},
///     state::{Changes, State},
///     time::Instant,
/// };
///
/// let mut state = State::<GadgetCapacity>::new();
/// let status = Event::Status { queue_remaining: 2, sid: None };
/// let changes = apply(&mut state, Instant::ZERO, Action::Text(&status), &mut ());
/// assert!(changes.has(Changes::QUEUE));
/// assert_eq!(state.queue_remaining(), Some(2));
/// ```
pub fn apply<C: Capacity>(
    state: &mut State<C>,
    now: Instant,
    action: Action<'_>,
    observer: &mut impl Observer<C>,
) -> Changes {
    let changes = match action {
        Action::Part(part) => state.reduce_part(now, part),
        Action::Text(event) => state.reduce_event(now, event, false),
        Action::Binary(event) => state.reduce_event(now, event, true),
        other => reduce(state, now, other),
    };
    show(observer, now, &action, changes, state);
    changes
}

/// As [`apply`], for a part of a message. It keeps no action on the stack while the part is reduced.
pub(crate) fn apply_part<C: Capacity>(
    state: &mut State<C>,
    now: Instant,
    part: &Part<'_>,
    observer: &mut impl Observer<C>,
) -> Changes {
    let changes = state.reduce_part(now, part);
    show(observer, now, &Action::Part(part), changes, state);
    changes
}

/// As [`apply`], for the end of a message.
pub(crate) fn apply_event<C: Capacity>(
    state: &mut State<C>,
    now: Instant,
    event: &Event<'_>,
    binary: bool,
    observer: &mut impl Observer<C>,
) -> Changes {
    let changes = state.reduce_event(now, event, binary);
    show(observer, now, &if binary { Action::Binary(event) } else { Action::Text(event) }, changes, state);
    changes
}

// Not inlined: its stack is free while the action is reduced.
#[inline(never)]
fn show<C: Capacity>(
    observer: &mut impl Observer<C>,
    now: Instant,
    action: &Action<'_>,
    changes: Changes,
    state: &State<C>,
) {
    observer.reduced(now, action, changes, state);
}

/// Where the texts of an error go while a response is read. They count once the response reports the error.
pub(crate) fn error_fields<C: Capacity>(state: &mut State<C>) -> impl ErrorFields + '_ {
    // An ended prompt keeps its error.
    state.prompt.as_mut().filter(|prompt| !prompt.is_final()).map(|prompt| &mut prompt.error)
}

/// Applies an action that is not a message's.
#[inline(never)]
fn reduce<C: Capacity>(state: &mut State<C>, now: Instant, action: Action<'_>) -> Changes {
    match action {
        Action::Dialling => state.dialling(),
        Action::Waiting(waiting) => state.wait(waiting),
        Action::Established => state.established(now),
        Action::Lost(fault) => state.lost(fault),
        Action::Observe(mode) => state.follow(mode),
        Action::LogSilent => {
            state.observation.log_silent();
            Changes::NONE
        }
        Action::AskedAfterEnd => {
            state.observation.outcome_requested();
            Changes::NONE
        }
        Action::GraphNode { prompt_id, node, class } => state.graph_node(prompt_id, node, class),
        Action::Graph { prompt_id, nodes } => state.graph(now, prompt_id, nodes),
        Action::Response { .. } if !C::HTTP => Changes::NONE,
        Action::Response { since, item } => state.response(now, since, item),
        Action::Measured(sample) => state.measured(now, sample),
        // `apply` has handled these.
        Action::Part(_) | Action::Text(_) | Action::Binary(_) => Changes::NONE,
    }
}

impl<C: Capacity> State<C> {
    /// The current message was malformed or cut off.
    fn forget_parts(&mut self) {
        self.nodes.unstage();
        self.announced.clear();
    }

    fn graph_node(&mut self, id: Id<'_>, node: Id<'_>, class: &str) -> Changes {
        if self.names(id) {
            self.nodes.note_class(node, class);
        }
        Changes::NONE
    }

    fn graph(&mut self, now: Instant, id: Id<'_>, nodes: u32) -> Changes {
        // Otherwise another prompt has replaced it.
        if let Some(prompt) = self.prompt.as_mut().filter(|prompt| prompt.is(id)) {
            prompt.nodes_total = Some(nodes);
            prompt.weights = self.nodes.weigh(&self.learned, nodes);
            prompt.count(&self.nodes);
            return Changes::PROGRESS.union(self.take_up_bar(now));
        }
        Changes::NONE
    }

    /// Whether the record is that of the prompt `id`.
    fn names(&self, id: Id<'_>) -> bool {
        self.prompt.as_ref().is_some_and(|prompt| prompt.is(id))
    }

    fn reduce_part(&mut self, now: Instant, part: &Part<'_>) -> Changes {
        match part {
            Part::Log(text) if C::HTTP => self.log(now, text),
            part => self.part(part),
        }
        Changes::NONE
    }

    fn reduce_event(&mut self, now: Instant, event: &Event<'_>, binary: bool) -> Changes {
        let count = if binary { &mut self.messages.binary } else { &mut self.messages.text };
        *count = count.saturating_add(1);
        self.message(now, event).union(Changes::MESSAGES)
    }

    #[inline(never)] // The ends of messages need none of its stack.
    fn part(&mut self, part: &Part<'_>) {
        match *part {
            Part::CachedNode { node } => self.nodes.note_cached_soon(node),
            Part::NodeState { prompt_id, node_id, value, max, state, display_node_id } => {
                let target = match self.announced.target {
                    Some(target) => target,
                    None => self.announce(prompt_id),
                };
                if target != Target::Nobody {
                    self.node_state(target, node_id, (value, max), state, display_node_id);
                }
            }
            // These are for observers. The log's text is read elsewhere.
            Part::Log(_) | Part::ProgressText(_) | Part::Image(_) => {}
        }
    }

    /// Reads the first entry of a `progress_state` of the prompt `id`.
    fn announce(&mut self, id: Id<'_>) -> Target {
        let target = self.target(id);
        if target == Target::New {
            self.nodes.stage();
        }
        self.announced.target = Some(target);
        target
    }

    fn node_state(
        &mut self,
        target: Target,
        node: Id<'_>,
        (value, max): (Milli, Milli),
        status: NodeStatus,
        display: Option<Id<'_>>,
    ) {
        let (seen, running) = match status {
            NodeStatus::Finished => (Seen::FINISHED, false),
            NodeStatus::Running => (Seen::STARTED, true),
            NodeStatus::Other => (Seen::STARTED, false),
        };
        let key = node.key();
        self.nodes.note(key, node, seen, part_of(value, max), display);
        self.announced.last = Some((key, running));
        if !running {
            return;
        }
        self.announced.running = Some((key, value, max));
        let shown = self.nodes.shown(key, node, display);
        self.announced.shown.set(shown);
        let current = self.prompt.as_ref().and_then(|prompt| prompt.current);
        if target == Target::Record && current == Some(key) {
            self.announced.current = Some((value, max));
        }
    }

    fn message(&mut self, now: Instant, event: &Event<'_>) -> Changes {
        // Only a `progress_state` ends its entries. Our decoder keeps to that, another caller may not.
        if self.announced.target.is_some() && !matches!(event, Event::ProgressState { .. }) {
            self.forget_parts();
        }
        let changes = match *event {
            Event::Malformed(_) => {
                self.messages.malformed = self.messages.malformed.saturating_add(1);
                self.forget_parts();
                // A log's text was applied while it arrived.
                return core::mem::take(&mut self.renewed);
            }
            Event::Unknown { .. } | Event::UnknownBinary { .. } => {
                self.messages.unknown = self.messages.unknown.saturating_add(1);
                return Changes::NONE;
            }
            Event::Status { queue_remaining, .. } => self.status(now, queue_remaining),
            Event::ExecutionStart { prompt_id, .. } => self.execution_start(now, prompt_id),
            Event::ExecutionCached { prompt_id, nodes } => self.execution_cached(prompt_id, nodes),
            Event::Executing { node: Some(node), display_node, prompt_id } => {
                self.executing(now, node, display_node, prompt_id)
            }
            Event::Executing { node: None, prompt_id, .. } => self.executing_nothing(now, prompt_id),
            Event::Progress { value, max, prompt_id, node } => self.progress(now, value, max, prompt_id, node),
            Event::ProgressState { prompt_id, .. } => self.progress_state(now, prompt_id),
            Event::Executed { prompt_id, .. } => match self.running(prompt_id) {
                Some(prompt) => {
                    prompt.outputs = prompt.outputs.saturating_add(1);
                    Changes::OUTPUT
                }
                None => Changes::NONE,
            },
            Event::ExecutionSuccess { prompt_id, .. } => self.execution_success(now, prompt_id),
            Event::ExecutionInterrupted { prompt_id, .. } => self.end(now, prompt_id, Outcome::Interrupted),
            Event::ExecutionError { prompt_id, node_id, node_type, exception_type, exception_message, .. } => {
                self.execution_error(now, prompt_id, node_id, node_type, exception_type, exception_message)
            }
            Event::PreviewImage { .. } | Event::PreviewImageWithMetadata { .. } => {
                self.binary(|prompt| &mut prompt.previews)
            }
            Event::ProgressText { .. } => self.binary(|prompt| &mut prompt.text_updates),
            // They report nothing of a prompt, or their parts have.
            Event::FeatureFlags { .. } | Event::Logs { .. } => Changes::NONE,
        };
        self.connection.last_event = Some(LastEvent { kind: event.kind(), at: now });
        // A message may begin the record that its parts belong to. Parts that are still staged belong to none.
        self.forget_parts_of(event.kind());
        let changes = changes.union(core::mem::take(&mut self.renewed));
        self.note_heard(event.kind(), changes);
        changes
    }

    /// Counts what the socket reported: it is newer than a response to any earlier request.
    fn note_heard(&mut self, kind: EventKind, changes: Changes) {
        if kind == EventKind::Status {
            self.socket_generation.status = self.socket_generation.status.wrapping_add(1);
        }
        let tells = changes.has(Changes::PROMPT.union(Changes::NODE).union(Changes::PROGRESS));
        if tells && kind != EventKind::Logs {
            self.socket_generation.prompts = self.socket_generation.prompts.wrapping_add(1);
            self.connection.source = Source::Websocket;
        }
    }

    fn forget_parts_of(&mut self, kind: EventKind) {
        if matches!(kind, EventKind::ProgressState | EventKind::ExecutionCached) {
            self.forget_parts();
        }
    }

    fn status(&mut self, now: Instant, queue_remaining: u32) -> Changes {
        self.count_busy(now, queue_remaining);
        let changes = if self.queue_remaining == Some(queue_remaining) { Changes::NONE } else { Changes::QUEUE };
        self.queue_remaining = Some(queue_remaining);
        match self.prompt.as_mut() {
            // Nothing is queued or runs, so the prompt ended, and its outcome was missed.
            Some(prompt) if queue_remaining == 0 && prompt.is_running() => {
                changes.union(prompt.end(now, PromptEnd::Guessed))
            }
            _ => changes,
        }
    }

    #[inline(never)] // Other messages need none of its stack.
    fn execution_start(&mut self, now: Instant, id: Id<'_>) -> Changes {
        if self.prompt.as_ref().is_some_and(|prompt| prompt.is_running() && prompt.is(id)) {
            return Changes::NONE;
        }
        self.begin(Some(id));
        if let Some(prompt) = self.prompt.as_mut() {
            prompt.started = Some(now);
            prompt.run.start();
        }
        Changes::PROMPT
    }

    fn execution_cached(&mut self, id: Id<'_>, count: u32) -> Changes {
        let target = self.target(id);
        match target {
            Target::Nobody => return Changes::NONE,
            Target::Record => self.take(id),
            Target::New => self.replace(Some(id)),
        }
        self.nodes.commit_cached(target == Target::New);
        if let Some(prompt) = self.prompt.as_mut() {
            prompt.nodes_cached = Some(count);
            prompt.count(&self.nodes);
        }
        Changes::PROGRESS
    }

    #[inline(never)] // Other messages need none of its stack.
    fn executing(&mut self, now: Instant, node: Id<'_>, display_node: Option<Id<'_>>, id: Option<Id<'_>>) -> Changes {
        match id {
            Some(id) if self.running(id).is_none() => return Changes::NONE,
            None if !self.is_running() => self.begin(None),
            _ => {}
        }
        let Some(prompt) = self.prompt.as_mut() else { return Changes::NONE };
        let key = node.key();
        if !prompt.has_progress_state {
            self.nodes.pass_all_but(Some(key));
        }
        self.nodes.note(key, node, Seen::STARTED, None, display_node);
        let shown = self.nodes.shown(key, node, display_node);
        prompt.move_to(now, key, shown, &self.nodes, &mut self.learned);
        prompt.count(&self.nodes);
        Changes::NODE.union(Changes::PROGRESS)
    }

    fn executing_nothing(&mut self, now: Instant, id: Option<Id<'_>>) -> Changes {
        let Some(id) = id else { return Changes::NONE };
        if !self.is_running() || self.target(id) != Target::Record {
            return Changes::NONE;
        }
        // The server sends the outcome before this, so it was missed.
        self.take(id);
        self.prompt.as_mut().map_or(Changes::NONE, |prompt| prompt.end(now, PromptEnd::Guessed))
    }

    fn progress(
        &mut self,
        now: Instant,
        value: Milli,
        max: Milli,
        id: Option<Id<'_>>,
        node: Option<Id<'_>>,
    ) -> Changes {
        let speaks = match id {
            Some(id) => self.running(id).is_some(),
            None => self.is_running(),
        };
        let Some(prompt) = self.prompt.as_mut().filter(|_| speaks) else { return Changes::NONE };
        let mut changes = Changes::PROGRESS;
        if let Some(node) = node {
            let key = node.key();
            self.nodes.note(key, node, Seen::STARTED, part_of(value, max), None);
            if prompt.current != Some(key) {
                let shown = self.nodes.shown(key, node, None);
                prompt.move_to(now, key, shown, &self.nodes, &mut self.learned);
                changes = changes.union(Changes::NODE);
            }
        }
        prompt.step(now, value, max);
        prompt.count(&self.nodes);
        self.note_progress(now);
        changes
    }

    /// Adds the prompt's progress to the history.
    fn note_progress(&mut self, now: Instant) {
        // A single point is no history.
        let Some(prompt) = self.prompt.as_ref().filter(|_| C::History::MAX > 1) else { return };
        let permille = prompt.percentage().and_then(|p| u16::try_from(p.permille()).ok());
        self.history.push(now, permille, prompt.steps);
    }

    fn progress_state(&mut self, now: Instant, id: Id<'_>) -> Changes {
        match self.running(id) {
            None => return Changes::NONE,
            Some(prompt) if !prompt.has_progress_state => self.nodes.forget_passed(),
            Some(_) => {}
        }
        let (announced, nodes) = (&self.announced, &self.nodes);
        let Some(prompt) = self.prompt.as_mut() else { return Changes::NONE };
        prompt.has_progress_state = true;
        let before = core::mem::replace(&mut prompt.last_entry, announced.last.map(|(key, _)| key));
        let mut changes = Changes::PROGRESS;
        let started = match (announced.last, announced.running) {
            // The last entry is the node that started last. It is current from its first message on.
            (Some((last, true)), _) if before != Some(last) && prompt.current != Some(last) => Some(last),
            (_, Some((key, ..))) if prompt.current.is_none() => Some(key),
            _ => None,
        };
        if let Some(key) = started {
            prompt.move_to(now, key, announced.shown.as_id(), nodes, &mut self.learned);
            changes = changes.union(Changes::NODE);
        }
        let bar = match announced.running {
            Some((key, value, max)) if prompt.current == Some(key) => Some((value, max)),
            _ => announced.current.filter(|_| started.is_none()),
        };
        if let Some((value, max)) = bar.filter(|(_, max)| max.thousandths() > 1_000) {
            prompt.step(now, value, max);
        }
        prompt.count(nodes);
        changes
    }

    fn execution_success(&mut self, now: Instant, id: Id<'_>) -> Changes {
        self.pass_rest(id);
        if self.running(id).is_some()
            && let Some(prompt) = self.prompt.as_mut()
        {
            prompt.learn_current(now, &self.nodes, &mut self.learned);
        }
        self.end(now, id, Outcome::Success)
    }

    /// The prompt succeeded, so the nodes that started have finished, also if no message reported it.
    fn pass_rest(&mut self, id: Id<'_>) {
        if self.running(id).is_some_and(|prompt| !prompt.has_progress_state) {
            self.nodes.pass_all_but(None);
        }
    }

    #[inline(never)] // Other messages need none of its stack.
    fn execution_error(
        &mut self,
        now: Instant,
        id: Id<'_>,
        node_id: Option<Id<'_>>,
        node_type: Option<Id<'_>>,
        exception_type: Id<'_>,
        exception_message: Id<'_>,
    ) -> Changes {
        let Some(prompt) = self.running(id) else { return Changes::NONE };
        if exception_type == Id::from(EXECUTION_BLOCKED) {
            prompt.warnings = prompt.warnings.saturating_add(1);
            return Changes::OUTPUT;
        }
        // Filled in place: an error is too large to build on a small stack.
        let error = &mut prompt.error;
        set_id(&mut error.node_id, node_id);
        set_id(&mut error.node_type, node_type);
        error.exception_type.set(exception_type);
        error.exception_message.set(exception_message);
        self.end(now, id, Outcome::Error)
    }

    fn end(&mut self, now: Instant, id: Id<'_>, outcome: Outcome) -> Changes {
        let Some(prompt) = self.running(id) else { return Changes::NONE };
        let changes = prompt.end(now, PromptEnd::Final(outcome));
        if let Some(prompt) = self.prompt.as_mut() {
            prompt.count(&self.nodes);
        }
        changes
    }

    fn binary(&mut self, counter: impl FnOnce(&mut Prompt<C>) -> &mut u32) -> Changes {
        match self.prompt.as_mut() {
            Some(prompt) if prompt.is_running() => {
                let counter = counter(prompt);
                *counter = counter.saturating_add(1);
                Changes::OUTPUT
            }
            // The message names no prompt, and none runs.
            _ => Changes::NONE,
        }
    }

    fn is_running(&self) -> bool {
        self.prompt.as_ref().is_some_and(Prompt::is_running)
    }

    /// Which record an event of the prompt `id` belongs to. `execution_start` has its own rule.
    fn target(&self, id: Id<'_>) -> Target {
        match self.prompt.as_ref() {
            Some(prompt) if prompt.is(id) => {
                if prompt.is_final() {
                    Target::Nobody
                } else {
                    Target::Record
                }
            }
            _ if self.was_replaced(id.key()) => Target::Nobody,
            Some(prompt) if prompt.id.is_none() && prompt.is_running() => Target::Record,
            // The session connected while this prompt ran.
            _ => Target::New,
        }
    }

    /// The running record that an event of the prompt `id` belongs to; `None` if that prompt has ended.
    fn running(&mut self, id: Id<'_>) -> Option<&mut Prompt<C>> {
        // Nearly always this is the current record, and it runs.
        if !self.prompt.as_ref().is_some_and(|prompt| prompt.is_running() && prompt.is(id)) {
            match self.target(id) {
                Target::Nobody => return None,
                Target::Record => self.take(id),
                Target::New => self.begin(Some(id)),
            }
        }
        self.prompt.as_mut()
    }

    /// The record is that of the prompt `id`, and it runs. If its end was guessed, the guess was wrong.
    fn take(&mut self, id: Id<'_>) {
        if let Some(prompt) = self.prompt.as_mut() {
            if prompt.id.is_none() || !prompt.is_running() {
                self.renewed = Changes::PROMPT;
            }
            if prompt.id.is_none() {
                prompt.id.get_or_insert_default().set(id);
            }
            prompt.end = PromptEnd::Running;
            prompt.ended = None;
        }
    }

    /// Begins a record with the nodes staged for it, if any.
    fn begin(&mut self, id: Option<Id<'_>>) {
        self.nodes.commit_stage();
        self.replace(id);
    }

    /// Replaces the record, and remembers the id of the replaced one.
    fn replace(&mut self, id: Option<Id<'_>>) {
        let old = self.prompt.as_ref().and_then(|prompt| prompt.id.as_ref()).map(|id| id.as_id().key());
        if let Some(old) = old {
            self.remember_replaced(old);
        }
        self.prompt.begin(id);
        self.observation.expect_end();
        self.generation = self.generation.saturating_add(1);
        self.renewed = Changes::PROMPT.union(Changes::NODE).union(Changes::PROGRESS).union(Changes::OUTPUT);
    }

    fn was_replaced(&self, id: Key) -> bool {
        self.replaced.contains(&id)
    }

    /// Puts `id` first. The ids before its old place, or all of them, move on by one.
    fn remember_replaced(&mut self, id: Key) {
        let mut carried = id;
        for known in &mut self.replaced {
            core::mem::swap(known, &mut carried);
            if carried == id {
                break;
            }
        }
    }
}
