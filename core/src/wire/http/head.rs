//! Reads the head of a response, in pieces of any size.

use core::fmt;

use heapless::Vec;

use super::is_token;

/// Reads a response's head of any size, in pieces, and returns the elements of the headers in [`Field`].
///
/// It keeps only the current name or element, up to 32 bytes, so a proxy may add kilobytes of policies and cookies. It
/// skips interim responses (100, 102, 103), which a client must expect (RFC 9110, 15.2); 101 is final. A value that
/// continues in the next line has a space there (RFC 9112, 5.2).
///
/// # Examples
///
/// ```
/// # use comfyglow_core::wire::http::{Field, Head, HeadItem};
/// let mut head = Head::new();
/// let mut input: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\n{}";
/// assert_eq!(head.next(&mut input)?, Some(HeadItem::Element(Field::ContentLength, Some(b"2"))));
/// assert_eq!(head.next(&mut input)?, Some(HeadItem::End { status: 200 }));
/// assert_eq!(input, b"{}"); // the body is left
/// # Ok::<(), comfyglow_core::wire::http::HeadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Head {
    state: HeadState,
    /// The digits of the status code so far.
    status: u16,
    /// The header of the current value.
    field: Option<Field>,
    /// The current name or element.
    text: Vec<u8, TEXT>,
    /// The name or element was longer than `text`.
    cut: bool,
    /// The name or element is complete.
    over: bool,
}

/// Bytes of the longest name of a [`Field`], and of the longest value that matters.
const TEXT: usize = 32;

/// The first bytes of a response.
const PROTOCOL: &[u8; 7] = b"HTTP/1.";

#[derive(Clone, Copy, Debug)]
enum HeadState {
    /// After this many bytes of [`PROTOCOL`].
    Protocol(u8),
    /// Before the digit of the version.
    Version,
    /// Before the space after the version.
    Space,
    /// After this many digits of the status code.
    Status(u8),
    Reason,
    /// Before a line's first byte.
    Line,
    Name,
    Value,
    /// After a header's carriage return.
    ValueEnd,
    /// After a header's line feed. A line that begins with a space continues the value.
    NextLine,
    /// After the status line's carriage return.
    LineEnd,
    /// After the blank line's carriage return.
    HeadEnd,
    Complete,
    Failed(HeadError),
}

/// A header that [`Head`] returns. Several headers of the same name are one list (RFC 9110, 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the header of its name")]
pub enum Field {
    Connection,
    ContentEncoding,
    ContentLength,
    Location,
    RetryAfter,
    SecWebSocketAccept,
    SecWebSocketExtensions,
    SecWebSocketProtocol,
    TransferEncoding,
    Upgrade,
}

const FIELDS: [(&[u8], Field); 10] = [
    (b"connection", Field::Connection),
    (b"content-encoding", Field::ContentEncoding),
    (b"content-length", Field::ContentLength),
    (b"location", Field::Location),
    (b"retry-after", Field::RetryAfter),
    (b"sec-websocket-accept", Field::SecWebSocketAccept),
    (b"sec-websocket-extensions", Field::SecWebSocketExtensions),
    (b"sec-websocket-protocol", Field::SecWebSocketProtocol),
    (b"transfer-encoding", Field::TransferEncoding),
    (b"upgrade", Field::Upgrade),
];

/// An item of a response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HeadItem<'a> {
    /// An element of a header's comma-separated list, without the spaces around it. `None` if it has more than 32
    /// bytes: no such element matters. Empty elements are left out (RFC 9110, 5.6.1.2), except for `Content-Length`,
    /// which is no list.
    Element(Field, Option<&'a [u8]>),
    /// The head ends. The next byte belongs to the body or the protocol that follows.
    End {
        /// The status code, `101..=999`.
        status: u16,
    },
}

/// The result of a byte.
enum HeadStep {
    Nothing,
    Element,
    End,
}

impl Head {
    /// Creates a reader for a response's first byte.
    pub const fn new() -> Self {
        Self { state: HeadState::Protocol(0), status: 0, field: None, text: Vec::new(), cut: false, over: false }
    }

    /// Takes the next item from the front of `input`, up to and including the blank line and never more. `None` if the
    /// input is used up, or if the head has ended.
    ///
    /// # Errors
    ///
    /// A [`HeadError`] as soon as it is certain; the same again on each later call.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<HeadItem<'_>>, HeadError> {
        loop {
            match self.state {
                HeadState::Complete => return Ok(None),
                HeadState::Failed(error) => return Err(error),
                _ => {}
            }
            let Some(&byte) = input.first() else { return Ok(None) };
            let step = if matches!(self.state, HeadState::NextLine) {
                Ok(self.next_line(byte))
            } else {
                let _ = input.split_off_first();
                self.take(byte)
            };
            match step {
                Ok(HeadStep::Nothing) => {}
                Ok(HeadStep::Element) => {
                    let matters = |field: &Field| *field == Field::ContentLength || !self.text.is_empty();
                    if let Some(field) = self.field.filter(matters).filter(|_| self.is_final()) {
                        return Ok(Some(HeadItem::Element(field, self.element())));
                    }
                }
                Ok(HeadStep::End) if self.is_final() => {
                    self.state = HeadState::Complete;
                    return Ok(Some(HeadItem::End { status: self.status }));
                }
                Ok(HeadStep::End) => *self = Self::new(),
                Err(error) => self.state = HeadState::Failed(error),
            }
        }
    }

    /// The status code, `101..=999`; 0 until the head ends.
    pub const fn status(&self) -> u16 {
        if matches!(self.state, HeadState::Complete) { self.status } else { 0 }
    }

    const fn is_final(&self) -> bool {
        matches!(self.status, 101 | 200..)
    }

    /// The element that is complete; `None` if it was cut.
    fn element(&self) -> Option<&[u8]> {
        (!self.cut).then(|| self.text.trim_ascii_end())
    }

    /// Forgets a complete name or element before the next one begins.
    fn begin_text(&mut self) {
        if core::mem::take(&mut self.over) {
            self.text.clear();
            self.cut = false;
        }
    }

    /// Keeps a byte of a name or element.
    fn keep(&mut self, byte: u8) {
        self.begin_text();
        let space = matches!(byte, b' ' | b'\t');
        if !(space && self.text.is_empty()) {
            self.cut |= self.text.push(byte).is_err() && !space;
        }
    }

    /// Reads the first byte of the next line: ends the value, or continues it after a space.
    fn next_line(&mut self, byte: u8) -> HeadStep {
        if matches!(byte, b' ' | b'\t') {
            self.state = HeadState::Value;
            return HeadStep::Nothing;
        }
        self.state = HeadState::Line;
        self.end_element()
    }

    /// Ends an element, which may be empty.
    fn end_element(&mut self) -> HeadStep {
        self.begin_text();
        self.over = true;
        HeadStep::Element
    }

    /// Reads the head's next byte.
    fn take(&mut self, byte: u8) -> Result<HeadStep, HeadError> {
        let mut step = HeadStep::Nothing;
        self.state = match (self.state, byte) {
            // Another protocol may never send a blank line, so the first byte that differs is an error.
            (HeadState::Protocol(at), _) if PROTOCOL.get(usize::from(at)) == Some(&byte) => {
                let at = at.saturating_add(1);
                if usize::from(at) == PROTOCOL.len() { HeadState::Version } else { HeadState::Protocol(at) }
            }
            (HeadState::Protocol(_), _) => return Err(HeadError::NotHttp),
            (HeadState::Version, b'0' | b'1') => HeadState::Space,
            (HeadState::Space, b' ') => HeadState::Status(0),
            (HeadState::Status(digits @ 0..=2), b'0'..=b'9') => {
                self.status = self.status.saturating_mul(10).saturating_add(u16::from(byte & 0x0F));
                HeadState::Status(digits.saturating_add(1))
            }
            (HeadState::Status(3), _) if self.status < 100 => return Err(HeadError::Malformed),
            (HeadState::Status(3), b' ') | (HeadState::Reason, b'\t' | b' '..=b'~' | 0x80..) => HeadState::Reason,
            (HeadState::Status(3) | HeadState::Reason, b'\r') => HeadState::LineEnd,
            (HeadState::Status(3) | HeadState::Reason | HeadState::LineEnd, b'\n') => HeadState::Line,
            (HeadState::Line, b'\r') => HeadState::HeadEnd,
            (HeadState::Line | HeadState::HeadEnd, b'\n') => {
                step = HeadStep::End;
                HeadState::Line
            }
            (HeadState::Line | HeadState::Name, _) if is_token(byte) => {
                self.keep(byte);
                HeadState::Name
            }
            (HeadState::Name, b':') => {
                let known = FIELDS.iter().find(|(name, _)| !self.cut && self.text.eq_ignore_ascii_case(name));
                self.field = known.map(|(_, field)| *field);
                self.over = true;
                HeadState::Value
            }
            (HeadState::Value, b',') => {
                step = self.end_element();
                HeadState::Value
            }
            (HeadState::Value, b'\r') => HeadState::ValueEnd,
            (HeadState::Value | HeadState::ValueEnd, b'\n') => HeadState::NextLine,
            (HeadState::Value, b'\t' | b' '..=b'~' | 0x80..) => {
                self.keep(byte);
                HeadState::Value
            }
            _ => return Err(HeadError::Malformed),
        };
        Ok(step)
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a response's head is unusable. Each is an error of the server, or of a proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeadError {
    /// The response does not begin with `HTTP/1.`: the port speaks another protocol, perhaps TLS.
    NotHttp,
    /// A line of the head is malformed.
    Malformed,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "the response is not HTTP/1: another program uses this port, or it needs TLS (https)",
            Self::Malformed => "the server or a proxy sent a malformed HTTP head",
        })
    }
}

impl core::error::Error for HeadError {}

#[cfg(test)]
mod tests;
