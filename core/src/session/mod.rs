//! A session with a ComfyUI server, sans-IO: what the server sends and the time come in, what to do comes out.
//!
//! Every policy is here: when to connect and under which client id, what to request over HTTP, when the server counts as
//! gone. A [`Session`] speaks whole messages and requests, for hosts whose platform speaks WebSocket and HTTP: a browser,
//! ESP-IDF, tungstenite, embedded-websocket. [`Wire`](crate::wire::Wire) wraps it for hosts that have TCP only, and turns
//! messages and requests into bytes.
//!
//! # The contract of both
//!
//! 1. Make one with `new` and call `poll_output` until it returns `Sleep`.
//! 2. Carry out each output before the next call. What becomes of it is reported later, by an input. Once the session has
//!    closed a link, report nothing more of it.
//! 3. At `Sleep`, wait for whatever comes first: something from a link, or the deadline. Report it by `handle_input`, then
//!    go on with 1. A wake-up that is early, late or repeated does no harm.
//!
//! Both calls take the time, which must not run backwards. Whatever an input brings is read in that call: of a message,
//! nothing is kept but what the state reports.
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

/// A session with a server, at the level of messages. It keeps what its [`Capacity`] has room for.
// In this order: what lies 4 KB and more behind its beginning takes an instruction more each time on small cores, which
// makes 3 KB of code.
#[derive(Debug)]
#[repr(C)]
pub struct Session<'c, C: Capacity> {
    pub(crate) config: Config<'c>,
    pub(crate) random: Random,
    reconnect: Reconnect,
    reconcile: Reconcile,
    /// Bytes of the socket read since the last output.
    read: u32,
    /// When the first of them was.
    reading: Instant,
    changes: Changes,
    debounce: Debounce,
    smooth: Smooth,
    leaving: bool,
    /// A request is to be made in place of a ping.
    probe_due: bool,
    socket: Socket<C>,
    exchange: Exchange<C>,
    state: State<C>,
}

impl<'c, C: Capacity> Session<'c, C> {
    /// A session that opens a WebSocket at once. `seed` is random: backoff and fresh client ids are made of it, and a
    /// [`Wire`](crate::wire::Wire)'s keys and masks.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub fn new(config: Config<'c>, seed: u64) -> Self {
        const { assert!(C::Id::LEN >= 24, "the types of events, read into an id's room, must fit whole") }
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

    /// Begins with a WebSocket that is open already: a recording's, or one that somebody else made. The next input is a
    /// message. Once it is lost there is no other, since the session doesn't know how it was made.
    pub fn attach(&mut self, now: Instant) {
        self.socket.attach(now);
        self.reduce(now, Action::Established, &mut ());
        self.reconnect.stop();
        self.reconcile.established(now, self.state.socket_generation().status());
    }

    /// Under which id the server knows this client, as far as that is known: submit prompts with it. In parts that follow
    /// each other.
    pub fn client_id(&self) -> [&str; 3] {
        self.reconnect.client_id(&self.config)
    }

    /// The state of the circuit breaker.
    pub const fn circuit(&self) -> Circuit {
        self.reconnect.circuit()
    }

    /// Bytes of memory of a session with these capacities.
    pub const MEMORY: usize = size_of::<Self>();

    /// What is known of the server.
    pub const fn state(&self) -> &State<C> {
        &self.state
    }

    /// The state, for tests that put it into a condition of their own.
    #[cfg(test)]
    pub(crate) const fn state_mut(&mut self) -> &mut State<C> {
        &mut self.state
    }

    /// Restores what a record kept over a restart, see [`State::import`]. Call it before the first input.
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.state.import(record)
    }

    /// Restores learned durations only, see [`State::import_learned`].
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import_learned(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.state.import_learned(record)
    }

    /// What a painter needs at `now`.
    pub fn view(&self, now: Instant) -> View<'_> {
        self.state.view(now)
    }

    /// The percentage as a bar shows it at `now`: it moves smoothly, and is never ahead of the truth.
    pub fn smooth_percentage(&self, now: Instant) -> Option<Percentage> {
        self.state.prompt()?.percentage().map(|truth| truth.min(self.smooth.at(now)))
    }

    /// Whether the session is over and no further output will come: it left, the fault needs a person, or all attempts
    /// were used up.
    pub fn is_over(&self) -> bool {
        self.reconnect.is_over() && self.socket.is_over() && self.exchange.is_idle()
    }

    /// Reports what happened.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.handle_input_with(now, input, &mut ());
    }

    /// As [`handle_input`](Self::handle_input), and shows each message to `observer` while it is read.
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

    /// What to do next; [`Output::Sleep`] last.
    pub fn poll_output(&mut self, now: Instant) -> Output<'_> {
        self.poll_output_with(now, &mut ())
    }

    /// As [`poll_output`](Self::poll_output), and shows `observer` what this changes.
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

/// What both levels are made of: a [`Wire`](crate::wire::Wire) does the same steps with bytes in between.
impl<C: Capacity> Session<'_, C> {
    /// The link that is to be opened now, where the host has dropped the last one of its kind.
    pub(crate) fn begin_link(
        &mut self,
        now: Instant,
        socket_free: bool,
        http_free: bool,
        observer: &mut impl Observer<C>,
    ) -> Option<Link> {
        self.count_read(now);
        // First, since the socket may have to go by a response.
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

    /// Where the WebSocket is opened.
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

    pub(crate) const fn take_close(&mut self) -> Option<Option<u16>> {
        self.socket.take_close()
    }

    pub(crate) const fn take_abort(&mut self) -> bool {
        self.exchange.take_abort()
    }

    pub(crate) fn take_changes(&mut self, now: Instant) -> Option<Changes> {
        self.debounce.take(now).then(|| core::mem::take(&mut self.changes))
    }

    /// The next of all deadlines.
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
    // Not inlined, here and below: an action would lie on the stack while messages are read.
    #[inline(never)]
    pub(crate) fn opened(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if self.socket.opened(now) {
            self.reconnect.established(now);
            self.reconcile.established(now, self.state.socket_generation().status());
            self.reduce(now, Action::Established, observer);
        }
    }

    /// Bytes of the socket came, and are about to be read.
    pub(crate) fn begin_reading(&mut self, now: Instant, len: usize) {
        if self.read == 0 {
            self.reading = now;
        }
        self.read = self.read.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.socket.heard(now, &self.config);
    }

    /// Reads a message, or a piece of one; `changes` is to be given to [`end_reading`](Self::end_reading).
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

    /// What had come is read, and made these changes; the socket `ended` in it.
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
                if let Some(fault) = self.socket.closed(end) {
                    self.lost(now, fault, retry_after, observer);
                }
            }
            Link::Http => self.exchange.closed(end),
        }
    }

    /// Acts on the deadlines that have come. After each input: a busy host may never find the time to report that it woke.
    pub(crate) fn expire(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if let Some(kind) = self.socket.expire(now, &self.config) {
            self.lost(now, Fault::new(kind), None, observer);
        }
        self.exchange.expire(now);
        self.reconnect.prove(now, &self.config);
    }

    /// Counts what was read, and how long that took.
    fn count_read(&mut self, now: Instant) {
        let bytes = core::mem::take(&mut self.read);
        if bytes > 0 {
            let all = self.state.messages();
            let messages = all.text.saturating_add(all.binary).saturating_sub(self.state.quality().messages);
            let took = now.saturating_since(self.reading);
            apply(&mut self.state, now, Action::Measured(Sample::Read { bytes, messages, took }), &mut ());
        }
    }

    #[inline(never)]
    fn measured(&mut self, now: Instant, sample: Sample, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Measured(sample), observer);
    }

    /// Begins the request that stands in for a ping, once there is room for it. Whether it did.
    fn begin_probe(&mut self, now: Instant) -> bool {
        if !self.probe_due || !self.exchange.is_idle() && self.asks() {
            return false;
        }
        self.probe_due = false;
        if !self.asks() || self.reconcile.is_refused() {
            // Nothing may be requested: then nothing is concluded from silence.
            self.socket.answered(now, &self.config);
            return false;
        }
        self.exchange.begin(now, Request::Prompt, &self.state);
        true
    }

    /// A response came: without pings, it shows that the server is alive and how long it takes.
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
        // That a message of no use was counted is no reason to paint.
        if changes.has(Changes::SHOWN) {
            self.debounce.changed();
        }
        if changes.has(Changes::PROGRESS.union(Changes::PROMPT)) {
            let truth = self.state.prompt().and_then(crate::state::Prompt::percentage);
            self.smooth.set(now, truth.unwrap_or_default());
        }
    }
}

/// The earlier of two deadlines, as far as there are any.
#[inline(never)]
pub(crate) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

#[cfg(test)]
mod tests;
