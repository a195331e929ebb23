//! The link of the WebSocket: dialled, handshake, read, closed.

use heapless::Vec;

use super::{
    http::RequestHead,
    websocket::{Handshake, HandshakeError, Receiver},
};
use crate::{
    capacity::Capacity,
    limits::{CLOSE_SECONDS, CONTROL_BYTES},
    session::{End, Session},
    time::{Duration, Instant},
};

/// The timeout of sending a close frame.
const CLOSE: Duration = Duration::from_secs(CLOSE_SECONDS);

#[derive(Debug)]
pub(super) struct Socket {
    phase: Phase,
    handshake: Handshake,
    pub(super) receiver: Receiver,
    /// The payload of the server's last ping, until it is answered.
    pub(super) pong: Option<Vec<u8, CONTROL_BYTES>>,
    /// A close frame with this code is due.
    #[expect(clippy::option_option, reason = "outer: whether it is due; inner: the code, if there is one")]
    close_due: Option<Option<u16>>,
    /// The host must drop the link.
    drop_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no link.
    Idle,
    Dialling,
    /// The link is open; the handshake's request is due.
    Connected,
    /// The handshake's response is awaited.
    Requested,
    Open,
    /// A close frame is being sent since this time; nothing is read any more.
    Closing(Instant),
}

impl Socket {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            phase: Phase::Idle,
            handshake: Handshake::new([0; 16]),
            receiver: Receiver::new(),
            pong: None,
            close_due: None,
            drop_due: false,
        }
    }

    /// Whether there is no link, and none to drop.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && !self.drop_due
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    pub(super) const fn dial(&mut self) {
        self.phase = Phase::Dialling;
    }

    /// The link is open, and its handshake is over.
    pub(super) const fn attach(&mut self) {
        self.phase = Phase::Open;
    }

    pub(super) fn opened(&mut self) {
        if self.phase == Phase::Dialling {
            self.phase = Phase::Connected;
        }
    }

    /// The bytes are written. After a close frame the link is dropped.
    pub(super) fn sent(&mut self) {
        if matches!(self.phase, Phase::Closing(_)) && self.close_due.is_none() {
            self.drop_link();
        }
    }

    /// The link ended by itself. Returns how, for the session.
    pub(super) fn closed(&mut self, end: End) -> End {
        let end = match (self.phase, end) {
            // The connection was never made.
            (Phase::Dialling, End::Eof | End::Broken) => End::Unreachable,
            _ => end,
        };
        self.phase = Phase::Idle;
        self.close_due = None;
        self.drop_due = false;
        end
    }

    /// Ends the link, after a close `frame` with its code if there is one.
    #[expect(clippy::option_option, reason = "outer: whether there is a frame; inner: the code, if there is one")]
    pub(super) fn close(&mut self, now: Instant, frame: Option<Option<u16>>) {
        match (self.phase, frame) {
            (Phase::Open, Some(_)) => {
                self.phase = Phase::Closing(now);
                self.close_due = frame;
            }
            // Closed, or already closing.
            (Phase::Idle, _) | (Phase::Closing(_), Some(_)) => {}
            _ => self.drop_link(),
        }
    }

    fn drop_link(&mut self) {
        self.phase = Phase::Idle;
        self.close_due = None;
        self.drop_due = true;
    }

    /// There is no network, so a close frame won't arrive.
    pub(super) fn drop_closing(&mut self) {
        if matches!(self.phase, Phase::Closing(_)) {
            self.drop_link();
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Closing(since) => Some(since.saturating_add(CLOSE)),
            _ => None,
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.drop_link();
        }
    }

    /// Takes whether the host must drop the link.
    pub(super) const fn take_drop(&mut self) -> bool {
        core::mem::replace(&mut self.drop_due, false)
    }

    /// Takes the code of the close frame that is due.
    #[expect(clippy::option_option, reason = "outer: whether it is due; inner: the code, if there is one")]
    pub(super) const fn take_close_frame(&mut self) -> Option<Option<u16>> {
        self.close_due.take()
    }

    /// Writes the handshake's request, once it is due. The error ends the connection.
    pub(super) fn write_handshake<C: Capacity>(
        &mut self,
        session: &mut Session<'_, C>,
        out: &mut [u8],
    ) -> Result<Option<usize>, End> {
        if self.phase != Phase::Connected {
            return Ok(None);
        }
        self.handshake = Handshake::new(session.random.bytes());
        self.phase = Phase::Requested;
        let target = session.socket_target();
        let request =
            RequestHead { host: session.config.host, target: &target.parts(""), headers: session.config.headers };
        let Ok(len) = self.handshake.write_request(&request, out) else {
            self.drop_link();
            return Err(End::Unsendable);
        };
        Ok(Some(len))
    }

    /// Reads the handshake's response; true once the WebSocket is open. `bytes` then starts with the first frames. The
    /// error ends the connection.
    // Not inlined, to keep its buffers off the stack while frames are read.
    #[inline(never)]
    pub(super) fn read_handshake(&mut self, bytes: &mut &[u8]) -> Result<bool, End> {
        if self.phase != Phase::Requested {
            return Ok(false);
        }
        match self.handshake.feed(bytes) {
            Ok(open) => {
                if open {
                    self.phase = Phase::Open;
                    self.receiver.reset();
                    self.pong = None;
                }
                Ok(open)
            }
            Err(error) => {
                self.drop_link();
                Err(match error {
                    HandshakeError::Refused { status, retry_after, .. } => End::Refused { status, retry_after },
                    _ => End::NotWebSocket,
                })
            }
        }
    }
}

/// Keeps a ping's payload for its pong. Not inlined, to keep the payload off the stack while messages are read.
#[inline(never)]
pub(super) fn keep(pong: &mut Option<Vec<u8, CONTROL_BYTES>>, payload: &[u8]) {
    *pong = Vec::from_slice(payload).ok();
}
