//! The body of a response, handed on in pieces that are borrowed from the input.

use core::fmt;

use super::Field;
use crate::number::decimal;

/// What a head says of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    chunked: bool,
    length: Option<u64>,
    /// What is wrong first.
    error: Option<BodyError>,
}

impl Framing {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self { chunked: false, length: None, error: None }
    }

    /// Takes an element of a header in, as [`Told::Element`](super::Told::Element) has it.
    pub(super) fn element(&mut self, field: Field, element: Option<&[u8]>) {
        let is = |word: &[u8]| element.is_some_and(|element| element.eq_ignore_ascii_case(word));
        let error = match field {
            Field::ContentEncoding if !is(b"identity") => BodyError::ContentEncoding,
            Field::TransferEncoding if is(b"chunked") && !self.chunked => {
                self.chunked = true;
                return;
            }
            // Nothing may come behind it (RFC 9112, 6.1): where the body ends would be anybody's guess.
            Field::TransferEncoding if self.chunked || !is(b"identity") => BodyError::TransferEncoding,
            Field::ContentLength => match (element.and_then(decimal), self.length) {
                (None, _) => BodyError::BadLength,
                // It may be said more than once but not differently (RFC 9112, 6.3).
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

/// The seconds of a `Retry-After`; none where it is a date, as a gadget's clock may not know the day.
pub(crate) fn seconds(element: Option<&[u8]>) -> Option<u32> {
    element.and_then(decimal).and_then(|seconds| seconds.try_into().ok())
}

/// Where a response's body ends, and how far it has been read (RFC 9112, 6 and 7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    place: Place,
    /// Bytes still to come, of the body or of the chunk; the chunk's size as far as it is read.
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Length,
    UntilClose,
    /// Before the first digit of a chunk's size.
    Size,
    /// Behind a digit of it.
    SizeDigits,
    /// After the size, up to the carriage return. What stands there changes nothing.
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
    /// Within such a line.
    Trailer,
    Complete,
    Failed(BodyError),
}

impl Body {
    /// The body of an answer with this status and framing.
    pub(super) fn of(status: u16, framing: &Framing) -> Result<Self, BodyError> {
        let left = framing.length.unwrap_or(0);
        let place = match (framing, framing.length) {
            _ if matches!(status, 0..200 | 204 | 304) => Place::Complete,
            (Framing { error: Some(error), .. }, _) => return Err(*error),
            // RFC 9112, 6.3 calls both at once a sign of smuggling; no server that ComfyUI is seen behind does so.
            (Framing { chunked: true, .. }, Some(_)) => return Err(BodyError::ConflictingLengths),
            (Framing { chunked: true, .. }, None) => Place::Size,
            (_, Some(0)) => Place::Complete,
            (_, Some(_)) => Place::Length,
            (_, None) => Place::UntilClose,
        };
        Ok(Self { place, left })
    }

    /// The next piece of the body, taken from the front of `input`; never an empty one. `None`: the input is used
    /// up, or the body is complete and what is left of the input doesn't belong to it.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BodyError> {
        loop {
            let over = match self.place {
                Place::Complete => return Ok(None),
                Place::Failed(error) => return Err(error),
                Place::UntilClose => return Ok(input.split_off(0..).filter(|piece| !piece.is_empty())),
                Place::Length => Place::Complete,
                Place::Data => Place::DataEnd,
                _ => {
                    let Some(&byte) = input.split_off_first() else { return Ok(None) };
                    self.place = self.after(byte);
                    continue;
                }
            };
            let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
            self.left = self.left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
            if self.left == 0 {
                self.place = over;
            }
            return Ok(input.split_off(..len).filter(|piece| !piece.is_empty()));
        }
    }

    /// Whether the whole body has been handed on. Never so for one that ends with the connection.
    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.place, Place::Complete)
    }

    /// The server closed the connection.
    pub(super) const fn finish_on_close(&mut self) -> Result<(), BodyError> {
        let error = match self.place {
            // The last chunk is what ends a chunked body; a trailer cut short takes nothing from it.
            Place::UntilClose | Place::Complete | Place::TrailerLine | Place::Trailer => {
                self.place = Place::Complete;
                return Ok(());
            }
            Place::Failed(error) => error,
            _ => BodyError::Truncated,
        };
        self.place = Place::Failed(error);
        Err(error)
    }

    /// Where `byte`, one of the chunks' framing, leads to.
    fn after(&mut self, byte: u8) -> Place {
        match (self.place, byte) {
            (Place::Size | Place::SizeDigits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.left >> 60 == 0 => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                self.left = self.left << 4 | digit;
                Place::SizeDigits
            }
            (Place::SizeDigits | Place::Extension, b'\r') => Place::SizeEnd,
            (Place::SizeDigits, b';' | b' ' | b'\t') => Place::Extension,
            // A lone line feed is where parsers disagree, which is what smuggling lives on.
            (Place::Extension, byte) if byte != b'\n' => Place::Extension,
            (Place::SizeEnd, b'\n') if self.left == 0 => Place::TrailerLine,
            (Place::SizeEnd, b'\n') => Place::Data,
            (Place::DataEnd, b'\r') => Place::DataEndLine,
            (Place::DataEndLine, b'\n') => Place::Size,
            (Place::TrailerLine, b'\n') => Place::Complete,
            (Place::Trailer, b'\n') | (Place::TrailerLine, b'\r') => Place::TrailerLine,
            (Place::TrailerLine | Place::Trailer, _) => Place::Trailer,
            _ => Place::Failed(BodyError::Chunk),
        }
    }
}

/// Why a body can't be read. All of it is the doing of what answered: the server, or a proxy before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BodyError {
    /// `Content-Length` is not a number of bytes.
    BadLength,
    /// Two lengths that differ, or a length for a chunked body.
    ConflictingLengths,
    /// A transfer coding other than `chunked`, or one behind it.
    TransferEncoding,
    /// A compressed body, though none was asked for.
    ContentEncoding,
    /// Malformed chunks.
    Chunk,
    /// The connection was closed before the body's end.
    Truncated,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadLength => "the server or a proxy before it sent a Content-Length that is no number",
            Self::ConflictingLengths => "the server or a proxy before it sent conflicting lengths of one answer",
            Self::TransferEncoding => "the server or a proxy before it used a transfer coding other than chunked",
            Self::ContentEncoding => {
                "the server or a proxy before it compressed its answer, though that was not asked for: turn that off"
            }
            Self::Chunk => "the server or a proxy before it sent malformed chunks",
            Self::Truncated => "the server closed the connection in the middle of its answer",
        })
    }
}

impl core::error::Error for BodyError {}

#[cfg(test)]
mod tests;
