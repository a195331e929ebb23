//! Reads the body of a response in pieces that borrow from the input.

use core::fmt;

use super::Field;
use crate::number::decimal;

/// The headers that describe a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    chunked: bool,
    length: Option<u64>,
    /// The first error.
    error: Option<BodyError>,
}

impl Framing {
    /// Creates the framing of a head without headers.
    pub(super) const fn new() -> Self {
        Self { chunked: false, length: None, error: None }
    }

    /// Adds an element of a header, as in [`HeadItem::Element`](super::HeadItem::Element).
    pub(super) fn element(&mut self, field: Field, element: Option<&[u8]>) {
        let is = |word: &[u8]| element.is_some_and(|element| element.eq_ignore_ascii_case(word));
        let error = match field {
            Field::ContentEncoding if !is(b"identity") => BodyError::ContentEncoding,
            Field::TransferEncoding if is(b"chunked") && !self.chunked => {
                self.chunked = true;
                return;
            }
            // No coding may follow `chunked` (RFC 9112, 6.1): the body's end would be unclear.
            Field::TransferEncoding if self.chunked || !is(b"identity") => BodyError::TransferEncoding,
            Field::ContentLength => match (element.and_then(decimal), self.length) {
                (None, _) => BodyError::BadLength,
                // The same length may come more than once (RFC 9112, 6.3).
                (Some(length), Some(before)) if length != before => BodyError::ConflictingLengths,
                (length, _) => {
                    self.length = length;
                    return;
                }
            },
            _ => return,
        };
        self.error = self.error.or(Some(error));
    }
}

/// The seconds of a `Retry-After`. `None` for a date: a gadget may not know today's.
pub(crate) fn seconds(element: Option<&[u8]>) -> Option<u32> {
    element.and_then(decimal).and_then(|seconds| seconds.try_into().ok())
}

/// Reads a response's body up to its end (RFC 9112, 6 and 7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    state: BodyState,
    /// Bytes that the body or chunk still has. In a chunk's size: its digits so far.
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// In a body of known length.
    Length,
    /// In a body that ends with the connection.
    UntilClose,
    /// Before the first digit of a chunk's size.
    Size,
    /// After a digit of the size.
    SizeDigits,
    /// After the size, up to the carriage return. These bytes are ignored.
    Extension,
    /// Before the line feed after the size.
    SizeEnd,
    Data,
    /// Before the carriage return after the data.
    DataEnd,
    /// Before the line feed after the data.
    DataEndLine,
    /// After the last chunk, before a line.
    TrailerLine,
    /// In such a line.
    Trailer,
    Complete,
    Failed(BodyError),
}

impl Body {
    /// The body of a response with this status and framing.
    pub(super) fn of(status: u16, framing: &Framing) -> Result<Self, BodyError> {
        let left = framing.length.unwrap_or(0);
        let state = match (framing, framing.length) {
            _ if matches!(status, 0..200 | 204 | 304) => BodyState::Complete,
            (Framing { error: Some(error), .. }, _) => return Err(*error),
            // RFC 9112, 6.3 calls both at once a sign of smuggling. No server seen in front of ComfyUI sends both.
            (Framing { chunked: true, .. }, Some(_)) => return Err(BodyError::ConflictingLengths),
            (Framing { chunked: true, .. }, None) => BodyState::Size,
            (_, Some(0)) => BodyState::Complete,
            (_, Some(_)) => BodyState::Length,
            (_, None) => BodyState::UntilClose,
        };
        Ok(Self { state, left })
    }

    /// Takes the next piece of the body from the front of `input`; it is never empty. `None` if the input is used up,
    /// or if the body is complete: the rest of the input is not part of it.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BodyError> {
        loop {
            let over = match self.state {
                BodyState::Complete => return Ok(None),
                BodyState::Failed(error) => return Err(error),
                BodyState::UntilClose => return Ok(input.split_off(0..).filter(|piece| !piece.is_empty())),
                BodyState::Length => BodyState::Complete,
                BodyState::Data => BodyState::DataEnd,
                _ => {
                    let Some(&byte) = input.split_off_first() else { return Ok(None) };
                    self.state = self.after(byte);
                    continue;
                }
            };
            let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
            self.left = self.left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
            if self.left == 0 {
                self.state = over;
            }
            return Ok(input.split_off(..len).filter(|piece| !piece.is_empty()));
        }
    }

    /// Whether the whole body was returned. A body that ends with the connection is complete only after
    /// [`finish_on_close`](Self::finish_on_close).
    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.state, BodyState::Complete)
    }

    /// Ends the body: the server closed the connection.
    pub(super) const fn finish_on_close(&mut self) -> Result<(), BodyError> {
        let error = match self.state {
            // A chunked body ends with its last chunk; the trailer may be cut off.
            BodyState::UntilClose | BodyState::Complete | BodyState::TrailerLine | BodyState::Trailer => {
                self.state = BodyState::Complete;
                return Ok(());
            }
            BodyState::Failed(error) => error,
            _ => BodyError::Truncated,
        };
        self.state = BodyState::Failed(error);
        Err(error)
    }

    /// The state after `byte`, which is part of a chunk's framing.
    fn after(&mut self, byte: u8) -> BodyState {
        match (self.state, byte) {
            (BodyState::Size | BodyState::SizeDigits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
                if self.left >> 60 == 0 =>
            {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                self.left = self.left << 4 | digit;
                BodyState::SizeDigits
            }
            (BodyState::SizeDigits | BodyState::Extension, b'\r') => BodyState::SizeEnd,
            (BodyState::SizeDigits, b';' | b' ' | b'\t') => BodyState::Extension,
            // Parsers disagree on a lone line feed, which request smuggling exploits.
            (BodyState::Extension, byte) if byte != b'\n' => BodyState::Extension,
            (BodyState::SizeEnd, b'\n') if self.left == 0 => BodyState::TrailerLine,
            (BodyState::SizeEnd, b'\n') => BodyState::Data,
            (BodyState::DataEnd, b'\r') => BodyState::DataEndLine,
            (BodyState::DataEndLine, b'\n') => BodyState::Size,
            (BodyState::TrailerLine, b'\n') => BodyState::Complete,
            (BodyState::Trailer, b'\n') | (BodyState::TrailerLine, b'\r') => BodyState::TrailerLine,
            (BodyState::TrailerLine | BodyState::Trailer, _) => BodyState::Trailer,
            _ => BodyState::Failed(BodyError::Chunk),
        }
    }
}

/// Why a body is unusable. Each is an error of the server, or of a proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BodyError {
    /// `Content-Length` is not a number of bytes.
    BadLength,
    /// Two different lengths, or a length for a chunked body.
    ConflictingLengths,
    /// A transfer coding other than `chunked`, or one after it.
    TransferEncoding,
    /// A compressed body, though the request does not accept one.
    ContentEncoding,
    /// A malformed chunk.
    Chunk,
    /// The connection closed before the body's end.
    Truncated,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadLength => "the server or a proxy sent a Content-Length that is not a number",
            Self::ConflictingLengths => "the server or a proxy sent conflicting lengths of a response",
            Self::TransferEncoding => "the server or a proxy used a transfer coding other than chunked",
            Self::ContentEncoding => {
                "the server or a proxy compressed its response, though the request forbids it: turn compression off"
            }
            Self::Chunk => "the server or a proxy sent a malformed chunk",
            Self::Truncated => "the server closed the connection in the middle of its response",
        })
    }
}

impl core::error::Error for BodyError {}

#[cfg(test)]
mod tests;
