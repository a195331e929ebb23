//! Messages as they come.

/// What a message of the WebSocket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageKind {
    /// UTF-8; ComfyUI's JSON.
    Text,
    /// Bytes; ComfyUI's previews.
    Binary,
}

/// A message of the WebSocket, whole or a piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Message<'a> {
    /// What the message holds.
    pub kind: MessageKind,
    /// The piece, of any size; text may be cut inside a character.
    pub bytes: &'a [u8],
    /// Whether the message begins with this piece.
    pub first: bool,
    /// Whether the message ends with this piece.
    pub last: bool,
}

impl<'a> Message<'a> {
    /// A whole text message.
    pub const fn text(text: &'a str) -> Self {
        Self { kind: MessageKind::Text, bytes: text.as_bytes(), first: true, last: true }
    }

    /// A whole binary message.
    pub const fn binary(bytes: &'a [u8]) -> Self {
        Self { kind: MessageKind::Binary, bytes, first: true, last: true }
    }
}
