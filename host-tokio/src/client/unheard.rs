//! Prompts of one's own that the server took, and of which nothing was heard yet.

use std::collections::VecDeque;

use comfyglow_core::{
    session::{Input, Observer, Session},
    state::Prompt,
    text::Id,
    time::Instant,
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
    /// The server has done with it, or has forgotten it.
    is_missed: bool,
}

/// Which connection there is, or which attempt to make one: reconnections and attempts.
pub(super) type Connection = (u32, u32);

impl Unheard {
    pub(super) fn push(&mut self, prompt_id: &str, connection: Connection) {
        if self.0.len() == UNHEARD {
            self.0.pop_front();
        }
        self.0.push_back(Submission { prompt_id: prompt_id.to_owned(), connection, is_missed: false });
    }

    /// One that may have ended unheard, as there was another connection since; once for each connection.
    pub(super) fn doubtful(&mut self, connection: Connection) -> Option<String> {
        let doubtful = self.0.iter_mut().find(|one| !one.is_missed && one.connection != connection)?;
        doubtful.connection = connection;
        Some(doubtful.prompt_id.clone())
    }

    pub(super) fn miss(&mut self, prompt_id: &str) {
        for one in self.0.iter_mut().filter(|one| one.prompt_id == prompt_id) {
            one.is_missed = true;
        }
    }

    /// Forgets the prompt that `session` has heard of, and tells it of one that was missed, where it is free to ask.
    pub(super) fn tell<
        const ID: usize,
        const MESSAGE: usize,
        const NODES: usize,
        const NAMES: usize,
        const LEARNED: usize,
        const HEAD: usize,
    >(
        &mut self,
        session: &mut Session<'_, ID, MESSAGE, NODES, NAMES, LEARNED, HEAD>,
        now: Instant,
        observer: &mut impl Observer,
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
            session.handle_input_with(now, Input::Missed { prompt_id: Id::from(missed.prompt_id.as_str()) }, observer);
        }
    }
}
