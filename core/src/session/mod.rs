//! A session with a server, sans-IO: links, bytes and time in, what to do out.
//!
//! # How to drive it
//!
//! 1. Make one with [`Session::new`] and call [`poll_output`](Session::poll_output) until it says [`Output::Sleep`].
//! 2. Carry out each output before the next call:
//!    [`Dial`](Output::Dial) a link, and tell [`Input::Opened`] or [`Input::Closed`] of it later;
//!    [`Send`](Output::Send) all of the bytes on that link, and tell [`Input::Sent`] once they are on their way;
//!    [`Close`](Output::Close) the link, and tell nothing of it any more;
//!    [`Changed`](Output::Changed): paint [`view`](Session::view).
//! 3. On `Sleep`, wait for whatever comes first: bytes on a link, a link's end, the deadline. Tell it by
//!    [`handle_input`](Session::handle_input), then go on with 1. A wake-up that is early, late or repeated does no harm.
//!
//! Both calls take the time, which must not run backwards. Bytes are read in the call that brings them: nothing is kept
//! of a message but what the state says.
//!
//! Links are the socket, and one HTTP exchange beside it.

mod config;
mod exchange;
mod handler;
mod random;
mod reconcile;
mod reconnect;
mod socket;

pub use config::{ClientId, Config, ReconnectConfig};
pub use handler::Observer;

use exchange::Exchange;
use random::Random;
use reconcile::{Conclusion, Reconcile, Silence};
use reconnect::Reconnect;
use socket::Socket;

use crate::{
    breaker::Circuit,
    capacity::{Bytes as _, Capacity, DesktopCapacity, GadgetCapacity},
    http::{Fact, Standing},
    progress::{Debounce, Smooth},
    quality::Sample,
    reducer::{Action, Changes, reduce},
    state::{Absence, Fault, FaultKind, Heard, Percentage, Prompt, Source, State},
    text::Id,
    time::{Duration, Instant},
    view::View,
};

/// A session for a microcontroller.
pub type GadgetSession<'c> = Session<'c, GadgetCapacity>;

/// A session for a desktop.
pub type DesktopSession<'c> = Session<'c, DesktopCapacity>;

/// A way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Link {
    /// The WebSocket.
    Socket,
    /// An HTTP exchange.
    Http,
}

/// What the session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Input<'a> {
    /// The link that was dialled is open.
    Opened(Link),
    /// Bytes arrived on a link.
    Bytes(Link, &'a [u8]),
    /// What was to be sent on a link is on its way.
    Sent(Link),
    /// A link ended, or could not be opened: by the server, or by a fault of the network.
    Closed(Link, End),
    /// A node of one's own submission's graph, to be told before [`Graph`](Self::Graph): how long it will take is known by
    /// its class.
    GraphNode {
        /// The prompt.
        prompt_id: Id<'a>,
        /// The node.
        node: Id<'a>,
        /// Its `class_type`.
        class: &'a str,
    },
    /// The graph of one's own submission, which need not be asked for.
    Graph {
        /// The prompt.
        prompt_id: Id<'a>,
        /// Nodes of the graph.
        nodes: u32,
    },
    /// A prompt of one's own that the server had queued, and by its queue is done with or has forgotten, though nothing was
    /// heard of it: it began and ended while there was no connection. How it ended is asked for. While another prompt runs,
    /// or its outcome is asked for, this does nothing.
    Missed {
        /// The prompt.
        prompt_id: Id<'a>,
    },
    /// The host painted what changed, which took so long.
    Painted {
        /// From the first stroke to the last, or until the display had it.
        took: Duration,
    },
    /// What delivery queues did since this was told last.
    Queued {
        /// Notes taken in.
        queued: u32,
        /// Notes dropped: a subscriber was too slow.
        dropped: u32,
        /// Notes that a later one took the place of.
        merged: u32,
    },
    /// The deadline of [`Output::Sleep`] has come.
    Wake,
    /// This device has no network. Nothing is dialled until it is [`Online`](Self::Online), no attempt counts, and links that
    /// were open are dropped. A session that is never told is online. Nothing to one that has given up, that left, or whose
    /// socket was [attached](Session::attach).
    Offline(Absence),
    /// There is a network again: the server is dialled at once, as far as the breaker lets us.
    Online,
    /// Try again now, whatever there is to wait for: a person wants it. Revives a session that had given up, not one that
    /// left, nor one whose socket was [attached](Session::attach). Without a network, it is tried once there is one.
    Reconnect,
    /// End the session in good order.
    Leave,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum End {
    /// The server ended it, by an end of the stream or a reset.
    Eof,
    /// Nobody answered at the address: refused, no route.
    Unreachable,
    /// Nobody knows the server's name.
    NameUnknown,
    /// Its certificate is not to be trusted, or it speaks no TLS where TLS is wanted.
    Untrusted,
    /// It broke.
    Broken,
}

/// What is to be done.
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
    /// The state changed.
    Changed(Changes),
    /// Wait; until then at most, where there is a deadline.
    Sleep(Option<Instant>),
}

/// A session with a server.
///
/// It keeps what its [`Capacity`] has room for.
// In this order: what lies 4 KB and more behind its beginning takes an instruction more each time on small cores, which
// makes 3 KB of code.
#[derive(Debug)]
#[repr(C)]
pub struct Session<'c, C: Capacity> {
    config: Config<'c>,
    random: Random,
    reconnect: Reconnect,
    reconcile: Reconcile,
    /// Bytes of the socket read since the last output.
    read: u32,
    /// When the first of it was.
    reading: Instant,
    /// The link that something is being sent on.
    sending: Option<Link>,
    changes: Changes,
    debounce: Debounce,
    smooth: Smooth,
    leaving: bool,
    socket: Socket<C>,
    exchange: Exchange<C>,
    state: State<C>,
    /// What is being sent.
    out: C::Request,
}

impl<'c, C: Capacity> Session<'c, C> {
    /// A session that will dial at once. `seed` is random: WebSocket keys and masks are made of it.
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
            out: C::Request::ZERO,
            sending: None,
            changes: Changes::NONE,
            debounce: Debounce::new(),
            smooth: Smooth::new(),
            leaving: false,
            config,
        }
    }

    /// Begins with a socket that is open already, its handshake behind it: a recording's, or one that somebody else made.
    /// The next input is its bytes. Once it is lost, there is no other: the session doesn't know how it was made.
    pub fn attach(&mut self, now: Instant) {
        self.socket.attach(now);
        self.reduce(now, Action::Established, &mut ());
        self.reconnect.stop();
        self.reconcile.established(now, self.state.heard().status());
    }

    /// Who the server takes us for, as far as it is known: what prompts are to be submitted with, in parts that follow each
    /// other.
    pub fn client_id(&self) -> [&str; 3] {
        self.reconnect.client_id(&self.config)
    }

    /// How the circuit breaker is.
    pub const fn circuit(&self) -> Circuit {
        self.reconnect.circuit()
    }

    /// Bytes that a session of these capacities takes.
    pub const MEMORY: usize = size_of::<Self>();

    /// What is known of the server.
    pub const fn state(&self) -> &State<C> {
        &self.state
    }

    /// Takes in what outlived a restart, see [`State::import`]. To be called before anything is heard.
    ///
    /// # Errors
    ///
    /// As [`State::import`].
    #[cfg(feature = "record")]
    pub fn import(&mut self, record: &[u8]) -> Result<(), crate::record::RecordError> {
        self.state.import(record)
    }

    /// Takes in what was learned only, see [`State::import_learned`].
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

    /// The percentage as a bar shows it at `now`: it moves smoothly, never ahead of the truth.
    pub fn smooth_percentage(&self, now: Instant) -> Option<Percentage> {
        self.state.prompt()?.percentage().map(|truth| truth.min(self.smooth.at(now)))
    }

    /// Whether the session is over: nothing will come of it any more. We left, or the fault needs a person, or all attempts
    /// were used up.
    pub fn is_over(&self) -> bool {
        self.reconnect.is_over() && self.socket.is_over() && self.exchange.is_idle()
    }

    /// Tells the session what happened.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.handle_input_with(now, input, &mut ());
    }

    /// As [`handle_input`](Self::handle_input), and tells `observer` of each message while it is read.
    pub fn handle_input_with(&mut self, now: Instant, input: Input<'_>, observer: &mut impl Observer<C>) {
        match input {
            Input::Opened(Link::Socket) => self.socket.opened(),
            Input::Opened(Link::Http) => self.exchange.opened(),
            Input::Bytes(Link::Socket, bytes) => self.socket_bytes(now, bytes, observer),
            Input::Bytes(Link::Http, bytes) => {
                let changes = self.exchange.bytes(now, bytes, &mut self.state, observer);
                self.changed(now, changes);
            }
            Input::Sent(link) => {
                self.sends_no_more(link);
                if link == Link::Socket {
                    self.socket.sent();
                }
            }
            Input::Closed(Link::Socket, end) => {
                self.sends_no_more(Link::Socket);
                if let Some(fault) = self.socket.closed(end) {
                    self.lost(now, fault, observer);
                }
            }
            Input::Closed(Link::Http, _) => {
                self.sends_no_more(Link::Http);
                self.exchange.closed();
            }
            Input::GraphNode { prompt_id, node, class } => {
                self.graph_node(now, prompt_id, node, class, observer);
            }
            Input::Graph { prompt_id, nodes } => self.graph(now, prompt_id, nodes, observer),
            Input::Missed { prompt_id } => self.missed(now, prompt_id, observer),
            Input::Painted { took } => self.measured(now, Sample::Painted(took), observer),
            Input::Queued { queued, dropped, merged } => {
                self.measured(now, Sample::Queued { queued, dropped, merged }, observer);
            }
            Input::Wake => {}
            Input::Offline(absence) => self.offline(now, absence, observer),
            Input::Online => self.online(now, observer),
            Input::Reconnect => self.reconnect.by_hand(),
            Input::Leave => self.leave(now, observer),
        }
        // Whatever came: a host that is kept busy may never find the time to tell that it woke.
        self.expire(now, observer);
    }

    /// What is to be done next, [`Output::Sleep`] last.
    pub fn poll_output(&mut self, now: Instant) -> Output<'_> {
        self.poll_output_with(now, &mut ())
    }

    /// As [`poll_output`](Self::poll_output), and tells `observer` what this changes.
    pub fn poll_output_with(&mut self, now: Instant, observer: &mut impl Observer<C>) -> Output<'_> {
        self.count_read(now);
        // First, since the socket may have to go by an answer.
        if self.ask(now, observer) {
            return Output::Dial(Link::Http);
        }
        if self.socket.is_over() && self.reconnect.take_attempt(now, &self.config, &mut self.random) {
            self.socket.dial(now);
            self.reconcile.dialling(now);
            self.reduce(now, Action::Dialling, observer);
            return Output::Dial(Link::Socket);
        }
        // Before the links that are to be dropped: what can't be sent drops its own.
        if let Some((link, len)) = self.next_send(now, observer) {
            self.sending = Some(link);
            return Output::Send(link, self.out.as_ref().get(..len).unwrap_or_default());
        }
        if self.socket.take_close() {
            self.sends_no_more(Link::Socket);
            return Output::Close(Link::Socket);
        }
        if self.exchange.take_close() {
            self.sends_no_more(Link::Http);
            return Output::Close(Link::Http);
        }
        if self.debounce.take(now) {
            return Output::Changed(core::mem::take(&mut self.changes));
        }
        Output::Sleep(self.deadline(now))
    }

    /// The next of all deadlines.
    fn deadline(&self, now: Instant) -> Option<Instant> {
        let dial = self.reconnect.deadline().filter(|_| self.socket.is_over());
        let asks = self.asks() && self.exchange.is_idle();
        let links = sooner(self.socket.deadline(&self.config), self.exchange.deadline());
        let waits = sooner(dial, self.debounce.deadline());
        sooner(sooner(links, waits), self.reconcile.deadline(now).filter(|_| asks))
    }

    /// Whether anything is asked over HTTP.
    fn asks(&self) -> bool {
        let may = self.config.http && !self.leaving && !self.reconnect.is_offline();
        may && (self.socket.is_open() || !self.reconnect.is_over())
    }

    /// Draws the last answer's conclusion, and asks the next question; whether one is asked.
    #[inline(never)]
    fn ask(&mut self, now: Instant, observer: &mut impl Observer<C>) -> bool {
        if !self.asks() {
            return false;
        }
        if let Some((asked, result)) = self.exchange.take_result() {
            let silence = self
                .socket
                .is_open()
                .then(|| Silence { status: self.state.heard().status(), pieces: self.socket.pieces() });
            let by_log = silence.is_some() && self.state.connection().source == Source::Logs;
            let conclusion = self.reconcile.finished(now, asked, result, silence, by_log);
            if self.reconcile.take_asked_after() {
                self.reduce(now, Action::AskedAfterEnd, observer);
            }
            self.conclude(now, conclusion, observer);
        }
        // Whom nobody answers, it can't be told.
        if self.reconcile.is_refused() && self.state.prompt().is_some_and(Prompt::is_unsettled) {
            let heard = self.state.heard();
            self.over(now, heard, observer);
        }
        // Once more: the conclusion may have been the end.
        if !self.asks() || !self.exchange.is_idle() {
            return false;
        }
        let submits_nothing = self.config.client_id == ClientId::Fresh;
        if self.reconcile.is_log_quiet(now, self.state.falls) {
            self.reduce(now, Action::LogSilent, observer);
        }
        let question = self.reconcile.question(now, &self.state, self.socket.is_open(), submits_nothing);
        let Some(asked) = question else { return false };
        self.exchange.begin(now, asked, &self.state);
        true
    }

    /// What an answer means for links and record.
    fn conclude(&mut self, now: Instant, conclusion: Conclusion, observer: &mut impl Observer<C>) {
        match conclusion {
            Conclusion::Nothing => {}
            Conclusion::Alive => self.server_is_back(now, observer),
            Conclusion::Runs(runs) => {
                self.server_is_back(now, observer);
                if reconcile::running_key(&self.state).is_some_and(|key| runs != Some(key)) {
                    self.over(now, self.exchange.heard(), observer);
                    // Only where that counted, or it would be asked on and on.
                    if runs.is_some() && reconcile::running_key(&self.state).is_none() {
                        self.reconcile.look_again();
                    }
                } else if runs.is_some() && runs != reconcile::running_key(&self.state) && self.is_behind() {
                    // It is asked first how those before ended.
                    self.reconcile.look_again();
                }
            }
            Conclusion::Doubted if !self.state.prompt().is_some_and(Prompt::is_unsettled) => {}
            Conclusion::Unheard | Conclusion::Doubted => self.over(now, self.exchange.heard(), observer),
            Conclusion::Way(way) => self.reduce(now, Action::Way(way), observer),
            Conclusion::Deaf => {
                self.socket.leave(now);
                self.lost(now, Fault::new(FaultKind::Deaf), observer);
            }
        }
    }

    /// Whether it is still to be asked how prompts before the one that runs ended.
    fn is_behind(&self) -> bool {
        self.state.is_behind() || self.state.prompt().is_some_and(Prompt::is_unsettled)
    }

    /// The server answers over HTTP: the socket need not wait for it to come back.
    fn server_is_back(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        let fault = self.state.connection().fault.map(|fault| fault.kind);
        let was_away = matches!(
            fault,
            Some(
                FaultKind::Unreachable
                    | FaultKind::NameUnknown
                    | FaultKind::TimedOut
                    | FaultKind::Silent
                    | FaultKind::Closed
                    | FaultKind::Broken
                    | FaultKind::Refused(502..=504)
            )
        );
        if was_away
            && !self.socket.is_open()
            && let Some(waiting) = self.reconnect.hurry(now, &self.config)
        {
            self.reduce(now, Action::Waiting(waiting), observer);
        }
    }

    /// The record's prompt is over, and the server doesn't tell how; or not yet, where it was running until now.
    fn over(&mut self, now: Instant, heard: Heard, observer: &mut impl Observer<C>) {
        let Some(id) = self.state.prompt().and_then(|prompt| prompt.prompt_id()).cloned() else { return };
        let fact = Fact::Prompt { prompt_id: id.as_id(), standing: Standing::Ended };
        self.reduce(now, Action::Answer { heard, fact }, observer);
    }

    /// What was being sent on `link`, if anything was, is on its way or lost with it.
    fn sends_no_more(&mut self, link: Link) {
        self.sending = self.sending.filter(|sending| *sending != link);
    }

    /// Writes what is to be sent next and returns its link and length.
    fn next_send(&mut self, now: Instant, observer: &mut impl Observer<C>) -> Option<(Link, usize)> {
        if self.sending.is_some() {
            return None;
        }
        let client_id = self.reconnect.client_id(&self.config);
        match self.socket.write(&self.config, &client_id, &mut self.random, self.out.as_mut()) {
            Ok(Some(len)) => return Some((Link::Socket, len)),
            Ok(None) => {}
            Err(fault) => self.lost(now, fault, observer),
        }
        let prompt_id = self.state.prompt().and_then(|prompt| prompt.prompt_id()).map_or("", |id| id.as_str());
        let client_id = self.reconnect.client_id(&self.config);
        self.exchange.write(&self.config, prompt_id, &client_id, self.out.as_mut()).map(|len| (Link::Http, len))
    }

    fn socket_bytes(&mut self, now: Instant, bytes: &[u8], observer: &mut impl Observer<C>) {
        let mut rest = bytes;
        if !self.socket.is_open() && !self.shake_hands(now, &mut rest, observer) {
            return;
        }
        let mut changes = Changes::NONE;
        if self.read == 0 {
            self.reading = now;
        }
        self.read = self.read.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let result = self.socket.receive(now, &self.config, rest, &mut self.state, &mut changes, observer);
        self.changed(now, changes);
        if let Some(latency) = self.socket.take_latency() {
            self.measured(now, Sample::Pong(latency), observer);
        }
        if let Err(fault) = result {
            self.lost(now, fault, observer);
        } else if self.socket.leave_overrun(now, &self.config) {
            self.lost(now, Fault::new(FaultKind::Overrun), observer);
        }
    }

    /// Counts what was read, and how long that took.
    fn count_read(&mut self, now: Instant) {
        let bytes = core::mem::take(&mut self.read);
        if bytes > 0 {
            let all = self.state.messages();
            let messages = all.text.saturating_add(all.binary).saturating_sub(self.state.quality().messages);
            let took = now.saturating_since(self.reading);
            reduce(&mut self.state, now, Action::Measured(Sample::Read { bytes, messages, took }));
        }
    }

    // Not inlined, as above.
    #[inline(never)]
    fn measured(&mut self, now: Instant, sample: Sample, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Measured(sample), observer);
    }

    /// Reads the server's answer to the handshake; whether there is a WebSocket now.
    // Not inlined, here and below: an action would lie on the stack while messages are read.
    #[inline(never)]
    fn shake_hands(&mut self, now: Instant, bytes: &mut &[u8], observer: &mut impl Observer<C>) -> bool {
        match self.socket.handshake(now, bytes) {
            Ok(open) => {
                if open {
                    self.reconnect.established(now);
                    self.reconcile.established(now, self.state.heard().status());
                    self.reduce(now, Action::Established, observer);
                }
                open
            }
            Err(fault) => {
                self.lost(now, fault, observer);
                false
            }
        }
    }

    /// The connection is over by a fault.
    #[inline(never)]
    fn lost(&mut self, now: Instant, fault: Fault, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Lost(Some(fault)), observer);
        self.reconcile.lost(now);
        self.exchange.forget_way();
        let retry_after = self.socket.take_retry_after();
        let waiting = self.reconnect.lost(now, fault, retry_after, &self.config, &mut self.random);
        match waiting {
            Some(waiting) => self.reduce(now, Action::Waiting(waiting), observer),
            None => self.exchange.cancel(),
        }
    }

    #[inline(never)]
    fn offline(&mut self, now: Instant, absence: Absence, observer: &mut impl Observer<C>) {
        let fault = Some(Fault::new(FaultKind::Offline(absence)));
        let is_known = self.reconnect.is_offline() && self.state.connection().fault == fault;
        if is_known || !self.reconnect.go_offline(now, &self.config) {
            return;
        }
        self.socket.drop_dead();
        self.exchange.cancel();
        self.reduce(now, Action::Lost(fault), observer);
        self.reconcile.lost(now);
    }

    #[inline(never)]
    fn online(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if let Some(waiting) = self.reconnect.go_online(now, &self.config) {
            self.reduce(now, Action::Waiting(waiting), observer);
        }
    }

    #[inline(never)]
    fn graph_node(
        &mut self,
        now: Instant,
        prompt_id: Id<'_>,
        node: Id<'_>,
        class: &str,
        observer: &mut impl Observer<C>,
    ) {
        self.reduce(now, Action::GraphNode { prompt_id, node, class }, observer);
    }

    #[inline(never)]
    fn graph(&mut self, now: Instant, prompt_id: Id<'_>, nodes: u32, observer: &mut impl Observer<C>) {
        self.reduce(now, Action::Graph { prompt_id, nodes }, observer);
        self.reconcile.submitted(now);
    }

    #[inline(never)]
    fn missed(&mut self, now: Instant, prompt_id: Id<'_>, observer: &mut impl Observer<C>) {
        if self.state.prompt().is_some_and(|prompt| !prompt.is_settled()) {
            return;
        }
        let fact = Fact::Prompt { prompt_id, standing: Standing::Missed };
        self.reduce(now, Action::Answer { heard: self.state.heard(), fact }, observer);
    }

    fn expire(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if let Some(kind) = self.socket.expire(now, &self.config) {
            self.lost(now, Fault::new(kind), observer);
        }
        self.exchange.expire(now);
        self.reconnect.prove(now, &self.config);
    }

    #[inline(never)]
    fn leave(&mut self, now: Instant, observer: &mut impl Observer<C>) {
        if core::mem::replace(&mut self.leaving, true) {
            return;
        }
        self.exchange.cancel();
        self.reconnect.stop();
        // What ended the connection before stays known; that there will be another doesn't.
        let fault = if self.socket.leave(now) { None } else { self.state.connection().fault };
        self.reduce(now, Action::Lost(fault), observer);
    }

    fn reduce(&mut self, now: Instant, action: Action<'_>, observer: &mut impl Observer<C>) {
        let changes = reduce(&mut self.state, now, action);
        observer.reduced(now, &action, changes, &self.state);
        self.changed(now, changes);
    }

    fn changed(&mut self, now: Instant, changes: Changes) {
        self.changes = self.changes.and(changes);
        // That a message of no use was counted is no reason to paint.
        if changes.has(Changes::SHOWN) {
            self.debounce.changed();
        }
        if changes.has(Changes::PROGRESS.and(Changes::PROMPT)) {
            let truth = self.state.prompt().and_then(crate::state::Prompt::percentage);
            self.smooth.set(now, truth.unwrap_or_default());
        }
    }
}

/// The earlier of two deadlines, as far as there are any.
#[inline(never)]
fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

#[cfg(test)]
mod tests;
