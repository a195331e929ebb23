//! Drops the escape sequences of terminals (ECMA-48).

/// What is left without escape sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visible {
    /// A byte of a character.
    Byte(u8),
    /// Another line, or the same line again from its start.
    NewLine,
}

/// The position in an escape sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EscapeState {
    Outside,
    /// After `ESC`.
    Escape,
    /// In `ESC [ …`, up to the final byte.
    Control,
    /// In a text for the terminal, such as a title, up to `BEL` or `ESC \`.
    Text,
}

const ESC: u8 = 0x1B;
const BEL: u8 = 0x07;

impl EscapeState {
    pub(super) const fn new() -> Self {
        Self::Outside
    }

    /// Reads a byte. Returns what is visible of it, if anything.
    pub(super) const fn next(&mut self, byte: u8) -> Option<Visible> {
        let (next, visible) = match (*self, byte) {
            // A line's end also ends a sequence that was cut off.
            (_, b'\n' | b'\r') => (Self::Outside, Some(Visible::NewLine)),
            // Intermediate bytes may come before the final one.
            (_, ESC) | (Self::Escape, b' '..=b'/') => (Self::Escape, None),
            (Self::Escape, b'[') | (Self::Control, b' '..=b'?') => (Self::Control, None),
            (Self::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (Self::Text, None),
            // The cursor moves, so what follows is elsewhere. tqdm does this after the inner of nested bars.
            (Self::Control, b'A'..=b'H' | b'f') => (Self::Outside, Some(Visible::NewLine)),
            (Self::Escape | Self::Control, _) | (Self::Text, BEL) => (Self::Outside, None),
            (Self::Text, _) => (Self::Text, None),
            (Self::Outside, b'\t') => (Self::Outside, Some(Visible::Byte(b' '))),
            (Self::Outside, ..b' ') => (Self::Outside, None),
            (Self::Outside, byte) => (Self::Outside, Some(Visible::Byte(byte))),
        };
        *self = next;
        visible
    }
}
