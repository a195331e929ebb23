//! A session with a ComfyUI server: it takes the server's messages and the time, and says what to do. It does no I/O.
//!
//! Every policy is here: when to connect and under which client id, what to request over HTTP, and when the server
//! counts as gone. A [`Session`] speaks whole messages and requests, for hosts whose platform speaks WebSocket and
//! HTTP: a browser, ESP-IDF, tungstenite, embedded-websocket. [`Wire`](crate::wire::Wire) wraps it for hosts that have
//! TCP only, and turns messages and requests into bytes.
//!
//! # The contract of both
//!
//! 1. Make one with `new` and call `poll_output` until it returns `Sleep`.
//! 2. Carry out each output before the next call. Report its result by an input, at once or later: of a request
//!    `Response`, any number of `Body`, then `BodyEnd`; or `Closed`. Once the session has closed a link, report nothing
//!    more of it: a late body of an aborted request would count for the next one.
//! 3. At `Sleep`, wait for an event of a link or for the deadline, whichever comes first. Report it by `handle_input`,
//!    then go on with 1. A wake-up that is early, late or repeated does no harm.
//!
//! Both calls take the time, which must not run backwards. An input is read during its call; of a message, only what
//! the state reports is kept.
//!
//! # Examples
//!
//! A host with its own WebSocket; `examples/messages.rs` is a complete one.
//!
//! ```
//! use comfyglow_core::{
//!     capacity::DesktopCapacity,
//!     event::Message,
//!     session::{Config, Host, Input, Output, Session},
//!     time::Instant,
//! };
//!
//! let mut session = Session::<DesktopCapacity>::new(Config::new("desk:8188"), 0x5eed);
//! let now = Instant::ZERO;
//! loop {
//!     match session.poll_output(now) {
//!         Output::Open(target) => println!("open ws://desk:8188{target}, then report Input::Opened"),
//!         Output::Text(text) => println!("send the message {text}"),
//!         Output::Ping(payload) => println!("send a ping with {payload:?}"),
//!         Output::Request(request) => println!("{} {}", request.method.name(), request.target),
//!         Output::Close { link, .. } => println!("close {link:?}"),
//!         Output::Changed(_) => println!("paint {:?}", session.view(now)),
//!         Output::Sleep(until) => break println!("wait for messages, or until {until:?}"),
//!         _ => {}
//!     }
//! }
//! session.handle_input(now, Input::Opened);
//! let status = r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}}}"#;
//! session.handle_input(now, Input::Message(Message::text(status)));
//! assert_eq!(session.view(now).queue_remaining, Some(2));
//! session.handle_input(now, Input::Host(Host::Leave));
//! ```

mod config;
mod decide;
mod exchange;
mod input;
mod output;
mod random;
mod reconcile;
mod reconnect;
mod socket;
mod tee;

pub use config::{ClientId, Config, ReconnectConfig};
pub use input::{End, Host, Input, Link};
pub use output::Output;

use exchange::Exchange;
use random::Random;
use reconcile::Reconcile;
use reconnect::Reconnect;
use socket::Socket;

use crate::{
    api::{HttpRequest, Request, Target},
    breaker::Circuit,
    capacity::{Bytes as _, Capacity},
    event::Message,
    heartbeat::Probe,
    progress::{Debounce, Smooth},
    quality::Sample,
    reducer::{Action, Observer, apply},
    state::{Changes, Fault, FaultKind, Percentage, State},
    time::Instant,
    view::View,
};

/// A session with a server, at the level of messages. Its [`Capacity`] limits what it keeps.
// The order matters: each access to a field past the first 4 KB takes one more instruction on small cores, 3 KB of code
// in all.
#[derive(Debug)]
#[repr(C)]
pub struct Session<'c, C: Capacity> {
    pub(crate) config: Config<'c>,
    pub(crate) random: Random,
    reconnect: Reconnect,
    reconcile: Reconcile,
    /// Bytes of the socket read since the last output.
    read: u32,
    /// When the first of them arrived.
    reading: Instant,
    changes: Changes,
    debounce: Debounce,
    smooth: Smooth,
    leaving: bool,
    /// A request is due in place of a ping.
    probe_due: bool,
    socket: Socket<C>,
    exchange: Exchange<C>,
    state: State<C>,
}

impl<'c, C: Capacity> Session<'c, C> {
    /// A session that opens a WebSocket at once.
    ///
    /// `seed` must be random: jitter, fresh client ids, and a [`Wire`](crate::wire::Wire)'s keys and masks derive from
    /// it.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub fn new(config: Config<'c>, seed: u64) -> Self {
        const { assert!(C::Id::LEN >= 24, "event types are read into an id's buffer and must fit") }
        Self {
            random: Random::new(seed),
            state: State::new(),
            socket: Socket::new(config.interest),
            exchange: Exchange::new(),
            reconnect: Reconnect::new(),
            reconcile: Reconcile::new(),
            read: 0,
            reading: Instant::ZERO,
            changes: Changes::NONE,
            debounce: Debounce::new(),
            smooth: Smooth::new(),
            leaving: false,
            probe_due: false,
            config,
        }
    }

    /// Starts with a WebSocket that is already open, such as a recording's. The next input is a message. When it is
    /// lost, the session ends, since it can't open another.
    pub fn attach(&mut self, now: Instant) {
        self.socket.attach(now);
        self.reduce(now, Action::Established, &mut ());
        self.reconnect.stop();
        self.reconcile.established(now, self.state.socket_generation().status());
    }

    /// The id under which the server knows this client, in parts to concatenate. Submit prompts with it.
    ///
    /// A fresh id is incomplete before the first [`Output::Open`].
    pub fn client_id(&self) -> [&str; 3] {
        self.reconnect.client_id(&self.config)
    }

    /// The state of the circuit breaker.
    pub const fn circuit(&self) -> Circuit {
        self.reconnect.circuit()
    }

    /// The size of a session in bytes.
    pub const MEMORY: usize = size_of::<Self>();

    /// What is known of the server.
    pub const fn state(&self) -> &State<C> {
        &self.state
    }

    /// The state, for tests that change it directly.
    #[cfg(test)]
    pub(crate) const fn state_mut(&mut self) -> &mut State<C> {
        &mut self.state
    }

    /// Restores the state from a record, see [`State::import`]. Call it before the first input.
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.state.import(record)
    }

    /// Restores the learned durations only, see [`State::import_learned`].
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import_learned(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.state.import_learned(record)
    }

    /// What a screen shows at `now`.
    pub fn view(&self, now: Instant) -> View<'_> {
        self.state.view(now)
    }

    /// The percentage for a bar at `now`: it moves smoothly, and is never ahead of the true one; `None` if that is
    /// unknown.
    pub fn smooth_percentage(&self, now: Instant) -> Option<Percentage> {
        self.state.prompt()?.percentage().map(|truth| truth.min(self.smooth.at(now)))
    }

    /// Whether the session is over and no further output will come: it was closed, the fault needs a person, or all
    /// attempts failed.
    pub fn is_over(&self) -> bool {
        self.reconnect.is_over() && self.socket.is_over() && self.exchange.is_idle()
    }

    /// Takes in an event of the host.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.handle_input_with(now, input, &mut ());
    }

    /// As [`handle_input`](Self::handle_input), and reports each message to `observer` while it is read.
    pub fn handle_input_with(&mut self, now: Instant, input: Input<'_>, observer: &mut impl Observer<C>) {
        match input {
            Input::Opened => self.opened(now, observer),
            Input::Message(message) if self.socket.is_open() => {
                self.begin_reading(now, message.bytes.len());
                let mut changes = Changes::NONE;
                self.message(now, message, &mut changes, observer);
                self.end_reading(now, changes, None, observer);
            }
            Input::Alive if self.socket.is_open() => {
                self.begin_reading(now, 0);
                self.end_reading(now, Changes::NONE, None, observer);
            }
            Input::Pong(payload) if self.socket.is_open() => {
                self.begin_reading(now, 0);
                self.pong(now, payload);
                self.end_reading(now, Changes::NONE, None, observer);
            }
            Input::Message(_) | Input::Alive | Input::Pong(_) => {}
            Input::Response { .. } | Input::Body(_) | Input::BodyEnd if !C::HTTP => {}
            Input::Response { status } => {
                self.probe_answered(now, observer);
                self.exchange.response(status);
            }
            Input::Body(bytes) => self.body(now, bytes, observer),
            Input::BodyEnd => self.exchange.body_end(),
            Input::Closed(link, end) => self.closed(now, link, end, observer),
            Input::Host(host) => self.host(now, host, observer),
        }
        self.expire(now, observer);
    }

    /// Returns what to do next; [`Output::Sleep`] once there is nothing more to do.
    pub fn poll_output(&mut self, now: Instant) -> Output<'_> {
        self.poll_output_with(now, &mut ())
    }

    /// As [`poll_output`](Self::poll_output), and reports to `observer` what this changes.
    pub fn poll_output_with(&mut self, now: Instant, observer: &mut impl Observer<C>) -> Output<'_> {
        match self.begin_link(now, true, true, observer) {
            Some(Link::Http) => return Output::Request(self.request()),
            Some(Link::Socket) => return Output::Open(self.socket_target()),
            None => {}
        }
        if let Some(text) = self.take_greeting() {
            return Output::Text(text);
        }
        if let Some(payload) = self.take_ping() {
            match self.config.heartbeat.probe {
                Probe::Ping => return Output::Ping(payload),
                Probe::Request => self.probe_due = true,
            }
        }
        if self.begin_probe(now) {
            return Output::Request(self.request());
        }
        if let Some(code) = self.take_close() {
            return Output::Close { link: Link::Socket, code };
        }
        if self.take_abort() {
            return Output::Close { link: Link::Http, code: None };
        }
        if let Some(changes) = self.take_changes(now) {
            return Output::Changed(changes);
        }
        Output::Sleep(self.deadline(now, true))
    }
}

/// The steps that both levels share: a [`Wire`](crate::wire::Wire) takes them with bytes in between.
impl<C: Capacity> Session<'_, C> {
    /// The link to open now. It is free once the host has dropped the last one of its kind.
    pub(crate) fn begin_link(
        &mut self,
        now: Instant,
        socket_free: bool,
        http_free: bool,
        observer: &mut impl Observer<C>,
    ) -> Option<Link> {
        self.count_read(now, observer);
        // First, since a response may close the socket.
        if self.request_next(now, http_free, observer) {
            return Some(Link::Http);
        }
        if socket_free && self.socket.is_over() && self.reconnect.take_attempt(now, &self.config, &mut self.random) {
            self.socket.open(now);
            self.reconcile.dialling(now);
            self.reduce(now, Action::Dialling, observer);
            return Some(Link::Socket);
        }
        None
    }

    /// The request that was begun last.
    pub(crate) fn request(&self) -> HttpRequest<'_> {
        let prompt_id = self.state.prompt().and_then(|prompt| prompt.prompt_id()).map_or("", |id| id.as_str());
        self.exchange.request(&self.config, prompt_id, self.client_id())
    }

    /// Path and query of the WebSocket.
    pub(crate) fn socket_target(&self) -> Target<'_> {
        let [id, dash, digits] = self.client_id();
        Target::new(self.config.prefix, "/ws", "", ["?clientId=", id, dash, digits], self.config.query)
    }

    pub(crate) fn take_greeting(&mut self) -> Option<&'static str> {
        self.socket.take_greeting(&self.config)
    }

    pub(crate) const fn take_ping(&mut self) -> Option<[u8; 4]> {
        self.socket.take_ping()
    }

    #[expect(clippy::option_option, reason = "outer: whether it is due; inner: the code, if there is one")]
    pub(crate) const fn take_close(&mut self) -> Option<Option<u16>> {
        self.socket.take_close()
    }

    pub(crate) const fn take_abort(&mut self) -> bool {
        self.exchange.take_abort()
    }

    pub(crate) fn take_changes(&mut self, now: Instant) -> Option<Changes> {
        self.debounce.take(now).then(|| core::mem::take(&mut self.changes))
    }

    /// The earliest of all deadlines.
    pub(crate) fn deadline(&self, now: Instant, socket_free: bool) -> Option<Instant> {
        let attempt = self.reconnect.deadline().filter(|_| socket_free && self.socket.is_over());
        let asks = self.asks() && self.exchange.is_idle();
        let links = sooner(self.socket.deadline(&self.config), self.exchange.deadline());
        let waits = sooner(attempt, self.debounce.deadline());
        sooner(sooner(links, waits), self.reconcile.deadline(now).filter(|_| asks))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    /// Whether a response is awaited.
    pub(crate) const fn awaits_response(&self) -> bool {
        self.exchange.is_pending()
    }

    /// The WebSocket is open.
    // Not inlined, here and below, to keep actions off the stack while messages are read.
    #[inline(never)]
    pub(crate) fn opened(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if self.socket.opened(now) {
            self.reconnect.established(now);
            self.reconcile.established(now, self.state.socket_generation().status());
            self.reduce(now, Action::Established, observer);
        }
    }

    /// Bytes of the socket arrived and are about to be read.
    pub(crate) fn begin_reading(&mut self, now: Instant, len: usize) {
        if self.read == 0 {
            self.reading = now;
        }
        self.read = self.read.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.socket.received(now, &self.config);
    }

    /// Reads a message or a piece of one. Pass `changes` on to [`end_reading`](Self::end_reading).
    pub(crate) fn message<O: Observer<C>>(
        &mut self,
        now: Instant,
        message: Message<'_>,
        changes: &mut Changes,
        observer: &mut O,
    ) {
        self.socket.message(now, message, &mut self.state, changes, observer);
    }

    pub(crate) fn pong(&mut self, now: Instant, payload: &[u8]) {
        self.socket.pong(now, &self.config, payload);
    }

    /// The bytes are read and made these changes; the socket may have `ended` in them.
    pub(crate) fn end_reading(
        &mut self,
        now: Instant,
        changes: Changes,
        ended: Option<End>,
        observer: &mut impl Observer<C>,
    ) {
        self.changed(now, changes);
        if let Some(latency) = self.socket.take_latency() {
            self.measured(now, Sample::Pong(latency), observer);
        }
        if let Some(end) = ended {
            self.closed(now, Link::Socket, end, observer);
        } else if self.socket.leave_overrun(now, &self.config) {
            self.lost(now, Fault::new(FaultKind::Overrun), None, observer);
        }
    }

    pub(crate) fn response(&mut self, status: u16) {
        self.exchange.response(status);
    }

    pub(crate) fn body(&mut self, now: Instant, bytes: &[u8], observer: &mut impl Observer<C>) {
        let changes = self.exchange.body(now, bytes, &mut self.state, observer);
        self.changed(now, changes);
    }

    pub(crate) fn body_end(&mut self) {
        self.exchange.body_end();
    }

    pub(crate) fn closed(&mut self, now: Instant, link: Link, end: End, observer: &mut impl Observer<C>) {
        match link {
            Link::Socket => {
                let retry_after = if let End::Refused { retry_after, .. } = end { retry_after } else { None };
                self.probe_due = false;
                if let Some(fault) = self.socket.closed(end) {
                    let retry_after = retry_after.filter(|_| matches!(fault.kind, FaultKind::Refused(_)));
                    self.lost(now, fault, retry_after, observer);
                }
            }
            Link::Http => {
                // A request that breaks tells nothing of the socket: a browser's page may not be let in over HTTP
                // alone.
                if self.config.heartbeat.probe == Probe::Request && self.exchange.is_pending() {
                    self.socket.excuse(now, &self.config);
                }
                self.exchange.closed(end);
            }
        }
    }

    /// Acts on the deadlines that have passed. Called after each input, since a busy host may never report a wake-up.
    pub(crate) fn expire(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if let Some(kind) = self.socket.expire(now, &self.config) {
            self.lost(now, Fault::new(kind), None, observer);
        }
        self.exchange.expire(now);
        self.reconnect.prove(now, &self.config);
    }

    /// Reports to the state how much was read, and how long that took.
    fn count_read(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        let bytes = core::mem::take(&mut self.read);
        if bytes > 0 {
            let all = self.state.messages();
            let messages = all.text.saturating_add(all.binary).saturating_sub(self.state.quality().messages);
            let took = now.saturating_since(self.reading);
            apply(&mut self.state, now, Action::Measured(Sample::Read { bytes, messages, took }), observer);
        }
    }

    #[inline(never)]
    fn measured(&mut self, now: Instant, sample: Sample, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Measured(sample), observer);
    }

    /// Begins the request that replaces a ping, if no other is under way. Returns whether it did.
    fn begin_probe(&mut self, now: Instant) -> bool {
        if !self.probe_due || !self.socket.is_open() || !self.exchange.is_idle() && self.asks() {
            return false;
        }
        self.probe_due = false;
        if !self.asks() || self.reconcile.is_refused() {
            // Without permission to request, silence proves nothing.
            self.socket.excuse(now, &self.config);
            return false;
        }
        self.exchange.begin(now, Request::Prompt, &self.state);
        true
    }

    /// A response arrived. Without pings, it proves that the server is alive, and measures the latency.
    fn probe_answered(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if self.config.heartbeat.probe == Probe::Request && self.exchange.is_pending() && self.socket.is_open() {
            self.probe_due = false;
            let latency = now.saturating_since(self.exchange.since());
            self.socket.answered(now, &self.config);
            self.measured(now, Sample::Pong(latency), observer);
        }
    }

    fn reduce(&mut self, now: Instant, action: Action<'_>, observer: &mut impl Observer<C>) {
        let changes = apply(&mut self.state, now, action, observer);
        self.changed(now, changes);
    }

    fn changed(&mut self, now: Instant, changes: Changes) {
        self.changes = self.changes.union(changes);
        // An unused message changes a counter only, which no screen shows.
        if changes.has(Changes::SHOWN) {
            self.debounce.changed();
        }
        if changes.has(Changes::PROGRESS.union(Changes::PROMPT)) {
            let truth = self.state.prompt().and_then(crate::state::Prompt::percentage);
            self.smooth.set(now, truth.unwrap_or_default());
        }
    }
}

/// The earlier of two optional deadlines.
#[inline(never)]
pub(crate) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

#[cfg(test)]
mod tests;
