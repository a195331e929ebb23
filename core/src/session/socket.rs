//! The WebSocket: dialled, shaken hands with, read, answered.

use heapless::Vec;

use super::{Config, End, Observer, handler::Tee, random::Random};
use crate::{
    capacity::Capacity,
    event::{Decoder, Interest, Raw},
    heartbeat::{Beat, Heartbeat},
    http::Request,
    limits::{CLOSE_SECONDS, CONNECT_SECONDS, CONTROL_BYTES},
    reducer::Changes,
    state::{Fault, FaultKind, State},
    time::{Duration, Instant},
    websocket::{Handshake, HandshakeError, MessageKind, Outgoing, Received, Receiver},
};

/// How long dialling and the handshake may take together.
const CONNECT: Duration = Duration::from_secs(CONNECT_SECONDS);

/// How long a close may take to be sent.
const CLOSE: Duration = Duration::from_secs(CLOSE_SECONDS);

/// The first message of a client; only `true` itself counts (ComfyUI's `feature_flags.py`).
const FEATURE_FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

/// Closes in good order.
const NORMAL: u16 = 1000;

#[derive(Debug)]
pub(super) struct Socket<C: Capacity> {
    place: Place,
    /// When dialling began.
    since: Instant,
    handshake: Handshake,
    receiver: Receiver,
    decoder: Decoder<C>,
    /// The server's last ping, which wants an answer.
    pong: Option<Vec<u8, CONTROL_BYTES>>,
    greeting_due: bool,
    /// A ping is to be sent, with this payload.
    ping: Option<[u8; 4]>,
    /// A close is to be sent, with this code.
    close_due: bool,
    close_code: Option<u16>,
    /// The link is to be dropped, once nothing is being sent any more.
    drop_due: bool,
    heartbeat: Heartbeat,
    /// How long the last ping took, until that is taken.
    latency: Option<Duration>,
    /// Pieces of messages read, modulo 2^32.
    pieces: u32,
    /// What the server said of when to come back, in seconds.
    retry_after: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// There is none, or none any more.
    Over,
    Dialling,
    /// Open; the request for a WebSocket is to be sent.
    Asking,
    /// The answer is awaited.
    Asked,
    Open,
    /// A close was sent or is about to be: nothing is read any more.
    Closing,
}

impl<C: Capacity> Socket<C> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) fn new(interest: Interest) -> Self {
        Self {
            place: Place::Over,
            since: Instant::ZERO,
            handshake: Handshake::new([0; 16]),
            receiver: Receiver::new(),
            decoder: Decoder::new(interest.union(Interest::STATE)),
            pong: None,
            greeting_due: false,
            ping: None,
            close_due: false,
            close_code: None,
            drop_due: false,
            heartbeat: Heartbeat::new(Instant::ZERO),
            latency: None,
            pieces: 0,
            retry_after: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.place == Place::Open
    }

    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Over && !self.drop_due
    }

    pub(super) const fn take_latency(&mut self) -> Option<Duration> {
        self.latency.take()
    }

    pub(super) const fn take_retry_after(&mut self) -> Option<u32> {
        self.retry_after.take()
    }

    /// How many pieces of messages were read, modulo 2^32.
    pub(super) const fn pieces(&self) -> u32 {
        self.pieces
    }

    /// It is being dialled.
    pub(super) const fn dial(&mut self, now: Instant) {
        self.place = Place::Dialling;
        self.since = now;
        self.retry_after = None;
    }

    pub(super) fn take_close(&mut self) -> bool {
        let due = self.drop_due && !self.close_due;
        self.drop_due &= !due;
        due
    }

    /// The link is open, and somebody else has shaken hands.
    pub(super) const fn attach(&mut self, now: Instant) {
        self.place = Place::Open;
        self.heartbeat = Heartbeat::new(now);
    }

    pub(super) fn opened(&mut self) {
        if self.place == Place::Dialling {
            self.place = Place::Asking;
        }
    }

    /// What was written last is on its way; behind a close there is nothing to stay for.
    pub(super) fn sent(&mut self) {
        if self.place == Place::Closing && !self.close_due {
            self.place = Place::Over;
            self.drop_due = true;
        }
    }

    /// The link ended by itself; what is wrong with that, where it was still needed.
    pub(super) fn closed(&mut self, end: End) -> Option<Fault> {
        let kind = match (self.place, end) {
            (Place::Over | Place::Closing, _) => None,
            (_, End::Untrusted) => Some(FaultKind::Untrusted),
            (_, End::NameUnknown) => Some(FaultKind::NameUnknown),
            (Place::Dialling, End::Unreachable | End::Eof | End::Broken) | (_, End::Unreachable) => {
                Some(FaultKind::Unreachable)
            }
            (_, End::Eof) => Some(FaultKind::Closed),
            (_, End::Broken) => Some(FaultKind::Broken),
        };
        self.place = Place::Over;
        self.close_due = false;
        self.drop_due = false;
        self.decoder.reset();
        kind.map(Fault::new)
    }

    pub(super) fn deadline(&self, config: &Config<'_>) -> Option<Instant> {
        match self.place {
            Place::Dialling | Place::Asking | Place::Asked => Some(self.since.saturating_add(CONNECT)),
            Place::Closing => Some(self.since.saturating_add(CLOSE)),
            Place::Open => self.heartbeat.deadline(&config.heartbeat),
            Place::Over => None,
        }
    }

    /// Gives up what takes too long; the fault, where the connection was lost by it.
    pub(super) fn expire(&mut self, now: Instant, config: &Config<'_>) -> Option<FaultKind> {
        let kind = match self.place {
            Place::Open => match self.heartbeat.poll(&config.heartbeat, now) {
                Beat::Wait => return None,
                Beat::Ping => {
                    // It counts from now on, whether or not there is a way to send it.
                    self.ping = Some(self.heartbeat.ping(&config.heartbeat, now));
                    return None;
                }
                Beat::Stale => Some(FaultKind::Silent),
            },
            _ if self.deadline(config).is_none_or(|deadline| now < deadline) => return None,
            Place::Closing => None,
            _ => Some(FaultKind::TimedOut),
        };
        self.give_up();
        kind
    }

    /// Leaves where messages come faster than they are read; whether that was so.
    pub(super) fn leave_overrun(&mut self, now: Instant, config: &Config<'_>) -> bool {
        let overrun = self.is_open() && self.heartbeat.is_overrun(&config.heartbeat, now);
        if overrun {
            // No good-bye: its answer would stand behind all that wasn't read.
            self.give_up();
        }
        overrun
    }

    /// Leaves in good order; false where the connection was over already.
    pub(super) fn leave(&mut self, now: Instant) -> bool {
        match self.place {
            Place::Closing | Place::Over => return false,
            Place::Open => self.begin_close(now, Some(NORMAL)),
            Place::Dialling | Place::Asking | Place::Asked => self.give_up(),
        }
        true
    }

    fn begin_close(&mut self, now: Instant, code: Option<u16>) {
        self.place = Place::Closing;
        self.since = now;
        self.ping = None;
        self.decoder.reset();
        self.close_due = true;
        self.close_code = code;
        self.pong = None;
    }

    /// There is no network any more: what is on its way is lost.
    pub(super) fn drop_dead(&mut self) {
        if self.place != Place::Over {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.place = Place::Over;
        self.close_due = false;
        self.ping = None;
        self.decoder.reset();
        self.drop_due = true;
    }

    /// Writes what is to be sent next.
    pub(super) fn write(
        &mut self,
        config: &Config<'_>,
        client_id: &[&str; 3],
        random: &mut Random,
        out: &mut [u8],
    ) -> Result<Option<usize>, Fault> {
        let mut frame = |outgoing: Outgoing<'_>, out: &mut [u8]| outgoing.write(random.bytes(), out).ok();
        match self.place {
            Place::Asking => {
                self.handshake = Handshake::new(random.bytes());
                self.place = Place::Asked;
                let [id, dash, digits] = *client_id;
                let and = if config.query.is_empty() { "" } else { "&" };
                let target = [config.prefix, "/ws?clientId=", id, dash, digits, and, config.query];
                let request = Request { host: config.host, target: &target, headers: config.headers };
                let written = self.handshake.write_request(&request, out).ok();
                if written.is_none() {
                    self.give_up();
                    return Err(Fault::new(FaultKind::Config));
                }
                Ok(written)
            }
            Place::Open => {
                if core::mem::take(&mut self.greeting_due) && config.preview_metadata {
                    return Ok(frame(Outgoing::Text(FEATURE_FLAGS), out));
                }
                if let Some(payload) = self.pong.take() {
                    return Ok(frame(Outgoing::Pong(&payload), out));
                }
                Ok(self.ping.take().and_then(|payload| frame(Outgoing::Ping(&payload), out)))
            }
            Place::Closing if core::mem::take(&mut self.close_due) => {
                Ok(frame(Outgoing::Close { code: self.close_code, reason: "" }, out))
            }
            _ => Ok(None),
        }
    }

    /// Reads the server's answer to the handshake; true once there is a WebSocket, whose first frames `bytes` then holds.
    // Not inlined: its buffers would lie on the stack for as long as there is something to read.
    #[inline(never)]
    pub(super) fn handshake(&mut self, now: Instant, bytes: &mut &[u8]) -> Result<bool, Fault> {
        if self.place != Place::Asked {
            return Ok(false);
        }
        match self.handshake.feed(bytes) {
            Ok(open) => {
                if open {
                    self.place = Place::Open;
                    self.receiver = Receiver::new();
                    self.decoder.reset();
                    self.greeting_due = true;
                    self.pong = None;
                    self.heartbeat = Heartbeat::new(now);
                }
                Ok(open)
            }
            Err(error) => {
                self.give_up();
                Err(Fault::new(match error {
                    HandshakeError::Refused { status, retry_after, .. } if !(200..300).contains(&status) => {
                        self.retry_after = retry_after;
                        FaultKind::Refused(status)
                    }
                    _ => FaultKind::NotComfyUi,
                }))
            }
        }
    }

    /// Reads frames. The error is what ended the connection.
    pub(super) fn receive<O: Observer<C>>(
        &mut self,
        now: Instant,
        config: &Config<'_>,
        mut bytes: &[u8],
        state: &mut State<C>,
        changes: &mut Changes,
        observer: &mut O,
    ) -> Result<(), Fault> {
        if self.place != Place::Open {
            return Ok(());
        }
        self.heartbeat.heard(&config.heartbeat, now);
        loop {
            let received = match self.receiver.next(&mut bytes) {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.begin_close(now, Some(error.close_code()));
                    return Err(Fault::new(FaultKind::Protocol));
                }
            };
            match received {
                Received::Data { kind, bytes, first, last } => {
                    self.pieces = self.pieces.wrapping_add(1);
                    let binary = kind == MessageKind::Binary;
                    observer.raw(if binary { Raw::Binary(bytes) } else { Raw::Text(bytes) }, first, last);
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
                Received::Ping(payload) => answer(&mut self.pong, payload),
                Received::Pong(payload) => {
                    self.latency = self.heartbeat.pong(&config.heartbeat, now, payload).or(self.latency);
                }
                Received::Close { code, .. } => {
                    self.begin_close(now, code);
                    return Err(Fault::new(code.map_or(FaultKind::Closed, FaultKind::ClosedWith)));
                }
            }
        }
    }
}

/// Keeps a ping's payload for its answer. Not inlined: it would lie on the stack while messages are read.
#[inline(never)]
fn answer(pong: &mut Option<Vec<u8, CONTROL_BYTES>>, payload: &[u8]) {
    *pong = Vec::from_slice(payload).ok();
}
