//! A delivery queue: items for a subscriber, the most urgent first, in fixed memory.
//!
//! The queue comes after the reducer, never before it. The state takes every event at once and in the wire's order, and
//! is the same with any queue. [`Subscription`](crate::subscription::Subscription) fills one with [`Note`]s.

mod item;
mod note;

pub use item::{Priority, QueueItem};
pub use note::{Note, NoteKind};

use heapless::Vec;

/// A priority queue of at most `N` items. `N` must be 2 or more.
///
/// Within a prompt, items come out by [`Priority`]: errors and ends first, then starts, changes of the node and
/// outputs, then the server's queue, then progress. Within a priority they come out in the order of arrival. A prompt's
/// items never overtake those of an earlier prompt.
///
/// An end removes its prompt's waiting progress. In a full queue, an item replaces the latest waiting one that it makes
/// obsolete. If that frees no room, the oldest item of the lowest priority is dropped and counted. If all items are
/// errors and ends, the two oldest become one [lagged](QueueItem::lagged) item, which has their number.
///
/// ```
/// use comfyglow_core::queue::{Priority, Queue, QueueItem};
///
/// #[derive(Debug, PartialEq)]
/// enum Message {
///     Percent(u32, u8),
///     Saved(u32, String),
///     Lagged(u32, u32),
/// }
///
/// impl QueueItem for Message {
///     fn generation(&self) -> u32 {
///         let (Self::Percent(prompt, _) | Self::Saved(prompt, _) | Self::Lagged(prompt, _)) = self;
///         *prompt
///     }
///
///     fn priority(&self) -> Priority {
///         if matches!(self, Self::Percent(..)) { Priority::Progress } else { Priority::End }
///     }
///
///     fn replaces(&self, earlier: &Self) -> bool {
///         matches!((self, earlier), (Self::Percent(..), Self::Percent(..)))
///     }
///
///     fn is_end(&self) -> bool {
///         matches!(self, Self::Saved(..))
///     }
///
///     fn lagged(generation: u32, count: u32) -> Self {
///         Self::Lagged(generation, count)
///     }
///
///     fn lagged_count(&self) -> Option<u32> {
///         if let Self::Lagged(_, count) = self { Some(*count) } else { None }
///     }
/// }
///
/// let mut queue = Queue::<Message, 2>::new();
/// for percent in [10, 20, 30] {
///     queue.push(Message::Percent(1, percent));
/// }
/// assert_eq!(queue.pop(), Some(Message::Percent(1, 10)));
/// assert_eq!(queue.merged(), 1, "30 % has replaced 20 %");
///
/// queue.push(Message::Saved(1, "cat.png".into()));
/// assert_eq!(queue.pop(), Some(Message::Saved(1, "cat.png".into())));
/// assert_eq!(queue.pop(), None, "the end has removed the progress");
/// ```
#[derive(Clone, Debug)]
pub struct Queue<T, const N: usize> {
    /// In the order of delivery.
    items: Vec<T, N>,
    dropped: u32,
    merged: u32,
}

impl<T, const N: usize> Default for Queue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Queue<T, N> {
    /// Creates an empty queue.
    pub const fn new() -> Self {
        const { assert!(N >= 2, "a lagged item needs one place") }
        Self { items: Vec::new(), dropped: 0, merged: 0 }
    }

    /// Number of items dropped because the queue was full, including those in a [lagged](QueueItem::lagged) item;
    /// saturates at `u32::MAX`.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Number of items replaced by a later one, and of progress removed by an end; saturates at `u32::MAX`.
    pub const fn merged(&self) -> u32 {
        self.merged
    }

    /// Takes out the most urgent item; `None` if none waits.
    pub fn pop(&mut self) -> Option<T> {
        self.remove(0)
    }

    /// Removes the item at index `at`. Those after it move up.
    fn remove(&mut self, at: usize) -> Option<T> {
        let mut rest = self.items.iter_mut().skip(at);
        let mut hole = rest.next()?;
        for next in rest {
            core::mem::swap(hole, next);
            hole = next;
        }
        self.items.pop()
    }
}

impl<T: QueueItem, const N: usize> Queue<T, N> {
    /// Adds an item, and makes room for it if the queue is full.
    pub fn push(&mut self, item: T) {
        if item.is_end() {
            self.remove_progress(item.generation());
        }
        let item = if self.items.is_full() { self.make_room(item) } else { Some(item) };
        if let Some(item) = item {
            self.insert(item);
        }
    }

    /// Inserts an item behind those that rank no lower.
    fn insert(&mut self, item: T) {
        let own = rank(&item);
        let _ = self.items.push(item);
        let mut slots = self.items.iter_mut().rev();
        let Some(mut slot) = slots.next() else { return };
        for before in slots.take_while(|before| rank(&**before) > own) {
            core::mem::swap(before, slot);
            slot = before;
        }
    }

    /// Removes the waiting progress of a prompt that has ended.
    #[inline(never)] // Keeps its stack out of the path of other items, as for the next two.
    fn remove_progress(&mut self, generation: u32) {
        let progress = (generation, Priority::Progress);
        while let Some(at) = self.items.iter().rposition(|waiting| rank(waiting) == progress) {
            self.remove(at);
            self.merged = self.merged.saturating_add(1);
        }
    }

    /// Makes room for `item` in a full queue. Returns it if it must be added.
    #[inline(never)]
    fn make_room(&mut self, item: T) -> Option<T> {
        if let Some(obsolete) = self.items.iter_mut().rfind(|waiting| is_obsolete(*waiting, &item)) {
            *obsolete = item;
            self.merged = self.merged.saturating_add(1);
            return None;
        }
        let priority = item.priority();
        let lowest = self.items.iter().map(T::priority).max().unwrap_or(priority);
        if lowest == Priority::End && priority == Priority::End {
            self.merge_ends();
            return Some(item);
        }
        let oldest =
            if priority > lowest { None } else { self.items.iter().position(|waiting| waiting.priority() == lowest) };
        let removed = oldest.and_then(|at| self.remove(at));
        if removed.as_ref().is_some_and(|removed| self.items.iter().any(|later| is_obsolete(removed, later))) {
            self.merged = self.merged.saturating_add(1);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        removed.map(|_| item)
    }

    /// Replaces the first two errors or ends by one lagged item.
    #[inline(never)]
    fn merge_ends(&mut self) {
        let Some(first) = self.pop() else { return };
        let Some(second) = self.items.first_mut() else { return };
        let mut count = 0_u32;
        for end in [&first, &*second] {
            count = count.saturating_add(end.lagged_count().unwrap_or(1));
            if end.lagged_count().is_none() {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        *second = T::lagged(second.generation(), count);
    }
}

/// The key that items come out by.
fn rank<T: QueueItem>(item: &T) -> (u32, Priority) {
    (item.generation(), item.priority())
}

fn is_obsolete<T: QueueItem>(earlier: &T, later: &T) -> bool {
    rank(earlier) == rank(later) && later.replaces(earlier)
}

#[cfg(test)]
mod tests;
