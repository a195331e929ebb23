//! What subscribers are told, the most urgent first, in fixed memory.
//!
//! The queue stands behind the reducer, never before it: the state takes in every event at once and in the wire's order,
//! and is the same with any queue. [`Subscription`](crate::subscription::Subscription) fills one.

mod heap;
mod note;

pub use note::{Class, Kind, Note};

use heap::Heap;

/// A queue of at most `N` notes, 2 or more.
///
/// Of one prompt, errors and ends come first, then starts, changes of the node and outputs, then the server's queue, then
/// progress; of one class, what came first. A prompt's notes never overtake those of the prompt before.
///
/// An end takes its prompt's waiting progress away. In a full queue progress is replaced by later progress; then the
/// oldest note of the lowest class goes and is counted; where all are errors and ends, the oldest become one
/// [`Kind::Lagged`], which tells how many.
#[derive(Clone, Debug)]
pub struct Queue<const N: usize> {
    heap: Heap<Note, N>,
    /// The order of the next note.
    next: u32,
    dropped: u32,
    merged: u32,
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Queue<N> {
    /// An empty queue.
    pub const fn new() -> Self {
        const { assert!(N >= 2, "one place is the note's that tells how many are lost") }
        Self { heap: Heap::new(), next: 0, dropped: 0, merged: 0 }
    }

    /// Notes that wait.
    pub fn len(&self) -> usize {
        self.heap.items().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.heap.items().is_empty()
    }

    /// Notes that were lost for want of room, those that a [`Kind::Lagged`] tells of among them. Stays at `u32::MAX`.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Progress that was not told, as later progress or the prompt's end was. Stays at `u32::MAX`.
    pub const fn merged(&self) -> u32 {
        self.merged
    }

    /// The next note to tell.
    pub fn pop(&mut self) -> Option<Note> {
        self.heap.pop()
    }

    /// Takes a note in.
    pub fn push(&mut self, mut note: Note) {
        if self.is_empty() {
            // So the order has room for 2^32 notes between two moments at which nothing waits.
            self.next = 0;
        }
        note.order = self.next;
        self.next = self.next.saturating_add(1);
        if matches!(note.kind(), Kind::End(_)) {
            self.forget_progress(note.generation());
        }
        if !self.heap.is_full() || self.make_room(&note) {
            self.heap.push(note);
        }
    }

    /// A prompt is over: how far it was is of no interest any more.
    #[inline(never)] // What it needs of the stack is not on the way of other notes; and the next two.
    fn forget_progress(&mut self, generation: u32) {
        while let Some(at) = self.position(|note| is_progress_of(note, generation)) {
            self.heap.remove(at);
            self.merged = self.merged.saturating_add(1);
        }
    }

    /// Makes room in a full queue for `note`; `false` where it needs none any more.
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
            self.lag();
            return true;
        }
        let oldest = if class > lowest { None } else { self.oldest(lowest) };
        let gone = oldest.and_then(|at| self.heap.remove(at));
        let is_superseded = |gone: Note| self.position(|later| is_progress_of(later, gone.generation())).is_some();
        if lowest == Class::Progress && gone.is_some_and(is_superseded) {
            self.merged = self.merged.saturating_add(1);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        gone.is_some()
    }

    /// Two errors or ends become a note that so many were lost.
    #[inline(never)]
    fn lag(&mut self) {
        let (Some(first), Some(second)) = (self.heap.pop(), self.heap.pop()) else { return };
        let lost = [first, second].iter().filter(|note| note.kind() != Kind::Lagged).count();
        self.dropped = self.dropped.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        let mut lagged =
            Note::new(second.generation(), Kind::Lagged).with_count(first.weight().saturating_add(second.weight()));
        lagged.order = second.order;
        self.heap.push(lagged);
    }

    fn position(&self, is_it: impl Fn(&Note) -> bool) -> Option<usize> {
        self.heap.items().iter().position(is_it)
    }

    /// The first to be told of a class.
    fn oldest(&self, class: Class) -> Option<usize> {
        let items = self.heap.items().iter().enumerate().filter(|(_, note)| note.kind().class() == class);
        items.min_by_key(|(_, note)| **note).map(|(at, _)| at)
    }

    /// The last to be told of those that are meant.
    fn last(&mut self, is_meant: impl Fn(&Note) -> bool) -> Option<&mut Note> {
        let items = self.heap.items().iter().enumerate().filter(|(_, note)| is_meant(note));
        let (at, _) = items.max_by_key(|(_, note)| **note)?;
        self.heap.get_mut(at)
    }
}

fn is_progress_of(note: &Note, generation: u32) -> bool {
    note.kind() == Kind::Progress && note.generation() == generation
}

#[cfg(test)]
mod tests;
