//! A WebSocket of the doctor's own, over the core's codec: nothing is sent on it that wasn't asked for.

use std::{fmt, io};

use comfyglow_core::{
    event::MessageKind,
    wire::http::RequestHead,
    wire::websocket::{Handshake, HandshakeError, Outgoing, ProtocolError, Received, Receiver},
};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    address::Address,
    client::stream::{Dialer, Stream},
};

/// Bytes of the first read.
const READ: usize = 16 * 1024;
/// The longest text that is read; longer ones are passed over.
const TEXT: usize = 64 * 1024;
/// Room for a frame of ours: a greeting, a ping or a close.
const FRAME: usize = 512;
/// Room for a request: an address with its query and login.
const REQUEST: usize = 16 * 1024;

/// An open socket.
pub(super) struct Socket {
    stream: Stream,
    receiver: Receiver,
    /// What was read and not yet looked at.
    unread: Vec<u8>,
    /// The text message under way; `None`: it is too long.
    text: Option<Vec<u8>>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}

/// What the server said.
pub(super) enum Heard {
    /// A text message, where it is JSON.
    Text(Value),
    /// The answer to a ping of this payload.
    Pong(Vec<u8>),
    /// Anything else.
    Other,
}

/// Why there is no socket.
pub(super) enum Unopened {
    /// The server can't be reached, or the connection broke.
    Io(io::Error),
    /// It answered otherwise.
    Handshake(HandshakeError),
}

/// Why there is no socket any more.
pub(super) enum Lost {
    /// The server ended it, with this close code where there was one.
    Closed(Option<u16>),
    /// The connection broke.
    Io(io::Error),
    /// Something on the way broke the protocol.
    Protocol(ProtocolError),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(None) => f.write_str("the connection was ended"),
            Self::Closed(Some(code)) => write!(f, "the socket was closed, with the code {code}"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Protocol(error) => write!(f, "what came is no WebSocket any more: {error}"),
        }
    }
}

impl Socket {
    /// Opens a socket as the client `client_id`.
    pub(super) async fn open(dialer: Dialer, address: &Address, client_id: &str) -> Result<Self, Unopened> {
        let mut stream = dialer.dial().await.map_err(Unopened::Io)?;
        let mut entropy = [0; 16];
        getrandom::fill(&mut entropy).map_err(|error| Unopened::Io(io::Error::other(error)))?;
        let mut handshake = Handshake::new(entropy);
        let target = address.target("/ws");
        let separator = if target.contains('?') { "&clientId=" } else { "?clientId=" };
        let client_id = Address::encoded(client_id);
        let headers = address.headers();
        let request =
            RequestHead { host: address.authority(), target: &[&target, separator, &client_id], headers: &headers };
        let mut out = vec![0; REQUEST];
        let len = handshake.write_request(&request, &mut out).map_err(|error| Unopened::Io(io::Error::other(error)))?;
        stream.write_all(&out[..len]).await.map_err(Unopened::Io)?;
        let mut unread = Vec::with_capacity(READ);
        loop {
            if stream.read_buf(&mut unread).await.map_err(Unopened::Io)? == 0 {
                return Err(Unopened::Io(io::ErrorKind::UnexpectedEof.into()));
            }
            let mut input = unread.as_slice();
            let is_open = handshake.feed(&mut input).map_err(Unopened::Handshake)?;
            let left = input.len();
            unread.drain(..unread.len() - left);
            if is_open {
                return Ok(Self { stream, receiver: Receiver::new(), unread, text: Some(Vec::new()) });
            }
        }
    }

    /// What the server says next. Its pings are answered.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped, but an answer to a ping.
    pub(super) async fn next(&mut self) -> Result<Heard, Lost> {
        loop {
            while !self.unread.is_empty() {
                match self.decode()? {
                    Some(Decoded::Heard(heard)) => return Ok(heard),
                    Some(Decoded::Ping(payload)) => {
                        self.send(&Outgoing::Pong(&payload)).await.map_err(Lost::Io)?;
                    }
                    None => {}
                }
            }
            if self.stream.read_buf(&mut self.unread).await.map_err(Lost::Io)? == 0 {
                return Err(Lost::Closed(None));
            }
        }
    }

    /// Takes the next thing out of what was read.
    fn decode(&mut self) -> Result<Option<Decoded>, Lost> {
        let mut input = self.unread.as_slice();
        let decoded = match self.receiver.next(&mut input).map_err(Lost::Protocol)? {
            Some(Received::Data { kind: MessageKind::Text, bytes, last, .. }) => {
                match &mut self.text {
                    Some(text) if text.len() + bytes.len() <= TEXT => text.extend_from_slice(bytes),
                    text => *text = None,
                }
                let message = last.then(|| self.text.replace(Vec::new()).unwrap_or_default());
                message.map(|text| Decoded::Heard(serde_json::from_slice(&text).map_or(Heard::Other, Heard::Text)))
            }
            Some(Received::Ping(payload)) => Some(Decoded::Ping(payload.to_vec())),
            Some(Received::Pong(payload)) => Some(Decoded::Heard(Heard::Pong(payload.to_vec()))),
            Some(Received::Close { code, .. }) => return Err(Lost::Closed(code)),
            Some(Received::Data { .. }) | None => None,
        };
        let left = input.len();
        self.unread.drain(..self.unread.len() - left);
        Ok(decoded)
    }

    pub(super) async fn send(&mut self, what: &Outgoing<'_>) -> io::Result<()> {
        let mut mask = [0; 4];
        getrandom::fill(&mut mask).map_err(io::Error::other)?;
        let mut frame = [0; FRAME];
        let len = what.write(mask, &mut frame).map_err(io::Error::other)?;
        self.stream.write_all(&frame[..len]).await?;
        self.stream.flush().await
    }

    /// Closes the socket, and waits for the server's answer.
    pub(super) async fn close(mut self) {
        if self.send(&Outgoing::Close { code: Some(1000), reason: "" }).await.is_ok() {
            while self.next().await.is_ok() {}
        }
    }
}

/// What a piece of the stream came to.
enum Decoded {
    Heard(Heard),
    Ping(Vec<u8>),
}
