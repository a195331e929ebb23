//! What to request over HTTP: queue and prompts after each connect, while there is no socket, and when the socket may
//! be deaf; and how to follow other clients' prompts.

use super::exchange::Result;
use crate::{
    api::Request,
    capacity::Capacity,
    limits::{
        DEAF_GRACE_SECONDS, DEAF_SECONDS, OUTCOME_TRIES, POLL_MAX_SECONDS, POLL_SECONDS, RECONCILE_MILLIS,
        WAY_AGAIN_SECONDS,
    },
    state::{ObserveMode, Prompt, PromptState, Source, State},
    text::Key,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_secs(POLL_SECONDS);
const POLL_MAX: Duration = Duration::from_secs(POLL_MAX_SECONDS);
const WAY_AGAIN: Duration = Duration::from_secs(WAY_AGAIN_SECONDS);
const SOON: Duration = Duration::from_millis(RECONCILE_MILLIS);

#[derive(Debug)]
pub(super) struct Reconcile {
    /// When the next round begins: it requests how many prompts there are, then which one runs.
    due: Option<Instant>,
    /// When it begins unless the socket reports by then which prompt runs.
    glance: Option<Instant>,
    /// The next request of the current round.
    next: Option<Request>,
    /// The wait between rounds while there is no socket, and before a failed request is repeated.
    pace: Duration,
    access: Access,
    /// The prompt whose graph was requested.
    graph_of: Option<Key>,
    /// The failed request, and when to repeat it.
    again: Option<(Request, Instant)>,
    lookup: OutcomeLookup,
    /// The queue that this socket reported last, and how often it had reported one then.
    said: Option<u32>,
    said_at: u32,
    /// HTTP reported another queue than the socket, which had sent this much.
    suspect: Option<Silence>,
    /// How far the observe mode was probed.
    way: Discovery,
    /// When it is probed again, if only polling was found.
    way_again: Option<Instant>,
    /// When ends that the queue shows count, unless the log reports them by then.
    quiet: Option<Instant>,
    /// Handled [doubtful ends](State::doubtful_ends).
    doubtful_ends: u8,
    /// A prompt that ended unseen was requested, whatever the result.
    asked_after: bool,
}

/// How far the observe mode was probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Discovery {
    /// Nothing was requested yet.
    Begins,
    /// There is no extension, or it does not report to this client.
    NoExtension,
    /// The observe mode is known.
    Done,
}

/// What this connection's responses have shown of the server's HTTP API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// It answers all requests, as far as is known.
    Full,
    /// It lacks `/api/jobs`: an old server.
    WithoutJobs,
    /// It denies this client access. There is no further request until the next connection.
    Denied,
}

/// How the outcome of the record's prompt is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutcomeLookup {
    /// In the history.
    History {
        /// Requests that have failed.
        failures: u8,
    },
    /// Among the running prompts: the log reported the end, but the history lacks the prompt.
    Running,
}

impl OutcomeLookup {
    const BEGIN: Self = Self::History { failures: 0 };

    const fn failures(self) -> u8 {
        match self {
            Self::History { failures } => failures,
            Self::Running => 0,
        }
    }

    /// Ends a lookup among the running prompts. Returns whether there was one.
    fn end_running(&mut self) -> bool {
        let was_running = *self == Self::Running;
        if was_running {
            *self = Self::BEGIN;
        }
        was_running
    }
}

/// How much a socket had sent when it was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) status: u32,
    pub(super) pieces: u32,
}

impl Reconcile {
    pub(super) const fn new() -> Self {
        Self {
            due: None,
            glance: None,
            next: None,
            pace: POLL,
            access: Access::Full,
            graph_of: None,
            again: None,
            lookup: OutcomeLookup::BEGIN,
            said: None,
            said_at: 0,
            suspect: None,
            way: Discovery::Begins,
            way_again: None,
            quiet: None,
            doubtful_ends: 0,
            asked_after: false,
        }
    }

    /// An attempt to connect begins; until it succeeds, HTTP is polled.
    pub(super) fn dialling(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(now.saturating_add(POLL));
        }
    }

    /// The socket is open; `status` is how often the queue was reported before.
    pub(super) fn established(&mut self, now: Instant, status: u32) {
        let Self { graph_of, doubtful_ends, .. } = *self;
        let due = Some(now.saturating_add(SOON));
        *self = Self { due, said_at: status, graph_of, doubtful_ends, ..Self::new() };
    }

    /// The socket is lost.
    pub(super) fn lost(&mut self, now: Instant) {
        // No later than planned: attempts in quick succession don't delay it.
        self.hasten(now.saturating_add(self.pace));
        self.glance = None;
        self.suspect = None;
    }

    /// Whether the server requires a login.
    pub(super) const fn is_refused(&self) -> bool {
        matches!(self.access, Access::Denied)
    }

    /// A prompt was submitted. The next round shows soon whether the socket reports it.
    pub(super) fn submitted(&mut self, now: Instant) {
        self.hasten(now.saturating_add(Duration::from_secs(DEAF_GRACE_SECONDS)));
    }

    /// Another prompt runs than the one whose outcome was requested: once that is known, requests again which one.
    pub(super) fn look_again(&mut self) {
        self.next = Some(self.which_runs());
    }

    /// The request for the running prompt.
    const fn which_runs(&self) -> Request {
        if self.lacks_jobs() { Request::Queue } else { Request::Jobs }
    }

    const fn lacks_jobs(&self) -> bool {
        matches!(self.access, Access::WithoutJobs)
    }

    fn hasten(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Whether the log did not report the `falls` of the queue in time.
    pub(super) fn is_log_quiet(&mut self, now: Instant, falls: u8) -> bool {
        if falls == 0 {
            self.quiet = None;
            return false;
        }
        let at = *self.quiet.get_or_insert(now.saturating_add(SOON));
        self.quiet = self.quiet.filter(|_| now < at);
        now >= at
    }

    /// Takes whether a prompt that ended unseen was requested.
    pub(super) const fn take_asked_after(&mut self) -> bool {
        core::mem::replace(&mut self.asked_after, false)
    }

    /// The next request; `None` if nothing is due.
    pub(super) fn next_request<C: Capacity>(
        &mut self,
        now: Instant,
        state: &State<C>,
        open: bool,
        submits_nothing: bool,
    ) -> Option<Request> {
        if self.is_refused() {
            return None;
        }
        let prompt = state.prompt();
        // First its outcome: another prompt may run by now and would replace it.
        match prompt
            .filter(|prompt| prompt.state() == PromptState::Ended || prompt.is_unsettled())
            .map(Prompt::is_settled)
        {
            // If jobs were refused, the queue follows.
            Some(false) if self.lookup == OutcomeLookup::Running => {
                return self.next.take().or(Some(self.which_runs()));
            }
            Some(false) => return self.may_ask(now, Request::History).then_some(Request::History),
            // The outcome counts as unknown, but only since no response came.
            Some(true) if self.lookup.failures() > 0 => {
                if self.may_ask(now, Request::History) {
                    return Some(Request::History);
                }
            }
            _ => {
                if self.lookup != OutcomeLookup::Running {
                    self.lookup = OutcomeLookup::BEGIN;
                }
                // The next history is another prompt's.
                self.again = self.again.filter(|(what, _)| *what != Request::History);
            }
        }
        // A prompt that ended unseen, before another begins.
        let is_running = prompt.is_some_and(|prompt| prompt.state() == PromptState::Running);
        if open && !is_running && state.unseen_ends() > 0 {
            let asked = if self.lacks_jobs() { Request::LastHistory } else { Request::Ended };
            // The running prompt comes later: requesting it now would repeat forever.
            return self.may_ask(now, asked).then_some(asked);
        }
        if self.quiet.is_none()
            && let Some(next) = self.next.take()
        {
            return Some(next);
        }
        if self.may_ask(now, Request::Queue) && self.wants_graph(prompt) {
            return Some(Request::Queue);
        }
        let told = is_running && state.connection().source == Source::Websocket;
        if self.way_again.is_some_and(|at| now >= at) {
            self.way_again = None;
            self.way = Discovery::Begins;
        }
        if let Some(asked) = self.wants_way(is_running && !told, open, submits_nothing)
            && self.may_ask(now, asked)
        {
            return Some(asked);
        }
        if self.said_at != state.socket_generation().status() {
            self.said_at = state.socket_generation().status();
            self.said = state.queue_remaining();
            if open && !told && self.said != Some(0) {
                self.glance.get_or_insert(now.saturating_add(SOON));
            }
        }
        self.glance = self.glance.filter(|_| !told);
        if self.doubtful_ends != state.doubtful_ends() {
            // Another prompt may run by now.
            self.doubtful_ends = state.doubtful_ends();
            if state.connection().way == Some(ObserveMode::Polling) {
                // Nothing else reports it, and the next prompt may be a quick one.
                self.glance = None;
                return Some(self.which_runs());
            }
            self.hasten(now.saturating_add(SOON));
        }
        let begins = [self.due, self.glance].into_iter().flatten().any(|at| now >= at);
        if begins {
            // The response will be newer than all that the socket reported.
            self.due = None;
            self.glance = None;
        }
        begins.then_some(Request::Prompt)
    }

    /// When the next request is due, if nothing else happens before. A request that is due but was not made waits for
    /// another event.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let times = [self.due, self.glance, self.quiet, self.way_again, self.again.map(|(_, at)| at)];
        times.into_iter().flatten().filter(|at| *at > now && !self.is_refused()).min()
    }

    /// The next probe for the observe mode. A client that submits nothing probes at once, others when a prompt runs
    /// that the socket does not report.
    fn wants_way(&self, is_others: bool, open: bool, submits_nothing: bool) -> Option<Request> {
        match self.way {
            _ if !open => None,
            Discovery::Begins if submits_nothing => Some(Request::Extension),
            Discovery::Begins if !is_others => None,
            Discovery::Begins | Discovery::NoExtension => Some(Request::LogSubscription),
            Discovery::Done => None,
        }
    }

    fn may_ask(&self, now: Instant, asked: Request) -> bool {
        self.again.is_none_or(|(what, at)| what != asked || now >= at)
    }

    /// Whether to request the running prompt's graph: once per prompt, and again after a failure.
    fn wants_graph<C: Capacity>(&mut self, prompt: Option<&Prompt<C>>) -> bool {
        let Some(prompt) = prompt else { return false };
        if prompt.state() != PromptState::Running {
            // It may be submitted again under the same id with another graph.
            self.graph_of = None;
            return false;
        }
        let Some(id) = prompt.prompt_id().filter(|_| prompt.nodes_total().is_none()) else { return false };
        let key = Some(id.as_id().key());
        core::mem::replace(&mut self.graph_of, key) != key
    }

    /// A request ended. `silence` is how much the open socket has sent; `by_log` is whether the log reported the end
    /// whose outcome was requested.
    pub(super) fn finished(
        &mut self,
        now: Instant,
        asked: Request,
        result: Result,
        silence: Option<Silence>,
        by_log: bool,
    ) -> Decision {
        let found = match result {
            Result::Answered(found) => found,
            // A failed probe does not mean that other requests fail.
            _ if asked == Request::Extension => {
                self.way = Discovery::NoExtension;
                return Decision::Nothing;
            }
            _ if asked == Request::LogSubscription => {
                self.way_again = Some(now.saturating_add(WAY_AGAIN));
                return self.found(ObserveMode::Polling);
            }
            Result::Refused(401 | 403 | 407) => {
                self.access = Access::Denied;
                return if asked == Request::History { Decision::Unknown } else { Decision::Nothing };
            }
            Result::Refused(status) if matches!(asked, Request::Jobs | Request::Ended) => {
                if status == 404 {
                    self.access = Access::WithoutJobs;
                }
                if asked == Request::Jobs {
                    self.next = Some(Request::Queue);
                } else if status != 404 {
                    self.asked_after = true;
                }
                return Decision::Nothing;
            }
            _ => return self.failed(now, asked, result, silence.is_some()),
        };
        self.pace = POLL;
        match asked {
            Request::Prompt => {
                self.rest(now, silence.is_some());
                if let (Some(silence), Some(remaining)) = (silence, found.remaining)
                    && self.is_deaf(now, silence, remaining)
                {
                    return Decision::Deaf;
                }
                if found.remaining != Some(0) {
                    self.next = Some(self.which_runs());
                    return Decision::Alive;
                }
                Decision::Runs(None)
            }
            Request::Jobs | Request::Queue if self.lookup.end_running() => Decision::Doubted,
            Request::Jobs | Request::Queue => Decision::Runs(found.running),
            Request::Ended | Request::LastHistory => {
                self.asked_after = !found.moved;
                // It is another prompt, whose history was not requested yet.
                self.again = None;
                Decision::Alive
            }
            Request::Extension => self.found(ObserveMode::Extension),
            Request::LogSubscription => self.found(ObserveMode::Logs),
            Request::History => {
                self.lookup = OutcomeLookup::BEGIN;
                // During a message of the socket, the response does not count.
                self.again = Some((asked, now.saturating_add(POLL)));
                match (found.told, by_log) {
                    (true, _) => Decision::Alive,
                    (false, true) => {
                        self.lookup = OutcomeLookup::Running;
                        Decision::Nothing
                    }
                    (false, false) => Decision::Unknown,
                }
            }
        }
    }

    /// No response came, or not the requested one.
    fn failed(&mut self, now: Instant, asked: Request, result: Result, open: bool) -> Decision {
        self.rest(now, open);
        self.again = Some((asked, now.saturating_add(self.pace)));
        self.pace = Duration::from_micros(self.pace.as_micros().saturating_mul(2)).min(POLL_MAX);
        // These are permanent: the path is missing, or the request doesn't fit. Other refusals may be a proxy's, for a
        // while.
        let is_refused = matches!(result, Result::Refused(0 | 404));
        match asked {
            // While the server is away, the outcome stays open: its history may survive.
            Request::History if open || result != Result::Unanswered => {
                let failures = self.lookup.failures().saturating_add(1);
                self.lookup = OutcomeLookup::History { failures };
                if is_refused || failures >= OUTCOME_TRIES {
                    // A response that always breaks off is too long.
                    if is_refused || result == Result::Broken {
                        self.lookup = OutcomeLookup::BEGIN;
                    }
                    return Decision::Unknown;
                }
            }
            Request::Jobs | Request::Queue if self.lookup.end_running() => return Decision::Unknown,
            Request::Queue if !is_refused => self.graph_of = None,
            Request::Ended | Request::LastHistory if result != Result::Unanswered => {
                self.asked_after = true;
            }
            _ => {}
        }
        Decision::Nothing
    }

    /// The observe mode is known.
    const fn found(&mut self, way: ObserveMode) -> Decision {
        self.way = Discovery::Done;
        Decision::Observe(way)
    }

    /// Schedules the next round.
    fn rest(&mut self, now: Instant, open: bool) {
        let pause = if open { Duration::from_secs(DEAF_SECONDS) } else { self.pace };
        self.due = Some(now.saturating_add(pause));
    }

    /// Whether the socket has been silent since the last comparison and still differs from HTTP.
    fn is_deaf(&mut self, now: Instant, silence: Silence, remaining: u32) -> bool {
        let differs = self.said != Some(remaining) && self.said_at == silence.status;
        if differs && self.suspect == Some(silence) {
            return true;
        }
        self.suspect = differs.then_some(silence);
        if differs {
            self.due = Some(now.saturating_add(Duration::from_secs(DEAF_GRACE_SECONDS)));
        }
        false
    }
}

/// What a response means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Nothing,
    /// The server responds.
    Alive,
    /// This prompt runs, or none.
    Runs(Option<Key>),
    /// The outcome of the record's prompt can't be known.
    Unknown,
    /// The same, unless it still runs.
    Doubted,
    /// Other clients' prompts are followed by this mode.
    Observe(ObserveMode),
    /// The socket is deaf.
    Deaf,
}

/// The record's prompt, if it runs.
pub(super) fn running_key<C: Capacity>(state: &State<C>) -> Option<Key> {
    let prompt = state.prompt().filter(|prompt| prompt.state() == PromptState::Running)?;
    prompt.prompt_id().map(|id| id.as_id().key())
}
