//! One HTTP exchange at a time: so far the running prompt's graph.

use core::fmt::Write as _;

use heapless::String;

use super::{Config, Observer};
use crate::{
    http::{Body, Head, QueueAnswer, QueueHandler, Request},
    limits::HTTP_SECONDS,
    reducer::{Action, Changes, reduce},
    state::State,
    text::Id,
    time::{Duration, Instant},
};

/// How long an exchange may take.
const EXCHANGE: Duration = Duration::from_secs(HTTP_SECONDS);

#[derive(Debug)]
pub(super) struct Exchange<const ID: usize, const HEAD: usize> {
    place: Place,
    since: Instant,
    head: Head<HEAD>,
    answer: QueueAnswer<ID>,
    drop_due: bool,
    /// The last exchange ended without an answer; another try may have one.
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Idle,
    Dialling,
    /// Open; the request is to be sent.
    Asking,
    /// The answer's head is awaited.
    Head,
    Body(Body),
}

impl<const ID: usize, const HEAD: usize> Exchange<ID, HEAD> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Idle,
            since: Instant::ZERO,
            head: Head::new(),
            answer: QueueAnswer::new(),
            drop_due: false,
            failed: false,
        }
    }

    /// Whether an exchange has ended without an answer since this was asked last.
    pub(super) const fn take_failed(&mut self) -> bool {
        core::mem::replace(&mut self.failed, false)
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.place, Place::Idle) && !self.drop_due
    }

    /// Begins an exchange, where none is under way.
    pub(super) const fn begin(&mut self, now: Instant) -> bool {
        let may = self.is_idle();
        if may {
            self.place = Place::Dialling;
            self.since = now;
            self.failed = false;
            self.head = Head::new();
            self.answer = QueueAnswer::new();
        }
        may
    }

    pub(super) const fn opened(&mut self) {
        if matches!(self.place, Place::Dialling) {
            self.place = Place::Asking;
        }
    }

    pub(super) fn closed(&mut self) {
        self.failed = match &mut self.place {
            Place::Idle => self.failed,
            Place::Body(body) => body.finish_on_close().is_err(),
            Place::Dialling | Place::Asking | Place::Head => true,
        };
        self.place = Place::Idle;
        self.drop_due = false;
    }

    pub(super) const fn take_close(&mut self) -> bool {
        core::mem::replace(&mut self.drop_due, false)
    }

    /// Gives up what is under way, if anything is.
    pub(super) const fn cancel(&mut self) {
        if !matches!(self.place, Place::Idle) {
            self.place = Place::Idle;
            self.drop_due = true;
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        (!matches!(self.place, Place::Idle)).then(|| self.since.saturating_add(EXCHANGE))
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.cancel();
        self.failed = true;
    }

    pub(super) fn write(&mut self, config: &Config<'_>, out: &mut [u8; HEAD]) -> Option<usize> {
        if !matches!(self.place, Place::Asking) {
            return None;
        }
        self.place = Place::Head;
        let mut target = String::<HEAD>::new();
        let separator = if config.http_query.is_empty() { "" } else { "?" };
        let written = write!(target, "{}/queue{separator}{}", config.prefix, config.http_query)
            .ok()
            .and_then(|()| Request { host: config.host, target: &target, headers: config.headers }.write_get(out).ok());
        if written.is_none() {
            self.cancel();
        }
        written
    }

    // Not inlined: its buffers would lie on the stack for as long as the socket is read.
    #[inline(never)]
    pub(super) fn bytes<const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        state: &mut State<ID, MESSAGE, NODES, NAMES, LEARNED>,
        observer: &mut impl Observer,
    ) -> Changes {
        if matches!(self.place, Place::Head) {
            match self.head.feed(bytes) {
                Ok(fed) if fed.complete => {
                    bytes = bytes.get(fed.consumed..).unwrap_or_default();
                    match Body::of(&self.head) {
                        Ok(body) if self.head.status() == 200 => self.place = Place::Body(body),
                        // A proxy whose server isn't there for the moment.
                        _ if self.head.status() >= 500 => self.fail(),
                        // It wants something that we don't have: without the graph there is no percentage.
                        _ => self.cancel(),
                    }
                }
                Ok(_) => {}
                Err(_) => self.cancel(),
            }
        }
        let Place::Body(body) = &mut self.place else { return Changes::NONE };
        let mut graph = Graph { state, now, changes: Changes::NONE, observer };
        let over = loop {
            match body.next(&mut bytes) {
                Ok(Some(piece)) if self.answer.feed(piece, &mut graph).is_ok() => {}
                Ok(None) => break body.is_complete(),
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        let changes = graph.changes;
        if over {
            self.cancel();
        }
        changes
    }
}

/// Hands the graph to the reducer.
struct Graph<'a, O, const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>
{
    state: &'a mut State<ID, MESSAGE, NODES, NAMES, LEARNED>,
    now: Instant,
    changes: Changes,
    observer: &'a mut O,
}

impl<O: Observer, const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>
    QueueHandler for Graph<'_, O, ID, MESSAGE, NODES, NAMES, LEARNED>
{
    fn node(&mut self, prompt_id: Id<'_>, node: Id<'_>, class: &str) {
        reduce(self.state, self.now, Action::GraphNode { prompt_id, node, class });
    }

    fn graph(&mut self, prompt_id: Id<'_>, nodes: u32) {
        let action = Action::Graph { prompt_id, nodes };
        let changes = reduce(self.state, self.now, action);
        self.changes = self.changes.and(changes);
        self.observer.reduced(self.now, &action, changes, self.state);
    }
}
