//! A session at the level of bytes: a WebSocket client and HTTP/1.1 around a [`Session`], without I/O.
//!
//! For hosts that have TCP only: tokio, embassy, a replay, a test. It decides nothing. It turns the session's messages
//! and requests into bytes on two links: the WebSocket, and one HTTP exchange. The contract is the
//! [session's](crate::session#the-contract-of-both), with these outputs:
//!
//! - [`Dial`](Output::Dial) a link, and report [`Input::Opened`] or [`Input::Closed`] later;
//! - [`Send`](Output::Send) all of the bytes on that link, and report [`Input::Sent`] once they are on their way;
//! - [`Close`](Output::Close) the link.
//!
//! # Examples
//!
//! `examples/blocking.rs` is a complete host on `std::net`.
//!
//! ```
//! use comfyglow_core::{
//!     capacity::GadgetCapacity,
//!     session::{Config, Link},
//!     time::Instant,
//!     wire::{Input, Output, Wire},
//! };
//!
//! // Where the server is; `seed` is random.
//! let mut wire = Wire::<GadgetCapacity>::new(Config::new("192.168.1.20:8188"), 0x5eed);
//! let now = Instant::ZERO;
//! loop {
//!     match wire.poll_output(now) {
//!         Output::Dial(link) => println!("open a TCP connection for {link:?}, then report Input::Opened({link:?})"),
//!         Output::Send(link, bytes) => println!("send {} bytes on {link:?}, then report Input::Sent", bytes.len()),
//!         Output::Close(link) => println!("drop {link:?}"),
//!         Output::Changed(_) => println!("paint {:?}", wire.view(now)),
//!         Output::Sleep(until) => break println!("wait for bytes, or until {until:?}"),
//!     }
//! }
//! wire.handle_input(now, Input::Opened(Link::Socket));
//! ```

mod exchange;
pub mod http;
mod socket;
pub mod websocket;

use core::fmt;

use crate::{
    capacity::{Bytes as _, Capacity},
    event::Message,
    reducer::Observer,
    session::{Config, End, Host, Link, Session, sooner},
    state::{Changes, Percentage, State},
    time::Instant,
    view::View,
};

use exchange::Exchange;
use socket::Socket;
use websocket::{Outgoing, Received};

/// What a host reports to a [`Wire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Input<'a> {
    /// The link that was dialled is open.
    Opened(Link),
    /// Bytes arrived on a link.
    Bytes(Link, &'a [u8]),
    /// All bytes of the last [`Output::Send`] on this link are written.
    Sent(Link),
    /// A link ended, or could not be opened. A host reports [`End::Eof`], [`End::Unreachable`], [`End::NameUnknown`],
    /// [`End::Untrusted`] or [`End::Broken`]; the wire finds out the others.
    Closed(Link, End),
    /// Something that concerns no link.
    Host(Host<'a>),
}

/// What a [`Wire`] wants its host to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "an output that is not carried out stalls the session"]
pub enum Output<'a> {
    /// Open a link to the server.
    Dial(Link),
    /// Send the bytes on a link.
    Send(Link, &'a [u8]),
    /// Drop a link.
    Close(Link),
    /// The state changed: paint it.
    Changed(Changes),
    /// Wait for an input; until this time at most, where there is one, then report [`Host::Wake`].
    Sleep(Option<Instant>),
}

/// A session with a server, at the level of bytes. Its [`Capacity`] limits what it keeps.
// The order matters: each access to a field past the first 4 KB takes one more instruction on small cores.
#[repr(C)]
pub struct Wire<'c, C: Capacity> {
    /// The link on which bytes are being sent.
    sending: Option<Link>,
    socket: Socket,
    exchange: Exchange,
    session: Session<'c, C>,
    /// The bytes that are being sent.
    out: C::Request,
}

/// Without the bytes that are being sent: they hold the headers' values.
impl<C: Capacity> fmt::Debug for Wire<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sending, socket, exchange, session, out: _ } = self;
        f.debug_struct("Wire")
            .field("sending", sending)
            .field("socket", socket)
            .field("exchange", exchange)
            .field("session", session)
            .finish_non_exhaustive()
    }
}

impl<'c, C: Capacity> Wire<'c, C> {
    /// A wire around a new session, see [`Session::new`]. `seed` must be random.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub fn new(config: Config<'c>, seed: u64) -> Self {
        Self {
            sending: None,
            socket: Socket::new(),
            exchange: Exchange::new(),
            session: Session::new(config, seed),
            out: C::Request::ZERO,
        }
    }

    /// The size of a wire in bytes.
    pub const MEMORY: usize = size_of::<Self>();

    /// Starts with a WebSocket that is already open, such as a recording's. The next input is its bytes. When it is
    /// lost, the session ends, since it can't open another.
    pub fn attach(&mut self, now: Instant) {
        self.socket.attach();
        self.session.attach(now);
    }

    /// The session.
    pub const fn session(&self) -> &Session<'c, C> {
        &self.session
    }

    /// What is known of the server.
    pub const fn state(&self) -> &State<C> {
        self.session.state()
    }

    /// What a screen shows at `now`.
    pub fn view(&self, now: Instant) -> View<'_> {
        self.session.view(now)
    }

    /// As [`Session::smooth_percentage`].
    pub fn smooth_percentage(&self, now: Instant) -> Option<Percentage> {
        self.session.smooth_percentage(now)
    }

    /// As [`Session::import`].
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.session.import(record)
    }

    /// As [`Session::import_learned`].
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import_learned(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.session.import_learned(record)
    }

    /// Whether the session is over and both links are dropped: no further output will come.
    pub fn is_over(&self) -> bool {
        self.session.is_over() && self.socket.is_idle() && self.exchange.is_idle()
    }

    /// Takes in an event of the host.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.handle_input_with(now, input, &mut ());
    }

    /// As [`handle_input`](Self::handle_input), and reports each message to `observer` while it is read.
    pub fn handle_input_with(&mut self, now: Instant, input: Input<'_>, observer: &mut impl Observer<C>) {
        match input {
            Input::Opened(Link::Socket) => self.socket.opened(),
            Input::Opened(Link::Http) | Input::Bytes(Link::Http, _) | Input::Closed(Link::Http, _) if !C::HTTP => {}
            Input::Opened(Link::Http) => self.exchange.opened(),
            Input::Bytes(Link::Socket, bytes) => self.socket_bytes(now, bytes, observer),
            Input::Bytes(Link::Http, bytes) => self.exchange.bytes(now, bytes, &mut self.session, observer),
            Input::Sent(link) => {
                self.sends_no_more(link);
                if link == Link::Socket {
                    self.socket.sent();
                }
            }
            Input::Closed(Link::Socket, end) => {
                self.sends_no_more(Link::Socket);
                let end = self.socket.closed(end);
                self.session.closed(now, Link::Socket, end, observer);
            }
            Input::Closed(Link::Http, end) => {
                self.sends_no_more(Link::Http);
                self.exchange.closed(now, end, &mut self.session, observer);
            }
            Input::Host(host) => {
                if let Host::Offline(_) = host {
                    self.socket.drop_closing();
                }
                self.session.host(now, host, observer);
            }
        }
        self.session.expire(now, observer);
        self.socket.expire(now);
    }

    /// Returns what to do next; [`Output::Sleep`] once there is nothing more to do.
    pub fn poll_output(&mut self, now: Instant) -> Output<'_> {
        self.poll_output_with(now, &mut ())
    }

    /// As [`poll_output`](Self::poll_output), and reports to `observer` what this changes.
    pub fn poll_output_with(&mut self, now: Instant, observer: &mut impl Observer<C>) -> Output<'_> {
        let (socket_free, http_free) = (self.socket.is_idle(), self.exchange.is_idle());
        match self.session.begin_link(now, socket_free, http_free, observer) {
            Some(Link::Socket) => {
                self.socket.dial();
                return Output::Dial(Link::Socket);
            }
            Some(Link::Http) => {
                self.exchange.dial();
                return Output::Dial(Link::Http);
            }
            None => {}
        }
        if let Some(code) = self.session.take_close() {
            self.socket.close(now, code.map(Some));
        }
        if self.session.take_abort() {
            self.exchange.abort();
        }
        // Before links are dropped: a request that can't be sent drops its own.
        if let Some((link, len)) = self.next_send(now, observer) {
            self.sending = Some(link);
            return Output::Send(link, self.out.as_ref().get(..len).unwrap_or_default());
        }
        if self.socket.take_drop() {
            self.sends_no_more(Link::Socket);
            return Output::Close(Link::Socket);
        }
        if self.exchange.take_drop() {
            self.sends_no_more(Link::Http);
            return Output::Close(Link::Http);
        }
        if let Some(changes) = self.session.take_changes(now) {
            return Output::Changed(changes);
        }
        Output::Sleep(sooner(self.session.deadline(now, self.socket.is_idle()), self.socket.deadline()))
    }

    /// Sending on `link`, if any, is over: the bytes are written, or lost with the link.
    fn sends_no_more(&mut self, link: Link) {
        self.sending = self.sending.filter(|sending| *sending != link);
    }

    /// Writes the next bytes to send; returns their link and length.
    fn next_send(&mut self, now: Instant, observer: &mut impl Observer<C>) -> Option<(Link, usize)> {
        if self.sending.is_some() {
            return None;
        }
        let out = self.out.as_mut();
        match self.socket.write_handshake(&mut self.session, out) {
            Ok(Some(len)) => return Some((Link::Socket, len)),
            Ok(None) => {}
            Err(end) => self.session.closed(now, Link::Socket, end, observer),
        }
        if let Some(len) = self.next_frame() {
            return Some((Link::Socket, len));
        }
        if !C::HTTP {
            return None;
        }
        match self.exchange.write(&self.session, self.out.as_mut()) {
            Ok(len) => len.map(|len| (Link::Http, len)),
            Err(end) => {
                self.session.closed(now, Link::Http, end, observer);
                None
            }
        }
    }

    /// Writes the next frame to send; returns its length.
    fn next_frame(&mut self) -> Option<usize> {
        let Self { socket, session, out, .. } = self;
        let out = out.as_mut();
        if let Some(code) = socket.take_close_frame() {
            return Outgoing::Close { code, reason: "" }.write(session.random.bytes(), out).ok();
        }
        if !session.is_open() {
            return None;
        }
        if let Some(text) = session.take_greeting() {
            return Outgoing::Text(text).write(session.random.bytes(), out).ok();
        }
        if let Some(payload) = &socket.pong {
            let written = Outgoing::Pong(payload).write(session.random.bytes(), out).ok();
            socket.pong = None;
            return written;
        }
        let payload = session.take_ping()?;
        Outgoing::Ping(&payload).write(session.random.bytes(), out).ok()
    }

    fn socket_bytes(&mut self, now: Instant, bytes: &[u8], observer: &mut impl Observer<C>) {
        let mut rest = bytes;
        if !self.socket.is_open() && !self.shake_hands(now, &mut rest, observer) || !self.session.is_open() {
            return;
        }
        self.session.begin_reading(now, bytes.len());
        let mut changes = Changes::NONE;
        let ended = loop {
            match self.socket.receiver.next(&mut rest) {
                Ok(Some(Received::Data { kind, bytes, first, last })) => {
                    let message = Message { kind, bytes, first, last };
                    self.session.message(now, message, &mut changes, observer);
                }
                Ok(Some(Received::Ping(payload))) => socket::keep(&mut self.socket.pong, payload),
                Ok(Some(Received::Pong(payload))) => self.session.pong(now, payload),
                Ok(Some(Received::Close { code, .. })) => {
                    self.socket.close(now, Some(code));
                    break Some(code.map_or(End::Eof, End::ClosedWith));
                }
                Ok(None) => break None,
                Err(error) => {
                    self.socket.close(now, Some(Some(error.close_code())));
                    break Some(End::Protocol);
                }
            }
        };
        self.session.end_reading(now, changes, ended, observer);
    }

    /// Reads the server's response to the handshake. Returns whether the WebSocket is open now.
    // Not inlined, to keep actions off the stack while messages are read.
    #[inline(never)]
    fn shake_hands(&mut self, now: Instant, bytes: &mut &[u8], observer: &mut impl Observer<C>) -> bool {
        match self.socket.read_handshake(bytes) {
            Ok(open) => {
                if open {
                    self.session.opened(now, observer);
                }
                open
            }
            Err(end) => {
                self.session.closed(now, Link::Socket, end, observer);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
