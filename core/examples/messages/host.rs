//! The part of the host that does no I/O: bytes come in, bytes to send come out.
//!
//! `embedded-websocket`'s codec reads correctly only what `Codec::next` hands it. Its `Framer` loses bytes: those
//! behind the response to the handshake, and a frame header that two reads bring.

use std::collections::VecDeque;

use comfyglow_core::{
    capacity::DesktopCapacity,
    event::{Message, MessageKind},
    session::{Config, End, Host, Input, Link, Output, Session},
    time::Instant,
    wire::http::{RequestHead, Response},
};
use embedded_websocket::{
    Error, WebSocketClient, WebSocketKey, WebSocketOptions, WebSocketReceiveMessageType as Received,
    WebSocketSendMessageType as Sent,
};
use rand_core::{OsRng, RngCore};

/// The most bytes of a handshake, control frame or fragment, which wait until they are complete.
const LONGEST_HELD: usize = 65_536;

/// What the caller is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Open a TCP connection for this link and send these bytes on it. Report its end by [`MessageHost::closed`], also if
    /// it can't be opened.
    Open(Link, Vec<u8>),
    /// Send these bytes, of which there may be none, on the WebSocket's connection.
    Send(Vec<u8>),
    /// Drop this link's connection.
    Close(Link),
    /// The session's view changed.
    Changed,
    /// Wait for bytes, or until this time, then call [`MessageHost::wake`].
    Sleep(Option<Instant>),
}

/// A session with the codec of its WebSocket.
pub(crate) struct MessageHost<'c> {
    pub(crate) session: Session<'c, DesktopCapacity>,
    config: Config<'c>,
    codec: Codec,
    response: Response,
    /// Steps that come before those of the session.
    steps: VecDeque<Step>,
}

impl<'c> MessageHost<'c> {
    pub(crate) fn new(config: Config<'c>) -> Self {
        let session = Session::new(config, OsRng.next_u64());
        Self { session, config, codec: Codec::new(), response: Response::new(), steps: VecDeque::new() }
    }

    /// What to do next; [`Step::Sleep`] last.
    pub(crate) fn poll(&mut self, now: Instant) -> Step {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return step;
            }
            match self.session.poll_output(now) {
                Output::Open(target) => {
                    let target = target.to_string();
                    match self.codec.connect(&self.config, &target) {
                        Some(request) => return Step::Open(Link::Socket, request),
                        None => self.session.handle_input(now, Input::Closed(Link::Socket, End::Unsendable)),
                    }
                }
                Output::Text(text) => return Step::Send(self.codec.write(Sent::Text, text.as_bytes())),
                Output::Ping(payload) => return Step::Send(self.codec.write(Sent::Ping, &payload)),
                Output::Request(request) => {
                    self.response = Response::new();
                    let (target, body) = (request.target.to_string(), request.body.map(|body| body.to_string()));
                    let head = RequestHead { host: self.config.host, target: &[&target], headers: self.config.headers };
                    let mut out = [0; 2_048];
                    let body: Vec<_> = body.iter().map(String::as_str).collect();
                    match head.write(request.method, &body, &mut out) {
                        Ok(len) => return Step::Open(Link::Http, out[..len].to_vec()),
                        Err(_) => self.session.handle_input(now, Input::Closed(Link::Http, End::Unsendable)),
                    }
                }
                Output::Close { link: Link::Socket, code: Some(code) } => {
                    self.steps.push_back(Step::Close(Link::Socket));
                    return Step::Send(self.codec.write(Sent::CloseReply, &code.to_be_bytes()));
                }
                Output::Close { link, .. } => return Step::Close(link),
                Output::Changed(_) => return Step::Changed,
                Output::Sleep(until) => return Step::Sleep(until),
                // Later versions of the core may have more outputs.
                _ => {}
            }
        }
    }

    /// The deadline of [`Step::Sleep`] has come.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.session.handle_input(now, Input::Host(Host::Wake));
    }

    /// The connection of `link` ended, or could not be opened.
    pub(crate) fn closed(&mut self, now: Instant, link: Link, end: End) {
        let is_body_end = link == Link::Http && self.response.finish_on_close().is_ok();
        self.session.handle_input(now, if is_body_end { Input::BodyEnd } else { Input::Closed(link, end) });
    }

    /// Bytes came on the WebSocket's connection.
    pub(crate) fn socket_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.codec.carry.extend_from_slice(bytes);
        loop {
            let reply = match self.codec.next() {
                Ok(Some(Read::Open)) => {
                    self.session.handle_input(now, Input::Opened);
                    continue;
                }
                Ok(Some(Read::Piece(message))) => {
                    self.session.handle_input(now, Input::Message(message));
                    continue;
                }
                Ok(Some(Read::Control(Received::Pong, payload))) => {
                    self.session.handle_input(now, Input::Pong(payload));
                    continue;
                }
                // A piece of a frame that waits to be whole shows that the server is alive, and so does a ping.
                Ok(None) => return self.session.handle_input(now, Input::Alive),
                Ok(Some(Read::Control(Received::Ping, payload))) => (Sent::Pong, payload.to_vec(), None),
                Ok(Some(Read::Control(_, payload))) => {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    (Sent::CloseReply, payload.to_vec(), Some(code.map_or(End::Eof, End::ClosedWith)))
                }
                Err(end) => (Sent::CloseReply, 1_002_u16.to_be_bytes().to_vec(), Some(end)),
            };
            let (kind, payload, end) = reply;
            self.steps.push_back(Step::Send(self.codec.write(kind, &payload)));
            if let Some(end) = end {
                self.steps.push_back(Step::Close(Link::Socket));
                return self.session.handle_input(now, Input::Closed(Link::Socket, end));
            }
        }
    }

    /// Bytes of the response came.
    pub(crate) fn http_bytes(&mut self, now: Instant, mut bytes: &[u8]) {
        loop {
            let is_new = self.response.status() == 0;
            let piece = self.response.next(&mut bytes);
            let status = self.response.status();
            if is_new && status != 0 {
                self.session.handle_input(now, Input::Response { status });
            }
            let input = match piece {
                Ok(Some(piece)) => Input::Body(piece),
                Ok(None) if self.response.is_complete() => Input::BodyEnd,
                Ok(None) => return,
                Err(_) => Input::Closed(Link::Http, End::Broken),
            };
            let is_over = !matches!(input, Input::Body(_));
            self.session.handle_input(now, input);
            if is_over {
                return self.steps.push_back(Step::Close(Link::Http));
            }
        }
    }
}

/// The WebSocket's codec, and what it must not be handed yet.
struct Codec {
    socket: WebSocketClient<OsRng>,
    /// The key of the handshake; `None` once the server accepted it.
    key: Option<WebSocketKey>,
    /// Bytes that came and were not read.
    carry: Vec<u8>,
    payload: Vec<u8>,
    /// Bytes of the current frame that were not read.
    left: u64,
    /// A message began and has not ended.
    in_message: bool,
}

enum Read<'a> {
    Open,
    Piece(Message<'a>),
    /// A ping, a pong or a close, with its payload.
    Control(Received, &'a [u8]),
}

impl Codec {
    fn new() -> Self {
        let socket = WebSocketClient::new_client(OsRng);
        Self { socket, key: None, carry: Vec::new(), payload: Vec::new(), left: 0, in_message: false }
    }

    /// Begins a new WebSocket and returns its handshake; `None` if that is longer than 1,024 bytes.
    fn connect(&mut self, config: &Config<'_>, path: &str) -> Option<Vec<u8>> {
        *self = Self::new();
        let headers: Vec<_> = config.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        // The codec always sends an origin, and ComfyUI refuses one that is not the host's.
        let origin = format!("http://{}", config.host);
        let additional_headers = Some(&headers[..]).filter(|headers| !headers.is_empty());
        let options =
            WebSocketOptions { path, host: config.host, origin: &origin, sub_protocols: None, additional_headers };
        let mut out = [0; 1_024];
        let (len, key) = self.socket.client_connect(&options, &mut out).ok()?;
        self.key = Some(key);
        Some(out[..len].to_vec())
    }

    /// Writes a frame; empty if there is no WebSocket.
    fn write(&mut self, kind: Sent, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0; payload.len() + 14];
        let len = self.socket.write(kind, true, payload, &mut out).unwrap_or(0);
        out.truncate(len);
        out
    }

    /// Reads the next thing from the carried bytes; `None` until more come.
    fn next(&mut self) -> Result<Option<Read<'_>>, End> {
        if let Some(key) = &self.key {
            return match self.socket.client_accept(key, &self.carry) {
                Ok((len, _)) => {
                    // The first frame often comes with the response.
                    self.carry.drain(..len);
                    self.key = None;
                    Ok(Some(Read::Open))
                }
                Err(Error::HttpHeaderIncomplete) if self.carry.len() < LONGEST_HELD => Ok(None),
                Err(Error::HttpResponseCodeInvalid(Some(status))) => Err(End::Refused { status, retry_after: None }),
                Err(_) => Err(End::NotWebSocket),
            };
        }
        if self.carry.is_empty() || self.left == 0 && !self.begin_frame()? {
            return Ok(None);
        }
        self.payload.resize(self.carry.len(), 0);
        let read = self.socket.read(&self.carry, &mut self.payload).map_err(|_| End::Protocol)?;
        self.carry.drain(..read.len_from);
        self.left = self.left.saturating_sub(read.len_to as u64);
        let (bytes, last) = (&self.payload[..read.len_to], read.end_of_message);
        let kind = match read.message_type {
            Received::Text => MessageKind::Text,
            Received::Binary => MessageKind::Binary,
            control => return Ok(Some(Read::Control(control, bytes))),
        };
        let first = !std::mem::replace(&mut self.in_message, !last);
        Ok(Some(Read::Piece(Message { kind, bytes, first, last })))
    }

    /// Checks the header of the next frame (RFC 6455, section 5.2), which the codec does not. Returns whether enough of the
    /// frame came.
    fn begin_frame(&mut self) -> Result<bool, End> {
        let [first, second, ..] = self.carry[..] else { return Ok(false) };
        let (from, to) = match second {
            126 => (2, 4),
            127 => (2, 10),
            _ => (1, 2),
        };
        let Some(digits) = self.carry.get(from..to) else { return Ok(false) };
        let len = digits.iter().fold(0, |len, digit| len << 8 | u64::from(*digit));
        let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
        let is_control = opcode & 0x08 != 0;
        let is_fragment = !is_final || opcode == 0;
        let is_wrong = first & 0x70 != 0
            || second & 0x80 != 0
            || len >> 63 != 0
            || if is_control { !is_final || len > 125 } else { self.in_message != (opcode == 0) };
        // The codec loses a control frame, and hangs in a fragment, that comes in pieces.
        let is_held = is_control || is_fragment;
        if is_wrong || is_held && len > LONGEST_HELD as u64 {
            return Err(End::Protocol);
        }
        if is_held && ((self.carry.len() - to) as u64) < len {
            return Ok(false);
        }
        self.left = len;
        Ok(true)
    }
}
