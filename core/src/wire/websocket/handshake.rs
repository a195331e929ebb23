//! The opening handshake.

use core::fmt;

use super::key;
use crate::wire::http::{Field, Head, HeadError, RequestError, RequestHead, Told, seconds};

/// Asks a server for a WebSocket and checks its answer, whose head may be of any size.
///
/// No extension and no subprotocol is offered, and no `Origin` is sent unless it is among the request's own headers:
/// ComfyUI's server.py refuses one that differs from `Host` on a loopback address, and takes none from a program.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{wire::{http::RequestHead, websocket::Handshake}};
/// let mut handshake = Handshake::new(*b"sixteen bytes :)");
/// let mut out = [0; 512];
/// let request = RequestHead { host: "127.0.0.1:8188", target: &["/ws?clientId=desk"], headers: &[] };
/// let len = handshake.write_request(&request, &mut out)?;
/// // … send out[..len], then feed what comes back:
/// let mut input: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
/// assert!(!handshake.feed(&mut input)?);
/// # let _ = len;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    entropy: [u8; 16],
    head: Head,
    /// Whether every protocol that it named is the one.
    upgrade: Option<bool>,
    connection: bool,
    /// Whether every accept is the one.
    accept: Option<bool>,
    /// What it chose and was not offered.
    unoffered: Option<NotWebSocket>,
    redirect: bool,
    retry_after: Option<u32>,
}

impl Handshake {
    /// A handshake whose key is made of 16 random bytes, fresh for each connection.
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

    /// Writes the request; returns its length in bytes.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] where a part can't stand in a request or `out` is too small; `out` is then of no use.
    pub fn write_request(&self, request: &RequestHead<'_>, out: &mut [u8]) -> Result<usize, RequestError> {
        let key = key::of(&self.entropy);
        let protocol = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", str::from_utf8(&key).unwrap_or_default()),
            ("Sec-WebSocket-Version", "13"),
        ];
        request.write_upgrade(&protocol, out)
    }

    /// Takes bytes of the answer from the front of `input`, up to the end of its head and never more: the first frame can
    /// come right behind it, and is for the [`Receiver`](super::Receiver). True once the head is over and all is well.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`] as soon as it is certain; the same one again for everything fed after it.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<bool, HandshakeError> {
        while let Some(told) = self.head.next(input).map_err(HandshakeError::Head)? {
            let Told::Element(field, element) = told else { break };
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

    /// The client's half of RFC 6455, 4.1.
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

/// Why there is no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HandshakeError {
    /// The answer's head can't be used.
    Head(HeadError),
    /// The server, or a proxy before it, answered with another status than 101.
    Refused {
        /// What it answered, `200..=999`.
        status: u16,
        /// Seconds after which it wants to be asked again, if it says so in seconds.
        retry_after: Option<u32>,
        /// Whether it names another address (`Location`) in a 3xx answer.
        redirect: bool,
    },
    /// The answer says 101, but not for what was asked.
    NotWebSocket(NotWebSocket),
}

/// What is wrong with a 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NotWebSocket {
    /// `Upgrade` is missing or names another protocol.
    Upgrade,
    /// `Connection` lacks `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing or belongs to another key: an answer out of a cache, say.
    Accept,
    /// An extension that was not offered.
    Extension,
    /// A subprotocol that was not offered.
    Subprotocol,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::NotWebSocket(what) => what.fmt(f),
            Self::Refused { status, .. } => {
                write!(f, "the server or a proxy before it refused the WebSocket with HTTP status {status}: ")?;
                f.write_str(match status {
                    300..=399 => "use the address that it redirects to",
                    401 | 407 => "it wants credentials, see the settings for own headers",
                    403 => "these credentials, or this Origin, are not allowed",
                    404 => "there is no ComfyUI at this path",
                    429 => "it is asked too often",
                    500.. => "it is starting, stopping or in trouble, try again later",
                    _ => "this may not be ComfyUI's address",
                })
            }
        }
    }
}

impl fmt::Display for NotWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server or a proxy before it answered the WebSocket handshake wrongly: ")?;
        f.write_str(match self {
            Self::Upgrade => "it switched to another protocol",
            Self::Connection => "its Connection header does not say upgrade",
            Self::Accept => "its Sec-WebSocket-Accept is missing or answers another request",
            Self::Extension => "it chose an extension that was not offered",
            Self::Subprotocol => "it chose a subprotocol that was not offered",
        })
    }
}

impl core::error::Error for HandshakeError {}

impl core::error::Error for NotWebSocket {}

#[cfg(test)]
mod tests;
