//! A subscriber to a session: it receives notes, the most urgent first, when it has time for them.

use crate::{
    capacity::Capacity,
    event::Event,
    queue::{Note, NoteKind, Queue},
    reducer::{Action, Observer},
    state::{Changes, ConnectionStatus, PromptState, State},
    text::Key,
    time::Instant,
};

/// A set of note kinds that a subscriber wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Topics(u8);

impl Topics {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(u8::MAX);
    /// [`NoteKind::Connection`].
    pub const CONNECTION: Self = Self(1);
    /// [`NoteKind::ExecutionStart`], [`NoteKind::ExecutionCached`].
    pub const START: Self = Self(1 << 1);
    /// [`NoteKind::Executing`].
    pub const EXECUTING: Self = Self(1 << 2);
    /// [`NoteKind::Executed`].
    pub const EXECUTED: Self = Self(1 << 3);
    /// [`NoteKind::Status`].
    pub const STATUS: Self = Self(1 << 4);
    /// [`NoteKind::Progress`].
    pub const PROGRESS: Self = Self(1 << 5);
    /// [`NoteKind::End`].
    pub const END: Self = Self(1 << 6);
    /// [`NoteKind::Warning`].
    pub const WARNING: Self = Self(1 << 7);

    /// Returns the kinds that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether notes of this kind are in the set. [`NoteKind::Lagged`] is in every set.
    pub const fn contains(self, kind: NoteKind) -> bool {
        let topic = match kind {
            NoteKind::Connection(_) => Self::CONNECTION,
            NoteKind::ExecutionStart | NoteKind::ExecutionCached => Self::START,
            NoteKind::Executing => Self::EXECUTING,
            NoteKind::Executed => Self::EXECUTED,
            NoteKind::Status => Self::STATUS,
            NoteKind::Progress => Self::PROGRESS,
            NoteKind::End(_) => Self::END,
            NoteKind::Warning => Self::WARNING,
            NoteKind::Lagged => return true,
        };
        self.0 & topic.0 != 0
    }
}

/// A subscriber with room for `N` notes, 2 or more.
///
/// It is an [`Observer`]: pass it to [`Session::handle_input_with`](crate::session::Session::handle_input_with) and
/// [`poll_output_with`](crate::session::Session::poll_output_with), then take notes out with [`next`](Self::next) when
/// you have time. A slow subscriber delays nobody and loses no end silently: see [`Queue`]. One that subscribes while a
/// prompt runs receives its start first. It receives nothing about a prompt that was over before.
///
/// A waiting end comes before the starts and nodes of its own prompt. To know what is true now, ask the state or
/// compare [`Note::generation`]: the last note is not the latest news.
///
/// ```
/// use comfyglow_core::{
///     capacity::GadgetCapacity,
///     queue::NoteKind,
///     session::{Config, Input, Session},
///     subscription::{Subscription, Topics},
///     time::Instant,
/// };
///
/// let mut session = Session::<GadgetCapacity>::new(Config::new("desk:8188"), 1);
/// let mut lamp = Subscription::<8>::new(Topics::CONNECTION.union(Topics::PROGRESS).union(Topics::END));
/// let _ = session.poll_output_with(Instant::ZERO, &mut lamp);
/// session.handle_input_with(Instant::ZERO, Input::Opened, &mut lamp);
/// while let Some(note) = lamp.next() {
///     match note.kind() {
///         NoteKind::End(state) => println!("{}", state.name()),
///         NoteKind::Connection(status) => println!("{}", status.name()),
///         NoteKind::Progress => println!("node {:?}: {:?}, {:?}", note.node(), note.steps(), note.percentage()),
///         NoteKind::Lagged => println!("{:?} notes lost", note.count()),
///         _ => {}
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Subscription<const N: usize> {
    topics: Topics,
    queue: Queue<Note, N>,
    connection: Option<ConnectionStatus>,
    /// The prompt that notes were last made of.
    generation: Option<u32>,
    prompt: PromptState,
    current: Option<Key>,
}

impl<const N: usize> Subscription<N> {
    /// Creates a subscriber to `topics`.
    pub const fn new(topics: Topics) -> Self {
        Self {
            topics,
            queue: Queue::new(),
            connection: None,
            generation: None,
            prompt: PromptState::Running,
            current: None,
        }
    }

    /// Takes out the most urgent note; `None` if none waits.
    #[expect(clippy::should_implement_trait, reason = "more may come after the last")]
    pub fn next(&mut self) -> Option<Note> {
        self.queue.pop()
    }

    /// The waiting notes, with the counts of dropped and merged ones.
    pub const fn queue(&self) -> &Queue<Note, N> {
        &self.queue
    }

    fn add(&mut self, note: Note) {
        if self.topics.contains(note.kind()) {
            self.queue.push(note);
        }
    }
}

impl<C: Capacity, const N: usize> Observer<C> for Subscription<N> {
    fn reduced(&mut self, _now: Instant, action: &Action<'_>, changes: Changes, state: &State<C>) {
        if !changes.has(Changes::SHOWN) {
            return;
        }
        let generation = state.generation();
        let note = |kind| Note::new(generation, kind);
        let status = state.connection().status;
        if self.connection != Some(status) {
            self.connection = Some(status);
            self.add(note(NoteKind::Connection(status)));
        }
        if changes.has(Changes::QUEUE) {
            self.add(note(NoteKind::Status).with_count(state.queue_remaining().unwrap_or_default()));
        }
        let Some(prompt) = state.prompt() else { return };
        if self.generation != Some(generation) {
            self.generation = Some(generation);
            self.current = None;
            // A prompt that was over before, perhaps in an earlier session, is no news.
            let is_news = prompt.state() == PromptState::Running || changes.has(Changes::PROMPT);
            self.prompt = if is_news { PromptState::Running } else { prompt.state() };
            if is_news {
                self.add(note(NoteKind::ExecutionStart));
            }
        }
        let event = match action {
            Action::Text(event) => Some(*event),
            _ => None,
        };
        if matches!(event, Some(Event::ExecutionCached { .. })) && changes.has(Changes::PROGRESS) {
            self.add(note(NoteKind::ExecutionCached).with_count(prompt.nodes_cached().unwrap_or_default()));
        }
        let current = prompt.current_key();
        if self.current != current {
            self.current = current;
            if current.is_some() {
                self.add(note(NoteKind::Executing).with_node(current));
            }
        }
        if changes.has(Changes::OUTPUT) {
            match event {
                Some(Event::Executed { node, .. }) => self.add(note(NoteKind::Executed).with_node(Some(node.key()))),
                Some(Event::ExecutionError { node_id, .. }) if prompt.state() == PromptState::Running => {
                    self.add(note(NoteKind::Warning).with_node(node_id.map(|id| id.key())));
                }
                _ => {}
            }
        }
        if self.prompt != prompt.state() {
            self.prompt = prompt.state();
            if self.prompt != PromptState::Running {
                self.add(note(NoteKind::End(self.prompt)));
            }
        }
        if changes.has(Changes::PROGRESS) && self.prompt == PromptState::Running {
            self.add(note(NoteKind::Progress).with_node(current).with_progress(prompt.steps(), prompt.percentage()));
        }
    }
}

#[cfg(test)]
mod tests;
