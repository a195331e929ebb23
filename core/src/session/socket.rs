//! The WebSocket: dialled, shaken hands with, read, answered.

use heapless::{String, Vec};

use super::{Config, End, Observer, handler::Tee, random::Random};
use crate::{
    event::{Decoder, Interest, Raw},
    http::{HeadError, Request},
    limits::{CONNECT_SECONDS, CONTROL_BYTES},
    reducer::Changes,
    state::{Fault, FaultKind, State},
    time::{Duration, Instant},
    websocket::{Handshake, HandshakeError, MessageKind, Outgoing, Received, Receiver},
};

/// How long dialling and the handshake may take together.
const CONNECT: Duration = Duration::from_secs(CONNECT_SECONDS);

/// The first message of a client; only `true` itself counts (ComfyUI's `feature_flags.py`).
const FEATURE_FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

/// Closes in good order.
const NORMAL: u16 = 1000;

#[derive(Debug)]
pub(super) struct Socket<const ID: usize, const MESSAGE: usize, const HEAD: usize> {
    place: Place,
    /// When dialling began.
    since: Instant,
    handshake: Handshake<HEAD>,
    receiver: Receiver,
    decoder: Decoder<ID, MESSAGE>,
    /// The server's last ping, which wants an answer.
    pong: Option<Vec<u8, CONTROL_BYTES>>,
    greeting_due: bool,
    /// A close is to be sent, with this code.
    close_due: bool,
    close_code: Option<u16>,
    /// The link is to be dropped, once nothing is being sent any more.
    drop_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// To be dialled.
    Idle,
    Dialling,
    /// Open; the request for a WebSocket is to be sent.
    Asking,
    /// The answer is awaited.
    Asked,
    Open,
    /// A close was sent or is about to be: nothing is read any more.
    Closing,
    Over,
}

impl<const ID: usize, const MESSAGE: usize, const HEAD: usize> Socket<ID, MESSAGE, HEAD> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) fn new(interest: Interest) -> Self {
        Self {
            place: Place::Idle,
            since: Instant::ZERO,
            handshake: Handshake::new([0; 16]),
            receiver: Receiver::new(),
            decoder: Decoder::new(interest.union(Interest::STATE)),
            pong: None,
            greeting_due: false,
            close_due: false,
            close_code: None,
            drop_due: false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.place == Place::Open
    }

    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Over && !self.drop_due
    }

    pub(super) fn take_dial(&mut self, now: Instant) -> bool {
        let due = self.place == Place::Idle;
        if due {
            self.place = Place::Dialling;
            self.since = now;
        }
        due
    }

    pub(super) fn take_close(&mut self) -> bool {
        let due = self.drop_due && !self.close_due;
        self.drop_due &= !due;
        due
    }

    /// The link is open, and somebody else has shaken hands.
    pub(super) fn attach(&mut self) {
        self.place = Place::Open;
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
            (Place::Over | Place::Closing | Place::Idle, _) => None,
            (Place::Dialling, End::Unreachable | End::Eof | End::Broken) | (_, End::Unreachable) => {
                Some(FaultKind::Unreachable)
            }
            (Place::Asking | Place::Asked, End::Eof) => Some(FaultKind::NotComfyUi),
            (_, End::Eof) => Some(FaultKind::Closed),
            (_, End::Broken) => Some(FaultKind::Broken),
        };
        self.place = Place::Over;
        self.close_due = false;
        self.drop_due = false;
        self.decoder.reset();
        kind.map(Fault::new)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        matches!(self.place, Place::Dialling | Place::Asking | Place::Asked | Place::Closing)
            .then(|| self.since.saturating_add(CONNECT))
    }

    /// Gives up what takes too long; whether the connection was lost by it.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return false;
        }
        let lost = self.place != Place::Closing;
        self.give_up();
        lost
    }

    /// Leaves in good order; false where the connection was over already.
    pub(super) fn leave(&mut self, now: Instant) -> bool {
        match self.place {
            Place::Closing | Place::Over => return false,
            Place::Open => self.begin_close(Some(NORMAL)),
            Place::Idle => self.place = Place::Over,
            Place::Dialling | Place::Asking | Place::Asked => self.give_up(),
        }
        self.since = now;
        true
    }

    fn begin_close(&mut self, code: Option<u16>) {
        self.place = Place::Closing;
        self.close_due = true;
        self.close_code = code;
        self.pong = None;
    }

    fn give_up(&mut self) {
        self.place = Place::Over;
        self.close_due = false;
        self.drop_due = true;
    }

    /// Writes what is to be sent next.
    pub(super) fn write(
        &mut self,
        config: &Config<'_>,
        random: &mut Random,
        out: &mut [u8; HEAD],
    ) -> Result<Option<usize>, Fault> {
        let mut frame = |outgoing: Outgoing<'_>, out: &mut [u8; HEAD]| outgoing.write(random.bytes(), out).ok();
        match self.place {
            Place::Asking => {
                self.handshake = Handshake::new(random.bytes());
                self.place = Place::Asked;
                let mut target = String::<HEAD>::new();
                let written = target
                    .push_str(config.prefix)
                    .and_then(|()| target.push_str("/ws"))
                    .and_then(|()| if config.query.is_empty() { Ok(()) } else { target.push('?') })
                    .and_then(|()| target.push_str(config.query))
                    .ok()
                    .map(|()| Request { host: config.host, target: &target, headers: config.headers })
                    .and_then(|request| self.handshake.write_request(&request, out).ok());
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
                Ok(self.pong.take().and_then(|payload| frame(Outgoing::Pong(&payload), out)))
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
    pub(super) fn handshake(&mut self, bytes: &mut &[u8]) -> Result<bool, Fault> {
        if self.place != Place::Asked {
            return Ok(false);
        }
        match self.handshake.feed(bytes) {
            Ok(fed) if fed.complete => {
                *bytes = bytes.get(fed.consumed..).unwrap_or_default();
                self.place = Place::Open;
                self.receiver = Receiver::new();
                self.decoder.reset();
                self.greeting_due = true;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => {
                self.give_up();
                let kind = match error {
                    HandshakeError::Refused { status: 200..=299, .. }
                    | HandshakeError::Head(HeadError::NotHttp | HeadError::Malformed)
                    | HandshakeError::NotWebSocket(_) => FaultKind::NotComfyUi,
                    HandshakeError::Refused { status, .. } => FaultKind::Refused(status),
                    HandshakeError::Head(_) => FaultKind::LargeHead,
                };
                Err(Fault::new(kind))
            }
        }
    }

    /// Reads frames. The error is what ended the connection.
    pub(super) fn receive<O: Observer, const NODES: usize, const NAMES: usize, const LEARNED: usize>(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        state: &mut State<ID, MESSAGE, NODES, NAMES, LEARNED>,
        changes: &mut Changes,
        observer: &mut O,
    ) -> Result<(), Fault> {
        if self.place != Place::Open {
            return Ok(());
        }
        loop {
            let received = match self.receiver.next(&mut bytes) {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.since = now;
                    self.begin_close(Some(error.close_code()));
                    self.decoder.reset();
                    return Err(Fault::new(FaultKind::Protocol));
                }
            };
            match received {
                Received::Data { kind, bytes, first, last } => {
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
                // Nothing is timed by it here.
                Received::Pong(_) => {}
                Received::Close { code, .. } => {
                    self.since = now;
                    self.begin_close(code);
                    self.decoder.reset();
                    return Err(Fault::new(FaultKind::Closed));
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
