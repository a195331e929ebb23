//! Answers over HTTP: what the socket left out.

use super::{Changes, EXECUTION_BLOCKED};
use crate::{
    capacity::Capacity,
    http::{Fact, Standing},
    state::{ConnectionStatus, Heard, PromptState, Source, State, Way},
    text::Id,
    time::Instant,
};

impl<C: Capacity> State<C> {
    /// What an answer over HTTP says, as far as the socket has said nothing since that it would take back.
    #[inline(never)] // What it needs of the stack is not on the way of messages.
    pub(super) fn answer(&mut self, now: Instant, heard: Heard, fact: Fact<'_>) -> Changes {
        let polled = self.polled();
        self.apply(now, heard, fact).and(polled)
    }

    /// Without a socket, what is known now is known by asking.
    fn polled(&mut self) -> Changes {
        let news = self.connection.status != ConnectionStatus::Connected && self.connection.source == Source::Websocket;
        if !news {
            return Changes::NONE;
        }
        self.connection.source = Source::Polling;
        Changes::CONNECTION
    }

    fn apply(&mut self, now: Instant, heard: Heard, fact: Fact<'_>) -> Changes {
        let (prompt_id, standing) = match fact {
            Fact::Remaining(remaining) => return self.remaining(heard, remaining),
            Fact::Queue { running, waiting } => return self.remaining(heard, running.saturating_add(waiting)),
            Fact::Node { prompt_id, node, class } => return self.graph_node(prompt_id, node, class),
            Fact::Graph { prompt_id, nodes } => return self.graph(now, prompt_id, nodes),
            Fact::Prompt { prompt_id, standing } => (prompt_id, standing),
        };
        let amid_message = self.announced.target.is_some() || self.nodes.is_amid_message();
        if heard.prompts != self.heard.prompts || amid_message {
            return Changes::NONE;
        }
        let changes = match standing {
            Standing::Waiting => Changes::NONE,
            Standing::Running => self.runs(now, prompt_id),
            Standing::Missed => self.missed(now, prompt_id),
            _ if self.names(prompt_id) => self.is_over(now, prompt_id, standing),
            _ => Changes::NONE,
        };
        let changes = changes.and(core::mem::take(&mut self.renewed));
        // Where the log tells how it goes, that is no more than inferred yet.
        if changes.any() && !(self.connection.source == Source::Logs && self.is_running()) {
            self.connection.source = Source::Polling;
        }
        changes
    }

    fn remaining(&mut self, heard: Heard, queue_remaining: u32) -> Changes {
        if heard.status != self.heard.status || self.queue_remaining == Some(queue_remaining) {
            return Changes::NONE;
        }
        self.queue_remaining = Some(queue_remaining);
        Changes::QUEUE
    }

    fn runs(&mut self, now: Instant, id: Id<'_>) -> Changes {
        match self.prompt.as_ref() {
            Some(prompt) if prompt.is(id) && prompt.is_running() => return self.confirm(),
            // Only the log said that it was over.
            Some(prompt) if prompt.is(id) && prompt.is_unsettled() && self.connection.source == Source::Logs => {
                self.take(id);
            }
            // Its end is known, which nothing but a new start takes back.
            Some(prompt) if prompt.is(id) => {}
            Some(prompt) if prompt.is_running() && prompt.id.is_none() => self.take(id),
            // It is asked first how that one ended.
            Some(prompt) if prompt.is_running() || prompt.is_unsettled() => {}
            _ if self.was_replaced(id.key()) => {}
            old => {
                // HTTP may be ahead of the socket: lines of the one before may still come.
                self.log_owes |= old.is_some_and(|old| !old.logged) && self.connection.way == Some(Way::Logs);
                self.begin(Some(id));
                if let Some(prompt) = self.prompt.as_mut() {
                    prompt.started = self.busy_since;
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
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| prompt.is(id) && prompt.is_running()) else {
            return changes;
        };
        // Log and queue have told what they tell of it.
        prompt.logged = true;
        prompt.fell = true;
        changes.and(self.is_over(now, id, Standing::Ended))
    }

    /// What an earlier session kept is still so.
    fn confirm(&mut self) -> Changes {
        if self.connection.source != Source::Restored {
            return Changes::NONE;
        }
        self.connection.source = Source::Polling;
        Changes::PROMPT
    }

    /// The record's prompt is over.
    fn is_over(&mut self, now: Instant, id: Id<'_>, standing: Standing) -> Changes {
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| !prompt.is_final()) else {
            return Changes::NONE;
        };
        // Where its end was seen, that is when it ended; how, this tells.
        let seen = prompt.ended.unwrap_or(now);
        match standing {
            Standing::Success => {
                self.pass_rest(id);
                self.end(seen, id, PromptState::Success)
            }
            Standing::Interrupted => self.end(seen, id, PromptState::Interrupted),
            // It is no end, and an answer that took it for one says nothing of how the prompt stands.
            Standing::Error if prompt.error.exception_type.as_id() == Id::from(EXECUTION_BLOCKED) => Changes::NONE,
            Standing::Error => {
                // Its texts came on the way.
                let changes = self.end(seen, id, PromptState::Error);
                if let Some(prompt) = self.prompt.as_mut() {
                    prompt.failed = true;
                }
                changes
            }
            Standing::Ended if prompt.is_running() => {
                prompt.end(now, PromptState::Ended);
                Changes::PROMPT.and(Changes::NODE).and(Changes::PROGRESS)
            }
            Standing::Ended => {
                prompt.settled = true;
                prompt.provisional = false;
                Changes::PROMPT
            }
            Standing::Waiting | Standing::Running | Standing::Missed => Changes::NONE,
        }
    }
}
