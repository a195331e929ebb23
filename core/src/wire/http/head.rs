//! The head of a response, from pieces of any size.

use core::fmt;

use heapless::Vec;

use super::is_token;

/// Reads a response's head as it comes, of any size, and tells what of it matters.
///
/// Nothing of it is kept but the name or value under way, up to what the longest of the [`Field`]s takes: policies and
/// cookies of proxies, which take kilobytes, go by. Interim answers (100, 102, 103) go by too, as a client has to be ready
/// for them (RFC 9110, 15.2); 101 is final. A value that goes on in the next line is one with a space there (RFC 9112, 5.2).
///
/// # Examples
///
/// ```
/// # use comfyglow_core::wire::http::{Field, Head, Told};
/// let mut head = Head::new();
/// let mut input: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\n{}";
/// assert_eq!(head.next(&mut input)?, Some(Told::Element(Field::ContentLength, Some(b"2"))));
/// assert_eq!(head.next(&mut input)?, Some(Told::End { status: 200 }));
/// assert_eq!(input, b"{}"); // the body is not touched
/// # Ok::<(), comfyglow_core::wire::http::HeadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Head {
    place: Place,
    /// As far as its digits have come.
    status: u16,
    /// Blame value comes.
    field: Option<Field>,
    /// The name or element under way.
    text: Vec<u8, TEXT>,
    /// It had no room in `text`.
    cut: bool,
    /// It is over.
    over: bool,
}

/// Room for the longest name of a [`Field`], and for the longest value that means something.
const TEXT: usize = 32;

/// What an answer begins with.
const PROTOCOL: &[u8; 7] = b"HTTP/1.";

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Behind so many bytes of [`PROTOCOL`].
    Protocol(u8),
    /// Before the digit of the version.
    Version,
    /// Before the space behind the version.
    Space,
    /// Behind so many digits of the status.
    Status(u8),
    Reason,
    /// Before a line's first byte.
    Line,
    Name,
    Value,
    /// Behind a header's carriage return.
    ValueEnd,
    /// Behind a header's line feed: before the next line, unless that begins with a space and so goes on with the value.
    NextLine,
    /// Behind the first line's carriage return.
    LineEnd,
    /// Behind the carriage return of the blank line.
    HeadEnd,
    Complete,
    Failed(HeadError),
}

/// A header that matters, each of which is a list (RFC 9110, 5.3 treats several of a name as one) or has one value.
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

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Told<'a> {
    /// An element of a header's comma-separated list, without the spaces around it. Empty ones mean nothing (RFC 9110,
    /// 5.6.1.2) and are left out, but for `Content-Length`, which is no list. `None`: it is longer than 32 bytes, and so
    /// than any that means something.
    Element(Field, Option<&'a [u8]>),
    /// The head is over. What comes next belongs to whatever follows it.
    End {
        /// The status code, `101..=999`.
        status: u16,
    },
}

/// What a byte brought about.
enum Step {
    Nothing,
    Element,
    End,
}

impl Head {
    /// Before the first byte.
    pub const fn new() -> Self {
        Self { place: Place::Protocol(0), status: 0, field: None, text: Vec::new(), cut: false, over: false }
    }

    /// What comes next in `input`, taken from its front, up to and including the blank line and never more. `None`: the
    /// input is used up, or the head was over before.
    ///
    /// # Errors
    ///
    /// A [`HeadError`] as soon as it is certain; the same one again for everything after it.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Told<'_>>, HeadError> {
        loop {
            match self.place {
                Place::Complete => return Ok(None),
                Place::Failed(error) => return Err(error),
                _ => {}
            }
            let Some(&byte) = input.first() else { return Ok(None) };
            let step = if matches!(self.place, Place::NextLine) {
                Ok(self.next_line(byte))
            } else {
                let _ = input.split_off_first();
                self.take(byte)
            };
            match step {
                Ok(Step::Nothing) => {}
                Ok(Step::Element) => {
                    let means = |field: &Field| *field == Field::ContentLength || !self.text.is_empty();
                    if let Some(field) = self.field.filter(means).filter(|_| self.is_final()) {
                        return Ok(Some(Told::Element(field, self.element())));
                    }
                }
                Ok(Step::End) if self.is_final() => {
                    self.place = Place::Complete;
                    return Ok(Some(Told::End { status: self.status }));
                }
                Ok(Step::End) => *self = Self::new(),
                Err(error) => self.place = Place::Failed(error),
            }
        }
    }

    /// The status code, `101..=999`; 0 while the head is not over.
    pub const fn status(&self) -> u16 {
        if matches!(self.place, Place::Complete) { self.status } else { 0 }
    }

    const fn is_final(&self) -> bool {
        matches!(self.status, 101 | 200..)
    }

    /// The element under way, which is over.
    fn element(&self) -> Option<&[u8]> {
        (!self.cut).then(|| self.text.trim_ascii_end())
    }

    /// Before the first byte of a name or element.
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

    /// Ends the value, unless it goes on in the line that begins with this byte.
    fn next_line(&mut self, byte: u8) -> Step {
        if matches!(byte, b' ' | b'\t') {
            self.place = Place::Value;
            return Step::Nothing;
        }
        self.place = Place::Line;
        self.end_element()
    }

    /// An element is over, and may be empty.
    fn end_element(&mut self) -> Step {
        self.begin_text();
        self.over = true;
        Step::Element
    }

    /// Takes the head's next byte.
    fn take(&mut self, byte: u8) -> Result<Step, HeadError> {
        let mut step = Step::Nothing;
        self.place = match (self.place, byte) {
            // Said at the first byte that differs, since who speaks something else may never send a blank line.
            (Place::Protocol(at), _) if PROTOCOL.get(usize::from(at)) == Some(&byte) => {
                let at = at.saturating_add(1);
                if usize::from(at) == PROTOCOL.len() { Place::Version } else { Place::Protocol(at) }
            }
            (Place::Protocol(_), _) => return Err(HeadError::NotHttp),
            (Place::Version, b'0' | b'1') => Place::Space,
            (Place::Space, b' ') => Place::Status(0),
            (Place::Status(digits @ 0..=2), b'0'..=b'9') => {
                self.status = self.status.saturating_mul(10).saturating_add(u16::from(byte & 0x0F));
                Place::Status(digits.saturating_add(1))
            }
            (Place::Status(3), _) if self.status < 100 => return Err(HeadError::Malformed),
            (Place::Status(3), b' ') | (Place::Reason, b'\t' | b' '..=b'~' | 0x80..) => Place::Reason,
            (Place::Status(3) | Place::Reason, b'\r') => Place::LineEnd,
            (Place::Status(3) | Place::Reason | Place::LineEnd, b'\n') => Place::Line,
            (Place::Line, b'\r') => Place::HeadEnd,
            (Place::Line | Place::HeadEnd, b'\n') => {
                step = Step::End;
                Place::Line
            }
            (Place::Line | Place::Name, _) if is_token(byte) => {
                self.keep(byte);
                Place::Name
            }
            (Place::Name, b':') => {
                let known = FIELDS.iter().find(|(name, _)| !self.cut && self.text.eq_ignore_ascii_case(name));
                self.field = known.map(|(_, field)| *field);
                self.over = true;
                Place::Value
            }
            (Place::Value, b',') => {
                step = self.end_element();
                Place::Value
            }
            (Place::Value, b'\r') => Place::ValueEnd,
            (Place::Value | Place::ValueEnd, b'\n') => Place::NextLine,
            (Place::Value, b'\t' | b' '..=b'~' | 0x80..) => {
                self.keep(byte);
                Place::Value
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

/// Why an answer's head can't be used. All of it is the doing of what answered: the server, or a proxy before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeadError {
    /// The answer doesn't begin with `HTTP/1.`: another protocol listens there, TLS perhaps.
    NotHttp,
    /// A line of the head is not HTTP.
    Malformed,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "the answer is not HTTP/1: another program listens on this port, or it wants TLS (https)",
            Self::Malformed => "the server or a proxy before it sent a broken HTTP head",
        })
    }
}

impl core::error::Error for HeadError {}

#[cfg(test)]
mod tests;
