//! The parts of the state that an action changed.

/// The parts of the state that an action changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Changes(u8);

impl Changes {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// [`State::connection`](super::State::connection).
    pub const CONNECTION: Self = Self(1);
    /// [`State::queue_remaining`](super::State::queue_remaining).
    pub const QUEUE: Self = Self(1 << 1);
    /// Which prompt, or its state: it began, ended or failed.
    pub const PROMPT: Self = Self(1 << 2);
    /// The current node.
    pub const NODE: Self = Self(1 << 3);
    /// Steps, percentage or counts of nodes.
    pub const PROGRESS: Self = Self(1 << 4);
    /// Counts of outputs, previews, texts or warnings.
    pub const OUTPUT: Self = Self(1 << 5);
    /// [`State::messages`](super::State::messages).
    pub const MESSAGES: Self = Self(1 << 6);

    /// What a screen may show: everything but the counts of messages.
    pub const SHOWN: Self = Self(!Self::MESSAGES.0);

    /// Whether something changed.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether any of `other` changed.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns what either changed.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
