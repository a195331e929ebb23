/// An item that a [`Queue`](super::Queue) carries.
pub trait QueueItem: Sized {
    /// The number of the prompt that the item is about. Items of an earlier prompt come out first.
    fn generation(&self) -> u32;

    /// The item's priority within its prompt.
    fn priority(&self) -> Priority;

    /// Returns whether this item makes `earlier` obsolete. The queue asks only about waiting items of the same prompt
    /// and priority, and only when it is full.
    fn replaces(&self, earlier: &Self) -> bool;

    /// Returns whether this item ends its prompt, so that the queue removes the prompt's waiting progress.
    fn is_end(&self) -> bool;

    /// Creates the item that stands for `count` dropped items. It must be about prompt `generation` and have
    /// [`Priority::End`].
    fn lagged(generation: u32, count: u32) -> Self;

    /// The count that [`lagged`](Self::lagged) was given; `None` if this item was not created by it.
    fn lagged_count(&self) -> Option<u32>;
}

/// The urgency of an item, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Priority {
    /// Ends, warnings, and the connection's status.
    End,
    /// Starts, changes of the node, and outputs.
    Change,
    /// The length of the server's queue.
    Status,
    /// Progress.
    Progress,
}
