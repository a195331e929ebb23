//! Reads the response to a request.

use core::fmt;

use super::{
    BodyError, Field, Head, HeadError, HeadItem,
    body::{Body, Framing, seconds},
};

/// Reads a response with a head of any size, and returns the pieces of its body.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::wire::http::Response;
/// let mut response = Response::new();
/// let mut input: &[u8] =
///     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\": 1\r\n1\r\n}\r\n0\r\n\r\n";
/// let mut json = Vec::new();
/// while let Some(piece) = response.next(&mut input)? {
///     json.extend_from_slice(piece);
/// }
/// assert_eq!(response.status(), 200);
/// assert!(response.is_complete());
/// assert_eq!(json, b"{\"a\": 1}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    head: Head,
    framing: Framing,
    retry_after: Option<u32>,
    /// `None` until the head ends.
    body: Option<Result<Body, BodyError>>,
}

impl Response {
    /// Creates a reader for a response's first byte.
    pub const fn new() -> Self {
        Self { head: Head::new(), framing: Framing::new(), retry_after: None, body: None }
    }

    /// The status code, `101..=999`; 0 until the head ends.
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// `Retry-After`: seconds to wait before the next request. `None` if it is missing or a date.
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Takes the next piece of the body from the front of `input`; it is never empty. `None` if the input is used up,
    /// or if the body is complete: the rest of the input is not part of it.
    ///
    /// # Errors
    ///
    /// A [`ResponseError`] as soon as it is certain; the same again on each later call.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, ResponseError> {
        loop {
            if let Some(body) = &mut self.body {
                return body
                    .as_mut()
                    .map_err(|error| *error)
                    .and_then(|body| body.next(input))
                    .map_err(ResponseError::Body);
            }
            match self.head.next(input).map_err(ResponseError::Head)? {
                None => return Ok(None),
                Some(HeadItem::Element(Field::RetryAfter, element)) => self.retry_after = seconds(element),
                Some(HeadItem::Element(field, element)) => self.framing.element(field, element),
                Some(HeadItem::End { status }) => self.body = Some(Body::of(status, &self.framing)),
            }
        }
    }

    /// Whether the whole body was returned. A body that ends with the connection is complete only after
    /// [`finish_on_close`](Self::finish_on_close).
    pub const fn is_complete(&self) -> bool {
        matches!(&self.body, Some(Ok(body)) if body.is_complete())
    }

    /// Ends the response: the server closed the connection.
    ///
    /// # Errors
    ///
    /// [`BodyError::Truncated`] if bytes or the last chunk are missing; an earlier error again.
    pub fn finish_on_close(&mut self) -> Result<(), ResponseError> {
        match &mut self.body {
            Some(Ok(body)) => body.finish_on_close().map_err(ResponseError::Body),
            Some(Err(error)) => Err(ResponseError::Body(*error)),
            None => self.next(&mut &[][..]).and(Err(ResponseError::Body(BodyError::Truncated))),
        }
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a response is unusable. Each is an error of the server, or of a proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ResponseError {
    /// The head is unusable.
    Head(HeadError),
    /// The body is unusable, or the head describes it wrongly.
    Body(BodyError),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ResponseError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `Retry-After` of a response with these headers, after an interim response.
    fn retry_after(headers: &str) -> Option<u32> {
        let text = std::format!("HTTP/1.1 102 Processing\r\nRetry-After: 9\r\n\r\nHTTP/1.1 503 X\r\n{headers}\r\n\r\n");
        let mut response = Response::new();
        assert_eq!(response.next(&mut text.as_bytes()), Ok(None));
        assert_eq!(response.status(), 503);
        response.retry_after()
    }

    #[test]
    fn retry_after_not_in_seconds_is_none() {
        for (headers, seconds) in [
            ("Retry-After: 120", Some(120)),
            ("retry-after:  4294967295 \r\nA: b", Some(u32::MAX)),
            ("Retry-After: 4294967296", None),
            ("Retry-After: Sun, 22 Nov 2026 17:56:27 GMT", None),
            ("Retry-After: soon", None),
            ("Retry-After: -1", None),
            ("Retry-After:", None),
            ("A: b", None),
        ] {
            assert_eq!(retry_after(headers), seconds, "{headers}");
        }
    }

    #[test]
    fn next_compressed_body_is_a_content_encoding_error() {
        let mut response = Response::new();
        let mut input = &b"HTTP/1.1 200 OK\r\nContent-Encoding: identity, br\r\nContent-Length: 3\r\n\r\nabc"[..];
        let refused = Err(ResponseError::Body(BodyError::ContentEncoding));
        assert_eq!((response.next(&mut input), response.status()), (refused, 200));
        assert_eq!((response.next(&mut input), input), (refused, &b"abc"[..]));
    }
}
