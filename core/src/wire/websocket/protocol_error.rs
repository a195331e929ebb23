//! What a server can do wrong.

use core::fmt;

/// What the server, or a proxy before it, sent against RFC 6455. The connection can't go on: what follows can't be
/// told apart from noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set: compression or another extension that was never offered.
    ReservedBits,
    /// A kind of frame that doesn't exist (3–7, 11–15).
    Opcode,
    /// A masked frame; only clients mask.
    Masked,
    /// A ping, pong or close in fragments.
    FragmentedControl,
    /// A ping, pong or close of more than 125 bytes.
    LongControl,
    /// A continuation of a message that was never begun.
    StrayContinuation,
    /// A new message before the last fragment of the one under way.
    InterruptedMessage,
    /// A length written longer than it has to be.
    LengthForm,
    /// A length of 2^63 bytes or more.
    LengthRange,
    /// A text message, or the reason in a close, that is not UTF-8.
    Utf8,
    /// A close of one byte: half a code.
    ClosePayload,
    /// A close code that must not be sent.
    CloseCode,
}

impl ProtocolError {
    /// The code to close the connection with: 1007 for text that is none, 1002 for all else.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            _ => 1002,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server or a proxy before it broke the WebSocket protocol: ")?;
        f.write_str(match self {
            Self::ReservedBits => "it used compression or another extension that was not offered",
            Self::Opcode => "it sent a kind of frame that does not exist",
            Self::Masked => "it sent a masked frame",
            Self::FragmentedControl => "it sent a ping, pong or close in fragments",
            Self::LongControl => "it sent a ping, pong or close of more than 125 bytes",
            Self::StrayContinuation => "it continued a message that was never begun",
            Self::InterruptedMessage => "it began a message before the last one's end",
            Self::LengthForm => "it wrote a length longer than needed",
            Self::LengthRange => "it announced a frame of 2^63 bytes or more",
            Self::Utf8 => "it sent text that is not UTF-8",
            Self::ClosePayload => "it sent a close of one byte",
            Self::CloseCode => "it closed with a code that must not be sent",
        })
    }
}

impl core::error::Error for ProtocolError {}
