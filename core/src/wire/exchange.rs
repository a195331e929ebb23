//! The link of an HTTP exchange: dialled, written, read.

use super::http::{RequestHead, Response};
use crate::{
    api::{Body, HttpRequest},
    capacity::Capacity,
    percent,
    reducer::Observer,
    session::{End, Link, Session},
    time::Instant,
};

#[derive(Debug)]
pub(super) struct Exchange {
    phase: Phase,
    response: Response,
    /// The response's status was reported to the session.
    status_reported: bool,
    /// The host must drop the link.
    drop_due: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no link.
    Idle,
    Dialling,
    /// The link is open; the request is due.
    Connected,
    /// The request was sent; the response is read.
    Requested,
}

impl Exchange {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self { phase: Phase::Idle, response: Response::new(), status_reported: false, drop_due: false }
    }

    /// Whether there is no link, and none to drop.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && !self.drop_due
    }

    pub(super) fn dial(&mut self) {
        self.phase = Phase::Dialling;
        self.response = Response::new();
        self.status_reported = false;
    }

    pub(super) fn opened(&mut self) {
        if self.phase == Phase::Dialling {
            self.phase = Phase::Connected;
        }
    }

    pub(super) fn abort(&mut self) {
        self.drop_due |= self.phase != Phase::Idle;
        self.phase = Phase::Idle;
    }

    /// Takes whether the host must drop the link.
    pub(super) const fn take_drop(&mut self) -> bool {
        core::mem::replace(&mut self.drop_due, false)
    }

    /// Writes the request, once it is due. The error ends the exchange.
    pub(super) fn write<C: Capacity>(
        &mut self,
        session: &Session<'_, C>,
        out: &mut [u8],
    ) -> Result<Option<usize>, End> {
        if self.phase != Phase::Connected {
            return Ok(None);
        }
        self.phase = Phase::Requested;
        let written = write(session, out);
        if written.is_none() {
            self.abort();
            return Err(End::Unsendable);
        }
        Ok(written)
    }

    /// Reads the response.
    // Not inlined, to keep its stack frame out of reading the socket.
    #[inline(never)]
    pub(super) fn bytes<C: Capacity>(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        session: &mut Session<'_, C>,
        observer: &mut impl Observer<C>,
    ) {
        while self.phase == Phase::Requested && session.awaits_response() {
            let piece = self.response.next(&mut bytes);
            let status = self.response.status();
            if status != 0 && !self.status_reported {
                self.status_reported = true;
                session.response(status);
            }
            match piece {
                Ok(Some(piece)) => session.body(now, piece, observer),
                Ok(None) if self.response.is_complete() => {
                    session.body_end();
                    self.abort();
                }
                Ok(None) => break,
                Err(_) => {
                    session.closed(now, Link::Http, End::Broken, observer);
                    self.abort();
                }
            }
        }
    }

    /// The link ended by itself, which completes some bodies.
    pub(super) fn closed<C: Capacity>(
        &mut self,
        now: Instant,
        end: End,
        session: &mut Session<'_, C>,
        observer: &mut impl Observer<C>,
    ) {
        if self.phase == Phase::Requested && self.response.finish_on_close().is_ok() {
            session.body_end();
        } else {
            session.closed(now, Link::Http, end, observer);
        }
        self.phase = Phase::Idle;
        self.drop_due = false;
    }
}

/// Writes the session's request; `None` if it doesn't fit or can't be sent.
#[inline(never)]
fn write<C: Capacity>(session: &Session<'_, C>, out: &mut [u8]) -> Option<usize> {
    let HttpRequest { method, target, body } = session.request();
    let config = &session.config;
    // The encoded parts are kept at the end of the buffer while the request is written.
    let room = match body {
        Some(body) => body.client_id.iter().fold(0_usize, |len, part| len.saturating_add(part.len())).saturating_mul(2),
        None => target.segment.len().saturating_mul(3),
    };
    let (out, room) = out.split_at_mut_checked(out.len().saturating_sub(room))?;
    let (segment, body): (&str, &[&str]) = match body {
        Some(body) => {
            let [before, behind] = Body::AROUND;
            ("", &[before, percent::json_from_encoded_into(body.client_id, room)?, behind])
        }
        None => (percent::encode_into(target.segment, room)?, &[]),
    };
    let head = RequestHead { host: config.host, target: &target.parts(segment), headers: config.headers };
    head.write(method, body, out).ok()
}
