//! The answer to a request.

use core::fmt;

use super::{
    BodyError, Head, HeadError, Told,
    body::{Body, Framing},
};

/// Reads a response: past its head, of any size, to the pieces of its body.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::http::Response;
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
    /// Once the head is over.
    body: Option<Result<Body, BodyError>>,
}

impl Response {
    /// Before the first byte.
    pub const fn new() -> Self {
        Self { head: Head::new(), framing: Framing::new(), body: None }
    }

    /// The status code, `101..=999`; 0 while the head is not over.
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// The next piece of the body, taken from the front of `input`; never an empty one. `None`: the input is used
    /// up, or the body is complete and what is left of the input doesn't belong to it.
    ///
    /// # Errors
    ///
    /// A [`ResponseError`] as soon as it is certain; the same one again for everything after it.
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
                Some(Told::Element(field, element)) => self.framing.element(field, element),
                Some(Told::End { status }) => self.body = Some(Body::of(status, &self.framing)),
            }
        }
    }

    /// Whether the whole body has been handed on. Never so for one that ends with the connection.
    pub const fn is_complete(&self) -> bool {
        matches!(&self.body, Some(Ok(body)) if body.is_complete())
    }

    /// Tells that the server closed the connection.
    ///
    /// # Errors
    ///
    /// [`BodyError::Truncated`] where bytes, or the last chunk, were still owed; an earlier error again.
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

/// Why an answer can't be read. All of it is the doing of what answered: the server, or a proxy before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ResponseError {
    /// Its head.
    Head(HeadError),
    /// Its body, or what the head says of it.
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
