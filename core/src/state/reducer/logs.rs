//! What the server's log says of a prompt that the socket doesn't tell of.

use crate::{
    api::ErrorFields as _,
    capacity::Capacity,
    log::{Bar, Logged},
    number::Milli,
    state::{Changes, ConnectionStatus, ObserveMode, Outcome, PromptEnd, Seen, Source, State, Steps, part_of},
    text::Id,
    time::Instant,
};

impl<C: Capacity> State<C> {
    /// Prompts of others are followed that way.
    pub(super) fn follow(&mut self, way: ObserveMode) -> Changes {
        self.connection.way = Some(way);
        self.log.cut();
        self.log_owes = false;
        self.falls = 0;
        // The log told its end before we read it.
        if let Some(prompt) = self.prompt.as_mut().filter(|prompt| !prompt.is_running()) {
            prompt.logged = true;
            prompt.fell = true;
        }
        Changes::CONNECTION
    }

    /// Without a connection nobody is followed.
    pub(super) fn follow_nobody(&mut self) -> Changes {
        self.connection.way = None;
        self.busy_since = None;
        self.falls = 0;
        self.logged = None;
        self.log.cut();
        core::mem::take(&mut self.renewed)
    }

    /// The server's queue is told.
    #[inline(never)]
    pub(super) fn count_busy(&mut self, now: Instant, remaining: u32) {
        let Some(before) = self.queue_remaining else { return };
        if before == 0 && remaining > 0 {
            self.busy_since = Some(now);
        }
        if remaining < before && matches!(self.connection.way, Some(ObserveMode::Polling | ObserveMode::Logs)) {
            self.one_ended(remaining);
        }
    }

    /// A prompt ended, by the queue, and so many remain: that of the record, or one that began and ended between two
    /// questions; or one that waited was taken from it.
    fn one_ended(&mut self, remaining: u32) {
        let has_log = self.connection.way == Some(ObserveMode::Logs);
        match self.prompt.as_mut().filter(|prompt| !prompt.fell) {
            Some(prompt) => {
                prompt.fell = true;
                if prompt.is_running() && remaining > 0 && !has_log {
                    self.logged_ends = self.logged_ends.wrapping_add(1);
                }
            }
            // The log tells so soon, as a rule.
            None if has_log => self.falls = self.falls.saturating_add(1),
            None => self.unheard_ends = self.unheard_ends.saturating_add(1),
        }
    }

    /// The log didn't tell what the queue did: a server that is to log warnings only writes no ends.
    pub(super) fn count_falls(&mut self) -> Changes {
        self.unheard_ends = self.unheard_ends.saturating_add(core::mem::take(&mut self.falls));
        Changes::NONE
    }

    /// One of the prompts that ended unseen was asked after.
    pub(super) fn asked_after_end(&mut self) -> Changes {
        self.unheard_ends = self.unheard_ends.saturating_sub(1);
        Changes::NONE
    }

    /// Whether there are prompts that ended unseen before whatever runs, and can be asked after.
    pub(crate) fn is_behind(&self) -> bool {
        (self.unheard_ends > 0 || self.falls > 0) && self.connection.status == ConnectionStatus::Connected
    }

    /// A piece of the log's text.
    #[inline(never)] // What it needs of the stack is not on the way of other messages.
    pub(super) fn log(&mut self, now: Instant, text: &[u8]) {
        for byte in text {
            if let Some(logged) = self.log.next(*byte) {
                let changes = self.logged(now, logged);
                self.renewed = self.renewed.union(changes);
            }
        }
    }

    fn logged(&mut self, now: Instant, logged: Logged) -> Changes {
        match logged {
            Logged::Bar { bar, begins, behind_full } => return self.bar(now, bar, begins && behind_full),
            Logged::Failed => {
                self.logged = Some(Outcome::Error);
                if self.is_followed()
                    && let Some(prompt) = self.prompt.as_mut()
                {
                    prompt.error.clear();
                }
            }
            Logged::Error(text, byte, first) => {
                if self.is_followed()
                    && let Some(prompt) = self.prompt.as_mut()
                {
                    prompt.error.push(text, &[byte], first);
                }
            }
            Logged::Interrupted => self.logged = Some(Outcome::Interrupted),
            Logged::Executed => return self.executed(now),
        }
        Changes::NONE
    }

    /// Whether a prompt runs that the log may speak of: where the socket tells, that is better.
    fn is_followed(&self) -> bool {
        self.is_running() && self.connection.source != Source::Websocket
    }

    /// The bar that the log told last, where it was too early for what is known by now.
    pub(super) fn take_up_bar(&mut self, now: Instant) -> Changes {
        match self.log.bar() {
            Some(bar) => self.bar(now, bar, false),
            None => Changes::NONE,
        }
    }

    /// The sampler's bar moved; `another` sampler's than before, which is done.
    #[inline(never)]
    fn bar(&mut self, now: Instant, bar: Bar, another: bool) -> Changes {
        if !self.is_followed() {
            return Changes::NONE;
        }
        let Some(prompt) = self.prompt.as_mut() else { return Changes::NONE };
        let nodes = &mut self.nodes;
        let mut changes = Changes::PROGRESS;
        if another || prompt.current.is_none() {
            nodes.pass_before(prompt.current);
            if let Some(key) = nodes.sampler()
                && let Some(shown) = nodes.display(key)
            {
                prompt.make_current(key, Id::from(shown));
                prompt.run.forget_node();
                prompt.run.begin_node(now, false);
                changes = changes.union(Changes::NODE);
            }
        }
        let [value, max] =
            [bar.value, bar.max].map(|steps| Milli::from_thousandths(i64::from(steps).saturating_mul(1_000)));
        if let Some(key) = prompt.current {
            nodes.note(key, prompt.shown.as_id(), Seen::STARTED, part_of(value, max), None);
        }
        prompt.steps = Steps::new(value, max);
        prompt.run.step(now, value, max);
        prompt.run.set_reported_remaining(bar.remaining);
        prompt.count(nodes);
        self.note_progress(now);
        self.connection.source = Source::Logs;
        changes
    }

    /// A prompt is over, by the log.
    fn executed(&mut self, now: Instant) -> Changes {
        self.busy_since = Some(now);
        self.falls = 0;
        let outcome = self.logged.take();
        if core::mem::replace(&mut self.log_owes, false) {
            return Changes::NONE;
        }
        let is_followed = self.is_followed();
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| !prompt.logged) else {
            // One without a record.
            self.unheard_ends = self.unheard_ends.saturating_add(1);
            return Changes::NONE;
        };
        if prompt.is_running() && !is_followed {
            // The socket may tell of another one by now.
            self.logged_ends = self.logged_ends.wrapping_add(1);
            return Changes::NONE;
        }
        prompt.logged = true;
        if !prompt.is_running() {
            return Changes::NONE;
        }
        prompt.end(now, PromptEnd::logged(outcome));
        prompt.count(&self.nodes);
        self.connection.source = Source::Logs;
        // What was asked before is older.
        self.socket_generation.prompts = self.socket_generation.prompts.wrapping_add(1);
        Changes::PROMPT.union(Changes::NODE).union(Changes::PROGRESS)
    }
}
