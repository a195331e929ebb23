//! One HTTP exchange at a time: so far the running prompt's graph.

use super::{Config, Observer};
use crate::{
    http::{QueueAnswer, QueueHandler, Request, Response},
    limits::HTTP_SECONDS,
    reducer::{Action, Changes, reduce},
    state::State,
    text::Id,
    time::{Duration, Instant},
};

/// How long an exchange may take.
const EXCHANGE: Duration = Duration::from_secs(HTTP_SECONDS);

#[derive(Debug)]
pub(super) struct Exchange<const ID: usize> {
    place: Place,
    since: Instant,
    response: Response,
    answer: QueueAnswer<ID>,
    drop_due: bool,
    /// The last exchange ended without an answer; another try may have one.
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Idle,
    Dialling,
    /// Open; the request is to be sent.
    Asking,
    /// The answer is awaited, or read.
    Asked,
}

impl<const ID: usize> Exchange<ID> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Idle,
            since: Instant::ZERO,
            response: Response::new(),
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
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let may = self.is_idle();
        if may {
            self.place = Place::Dialling;
            self.since = now;
            self.failed = false;
            self.response = Response::new();
            self.answer.reset();
        }
        may
    }

    pub(super) const fn opened(&mut self) {
        if matches!(self.place, Place::Dialling) {
            self.place = Place::Asking;
        }
    }

    pub(super) fn closed(&mut self) {
        self.failed = match self.place {
            Place::Idle => self.failed,
            Place::Asked => self.response.finish_on_close().is_err(),
            Place::Dialling | Place::Asking => true,
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

    pub(super) fn write(&mut self, config: &Config<'_>, out: &mut [u8]) -> Option<usize> {
        if self.place != Place::Asking {
            return None;
        }
        self.place = Place::Asked;
        let separator = if config.http_query.is_empty() { "" } else { "?" };
        let target = [config.prefix, "/queue", separator, config.http_query];
        let written = Request { host: config.host, target: &target, headers: config.headers }.write_get(out).ok();
        if written.is_none() {
            self.cancel();
        }
        written
    }

    // Not inlined: what it needs of the stack would lie there for as long as the socket is read.
    #[inline(never)]
    pub(super) fn bytes<const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        state: &mut State<ID, MESSAGE, NODES, NAMES, LEARNED>,
        observer: &mut impl Observer,
    ) -> Changes {
        let mut graph = Graph { state, now, changes: Changes::NONE, observer };
        while self.place == Place::Asked {
            let piece = self.response.next(&mut bytes);
            match (self.response.status(), piece) {
                (200, Ok(Some(piece))) if self.answer.feed(piece, &mut graph).is_ok() => {}
                (0 | 200, Ok(None)) if !self.response.is_complete() => break,
                // A proxy whose server isn't there for the moment.
                (500.., _) => self.fail(),
                // It is all there; or it wants something that we don't have: without the graph there is no percentage.
                _ => self.cancel(),
            }
        }
        graph.changes
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
        let changes = reduce(self.state, self.now, Action::Graph { prompt_id, nodes });
        self.changes = self.changes.and(changes);
        self.observer.reduced(self.now, &Action::Graph { prompt_id, nodes }, changes, self.state);
    }
}
