//! HTTP requests, one at a time, and what their responses report.

use super::{Config, End};
use crate::{
    api::{Body, BodyReader, HttpRequest, Item, JobStatus, Method, Request, Target},
    capacity::Capacity,
    limits::{HTTP_SECONDS, MOVED_ANSWERS, WAY_SECONDS},
    reducer::{Action, Observer, apply, error_fields},
    state::{Changes, SocketGeneration, State},
    text::Key,
    time::{Duration, Instant},
};

/// The timeout of an exchange.
const EXCHANGE: Duration = Duration::from_secs(HTTP_SECONDS);
/// The timeout of a probe for the observe mode.
const WAY: Duration = Duration::from_secs(WAY_SECONDS);

#[derive(Debug)]
pub(super) struct Exchange<C: Capacity> {
    /// A request was made, and its response is not complete.
    pending: bool,
    since: Instant,
    /// The response's HTTP status; 0 before its head.
    status: u16,
    request: Request,
    /// How many of the prompts that ended last are skipped.
    offset: u8,
    /// The skipped prompts in three digits.
    digits: [u8; 3],
    /// Responses in a row that were dropped as moved.
    moved: u8,
    /// What the socket had reported when the request was made.
    generation: SocketGeneration,
    reader: BodyReader<C>,
    found: Found,
    /// The host must abort the request.
    abort_due: bool,
    /// How the last exchange ended, until it is taken.
    result: Option<Result>,
}

/// The part of a response on which the next request depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) remaining: Option<u32>,
    /// The first running prompt.
    pub(super) running: Option<Key>,
    /// It reported the status of the requested prompt.
    pub(super) told: bool,
    /// Another prompt ended since the request, and may have moved the requested one in the list.
    pub(super) moved: bool,
}

impl Found {
    /// Nothing was reported yet.
    pub(super) const NONE: Self = Self { remaining: None, running: None, told: false, moved: false };
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    Answered(Found),
    /// The server or a proxy responded with this status instead; 0 if the request can't be sent.
    Refused(u16),
    /// The response broke off, or does not hold what was requested.
    Broken,
    /// No response arrived in time.
    Unanswered,
}

impl<C: Capacity> Exchange<C> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            pending: false,
            since: Instant::ZERO,
            status: 0,
            request: Request::Prompt,
            offset: 0,
            digits: [b'0'; 3],
            moved: 0,
            generation: SocketGeneration::NONE,
            reader: BodyReader::new(Request::Prompt),
            found: Found::NONE,
            abort_due: false,
            result: None,
        }
    }

    /// Takes how the last exchange ended.
    pub(super) fn take_result(&mut self) -> Option<(Request, Result)> {
        self.result.take().map(|result| (self.request, result))
    }

    /// What the socket had reported when the last request was made.
    pub(super) const fn generation(&self) -> SocketGeneration {
        self.generation
    }

    pub(super) const fn is_idle(&self) -> bool {
        !self.pending && !self.abort_due && self.result.is_none()
    }

    pub(super) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// When the last request was made.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Begins an exchange.
    pub(super) fn begin(&mut self, now: Instant, request: Request, state: &State<C>) {
        self.pending = true;
        self.since = now;
        self.status = 0;
        self.request = request;
        // The oldest of the prompts that ended unseen is requested.
        self.offset = state.unseen_ends().saturating_sub(1);
        // The history has the oldest first, so the first of so many is requested.
        let oldest = self.offset.saturating_add(u8::from(request == Request::LastHistory));
        self.digits = [oldest / 100, oldest / 10 % 10, oldest % 10].map(|digit| digit.wrapping_add(b'0'));
        self.generation = state.socket_generation();
        self.reader.reset(request);
        self.found = Found::NONE;
        self.result = None;
    }

    /// The request to send; `prompt_id` is for a history, `client_id` (percent-encoded) for a log subscription.
    pub(super) fn request<'a>(
        &'a self,
        config: &Config<'a>,
        prompt_id: &'a str,
        client_id: [&'a str; 3],
    ) -> HttpRequest<'a> {
        let (path, query) = self.request.path_and_query();
        let segment = if self.request == Request::History { prompt_id } else { "" };
        let digits = match self.request {
            Request::Ended => str::from_utf8(&self.digits).unwrap_or_default(),
            Request::LastHistory => str::from_utf8(&self.digits).unwrap_or_default().trim_start_matches('0'),
            _ => "",
        };
        let target = Target::new(config.prefix, path, segment, [query, digits, "", ""], config.query);
        let body = (self.request == Request::LogSubscription).then_some(Body { client_id });
        HttpRequest { method: if body.is_some() { Method::Patch } else { Method::Get }, target, body }
    }

    /// Takes whether the host must abort the request.
    pub(super) const fn take_abort(&mut self) -> bool {
        core::mem::replace(&mut self.abort_due, false)
    }

    /// Aborts the pending exchange, and forgets the last result.
    pub(super) fn cancel(&mut self) {
        self.abort_due |= self.pending;
        self.pending = false;
        self.result = None;
    }

    /// Aborts a probe for the observe mode: its response would be about the connection before.
    pub(super) fn forget_way(&mut self) {
        if self.request.is_way() {
            self.cancel();
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let most = if self.request.is_way() { WAY } else { EXCHANGE };
        self.pending.then(|| self.since.saturating_add(most))
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.fail();
        }
    }

    /// The response's head arrived. A body with another status than 200 is for people in a browser.
    pub(super) fn response(&mut self, status: u16) {
        if self.pending {
            self.status = status;
            if status != 200 {
                self.fail();
            }
        }
    }

    /// The response is complete.
    pub(super) fn body_end(&mut self) {
        if !self.pending {
            return;
        }
        let complete = self.request == Request::LogSubscription || self.reader.finish().is_ok();
        self.end(if self.status != 200 || !complete { self.failure() } else { Result::Answered(self.found) });
    }

    /// The link ended before the response was complete.
    pub(super) fn closed(&mut self, end: End) {
        if self.pending {
            // A request that can't be sent won't fit the next time either.
            self.end(if end == End::Unsendable { Result::Refused(0) } else { self.failure() });
        }
        self.abort_due = false;
    }

    /// The rest of the response is useless.
    fn fail(&mut self) {
        let result = self.failure();
        self.end(result);
        self.abort_due = true;
    }

    const fn failure(&self) -> Result {
        match self.status {
            0 => Result::Unanswered,
            200 => Result::Broken,
            status => Result::Refused(status),
        }
    }

    const fn end(&mut self, result: Result) {
        self.pending = false;
        self.result = Some(result);
    }

    #[inline]
    pub(super) fn body(
        &mut self,
        now: Instant,
        mut piece: &[u8],
        state: &mut State<C>,
        observer: &mut impl Observer<C>,
    ) -> Changes {
        let mut changes = Changes::NONE;
        // ComfyUI's response to a subscription is empty. A body comes from a proxy or a server that accepts any path.
        let unexpected = self.status != 200 || self.request == Request::LogSubscription;
        if self.pending && !piece.is_empty() && unexpected {
            self.fail();
        }
        while self.pending {
            let read = self.reader.next(&mut piece, &mut error_fields(state));
            match read {
                Ok(None) => break,
                Ok(Some(item)) => {
                    note(&mut self.found, &item);
                    let unseen = matches!(self.request, Request::Ended | Request::LastHistory);
                    let is_moved = unseen && state.unseen_ends() > self.offset.saturating_add(1);
                    if is_moved && self.moved < MOVED_ANSWERS {
                        self.moved = self.moved.saturating_add(1);
                        self.found.moved = true;
                        continue;
                    }
                    self.moved = 0;
                    changes = changes.union(report(now, self.generation, item, unseen, state, observer));
                }
                Err(_) => self.fail(),
            }
        }
        changes
    }
}

/// Reports an item to the state. A prompt that began and ended `unseen` counts as missed, so that its history is
/// requested.
#[inline(never)]
fn report<C: Capacity>(
    now: Instant,
    since: SocketGeneration,
    mut item: Item<'_>,
    unseen: bool,
    state: &mut State<C>,
    observer: &mut impl Observer<C>,
) -> Changes {
    if let Item::Prompt { status, .. } = &mut item {
        if unseen {
            *status = JobStatus::Missed;
        } else if *status == JobStatus::Running && state.is_behind() {
            // The prompts that ended before it come first.
            return Changes::NONE;
        }
    }
    apply(state, now, Action::Response { since, item }, observer)
}

fn note(found: &mut Found, item: &Item<'_>) {
    match *item {
        Item::Remaining(remaining) => found.remaining = Some(remaining),
        Item::Prompt { prompt_id, status } => {
            found.told = true;
            if status == JobStatus::Running && found.running.is_none() {
                found.running = Some(prompt_id.key());
            }
        }
        Item::Queue { running, waiting } => found.remaining = Some(running.saturating_add(waiting)),
        Item::Node { .. } | Item::Graph { .. } => {}
    }
}
