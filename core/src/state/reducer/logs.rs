//! Follows a prompt by the server's log, when the socket does not report it.

use crate::{
    api::ErrorFields as _,
    capacity::Capacity,
    log::{Bar, Logged},
    number::Milli,
    state::{Activity, Changes, ConnectionStatus, ObserveMode, Outcome, Seen, Source, State, part_of},
    text::Id,
    time::Instant,
};

impl<C: Capacity> State<C> {
    /// Follows other clients' prompts by this mode.
    pub(super) fn follow(&mut self, way: ObserveMode) -> Changes {
        self.connection.way = Some(way);
        self.observation.observe(self.activity());
        Changes::CONNECTION
    }

    /// Follows no other client: the connection is lost.
    pub(super) fn follow_nobody(&mut self) -> Changes {
        self.connection.way = None;
        self.observation.disconnect();
        core::mem::take(&mut self.renewed)
    }

    /// The server reported its queue.
    #[inline(never)]
    pub(super) fn count_busy(&mut self, now: Instant, remaining: u32) {
        let Some(before) = self.queue_remaining else { return };
        let activity = self.activity();
        self.observation.queue_changed(now, before, remaining, self.connection.way, activity);
    }

    /// Whether prompts ended unseen before the running one, and their outcomes can be requested.
    pub(crate) fn is_behind(&self) -> bool {
        self.observation.is_behind() && self.connection.status == ConnectionStatus::Connected
    }

    /// Reads a piece of the log's text.
    #[inline(never)] // Other messages need none of its stack.
    pub(super) fn log(&mut self, now: Instant, text: &[u8]) {
        for byte in text {
            if let Some(logged) = self.observation.next(*byte) {
                let changes = self.logged(now, logged);
                self.renewed = self.renewed.union(changes);
            }
        }
    }

    fn logged(&mut self, now: Instant, logged: Logged) -> Changes {
        match logged {
            Logged::Bar { bar, begins, behind_full } => return self.bar(now, bar, begins && behind_full),
            Logged::Failed => {
                self.observation.ends_with(Outcome::Error);
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
            Logged::Interrupted => self.observation.ends_with(Outcome::Interrupted),
            Logged::Executed => return self.executed(now),
        }
        Changes::NONE
    }

    /// Whether the log is to be used for the running prompt. What the socket reports is better.
    fn is_followed(&self) -> bool {
        self.activity() == Activity::OffSocket
    }

    fn activity(&self) -> Activity {
        match self.connection.source {
            _ if !self.is_running() => Activity::Over,
            Source::Websocket => Activity::OnSocket,
            Source::Polling | Source::Logs | Source::Restored => Activity::OffSocket,
        }
    }

    /// Applies the bar that the log reported last, if the prompt or its graph was not known then.
    pub(super) fn take_up_bar(&mut self, now: Instant) -> Changes {
        if !C::HTTP {
            return Changes::NONE;
        }
        match self.observation.bar() {
            Some(bar) => self.bar(now, bar, false),
            None => Changes::NONE,
        }
    }

    /// The bar of a sampler moved. With `another`, it is a new sampler's, and the one before has finished.
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
        prompt.step(now, value, max);
        prompt.run.set_reported_remaining(bar.remaining);
        prompt.count(nodes);
        self.note_progress(now);
        self.connection.source = Source::Logs;
        changes
    }

    /// The log reported the end of a prompt.
    fn executed(&mut self, now: Instant) -> Changes {
        let end = self.observation.executed(now, self.activity());
        let (Some(end), Some(prompt)) = (end, self.prompt.as_mut()) else { return Changes::NONE };
        let changes = prompt.end(now, end);
        prompt.count(&self.nodes);
        self.connection.source = Source::Logs;
        // Responses to earlier requests are older than this.
        self.socket_generation.prompts = self.socket_generation.prompts.wrapping_add(1);
        changes
    }
}
