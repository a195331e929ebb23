//! The head of a response, from pieces of any size.

use core::fmt;

use httparse::{EMPTY_HEADER, Response, Status};

use crate::limits::HEADERS;

/// Collects a response's head in a fixed buffer of `N` bytes.
///
/// ComfyUI's own heads take 150 to 450 bytes; a proxy with cookies and policies can bring that to 2 KB. Interim
/// answers (100, 102, 103) are read and dropped, as a client has to be ready for them (RFC 9110, 15.2); 101 is final.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::http::Head;
/// let mut head = Head::<256>::new();
/// let fed = head.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?;
/// assert!(fed.complete);
/// assert_eq!((head.status(), head.header("content-length")), (200, Some("2")));
/// assert_eq!(fed.consumed, 38); // the body is not touched
/// # Ok::<(), comfyglow_core::http::HeadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Head<const N: usize> {
    bytes: [u8; N],
    len: usize,
    /// Nothing but carriage returns since the last line feed: the next line feed ends the head.
    blank_line: bool,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Reading,
    Complete { status: u16 },
    Failed(HeadError),
}

/// What [`Head::feed`] did with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fed {
    /// Bytes taken from the front of the piece; what is left belongs to whatever follows the head.
    pub consumed: usize,
    /// Whether the whole head is there.
    pub complete: bool,
}

impl<const N: usize> Head<N> {
    /// An empty head.
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0, blank_line: false, state: State::Reading }
    }

    /// Takes bytes up to and including the blank line, never more.
    ///
    /// # Errors
    ///
    /// A [`HeadError`] as soon as it is certain; the same one again for everything fed after it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Fed, HeadError> {
        let mut rest = bytes;
        while let State::Reading = self.state {
            let Some(&byte) = rest.split_off_first() else { break };
            if let Err(error) = self.push(byte) {
                self.state = State::Failed(error);
            }
        }
        match self.state {
            State::Failed(error) => Err(error),
            state => Ok(Fed {
                consumed: bytes.len().saturating_sub(rest.len()),
                complete: matches!(state, State::Complete { .. }),
            }),
        }
    }

    /// Whether the whole head is there.
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete { .. })
    }

    /// The status code, `100..=999`; 0 while the head is incomplete.
    pub const fn status(&self) -> u16 {
        match self.state {
            State::Complete { status } => status,
            State::Reading | State::Failed(_) => 0,
        }
    }

    /// The first value of the header `name` (in any case), without the spaces around it. `None` where the header is
    /// missing, its value is not UTF-8, or the head is incomplete.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| str::from_utf8(value).ok())
    }

    /// Every header as name and raw value, in the order of the wire; none while the head is incomplete.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut headers = [EMPTY_HEADER; HEADERS];
        if self.is_complete() {
            // It was parsed once when it became complete, so it parses again.
            let _ = Response::new(&mut headers).parse(self.as_bytes());
        }
        headers.into_iter().filter(|header| !header.name.is_empty()).map(|header| (header.name, header.value))
    }

    /// The elements of a header that is a comma-separated list, over all headers of that name (RFC 9110, 5.3 treats
    /// several as one), trimmed. An empty element is yielded too, for the caller to judge.
    pub(crate) fn elements(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.headers()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii))
    }

    /// The bytes collected so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Keeps one byte. Each is looked at once: byte-by-byte feeding costs what one large piece costs.
    fn push(&mut self, byte: u8) -> Result<(), HeadError> {
        // Said at the first byte that differs, since who speaks something else may never send a blank line.
        if b"HTTP/1.".get(self.len).is_some_and(|&expected| expected != byte) {
            return Err(HeadError::NotHttp);
        }
        *self.bytes.get_mut(self.len).ok_or(HeadError::TooLarge { limit: N })? = byte;
        self.len = self.len.saturating_add(1);
        match byte {
            b'\n' if self.blank_line => return self.finish(),
            b'\n' => self.blank_line = true,
            b'\r' => {}
            _ => self.blank_line = false,
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), HeadError> {
        let mut headers = [EMPTY_HEADER; HEADERS];
        let mut response = Response::new(&mut headers);
        let status = match response.parse(self.as_bytes()) {
            Ok(Status::Complete(len)) if len == self.len => response.code.unwrap_or_default(),
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyHeaders),
            _ => return Err(HeadError::Malformed),
        };
        match status {
            0..100 => return Err(HeadError::Malformed),
            101 | 200.. => self.state = State::Complete { status },
            100..200 => *self = Self::new(),
        }
        Ok(())
    }
}

impl<const N: usize> Default for Head<N> {
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
    /// The head is longer than its buffer.
    TooLarge {
        /// Bytes that the buffer holds.
        limit: usize,
    },
    /// More than [`HEADERS`] headers.
    TooManyHeaders,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => {
                f.write_str("the answer is not HTTP/1: another program listens on this port, or it wants TLS (https)")
            }
            Self::Malformed => f.write_str("the server or a proxy before it sent a broken HTTP head"),
            Self::TooLarge { limit } => write!(
                f,
                "the server or a proxy before it sent an HTTP head of more than {limit} bytes: have it send fewer headers, or build with a larger buffer"
            ),
            Self::TooManyHeaders => write!(f, "the server or a proxy before it sent more than {HEADERS} HTTP headers"),
        }
    }
}

impl core::error::Error for HeadError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String, vec, vec::Vec};

    /// ComfyUI 0.33's answer to `/nope`, as recorded.
    const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Security-Policy: default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' data:; frame-src 'self'; object-src 'self';\r\nTransfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\nDate: Sun, 22 Nov 2026 17:56:28 GMT\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";

    fn feed_in_pieces(text: &[u8], size: usize) -> (Head<512>, Result<usize, HeadError>) {
        let mut head = Head::new();
        let mut consumed = 0;
        for piece in text.chunks(size) {
            match head.feed(piece) {
                Err(error) => return (head, Err(error)),
                Ok(fed) => {
                    consumed += fed.consumed;
                    assert_eq!(fed.complete, head.is_complete());
                    if fed.complete {
                        break;
                    }
                    assert_eq!(fed.consumed, piece.len());
                }
            }
        }
        (head, Ok(consumed))
    }

    #[test]
    fn any_piece_size_reads_the_same_and_leaves_the_body() {
        let whole = format!("{NOT_FOUND}0\r\n\r\n");
        for size in 1..=whole.len() {
            let (head, consumed) = feed_in_pieces(whole.as_bytes(), size);
            assert_eq!(consumed, Ok(NOT_FOUND.len()), "pieces of {size}");
            assert_eq!(head.status(), 404);
            assert_eq!(head.header("TRANSFER-encoding"), Some("chunked"));
            assert_eq!(head.headers().count(), 5);
        }
    }

    #[test]
    fn every_value_of_a_repeated_header_is_reachable() {
        let (head, _) = feed_in_pieces(b"HTTP/1.1 200 OK\r\nA: x , y\r\nB:\r\na:z\r\n\r\n", 9);
        assert_eq!(head.elements("a").collect::<Vec<_>>(), [b"x", b"y", b"z"]);
        assert_eq!(head.elements("b").collect::<Vec<_>>(), [b""]);
        assert_eq!(head.header("b"), Some(""));
        assert_eq!(head.header("c"), None);
    }

    #[test]
    fn an_incomplete_head_tells_nothing() {
        let mut head = Head::<64>::new();
        assert_eq!(head.feed(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(Fed { consumed: 23, complete: false }));
        assert_eq!((head.status(), head.header("a"), head.headers().count()), (0, None, 0));
    }

    #[test]
    fn interim_answers_are_dropped() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        for size in 1..=text.len() {
            let (head, consumed) = feed_in_pieces(text, size);
            assert_eq!((head.status(), consumed, head.headers().count()), (204, Ok(text.len()), 0));
        }
        assert_eq!(feed_in_pieces(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 7).0.status(), 101);
    }

    #[test]
    fn a_complete_head_takes_no_more() {
        let mut head = Head::<64>::new();
        head.feed(b"HTTP/1.0 200 OK\n\n").unwrap();
        assert_eq!(head.feed(b"HTTP/1.1 500 X\r\n\r\n"), Ok(Fed { consumed: 0, complete: true }));
        assert_eq!(head.status(), 200);
    }

    #[test]
    fn the_buffer_may_be_filled_and_no_more() {
        let text = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut head = Head::<19>::new();
        assert_eq!(head.feed(text), Ok(Fed { consumed: 19, complete: true }));
        let mut head = Head::<18>::new();
        assert_eq!(head.feed(text), Err(HeadError::TooLarge { limit: 18 }));
        assert_eq!(head.feed(b""), Err(HeadError::TooLarge { limit: 18 }), "said again");
    }

    #[test]
    fn thirty_two_headers_and_no_more() {
        let text = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(count));
        assert_eq!(feed_in_pieces(text(HEADERS).as_bytes(), 100).0.headers().count(), HEADERS);
        assert_eq!(feed_in_pieces(text(HEADERS + 1).as_bytes(), 100).1, Err(HeadError::TooManyHeaders));
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_byte() {
        for text in [&b"\x15\x03\x01"[..], b"SSH-2.0-OpenSSH", b"\r\nHTTP/1.1 200 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n"] {
            assert_eq!(feed_in_pieces(text, 1).1, Err(HeadError::NotHttp), "{text:?}");
        }
        let mut head = Head::<64>::new();
        assert!(head.feed(b"HTTP/").is_ok());
        assert_eq!(head.feed(b"2"), Err(HeadError::NotHttp));
    }

    #[test]
    fn broken_lines_are_refused() {
        let mut texts: Vec<String> = ["A b\r\n", ": b\r\n", "A: b\r\n folded\r\n", "A: \0\r\n", "A: b\rc\r\n", "\r"]
            .iter()
            .map(|line| format!("HTTP/1.1 200 OK\r\n{line}\r\n"))
            .collect();
        texts.extend(
            ["200", "HTTP/1.1 x\r\n\r\n", "HTTP/1.1 099 Low\r\n\r\n", "HTTP/1.1 20\r\n\r\n"]
                .map(|text| if text.starts_with("HTTP") { text.into() } else { format!("HTTP/1.1{text}\r\n\r\n") }),
        );
        for text in texts {
            assert_eq!(feed_in_pieces(text.as_bytes(), 5).1, Err(HeadError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn a_value_in_another_encoding_is_kept_raw() {
        let (head, _) = feed_in_pieces(b"HTTP/1.1 200 OK\r\nServer: caf\xe9\r\n\r\n", 64);
        assert_eq!(head.header("server"), None);
        assert_eq!(head.headers().collect::<Vec<_>>(), vec![("Server", &b"caf\xe9"[..])]);
    }
}
