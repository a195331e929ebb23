//! One HTTP exchange at a time.

use super::{Config, Observer};
use crate::{
    capacity::Capacity,
    http::{Answer, Asked, Fact, Request, Response, Standing, json_from_percent, percent_encode_into},
    limits::{HTTP_SECONDS, MOVED_ANSWERS, WAY_SECONDS},
    reducer::{Action, Changes, reduce},
    state::{Heard, State},
    text::Key,
    time::{Duration, Instant},
};

/// How long an exchange may take.
const EXCHANGE: Duration = Duration::from_secs(HTTP_SECONDS);
/// How long one may that finds out how others are followed.
const WAY: Duration = Duration::from_secs(WAY_SECONDS);

#[derive(Debug)]
pub(super) struct Exchange<C: Capacity> {
    place: Place,
    since: Instant,
    response: Response,
    asked: Asked,
    /// How many of the prompts that ended last are passed over.
    offset: u8,
    /// Answers in a row that were moved.
    moved: u8,
    /// What the socket had said when it was asked.
    heard: Heard,
    answer: Answer<C>,
    found: Found,
    drop_due: bool,
    /// How the last exchange ended, until that is taken.
    result: Option<Result>,
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

/// What an answer said, as far as the next question depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) remaining: Option<u32>,
    /// The first prompt that runs.
    pub(super) running: Option<Key>,
    /// It told how the prompt asked after stands.
    pub(super) told: bool,
    /// Another prompt ended since it was asked, and may have moved the one that was meant.
    pub(super) moved: bool,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    Answered(Found),
    /// The server, or a proxy, answered with this status instead.
    Refused(u16),
    /// Somebody answered, but not to the end, or not what was asked.
    Broken,
    /// Nobody answered, or not in time.
    Unanswered,
}

impl<C: Capacity> Exchange<C> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Idle,
            since: Instant::ZERO,
            response: Response::new(),
            asked: Asked::Prompt,
            offset: 0,
            moved: 0,
            heard: Heard::NONE,
            answer: Answer::new(Asked::Prompt),
            found: Found::NONE,
            drop_due: false,
            result: None,
        }
    }

    /// How the last exchange ended, once.
    pub(super) fn take_result(&mut self) -> Option<(Asked, Result)> {
        self.result.take().map(|result| (self.asked, result))
    }

    /// What the socket had said when the last question was asked.
    pub(super) const fn heard(&self) -> Heard {
        self.heard
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.place, Place::Idle) && !self.drop_due && self.result.is_none()
    }

    /// Begins an exchange.
    pub(super) fn begin(&mut self, now: Instant, asked: Asked, state: &State<C>) {
        self.place = Place::Dialling;
        self.since = now;
        self.response = Response::new();
        self.asked = asked;
        // Of those that ended unseen, the oldest is meant.
        self.offset = state.unheard_ends.saturating_sub(1);
        self.heard = state.heard();
        self.answer.reset(asked);
        self.found = Found::NONE;
        self.result = None;
    }

    pub(super) const fn opened(&mut self) {
        if matches!(self.place, Place::Dialling) {
            self.place = Place::Asking;
        }
    }

    pub(super) fn closed(&mut self) {
        match self.place {
            Place::Idle => {}
            Place::Asked if self.response.finish_on_close().is_ok() => self.over(),
            Place::Dialling | Place::Asking | Place::Asked => self.fail(),
        }
        self.drop_due = false;
    }

    pub(super) const fn take_close(&mut self) -> bool {
        core::mem::replace(&mut self.drop_due, false)
    }

    /// Gives up what is under way, if anything is, and forgets how the last one ended.
    pub(super) fn cancel(&mut self) {
        self.drop_due |= self.place != Place::Idle;
        self.place = Place::Idle;
        self.result = None;
    }

    /// How others are followed is found out for each connection: an answer would be that of the one before.
    pub(super) fn forget_way(&mut self) {
        if self.asked.is_way() {
            self.cancel();
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let most = if self.asked.is_way() { WAY } else { EXCHANGE };
        (!matches!(self.place, Place::Idle)).then(|| self.since.saturating_add(most))
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.end(match self.response.status() {
            0 => Result::Unanswered,
            200 => Result::Broken,
            status => Result::Refused(status),
        });
    }

    fn end(&mut self, result: Result) {
        self.cancel();
        self.result = Some(result);
    }

    /// The body is all there.
    fn over(&mut self) {
        let told = if self.asked == Asked::LogSubscription { Ok(()) } else { self.answer.finish() };
        match (self.response.status(), told) {
            (200, Ok(())) => self.end(Result::Answered(self.found)),
            _ => self.fail(),
        }
    }

    /// Writes the request; `prompt_id` is whom it asks after, `client_id` who asks, percent-encoded.
    pub(super) fn write(
        &mut self,
        config: &Config<'_>,
        prompt_id: &str,
        client_id: &[&str],
        out: &mut [u8],
    ) -> Option<usize> {
        if self.place != Place::Asking {
            return None;
        }
        self.place = Place::Asked;
        let written = match self.asked {
            Asked::LogSubscription => subscribe(config, client_id, out),
            _ => self.write_get(config, prompt_id, out),
        };
        if written.is_none() {
            // Nor will it fit the next time.
            self.end(Result::Refused(0));
        }
        written
    }

    fn write_get(&self, config: &Config<'_>, prompt_id: &str, out: &mut [u8]) -> Option<usize> {
        // The id stands behind the request while that is written, where it is part of it.
        let prompt_id = if matches!(self.asked, Asked::History | Asked::Job) { prompt_id } else { "" };
        let (out, room) = with_room(out, prompt_id.len().saturating_mul(3))?;
        let id = percent_encode_into(prompt_id, room)?;
        // The history comes the other way round: of so many, the first is meant.
        let oldest = self.offset.saturating_add(u8::from(self.asked == Asked::LastHistory));
        let offset = [oldest / 100, oldest / 10 % 10, oldest % 10].map(|digit| digit.wrapping_add(b'0'));
        let offset = str::from_utf8(&offset).unwrap_or_default();
        let (path, query) = match self.asked {
            Asked::Prompt => ("/prompt", ["", ""]),
            Asked::Queue => ("/queue", ["", ""]),
            Asked::History => ("/history/", ["", ""]),
            Asked::Job => ("/api/jobs/", ["", ""]),
            Asked::Jobs => ("/api/jobs", ["status=in_progress&limit=1", ""]),
            Asked::Ended => ("/api/jobs", ["status=completed,failed,cancelled&limit=1&offset=", offset]),
            Asked::LastHistory => ("/history", ["max_items=", offset.trim_start_matches('0')]),
            Asked::Extension => ("/comfyglow", ["", ""]),
            Asked::LogSubscription => return None,
        };
        let [query, offset] = query;
        let question = if query.is_empty() && config.query.is_empty() { "" } else { "?" };
        let and = if query.is_empty() || config.query.is_empty() { "" } else { "&" };
        let target = [config.prefix, path, id, question, query, offset, and, config.query];
        Request { host: config.host, target: &target, headers: config.headers }.write_get(out).ok()
    }

    // Not inlined: what it needs of the stack would lie there for as long as the socket is read.
    #[inline(never)]
    pub(super) fn bytes(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        state: &mut State<C>,
        observer: &mut impl Observer<C>,
    ) -> Changes {
        let mut changes = Changes::NONE;
        while self.place == Place::Asked {
            let piece = self.response.next(&mut bytes);
            match (self.response.status(), piece) {
                (0 | 200, Ok(None)) if !self.response.is_complete() => break,
                (200, Ok(None)) => self.over(),
                // ComfyUI says nothing: it is a proxy, or whoever answers everything.
                (200, Ok(Some(_))) if self.asked == Asked::LogSubscription => self.fail(),
                (200, Ok(Some(mut piece))) => {
                    while self.place == Place::Asked {
                        // It may tell why the prompt failed. What has ended keeps what it says.
                        let record = state.prompt.as_mut().filter(|prompt| !prompt.is_final());
                        match self.answer.next(&mut piece, &mut record.map(|prompt| &mut prompt.error)) {
                            Ok(None) => break,
                            Ok(Some(fact)) => {
                                note(&mut self.found, &fact);
                                let unseen = matches!(self.asked, Asked::Ended | Asked::LastHistory);
                                let is_moved = unseen && state.unheard_ends > self.offset.saturating_add(1);
                                if is_moved && self.moved < MOVED_ANSWERS {
                                    self.moved = self.moved.saturating_add(1);
                                    self.found.moved = true;
                                    continue;
                                }
                                self.moved = 0;
                                changes = changes.and(tell(now, self.heard, fact, unseen, state, observer));
                            }
                            Err(_) => self.fail(),
                        }
                    }
                }
                // What it says instead is for people who open it in a browser.
                _ => self.fail(),
            }
        }
        changes
    }
}

/// Parts `out` into the request's place and so much room behind it, or what there is.
fn with_room(out: &mut [u8], room: usize) -> Option<(&mut [u8], &mut [u8])> {
    out.split_at_mut_checked(out.len().saturating_sub(room))
}

/// Writes the request that the log be told to the client.
fn subscribe(config: &Config<'_>, client_id: &[&str], out: &mut [u8]) -> Option<usize> {
    let len = client_id.iter().fold(0_usize, |len, part| len.saturating_add(part.len()));
    let (out, room) = with_room(out, len.saturating_mul(2))?;
    let id = json_from_percent(client_id, room)?;
    let question = if config.query.is_empty() { "" } else { "?" };
    let target = [config.prefix, "/internal/logs/subscribe", question, config.query];
    let body = ["{\"clientId\": \"", id, "\", \"enabled\": true}"];
    Request { host: config.host, target: &target, headers: config.headers }.write_patch(&body, out).ok()
}

/// Tells the state a fact, and the observer what that changed. Of a prompt that began and ended `unseen`, its history is asked
/// for all there is to know.
#[inline(never)]
fn tell<C: Capacity>(
    now: Instant,
    heard: Heard,
    mut fact: Fact<'_>,
    unseen: bool,
    state: &mut State<C>,
    observer: &mut impl Observer<C>,
) -> Changes {
    if let Fact::Prompt { standing, .. } = &mut fact {
        if unseen {
            *standing = Standing::Missed;
        } else if *standing == Standing::Running && state.is_behind() {
            // Those that ended before it come first.
            return Changes::NONE;
        }
    }
    let action = Action::Answer { heard, fact };
    let changes = reduce(state, now, action);
    observer.reduced(now, &action, changes, state);
    changes
}

fn note(found: &mut Found, fact: &Fact<'_>) {
    match *fact {
        Fact::Remaining(remaining) => found.remaining = Some(remaining),
        Fact::Prompt { prompt_id, standing } => {
            found.told = true;
            if standing == Standing::Running && found.running.is_none() {
                found.running = Some(prompt_id.key());
            }
        }
        Fact::Queue { running, waiting } => found.remaining = Some(running.saturating_add(waiting)),
        Fact::Node { .. } | Fact::Graph { .. } => {}
    }
}
