//! Prompts of one's own that the server took, and of which nothing was heard yet.

use std::collections::VecDeque;

use comfyglow_core::{
    capacity::Capacity,
    reducer::Observer,
    session::Host,
    state::Prompt,
    text::Id,
    time::{Duration, Instant},
    wire::{Input, Wire},
};

/// Prompts that are kept; the oldest makes room.
const UNHEARD: usize = 64;

/// They may begin and end while there is no connection; what came of them is then asked for.
#[derive(Debug, Default)]
pub(super) struct Unheard(VecDeque<Submission>);

#[derive(Debug)]
struct Submission {
    prompt_id: String,
    /// The connection that will tell of it, or for which the server was asked.
    connection: Connection,
    /// When the server was asked, or took it.
    looked: Instant,
    /// The server has done with it, or has forgotten it.
    is_missed: bool,
}

/// How long nothing may be heard of a prompt until the server is asked where it is: it may have lost sight of us.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// Which connection there is, or which attempt to make one: reconnections and attempts.
pub(super) type Connection = (u32, u32);

impl Unheard {
    pub(super) fn push(&mut self, prompt_id: &str, connection: Connection, now: Instant) {
        if self.0.len() == UNHEARD {
            self.0.pop_front();
        }
        self.0.push_back(Submission { prompt_id: prompt_id.to_owned(), connection, looked: now, is_missed: false });
    }

    /// Whether there is one that may begin.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.iter().any(|one| !one.is_missed)
    }

    /// One that may have ended unheard, as there was another connection since, or nothing was heard for long.
    pub(super) fn doubtful(&mut self, connection: Connection, now: Instant) -> Option<String> {
        let is_due = |one: &Submission| one.connection != connection || now.saturating_since(one.looked) >= LOOK;
        let doubtful = self.0.iter_mut().find(|one| !one.is_missed && is_due(one))?;
        doubtful.connection = connection;
        doubtful.looked = now;
        Some(doubtful.prompt_id.clone())
    }

    pub(super) fn miss(&mut self, prompt_id: &str) {
        for one in self.0.iter_mut().filter(|one| one.prompt_id == prompt_id) {
            one.is_missed = true;
        }
    }

    /// Forgets the prompt that `session` has heard of, and tells it of one that was missed, where it is free to ask.
    pub(super) fn tell<C: Capacity>(
        &mut self,
        session: &mut Wire<'_, C>,
        now: Instant,
        observer: &mut impl Observer<C>,
    ) {
        if self.0.is_empty() {
            return;
        }
        let prompt = session.state().prompt();
        if let Some(id) = prompt.and_then(Prompt::prompt_id) {
            self.0.retain(|one| id.as_id() != Id::from(one.prompt_id.as_str()));
        }
        if prompt.is_none_or(Prompt::is_settled)
            && let Some(at) = self.0.iter().position(|one| one.is_missed)
            && let Some(missed) = self.0.remove(at)
        {
            let prompt_id = Id::from(missed.prompt_id.as_str());
            session.handle_input_with(now, Input::Host(Host::Missed { prompt_id }), observer);
            // Amid a message it is not taken in.
            if session.state().prompt().and_then(Prompt::prompt_id).is_none_or(|id| id.as_id() != prompt_id) {
                self.0.push_back(missed);
            }
        }
    }
}
