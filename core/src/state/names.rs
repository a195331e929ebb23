//! Short texts in one buffer, such as the classes of a prompt's nodes.

use crate::capacity::Bytes;

/// A text in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    at: u16,
    len: u16,
}

impl Name {
    /// No text.
    pub(super) const NONE: Self = Self { at: u16::MAX, len: 0 };
}

/// Texts that are added one by one and dropped together.
#[derive(Debug)]
pub(super) struct Names<B> {
    bytes: B,
    used: u16,
}

impl<B: Bytes> Names<B> {
    pub(super) const fn new() -> Self {
        const { assert!(B::LEN < u16::MAX as usize, "a name is found by 16 bits, of which one value means none") }
        Self { bytes: B::ZERO, used: 0 }
    }

    /// The bytes in use, for [`keep_from`](Self::keep_from) and [`truncate`](Self::truncate).
    pub(super) const fn mark(&self) -> u16 {
        self.used
    }

    /// Adds `text`. Returns the empty name if there is no room.
    pub(super) fn add(&mut self, text: &str) -> Name {
        let (Ok(len), at) = (u16::try_from(text.len()), self.used) else { return Name::NONE };
        let Some(end) = at.checked_add(len) else { return Name::NONE };
        let Some(room) = self.bytes.as_mut().get_mut(usize::from(at)..usize::from(end)) else { return Name::NONE };
        room.copy_from_slice(text.as_bytes());
        self.used = end;
        Name { at, len }
    }

    pub(super) fn get(&self, name: Name) -> Option<&str> {
        let (at, len) = (usize::from(name.at), usize::from(name.len));
        let bytes = self.bytes.as_ref().get(at..at.saturating_add(len))?;
        core::str::from_utf8(bytes).ok()
    }

    /// Drops what was added after `mark`.
    pub(super) fn truncate(&mut self, mark: u16) {
        self.used = self.used.min(mark);
    }

    /// Drops what was added before `mark`. The names after it move.
    pub(super) fn keep_from(&mut self, mark: u16) {
        let kept = usize::from(mark)..usize::from(self.used);
        // Byte by byte: nothing else in the core needs a `memmove`, which is 0.7 KB.
        for (to, from) in kept.enumerate() {
            let byte = self.bytes.as_ref().get(from).copied().unwrap_or_default();
            if let Some(place) = self.bytes.as_mut().get_mut(to) {
                *place = byte;
            }
        }
        self.used = self.used.saturating_sub(mark);
    }

    /// `name` after [`keep_from`](Self::keep_from).
    pub(super) fn moved(name: Name, mark: u16) -> Name {
        if name == Name::NONE { name } else { Name { at: name.at.saturating_sub(mark), len: name.len } }
    }
}
