//! Applies responses: they report what the socket did not.

use crate::{
    api::{EXECUTION_BLOCKED, Item, JobStatus},
    capacity::Capacity,
    state::{Changes, ConnectionStatus, ObserveMode, Outcome, PromptEnd, SocketGeneration, Source, State},
    text::Id,
    time::Instant,
};

impl<C: Capacity> State<C> {
    /// Applies what a response reports, unless the socket has reported something newer.
    #[inline(never)] // Messages need none of its stack.
    pub(super) fn response(&mut self, now: Instant, since: SocketGeneration, item: Item<'_>) -> Changes {
        let polled = self.polled();
        self.apply(now, since, item).union(polled)
    }

    /// Without a socket, the state comes from polling.
    fn polled(&mut self) -> Changes {
        let news = self.connection.status != ConnectionStatus::Connected && self.connection.source == Source::Websocket;
        if !news {
            return Changes::NONE;
        }
        self.connection.source = Source::Polling;
        Changes::CONNECTION
    }

    fn apply(&mut self, now: Instant, since: SocketGeneration, item: Item<'_>) -> Changes {
        let (prompt_id, status) = match item {
            Item::Remaining(remaining) => return self.remaining(since, remaining),
            Item::Queue { running, waiting } => return self.remaining(since, running.saturating_add(waiting)),
            Item::Node { prompt_id, node, class } => return self.graph_node(prompt_id, node, class),
            Item::Graph { prompt_id, nodes } => return self.graph(now, prompt_id, nodes),
            Item::Prompt { prompt_id, status } => (prompt_id, status),
        };
        let amid_message = self.announced.target.is_some() || self.nodes.is_amid_message();
        if since.prompts != self.socket_generation.prompts || amid_message {
            return Changes::NONE;
        }
        let changes = match status {
            JobStatus::Waiting => Changes::NONE,
            JobStatus::Running => self.runs(now, prompt_id),
            JobStatus::Missed => self.missed(now, prompt_id),
            _ if self.names(prompt_id) => self.is_over(now, prompt_id, status),
            _ => Changes::NONE,
        };
        let changes = changes.union(core::mem::take(&mut self.renewed));
        // While the log reports the progress, it stays inferred.
        if changes.any() && !(self.connection.source == Source::Logs && self.is_running()) {
            self.connection.source = Source::Polling;
        }
        changes
    }

    fn remaining(&mut self, since: SocketGeneration, queue_remaining: u32) -> Changes {
        if since.status != self.socket_generation.status || self.queue_remaining == Some(queue_remaining) {
            return Changes::NONE;
        }
        self.queue_remaining = Some(queue_remaining);
        Changes::QUEUE
    }

    fn runs(&mut self, now: Instant, id: Id<'_>) -> Changes {
        match self.prompt.as_ref() {
            Some(prompt) if prompt.is(id) && prompt.is_running() => return self.confirm(),
            // Only the log reported its end.
            Some(prompt) if prompt.is(id) && prompt.is_unsettled() && self.connection.source == Source::Logs => {
                self.take(id);
            }
            // Its end is known. Only a new start undoes it.
            Some(prompt) if prompt.is(id) => {}
            Some(prompt) if prompt.is_running() && prompt.id.is_none() => self.take(id),
            // The outcome of that one is requested first.
            Some(prompt) if prompt.is_running() || prompt.is_unsettled() => {}
            _ if self.was_replaced(id.key()) => {}
            _ => {
                // HTTP may be ahead of the socket: log lines of the prompt before may still come.
                if self.connection.way == Some(ObserveMode::Logs) {
                    self.observation.owe_end();
                }
                self.begin(Some(id));
                if let Some(prompt) = self.prompt.as_mut() {
                    prompt.started = self.observation.busy_since();
                }
                self.connection.source = Source::Polling;
                return self.take_up_bar(now);
            }
        }
        Changes::NONE
    }

    /// The prompt began and ended unseen.
    fn missed(&mut self, now: Instant, id: Id<'_>) -> Changes {
        let changes = self.runs(now, id);
        if !self.prompt.as_ref().is_some_and(|prompt| prompt.is(id) && prompt.is_running()) {
            return changes;
        }
        self.observation.expect_no_end();
        changes.union(self.is_over(now, id, JobStatus::Ended))
    }

    /// The server confirmed the record of an earlier session.
    fn confirm(&mut self) -> Changes {
        if self.connection.source != Source::Restored {
            return Changes::NONE;
        }
        self.connection.source = Source::Polling;
        Changes::PROMPT
    }

    /// The record's prompt has ended.
    fn is_over(&mut self, now: Instant, id: Id<'_>, status: JobStatus) -> Changes {
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| !prompt.is_final()) else {
            return Changes::NONE;
        };
        // If its end was seen, the time is known already, and only the outcome is new.
        let seen = prompt.ended.unwrap_or(now);
        match status {
            JobStatus::Success => {
                self.pass_rest(id);
                self.end(seen, id, Outcome::Success)
            }
            JobStatus::Interrupted => self.end(seen, id, Outcome::Interrupted),
            // A blocked node does not end a prompt. A response that says so reports no outcome.
            JobStatus::Error if prompt.error.exception_type.as_id() == Id::from(EXECUTION_BLOCKED) => Changes::NONE,
            // The texts were stored while the response was read.
            JobStatus::Error => self.end(seen, id, Outcome::Error),
            JobStatus::Ended if prompt.is_running() => prompt.end(now, PromptEnd::Guessed),
            JobStatus::Ended => {
                prompt.end = prompt.end.settled();
                Changes::PROMPT
            }
            JobStatus::Waiting | JobStatus::Running | JobStatus::Missed => Changes::NONE,
        }
    }
}
