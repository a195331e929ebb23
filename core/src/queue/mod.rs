//! A delivery queue: notes for a subscriber, the most urgent first, in fixed memory.
//!
//! The queue comes after the reducer, never before it. The state takes every event at once and in the wire's order, and
//! is the same with any queue. [`Subscription`](crate::subscription::Subscription) fills one.

mod heap;
mod note;

pub use note::{Class, Kind, Note};

use heap::Heap;

/// A priority queue of at most `N` notes. `N` must be 2 or more.
///
/// Within a prompt, notes come out by [`Class`]: errors and ends first, then starts, changes of the node and outputs,
/// then the server's queue, then progress. Within a class they come out in the order of arrival. A prompt's notes never
/// overtake those of an earlier prompt.
///
/// An end removes its prompt's waiting progress. In a full queue, later progress replaces earlier progress. If that
/// frees no room, the oldest note of the lowest class is dropped and counted. If all notes are errors and ends, the
/// oldest ones become one [`Kind::Lagged`], which has their number.
///
/// ```
/// use comfyglow_core::{
///     queue::{Kind, Note, Queue},
///     state::PromptState,
/// };
///
/// let mut queue = Queue::<4>::new();
/// let prompt = 1;
/// queue.push(Note::new(prompt, Kind::Status).with_count(3));
/// queue.push(Note::new(prompt, Kind::Progress));
/// queue.push(Note::new(prompt, Kind::End(PromptState::Success)));
/// assert_eq!(queue.pop().map(|note| note.kind()), Some(Kind::End(PromptState::Success)));
/// assert_eq!(queue.pop().and_then(|note| note.count()), Some(3));
/// assert!(queue.is_empty(), "the end has removed the progress");
/// ```
#[derive(Clone, Debug)]
pub struct Queue<const N: usize> {
    heap: Heap<Note, N>,
    /// The order number of the next note.
    next_order: u32,
    dropped: u32,
    merged: u32,
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Queue<N> {
    /// Creates an empty queue.
    pub const fn new() -> Self {
        const { assert!(N >= 2, "a lagged note needs one place") }
        Self { heap: Heap::new(), next_order: 0, dropped: 0, merged: 0 }
    }

    /// Number of waiting notes, 0..=`N`.
    pub fn len(&self) -> usize {
        self.heap.items().len()
    }

    /// Returns whether no note waits.
    pub fn is_empty(&self) -> bool {
        self.heap.items().is_empty()
    }

    /// Number of notes dropped because the queue was full, including those in a [`Kind::Lagged`]; saturates at
    /// `u32::MAX`.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Number of progress notes replaced by later progress or removed by an end; saturates at `u32::MAX`.
    pub const fn merged(&self) -> u32 {
        self.merged
    }

    /// Takes out the most urgent note; `None` if none waits.
    pub fn pop(&mut self) -> Option<Note> {
        self.heap.pop()
    }

    /// Adds a note, and makes room for it if the queue is full.
    pub fn push(&mut self, mut note: Note) {
        if self.is_empty() {
            // So the order number overflows only if 2^32 notes come without the queue being empty once.
            self.next_order = 0;
        }
        note.order = self.next_order;
        self.next_order = self.next_order.saturating_add(1);
        if matches!(note.kind(), Kind::End(_)) {
            self.forget_progress(note.generation());
        }
        if !self.heap.is_full() || self.make_room(&note) {
            self.heap.push(note);
        }
    }

    /// Removes the waiting progress of a prompt that has ended.
    #[inline(never)] // Keeps its stack out of the path of other notes, as for the next two.
    fn forget_progress(&mut self, generation: u32) {
        while let Some(at) = self.position(|note| is_progress_of(note, generation)) {
            self.heap.remove(at);
            self.merged = self.merged.saturating_add(1);
        }
    }

    /// Makes room for `note` in a full queue. Returns `false` if `note` must not be added.
    #[inline(never)]
    fn make_room(&mut self, note: &Note) -> bool {
        let class = note.kind().class();
        if class == Class::Progress
            && let Some(latest) = self.last(|waiting| is_progress_of(waiting, note.generation()))
        {
            latest.take_over(*note);
            self.merged = self.merged.saturating_add(1);
            return false;
        }
        let lowest = self.heap.items().iter().map(|waiting| waiting.kind().class()).max().unwrap_or(class);
        if lowest == Class::End && class == Class::End {
            self.merge_ends();
            return true;
        }
        let oldest = if class > lowest { None } else { self.oldest(lowest) };
        let removed = oldest.and_then(|at| self.heap.remove(at));
        let is_superseded =
            |removed: Note| self.position(|later| is_progress_of(later, removed.generation())).is_some();
        if lowest == Class::Progress && removed.is_some_and(is_superseded) {
            self.merged = self.merged.saturating_add(1);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        removed.is_some()
    }

    /// Replaces the first two errors or ends by one [`Kind::Lagged`].
    #[inline(never)]
    fn merge_ends(&mut self) {
        let (Some(first), Some(second)) = (self.heap.pop(), self.heap.pop()) else { return };
        let lost = [first, second].iter().filter(|note| note.kind() != Kind::Lagged).count();
        self.dropped = self.dropped.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        let mut lagged =
            Note::new(second.generation(), Kind::Lagged).with_count(first.weight().saturating_add(second.weight()));
        lagged.order = second.order;
        self.heap.push(lagged);
    }

    fn position(&self, matches: impl Fn(&Note) -> bool) -> Option<usize> {
        self.heap.items().iter().position(matches)
    }

    /// The index of the note of `class` that would come out first.
    fn oldest(&self, class: Class) -> Option<usize> {
        let items = self.heap.items().iter().enumerate().filter(|(_, note)| note.kind().class() == class);
        items.min_by_key(|(_, note)| **note).map(|(at, _)| at)
    }

    /// The matching note that would come out last.
    fn last(&mut self, matches: impl Fn(&Note) -> bool) -> Option<&mut Note> {
        let items = self.heap.items().iter().enumerate().filter(|(_, note)| matches(note));
        let (at, _) = items.max_by_key(|(_, note)| **note)?;
        self.heap.get_mut(at)
    }
}

fn is_progress_of(note: &Note, generation: u32) -> bool {
    note.kind() == Kind::Progress && note.generation() == generation
}

#[cfg(test)]
mod tests;
