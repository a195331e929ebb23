//! Escape sequences of terminals (ECMA-48), left out.

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visible {
    /// A byte of a character.
    Byte(u8),
    /// Another line, or the same anew: what follows stands apart.
    NewLine,
}

/// Where a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// In none.
    Outside,
    /// Behind its first character.
    Escape,
    /// In `ESC [ …`, up to its final byte.
    Control,
    /// In a text for the terminal, such as its title, up to `BEL` or `ESC \`.
    Text,
}

const ESC: u8 = 0x1B;
const BEL: u8 = 0x07;

impl Escapes {
    pub(super) const fn new() -> Self {
        Self::Outside
    }

    pub(super) const fn next(&mut self, byte: u8) -> Option<Visible> {
        let (next, seen) = match (*self, byte) {
            // Not even a sequence that never ends takes more than its line.
            (_, b'\n' | b'\r') => (Self::Outside, Some(Visible::NewLine)),
            // A final byte may follow intermediate ones.
            (_, ESC) | (Self::Escape, b' '..=b'/') => (Self::Escape, None),
            (Self::Escape, b'[') | (Self::Control, b' '..=b'?') => (Self::Control, None),
            (Self::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (Self::Text, None),
            // The cursor moves: what follows stands elsewhere. Of nested bars the inner one ends so.
            (Self::Control, b'A'..=b'H' | b'f') => (Self::Outside, Some(Visible::NewLine)),
            (Self::Escape | Self::Control, _) | (Self::Text, BEL) => (Self::Outside, None),
            (Self::Text, _) => (Self::Text, None),
            (Self::Outside, b'\t') => (Self::Outside, Some(Visible::Byte(b' '))),
            (Self::Outside, ..b' ') => (Self::Outside, None),
            (Self::Outside, byte) => (Self::Outside, Some(Visible::Byte(byte))),
        };
        *self = next;
        seen
    }
}
