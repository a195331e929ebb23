//! Violations of the protocol by the server.

use core::fmt;

/// A violation of RFC 6455 by the server, or by a proxy in front of it. The connection must end, since the rest of its
/// bytes can't be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set: compression or another extension, though none was offered.
    ReservedBits,
    /// An undefined opcode (3–7, 11–15).
    Opcode,
    /// A masked frame; only clients mask.
    Masked,
    /// A fragmented ping, pong or close.
    FragmentedControl,
    /// A ping, pong or close of more than 125 bytes.
    LongControl,
    /// A continuation without a message.
    StrayContinuation,
    /// A new message before the last fragment of the current one.
    InterruptedMessage,
    /// A length that is not in its shortest form.
    LengthForm,
    /// A length of 2^63 bytes or more.
    LengthRange,
    /// A text message, or the reason of a close, that is not UTF-8.
    Utf8,
    /// A close whose payload is one byte, half a code.
    ClosePayload,
    /// A close code that an endpoint must not send.
    CloseCode,
}

impl ProtocolError {
    /// The code to close the connection with: 1007 for [`Utf8`](Self::Utf8), 1002 for all others.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            _ => 1002,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server or a proxy broke the WebSocket protocol: ")?;
        f.write_str(match self {
            Self::ReservedBits => "it used compression or another extension that was not offered",
            Self::Opcode => "it sent a frame of an unknown kind",
            Self::Masked => "it sent a masked frame",
            Self::FragmentedControl => "it sent a fragmented ping, pong or close",
            Self::LongControl => "it sent a ping, pong or close of more than 125 bytes",
            Self::StrayContinuation => "it continued a message that it had not begun",
            Self::InterruptedMessage => "it began a message before the end of the last one",
            Self::LengthForm => "it wrote a length in more bytes than needed",
            Self::LengthRange => "it announced a frame of 2^63 bytes or more",
            Self::Utf8 => "it sent text that is not UTF-8",
            Self::ClosePayload => "it sent a close of one byte",
            Self::CloseCode => "it closed with a code that is not allowed",
        })
    }
}

impl core::error::Error for ProtocolError {}
