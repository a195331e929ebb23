//! The WebSocket at the level of messages: opened, read, pinged, closed.

use super::{Config, End, tee::Tee};
use crate::{
    capacity::Capacity,
    event::{Decoder, Interest, Message, MessageKind},
    heartbeat::{Heartbeat, HeartbeatAction},
    limits::CONNECT_SECONDS,
    reducer::Observer,
    state::{Changes, Fault, FaultKind, State},
    time::{Duration, Instant},
};

/// The timeout of connecting, including the handshake.
const CONNECT: Duration = Duration::from_secs(CONNECT_SECONDS);

/// The client's first message; the value must be exactly `true` (ComfyUI's `feature_flags.py`).
pub(crate) const FEATURE_FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

/// A normal closure (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

#[derive(Debug)]
pub(super) struct Socket<C: Capacity> {
    phase: Phase,
    /// When opening began.
    since: Instant,
    decoder: Decoder<C>,
    /// The first message is due.
    greeting_due: bool,
    /// The payload of a ping that is due.
    ping: Option<[u8; 4]>,
    /// The link is to be closed, with this code or at once.
    #[expect(clippy::option_option, reason = "outer: whether it is due; inner: the code, if there is one")]
    close: Option<Option<u16>>,
    heartbeat: Heartbeat,
    /// The last ping's time, until it is taken.
    latency: Option<Duration>,
    /// Pieces of messages read, modulo 2^32.
    pieces: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Opening,
    Open,
}

impl<C: Capacity> Socket<C> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) fn new(interest: Interest) -> Self {
        Self {
            phase: Phase::Closed,
            since: Instant::ZERO,
            decoder: Decoder::new(interest.union(Interest::STATE)),
            greeting_due: false,
            ping: None,
            close: None,
            heartbeat: Heartbeat::new(Instant::ZERO),
            latency: None,
            pieces: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether it is closed, and the host knows that.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Closed && self.close.is_none()
    }

    /// Pieces of messages read, modulo 2^32.
    pub(super) const fn pieces(&self) -> u32 {
        self.pieces
    }

    pub(super) const fn open(&mut self, now: Instant) {
        self.phase = Phase::Opening;
        self.since = now;
    }

    /// It is open without an attempt of this session.
    pub(super) const fn attach(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.heartbeat = Heartbeat::new(now);
    }

    /// The handshake is over. Returns whether this was expected.
    pub(super) fn opened(&mut self, now: Instant) -> bool {
        let awaited = self.phase == Phase::Opening;
        if awaited {
            self.attach(now);
            self.decoder.reset();
            self.greeting_due = true;
        }
        awaited
    }

    /// The server or the network ended it. Returns the fault, unless it was closed already.
    pub(super) fn closed(&mut self, end: End) -> Option<Fault> {
        let kind = match (self.phase, end) {
            (Phase::Closed, _) => None,
            (_, End::Untrusted) => Some(FaultKind::Untrusted),
            (_, End::NameUnknown) => Some(FaultKind::NameUnknown),
            (_, End::Unreachable) => Some(FaultKind::Unreachable),
            (_, End::Eof) => Some(FaultKind::Closed),
            (_, End::ClosedWith(code)) => Some(FaultKind::ClosedWith(code)),
            (_, End::Broken) => Some(FaultKind::Broken),
            (_, End::Refused { status: 200..=299, .. } | End::NotWebSocket) => Some(FaultKind::NotComfyUi),
            (_, End::Refused { status, .. }) => Some(FaultKind::Refused(status)),
            (_, End::Protocol) => Some(FaultKind::Protocol),
            (_, End::Unsendable) => Some(FaultKind::Config),
        };
        self.forget();
        self.close = None;
        kind.map(Fault::new)
    }

    pub(super) fn deadline(&self, config: &Config<'_>) -> Option<Instant> {
        match self.phase {
            Phase::Opening => Some(self.since.saturating_add(CONNECT)),
            Phase::Open => self.heartbeat.deadline(&config.heartbeat),
            Phase::Closed => None,
        }
    }

    /// Acts on a timeout. Returns the fault if the connection is lost by it.
    pub(super) fn expire(&mut self, now: Instant, config: &Config<'_>) -> Option<FaultKind> {
        let kind = match self.phase {
            Phase::Open => match self.heartbeat.poll(&config.heartbeat, now) {
                HeartbeatAction::Wait => return None,
                HeartbeatAction::Ping => {
                    // Its timeout runs from now on, even if sending has to wait.
                    self.ping = Some(self.heartbeat.ping(&config.heartbeat, now));
                    return None;
                }
                HeartbeatAction::Stale => FaultKind::Silent,
            },
            Phase::Opening if self.deadline(config).is_some_and(|deadline| now >= deadline) => FaultKind::TimedOut,
            _ => return None,
        };
        self.abort();
        Some(kind)
    }

    /// Drops it if messages come faster than they are read. Returns whether it did.
    pub(super) fn leave_overrun(&mut self, now: Instant, config: &Config<'_>) -> bool {
        let overrun = self.is_open() && self.heartbeat.is_overrun(&config.heartbeat, now);
        if overrun {
            // Without a close frame: its answer would come after everything unread.
            self.abort();
        }
        overrun
    }

    /// Closes it with a close frame. Returns false if it was closed already.
    pub(super) fn leave(&mut self) -> bool {
        let phase = self.phase;
        if phase != Phase::Closed {
            self.forget();
            self.close = Some(if phase == Phase::Open { Some(NORMAL) } else { None });
        }
        phase != Phase::Closed
    }

    /// Drops it at once.
    pub(super) fn abort(&mut self) {
        if self.phase != Phase::Closed {
            self.forget();
            self.close = Some(None);
        }
    }

    fn forget(&mut self) {
        self.phase = Phase::Closed;
        self.ping = None;
        self.greeting_due = false;
        self.decoder.reset();
    }

    /// Takes the code to close it with, once that is due.
    #[expect(clippy::option_option, reason = "outer: whether it is due; inner: the code, if there is one")]
    pub(super) const fn take_close(&mut self) -> Option<Option<u16>> {
        self.close.take()
    }

    /// Takes the first message, once it is due.
    pub(super) fn take_greeting(&mut self, config: &Config<'_>) -> Option<&'static str> {
        (self.phase == Phase::Open && core::mem::take(&mut self.greeting_due) && config.preview_metadata)
            .then_some(FEATURE_FLAGS)
    }

    /// Takes the payload of the ping that is due.
    pub(super) const fn take_ping(&mut self) -> Option<[u8; 4]> {
        self.ping.take()
    }

    /// Anything arrived, so the server is alive.
    pub(super) fn received(&mut self, now: Instant, config: &Config<'_>) {
        self.heartbeat.received(&config.heartbeat, now);
    }

    /// A pong arrived.
    pub(super) fn pong(&mut self, now: Instant, config: &Config<'_>, payload: &[u8]) {
        self.latency = self.heartbeat.pong(&config.heartbeat, now, payload).or(self.latency);
    }

    /// A response arrived in place of a pong.
    pub(super) fn answered(&mut self, now: Instant, config: &Config<'_>) {
        self.heartbeat.answered(&config.heartbeat, now);
    }

    /// The response that stands for a pong will not come.
    pub(super) fn excuse(&mut self, now: Instant, config: &Config<'_>) {
        self.heartbeat.excuse(&config.heartbeat, now);
    }

    pub(super) const fn take_latency(&mut self) -> Option<Duration> {
        self.latency.take()
    }

    /// Reads a message or a piece of one.
    pub(super) fn message<O: Observer<C>>(
        &mut self,
        now: Instant,
        message: Message<'_>,
        state: &mut State<C>,
        changes: &mut Changes,
        observer: &mut O,
    ) {
        self.pieces = self.pieces.wrapping_add(1);
        let Message { kind, bytes, last, .. } = message;
        observer.raw(&message);
        let binary = kind == MessageKind::Binary;
        let mut tee = Tee { state, now, binary, changes, observer };
        if binary {
            self.decoder.binary(bytes, &mut tee);
            if last {
                self.decoder.end_binary(&mut tee);
            }
        } else {
            self.decoder.text(bytes, &mut tee);
            if last {
                self.decoder.end_text(&mut tee);
            }
        }
    }
}
