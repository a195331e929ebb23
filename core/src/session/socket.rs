//! The WebSocket as the session sees it: opened, read, pinged, closed.

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

/// How long opening may take, the handshake included.
const CONNECT: Duration = Duration::from_secs(CONNECT_SECONDS);

/// The first message of a client; only `true` itself counts (ComfyUI's `feature_flags.py`).
pub(crate) const FEATURE_FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

/// A normal closure (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

#[derive(Debug)]
pub(super) struct Socket<C: Capacity> {
    phase: Phase,
    /// When opening began.
    since: Instant,
    decoder: Decoder<C>,
    /// The first message is to be sent.
    greeting_due: bool,
    /// A ping is to be sent, with this payload.
    ping: Option<[u8; 4]>,
    /// The link is to be closed, with this code or at once.
    close: Option<Option<u16>>,
    heartbeat: Heartbeat,
    /// How long the last ping took, until that is taken.
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

    /// Whether there is none, and nothing left to be done about the last one.
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

    /// It is open, and was made without this session.
    pub(super) const fn attach(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.heartbeat = Heartbeat::new(now);
    }

    /// The handshake is over; whether that was awaited.
    pub(super) fn opened(&mut self, now: Instant) -> bool {
        let awaited = self.phase == Phase::Opening;
        if awaited {
            self.attach(now);
            self.decoder.reset();
            self.greeting_due = true;
        }
        awaited
    }

    /// It ended by itself; the fault, where it was still needed.
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

    /// Gives up what takes too long; the fault, where the connection was lost by it.
    pub(super) fn expire(&mut self, now: Instant, config: &Config<'_>) -> Option<FaultKind> {
        let kind = match self.phase {
            Phase::Open => match self.heartbeat.poll(&config.heartbeat, now) {
                HeartbeatAction::Wait => return None,
                HeartbeatAction::Ping => {
                    // It counts from now on, even if it has to wait to be sent.
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

    /// Leaves where messages come faster than they are read; whether that was so.
    pub(super) fn leave_overrun(&mut self, now: Instant, config: &Config<'_>) -> bool {
        let overrun = self.is_open() && self.heartbeat.is_overrun(&config.heartbeat, now);
        if overrun {
            // Without a close frame: its answer would come behind all that wasn't read.
            self.abort();
        }
        overrun
    }

    /// Closes it in good order; false where it was closed already.
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

    /// The code to close it with, once that is to be done.
    pub(super) const fn take_close(&mut self) -> Option<Option<u16>> {
        self.close.take()
    }

    /// The first message, once it is to be sent.
    pub(super) fn take_greeting(&mut self, config: &Config<'_>) -> Option<&'static str> {
        (self.phase == Phase::Open && core::mem::take(&mut self.greeting_due) && config.preview_metadata)
            .then_some(FEATURE_FLAGS)
    }

    /// The payload of the ping that is to be sent.
    pub(super) const fn take_ping(&mut self) -> Option<[u8; 4]> {
        self.ping.take()
    }

    /// Something came: the server lives, whatever it is.
    pub(super) fn heard(&mut self, now: Instant, config: &Config<'_>) {
        self.heartbeat.received(&config.heartbeat, now);
    }

    /// A pong came.
    pub(super) fn pong(&mut self, now: Instant, config: &Config<'_>, payload: &[u8]) {
        self.latency = self.heartbeat.pong(&config.heartbeat, now, payload).or(self.latency);
    }

    /// A response came that stands in for a pong.
    pub(super) fn answered(&mut self, now: Instant, config: &Config<'_>) {
        self.heartbeat.answered(&config.heartbeat, now);
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
