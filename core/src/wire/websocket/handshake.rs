//! The opening handshake.

use core::fmt;

use super::key;
use crate::wire::http::{Field, Head, HeadError, HeadItem, RequestError, RequestHead, seconds};

/// Requests a WebSocket and checks the server's response, whose head may have any size.
///
/// It offers no extension and no subprotocol. It sends no `Origin` unless the request's own headers have one: on a
/// loopback address ComfyUI's server.py refuses an `Origin` that differs from `Host`, and accepts a program that sends
/// none.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::wire::{http::RequestHead, websocket::Handshake};
/// let mut handshake = Handshake::new(*b"sixteen bytes :)");
/// let mut out = [0; 512];
/// let request = RequestHead { host: "127.0.0.1:8188", target: &["/ws?clientId=desk"], headers: &[] };
/// let len = handshake.write_request(&request, &mut out)?;
/// // … send out[..len], then feed the response:
/// let mut input: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
/// assert!(!handshake.feed(&mut input)?);
/// # let _ = len;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    entropy: [u8; 16],
    head: Head,
    /// Whether all protocols in `Upgrade` are `websocket`.
    upgrade: Option<bool>,
    /// Whether `Connection` has `upgrade`.
    connection: bool,
    /// Whether all values of `Sec-WebSocket-Accept` are right.
    accept: Option<bool>,
    /// The error if the server chose something that was not offered.
    unoffered: Option<NotWebSocket>,
    redirect: bool,
    retry_after: Option<u32>,
}

impl Handshake {
    /// Creates a handshake whose key is made of 16 random bytes. Take new ones for each connection.
    pub const fn new(entropy: [u8; 16]) -> Self {
        Self {
            entropy,
            head: Head::new(),
            upgrade: None,
            connection: false,
            accept: None,
            unoffered: None,
            redirect: false,
            retry_after: None,
        }
    }

    /// Writes the request into `out` and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if a part is not allowed in a request or `out` is too small. Then `out` holds no request.
    pub fn write_request(&self, request: &RequestHead<'_>, out: &mut [u8]) -> Result<usize, RequestError> {
        let key = key::key_of(&self.entropy);
        let protocol = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", str::from_utf8(&key).unwrap_or_default()),
            ("Sec-WebSocket-Version", "13"),
        ];
        request.write_upgrade(&protocol, out)
    }

    /// Takes bytes of the response from the front of `input`, up to the end of the head and never more: the first frame
    /// may follow at once and is for the [`Receiver`](super::Receiver). Returns true once the connection is open.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`] as soon as it is certain; the same again on each later call.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<bool, HandshakeError> {
        while let Some(item) = self.head.next(input).map_err(HandshakeError::Head)? {
            let HeadItem::Element(field, element) = item else { break };
            let is = |word: &[u8]| element.is_some_and(|element| element.eq_ignore_ascii_case(word));
            match field {
                Field::Upgrade => self.upgrade = Some(self.upgrade != Some(false) && is(b"websocket")),
                Field::Connection => self.connection |= is(b"upgrade"),
                Field::SecWebSocketAccept => {
                    let right = element == Some(&key::accept_of(&self.entropy));
                    self.accept = Some(self.accept != Some(false) && right);
                }
                Field::SecWebSocketProtocol => self.unoffered = Some(NotWebSocket::Subprotocol),
                Field::SecWebSocketExtensions => self.unoffered = Some(NotWebSocket::Extension),
                Field::Location => self.redirect = true,
                Field::RetryAfter => self.retry_after = seconds(element),
                _ => {}
            }
        }
        match self.head.status() {
            0 => Ok(false),
            101 => self.check().map(|()| true),
            status => Err(HandshakeError::Refused {
                status,
                retry_after: self.retry_after,
                redirect: self.redirect && (300..400).contains(&status),
            }),
        }
    }

    /// Checks a 101 response as RFC 6455, 4.1 asks of a client.
    fn check(&self) -> Result<(), HandshakeError> {
        let wrong = match self {
            Self { upgrade: None | Some(false), .. } => NotWebSocket::Upgrade,
            Self { connection: false, .. } => NotWebSocket::Connection,
            Self { unoffered: Some(what), .. } => *what,
            Self { accept: None | Some(false), .. } => NotWebSocket::Accept,
            _ => return Ok(()),
        };
        Err(HandshakeError::NotWebSocket(wrong))
    }
}

/// Why the handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HandshakeError {
    /// The response's head is unusable.
    Head(HeadError),
    /// The server, or a proxy in front of it, responded with another status than 101.
    Refused {
        /// The status code, `200..=999`.
        status: u16,
        /// `Retry-After`: seconds to wait before the next attempt. `None` if it is missing or a date.
        retry_after: Option<u32>,
        /// Whether this is a 3xx response with a `Location`.
        redirect: bool,
    },
    /// The response has status 101 but does not match the request.
    NotWebSocket(NotWebSocket),
}

/// Why a 101 response does not match the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NotWebSocket {
    /// `Upgrade` is missing or names another protocol.
    Upgrade,
    /// `Connection` lacks `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing or belongs to another key, for example in a cached response.
    Accept,
    /// The server chose an extension, though none was offered.
    Extension,
    /// The server chose a subprotocol, though none was offered.
    Subprotocol,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::NotWebSocket(what) => what.fmt(f),
            Self::Refused { status, .. } => {
                write!(f, "the server or a proxy refused the WebSocket with HTTP status {status}: ")?;
                f.write_str(match status {
                    300..=399 => "use the address it redirects to",
                    401 | 407 => "add credentials to the headers in the settings",
                    403 => "it does not allow these credentials or this Origin",
                    404 => "there is no ComfyUI at this path",
                    429 => "it gets too many requests, try again later",
                    500.. => "it is starting, stopping or failing, try again later",
                    _ => "check that this is ComfyUI's address",
                })
            }
        }
    }
}

impl fmt::Display for NotWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server or a proxy sent a wrong WebSocket handshake: ")?;
        f.write_str(match self {
            Self::Upgrade => "it switched to another protocol",
            Self::Connection => "its Connection header does not say upgrade",
            Self::Accept => "its Sec-WebSocket-Accept is missing or for another request",
            Self::Extension => "it chose an extension that was not offered",
            Self::Subprotocol => "it chose a subprotocol that was not offered",
        })
    }
}

impl core::error::Error for HandshakeError {}

impl core::error::Error for NotWebSocket {}

#[cfg(test)]
mod tests;
