//! The opening handshake.

use core::fmt;

use embedded_websocket::{WebSocketClient, WebSocketKey, WebSocketOptions};

use super::Entropy;
use crate::http::{Fed, Head, HeadError, Request, RequestError};

/// Asks a server for a WebSocket and checks its answer, whose head may take `N` bytes.
///
/// No extension and no subprotocol is offered, and no `Origin` is sent unless it is among the request's own headers:
/// ComfyUI's server.py refuses one that differs from `Host` on a loopback address, and takes none from a program.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{http::Request, websocket::Handshake};
/// let mut handshake = Handshake::<512>::new(*b"sixteen bytes :)");
/// let mut out = [0; 512];
/// let request = Request { host: "127.0.0.1:8188", target: "/ws?clientId=desk", headers: &[] };
/// let len = handshake.write_request(&request, &mut out)?;
/// // … send out[..len], then feed what comes back:
/// let fed = handshake.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")?;
/// assert!(!fed.complete);
/// # let _ = len;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handshake<const N: usize> {
    entropy: [u8; 16],
    head: Head<N>,
}

impl<const N: usize> Handshake<N> {
    /// A handshake whose key is made of 16 random bytes, fresh for each connection.
    pub const fn new(entropy: [u8; 16]) -> Self {
        Self { entropy, head: Head::new() }
    }

    /// The key, made anew each time: it is wanted twice in a connection.
    fn key(&self) -> WebSocketKey {
        // The library makes a key only along with a request. That one is thrown away: it always has an `Origin`.
        let mut request = [0; 256];
        let options =
            WebSocketOptions { path: "/", host: "", origin: "", sub_protocols: None, additional_headers: None };
        let made = WebSocketClient::new_client(Entropy(self.entropy)).client_connect(&options, &mut request);
        // It fails only where the request is too long, and this one never changes.
        made.map(|(_, key)| key).unwrap_or_default()
    }

    /// Writes the request; returns its length in bytes.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] where a part can't stand in a request or `out` is too small; `out` is then of no use.
    pub fn write_request(&self, request: &Request<'_>, out: &mut [u8]) -> Result<usize, RequestError> {
        let key = self.key();
        let protocol = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key.as_str()),
            ("Sec-WebSocket-Version", "13"),
        ];
        request.write(&protocol, out)
    }

    /// Takes bytes of the answer, up to the end of its head and never more: the first frame can come right behind it,
    /// and is for the [`Receiver`](super::Receiver).
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`] as soon as it is certain; the same one again for everything fed after it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Fed, HandshakeError> {
        let fed = self.head.feed(bytes).map_err(HandshakeError::Head)?;
        if fed.complete {
            self.check()?;
        }
        Ok(fed)
    }

    /// The answer's head, as far as it has come.
    pub const fn head(&self) -> &Head<N> {
        &self.head
    }

    /// The client's half of RFC 6455, 4.1, in its order.
    fn check(&self) -> Result<(), HandshakeError> {
        let head = &self.head;
        if head.status() != 101 {
            return Err(HandshakeError::Refused {
                status: head.status(),
                retry_after: head.header("retry-after").and_then(|seconds| seconds.parse().ok()),
                redirect: (300..400).contains(&head.status()) && head.header("location").is_some(),
            });
        }
        let mut upgrade = head.elements("upgrade").peekable();
        if upgrade.peek().is_none() || !upgrade.all(|protocol| protocol.eq_ignore_ascii_case(b"websocket")) {
            return Err(NotWebSocket::Upgrade.into());
        }
        if !head.elements("connection").any(|option| option.eq_ignore_ascii_case(b"upgrade")) {
            return Err(NotWebSocket::Connection.into());
        }
        // Before the library has a look: it panics on a subprotocol of more than 24 bytes.
        if head.elements("sec-websocket-protocol").next().is_some() {
            return Err(NotWebSocket::Subprotocol.into());
        }
        if head.elements("sec-websocket-extensions").any(|extension| !extension.is_empty()) {
            return Err(NotWebSocket::Extension.into());
        }
        // The library checks an accept that is there, and every one of several, but asks for none.
        let accepted = head.header("sec-websocket-accept").is_some()
            && WebSocketClient::new_client(Entropy([])).client_accept(&self.key(), head.as_bytes()).is_ok();
        if accepted { Ok(()) } else { Err(NotWebSocket::Accept.into()) }
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
        /// Whether it names another address (`Location`) in a 3xx answer. It is in [`Handshake::head`].
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

impl From<NotWebSocket> for HandshakeError {
    fn from(what: NotWebSocket) -> Self {
        Self::NotWebSocket(what)
    }
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
mod tests {
    use super::*;
    use std::{format, string::String};

    /// The key of the RFC's example (1.3), `dGhlIHNhbXBsZSBub25jZQ==`.
    const NONCE: [u8; 16] = *b"the sample nonce";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn answer(headers: &str) -> String {
        format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n")
    }

    fn good() -> String {
        answer(&format!(
            "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\nServer: Python/3.11 aiohttp/3.14.5\r\n"
        ))
    }

    fn outcome(answer: &str) -> Result<Fed, HandshakeError> {
        let mut handshake = Handshake::<512>::new(NONCE);
        let whole = handshake.feed(answer.as_bytes());
        if whole.is_err() {
            assert_eq!(handshake.feed(b"more"), whole, "said again");
        }
        let mut handshake = Handshake::<512>::new(NONCE);
        let bytewise = answer.bytes().find_map(|byte| {
            handshake.feed(&[byte]).map_or_else(|error| Some(Err(error)), |fed| fed.complete.then_some(Ok(())))
        });
        assert_eq!(bytewise, Some(whole.map(|_| ())), "byte by byte");
        whole
    }

    #[test]
    fn the_request_says_what_is_needed_and_no_more() {
        let request = Request {
            host: "desk:8188",
            target: "/comfy/ws?clientId=a%20b",
            headers: &[("Authorization", "Bearer x")],
        };
        let mut out = [0; 512];
        let len = Handshake::<64>::new(NONCE).write_request(&request, &mut out).unwrap();
        assert_eq!(
            str::from_utf8(&out[..len]).unwrap(),
            "GET /comfy/ws?clientId=a%20b HTTP/1.1\r\nHost: desk:8188\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer x\r\n\r\n"
        );
    }

    #[test]
    fn an_origin_is_sent_where_it_is_asked_for() {
        let request = Request { host: "desk", target: "/ws", headers: &[("Origin", "http://desk")] };
        let mut out = [0; 512];
        let len = Handshake::<64>::new(NONCE).write_request(&request, &mut out).unwrap();
        assert!(str::from_utf8(&out[..len]).unwrap().ends_with("\r\nOrigin: http://desk\r\n\r\n"));
    }

    #[test]
    fn a_good_answer_is_taken_and_the_first_frame_left() {
        let answer = good();
        let bytes = [answer.as_bytes(), b"\x81\x02{}"].concat();
        for at in 0..=answer.len() {
            let mut handshake = Handshake::<512>::new(NONCE);
            let first = handshake.feed(&bytes[..at]).unwrap();
            assert_eq!(first, Fed { consumed: at, complete: at == answer.len() });
            let rest = handshake.feed(&bytes[at..]).unwrap();
            assert_eq!(rest, Fed { consumed: answer.len() - at, complete: true }, "split at {at}");
        }
        assert!(
            outcome(&good().replace("websocket", "WebSocket").replace(": upgrade", ": keep-alive, UPGRADE")).is_ok()
        );
        assert!(outcome(&good().replace("Server:", "Sec-WebSocket-Extensions:\r\nServer:")).is_ok());
    }

    #[test]
    fn an_answer_to_something_else_is_no_websocket() {
        let cases = [
            ("Upgrade: websocket\r\n", "", NotWebSocket::Upgrade),
            ("Upgrade: websocket", "Upgrade: h2c", NotWebSocket::Upgrade),
            ("Upgrade: websocket", "Upgrade: websocket, h2c", NotWebSocket::Upgrade),
            ("Connection: upgrade\r\n", "", NotWebSocket::Connection),
            ("Connection: upgrade", "Connection: close, upgraded", NotWebSocket::Connection),
            ("Sec-WebSocket-Accept", "X-Accept", NotWebSocket::Accept),
            (ACCEPT, "", NotWebSocket::Accept),
            (ACCEPT, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", NotWebSocket::Accept),
            ("Server: ", "Sec-WebSocket-Accept: AAAA\r\nServer: ", NotWebSocket::Accept),
            ("Server", "Sec-WebSocket-Extensions: permessage-deflate\r\nServer", NotWebSocket::Extension),
            ("Server", "Sec-WebSocket-Protocol: chat\r\nServer", NotWebSocket::Subprotocol),
            (
                "Server",
                "Sec-WebSocket-Protocol: a-subprotocol-of-more-than-24-bytes\r\nServer",
                NotWebSocket::Subprotocol,
            ),
        ];
        for (from, to, expected) in cases {
            let answer = good().replace(from, to);
            assert_eq!(outcome(&answer), Err(HandshakeError::NotWebSocket(expected)), "{answer}");
        }
    }

    #[test]
    fn a_refusal_keeps_what_policy_needs() {
        // As recorded: ComfyUI's 403 for a foreign Origin.
        let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nDate: Sun, 22 Nov 2026 17:56:27 GMT\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";
        let expected = HandshakeError::Refused { status: 403, retry_after: None, redirect: false };
        assert_eq!(outcome(refused), Err(expected));
        for (text, retry_after, redirect) in [
            ("503 X\r\nRetry-After: 120", Some(120), false),
            ("503 X\r\nRetry-After: Sun, 22 Nov 2026 17:56:27 GMT", None, false),
            ("429 X\r\nRetry-After: 99999999999", None, false),
            ("302 X\r\nLocation: https://desk/login", None, true),
            ("201 X\r\nLocation: /there", None, false),
            ("400 X\r\nContent-Type: text/plain", None, false),
        ] {
            let status = text[..3].parse().unwrap();
            let expected = HandshakeError::Refused { status, retry_after, redirect };
            assert_eq!(outcome(&format!("HTTP/1.1 {text}\r\n\r\n")), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_answer_that_is_no_http_or_too_long_is_told_as_such() {
        assert_eq!(outcome("SSH-2.0-OpenSSH_9.2\r\n"), Err(HandshakeError::Head(HeadError::NotHttp)));
        let long = answer(&format!("Set-Cookie: {}\r\n", "x".repeat(512)));
        assert_eq!(outcome(&long), Err(HandshakeError::Head(HeadError::TooLarge { limit: 512 })));
    }

    #[test]
    fn errors_say_whose_fault_it_is() {
        for status in [302, 400, 401, 403, 404, 429, 502] {
            let text = format!("{}", HandshakeError::Refused { status, retry_after: None, redirect: false });
            assert!(text.starts_with("the server or a proxy") && text.contains(&format!("{status}: ")), "{text}");
        }
    }
}
