//! The body of a response, handed on in pieces that are borrowed from the input.

use core::fmt;

use super::Head;

/// Where a response's body ends, and how far it has been read (RFC 9112, 6 and 7).
///
/// # Examples
///
/// ```
/// # use comfyglow_core::http::{Body, Head};
/// let mut head = Head::<256>::new();
/// head.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
/// let mut body = Body::of(&head)?;
/// let mut input: &[u8] = b"3\r\n{\"a\r\n4\r\n\": 1\r\n1\r\n}\r\n0\r\n\r\n";
/// let mut json = Vec::new();
/// while let Some(piece) = body.next(&mut input)? {
///     json.extend_from_slice(piece);
/// }
/// assert!(body.is_complete());
/// assert_eq!(json, b"{\"a\": 1}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Body(State);

#[derive(Clone, Copy, Debug)]
enum State {
    /// Bytes still to come.
    Length(u64),
    UntilClose,
    Chunked(Chunk),
    Complete,
    Failed(BodyError),
}

/// The place within a chunked body.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// In the digits of a size; `digits` tells whether there has been one.
    Size {
        size: u64,
        digits: bool,
    },
    /// After the size, up to the carriage return. What stands there changes nothing.
    Extension {
        size: u64,
    },
    /// Before the line feed after the size.
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// Before the carriage return after the data.
    DataEnd,
    /// Before the line feed after the data.
    DataEndLine,
    /// After the last chunk, up to a blank line. `blank`: nothing in this line yet.
    Trailer {
        blank: bool,
    },
}

const FIRST_CHUNK: Chunk = Chunk::Size { size: 0, digits: false };

impl Body {
    /// The body that follows `head`, which must be complete.
    ///
    /// # Errors
    ///
    /// A [`BodyError`] where the head doesn't say clearly where the body ends, or it is encoded.
    pub fn of<const N: usize>(head: &Head<N>) -> Result<Self, BodyError> {
        if matches!(head.status(), 0..200 | 204 | 304) {
            return Ok(Self(State::Complete));
        }
        if head.elements("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
            return Err(BodyError::ContentEncoding);
        }
        let chunked = is_chunked(head)?;
        let length = content_length(head)?;
        Ok(Self(match (chunked, length) {
            // RFC 9112, 6.3 calls both at once a sign of smuggling; no server that ComfyUI is seen behind does so.
            (true, Some(_)) => return Err(BodyError::ConflictingLengths),
            (true, None) => State::Chunked(FIRST_CHUNK),
            (false, Some(0)) => State::Complete,
            (false, Some(length)) => State::Length(length),
            (false, None) => State::UntilClose,
        }))
    }

    /// The next piece of the body, taken from the front of `input`; never an empty one. `None`: the input is used
    /// up, or the body is complete and what is left of the input doesn't belong to it.
    ///
    /// # Errors
    ///
    /// [`BodyError::Chunk`] where the chunks are malformed; again for every later call.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BodyError> {
        match &mut self.0 {
            State::Complete => Ok(None),
            State::Failed(error) => Err(*error),
            State::UntilClose => Ok(input.split_off(0..).filter(|piece| !piece.is_empty())),
            State::Length(left) => {
                let piece = take(left, input);
                if *left == 0 {
                    self.0 = State::Complete;
                }
                Ok(piece)
            }
            State::Chunked(_) => {
                let piece = self.next_of_chunks(input);
                if let Err(error) = piece {
                    self.0 = State::Failed(error);
                }
                piece
            }
        }
    }

    /// Whether the whole body has been handed on. Never so for one that ends with the connection.
    pub const fn is_complete(&self) -> bool {
        matches!(self.0, State::Complete)
    }

    /// Tells that the server closed the connection.
    ///
    /// # Errors
    ///
    /// [`BodyError::Truncated`] where bytes, or the last chunk, were still owed; an earlier error again.
    pub const fn finish_on_close(&mut self) -> Result<(), BodyError> {
        match self.0 {
            // The last chunk is what ends a chunked body; a trailer cut short takes nothing from it.
            State::UntilClose | State::Complete | State::Chunked(Chunk::Trailer { .. }) => {
                self.0 = State::Complete;
                Ok(())
            }
            State::Length(_) | State::Chunked(_) => {
                self.0 = State::Failed(BodyError::Truncated);
                Err(BodyError::Truncated)
            }
            State::Failed(error) => Err(error),
        }
    }

    fn next_of_chunks<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BodyError> {
        while let State::Chunked(chunk) = &mut self.0 {
            if let Chunk::Data { left } = chunk {
                let piece = take(left, input);
                if *left == 0 {
                    *chunk = Chunk::DataEnd;
                }
                return Ok(piece);
            }
            let Some(&byte) = input.split_off_first() else { break };
            match chunk.after(byte)? {
                Some(next) => *chunk = next,
                None => self.0 = State::Complete,
            }
        }
        Ok(None)
    }
}

impl Chunk {
    /// Where `byte`, one of the framing's, leads to; `None` at the end of the body.
    fn after(self, byte: u8) -> Result<Option<Self>, BodyError> {
        Ok(Some(match (self, byte) {
            (Self::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                let size = size.checked_mul(16).ok_or(BodyError::Chunk)? | digit;
                Self::Size { size, digits: true }
            }
            (Self::Size { size, digits: true } | Self::Extension { size }, b'\r') => Self::SizeEnd { size },
            (Self::Size { size, digits: true }, b';' | b' ' | b'\t') => Self::Extension { size },
            // A lone line feed is where parsers disagree, which is what smuggling lives on.
            (Self::Extension { size }, byte) if byte != b'\n' => Self::Extension { size },
            (Self::SizeEnd { size: 0 }, b'\n') => Self::Trailer { blank: true },
            (Self::SizeEnd { size }, b'\n') => Self::Data { left: size },
            (Self::DataEnd, b'\r') => Self::DataEndLine,
            (Self::DataEndLine, b'\n') => FIRST_CHUNK,
            (Self::Trailer { blank: true }, b'\n') => return Ok(None),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { blank: true },
            (Self::Trailer { blank }, b'\r') => Self::Trailer { blank },
            (Self::Trailer { .. }, _) => Self::Trailer { blank: false },
            _ => return Err(BodyError::Chunk),
        }))
    }
}

/// Takes at most `left` bytes from the front of `input` and counts them off; `None` where there are none.
fn take<'a>(left: &mut u64, input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *left = left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
    input.split_off(..len).filter(|piece| !piece.is_empty())
}

fn is_chunked<const N: usize>(head: &Head<N>) -> Result<bool, BodyError> {
    let mut chunked = false;
    for coding in head.elements("transfer-encoding") {
        if coding.eq_ignore_ascii_case(b"chunked") && !chunked {
            chunked = true;
        } else if !coding.eq_ignore_ascii_case(b"identity") {
            return Err(BodyError::TransferEncoding);
        }
    }
    Ok(chunked)
}

/// The length, which may be said more than once but not differently (RFC 9112, 6.3).
fn content_length<const N: usize>(head: &Head<N>) -> Result<Option<u64>, BodyError> {
    let mut length = None;
    for text in head.elements("content-length") {
        // `parse` alone would take a sign.
        let digits =
            Some(text).filter(|text| text.iter().all(u8::is_ascii_digit)).and_then(|text| str::from_utf8(text).ok());
        let value: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(BodyError::BadLength)?;
        if length.is_some_and(|length| length != value) {
            return Err(BodyError::ConflictingLengths);
        }
        length = Some(value);
    }
    Ok(length)
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
    /// A transfer coding other than `chunked`.
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
mod tests {
    use super::*;
    use std::{format, vec::Vec};

    fn body(headers: &str) -> Result<Body, BodyError> {
        status_body(200, headers)
    }

    fn status_body(status: u16, headers: &str) -> Result<Body, BodyError> {
        let mut head = Head::<512>::new();
        assert!(head.feed(format!("HTTP/1.1 {status} X\r\n{headers}\r\n").as_bytes()).unwrap().complete);
        Body::of(&head)
    }

    /// The body's bytes and what is left of the input, read in pieces of `size`.
    fn read(mut body: Body, input: &[u8], size: usize) -> Result<(Vec<u8>, usize, Body), BodyError> {
        let mut bytes = Vec::new();
        let mut left = input.len();
        for mut piece in input.chunks(size) {
            left -= piece.len();
            while let Some(part) = body.next(&mut piece)? {
                assert!(!part.is_empty());
                bytes.extend_from_slice(part);
            }
            left += piece.len();
        }
        Ok((bytes, left, body))
    }

    #[test]
    fn a_length_is_kept_to_in_any_pieces() {
        for size in 1..=8 {
            let (bytes, left, body) = read(body("Content-Length: 5\r\n").unwrap(), b"helloHTT", size).unwrap();
            assert_eq!((bytes.as_slice(), left, body.is_complete()), (&b"hello"[..], 3, true));
        }
        assert!(body("Content-Length: 0\r\n").unwrap().is_complete());
        assert!(!body(&format!("Content-Length: {}\r\n", u64::MAX)).unwrap().is_complete());
    }

    #[test]
    fn chunks_are_joined_in_any_pieces() {
        let text = b"4;a=\"b\"\r\nWiki\r\n0005 ; x\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0;last\r\nTrailer: x\r\nB: y\r\n\r\nnext";
        for size in 1..=text.len() {
            let (bytes, left, body) = read(body("Transfer-Encoding: Chunked\r\n").unwrap(), text, size).unwrap();
            assert_eq!(bytes, b"Wikipedia in\r\n\r\nchunks.", "pieces of {size}");
            assert_eq!((left, body.is_complete()), (4, true));
        }
    }

    #[test]
    fn malformed_chunks_are_refused_and_stay_so() {
        for text in [
            &b"\r\n"[..],
            b";a\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b"1\nab",
            b"1 \nab",
            b"1\r\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"1\r\na\rb",
            b"10000000000000000\r\n",
        ] {
            for size in 1..=text.len() {
                let chunked = body("Transfer-Encoding: chunked\r\n").unwrap();
                assert_eq!(read(chunked, text, size).err(), Some(BodyError::Chunk), "{text:?}");
            }
        }
        let mut chunked = body("Transfer-Encoding: chunked\r\n").unwrap();
        assert!(chunked.next(&mut &b"x"[..]).is_err());
        assert_eq!(chunked.next(&mut &b"1\r\na"[..]), Err(BodyError::Chunk));
        assert_eq!(chunked.finish_on_close(), Err(BodyError::Chunk));
        assert!(read(body("Transfer-Encoding: chunked\r\n").unwrap(), b"ffffffffffffffff\r\nab", 3).is_ok());
    }

    #[test]
    fn without_a_length_the_close_is_the_end() {
        let (bytes, left, mut body) = read(body("").unwrap(), b"all of it", 4).unwrap();
        assert_eq!((bytes.as_slice(), left, body.is_complete()), (&b"all of it"[..], 0, false));
        assert_eq!(body.finish_on_close(), Ok(()));
        assert!(body.is_complete());
    }

    #[test]
    fn a_close_before_the_end_is_told() {
        let cut = |headers, input: &[u8]| read(body(headers).unwrap(), input, 3).unwrap().2.finish_on_close();
        assert_eq!(cut("Content-Length: 2\r\n", b"a"), Err(BodyError::Truncated));
        assert_eq!(cut("Content-Length: 2\r\n", b"ab"), Ok(()));
        for text in [&b""[..], b"1", b"1\r\n", b"1\r\na", b"1\r\na\r\n", b"0", b"0\r"] {
            assert_eq!(cut("Transfer-Encoding: chunked\r\n", text), Err(BodyError::Truncated), "{text:?}");
        }
        for text in [&b"0\r\n"[..], b"0\r\nA: b", b"0\r\n\r\n"] {
            assert_eq!(cut("Transfer-Encoding: chunked\r\n", text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        for status in [101, 204, 304] {
            assert!(status_body(status, "Content-Length: 5\r\n").unwrap().is_complete(), "{status}");
        }
        assert!(!status_body(404, "Content-Length: 5\r\n").unwrap().is_complete());
    }

    #[test]
    fn a_head_that_is_unclear_about_the_length_is_refused() {
        for (headers, error) in [
            ("Content-Length: 5\r\nContent-Length: 6\r\n", BodyError::ConflictingLengths),
            ("Content-Length: 5, 6\r\n", BodyError::ConflictingLengths),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", BodyError::ConflictingLengths),
            ("Content-Length: -1\r\n", BodyError::BadLength),
            ("Content-Length: +1\r\n", BodyError::BadLength),
            ("Content-Length:\r\n", BodyError::BadLength),
            ("Content-Length: 5,\r\n", BodyError::BadLength),
            ("Content-Length: 1x\r\n", BodyError::BadLength),
            ("Content-Length: 18446744073709551616\r\n", BodyError::BadLength),
            ("Transfer-Encoding: gzip, chunked\r\n", BodyError::TransferEncoding),
            ("Transfer-Encoding: chunked, chunked\r\n", BodyError::TransferEncoding),
            ("Transfer-Encoding: chunkedx\r\n", BodyError::TransferEncoding),
            ("Content-Encoding: gzip\r\n", BodyError::ContentEncoding),
        ] {
            assert_eq!(body(headers).err(), Some(error), "{headers:?}");
        }
        for headers in [
            "Content-Length: 5, 5\r\nContent-Length: 05\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: identity\r\nContent-Length: 5\r\nContent-Encoding: Identity\r\n",
        ] {
            assert!(body(headers).is_ok(), "{headers:?}");
        }
    }
}
