//! Which prompts have ended, and how: each told once, though several may end within one read.

use std::{collections::VecDeque, time::Duration};

use comfyglow_core::{
    capacity::Capacity,
    state::{PromptState, State},
    text::Key,
    time::Instant,
    view::{ErrorView, PromptView},
};

/// A prompt that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Its id, where it was told.
    pub prompt_id: Option<String>,
    /// How it ended; [`PromptState::Ended`] where that wasn't heard.
    pub state: PromptState,
    /// How long it ran, where its start was seen.
    pub elapsed: Option<Duration>,
    /// Nodes of its graph, where that is known.
    pub nodes_total: Option<u32>,
    /// Nodes whose results were still known.
    pub nodes_cached: Option<u32>,
    /// Nodes that were blocked.
    pub warnings: u32,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Why a prompt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The node of the submitted graph that failed.
    pub node_id: Option<String>,
    /// Its class.
    pub node_type: Option<String>,
    /// The exception's full name.
    pub exception_type: String,
    /// Its message.
    pub exception_message: String,
    /// The message was longer than what is kept.
    pub truncated: bool,
}

impl Failure {
    /// A failure as a screen knows it.
    pub fn of(error: &ErrorView<'_>) -> Self {
        Self {
            node_id: error.node_id.map(str::to_owned),
            node_type: error.node_type.map(str::to_owned),
            exception_type: error.exception_type.to_owned(),
            exception_message: error.exception_message.to_owned(),
            truncated: error.truncated,
        }
    }
}

impl Finish {
    /// A prompt as a screen knows it.
    pub fn of(prompt: &PromptView<'_>) -> Self {
        Self {
            prompt_id: prompt.prompt_id.map(str::to_owned),
            state: prompt.state,
            elapsed: prompt.elapsed.map(|elapsed| Duration::from_micros(elapsed.as_micros())),
            nodes_total: prompt.nodes_total,
            nodes_cached: prompt.nodes_cached,
            warnings: prompt.warnings,
            failure: prompt.error.as_ref().map(Failure::of),
        }
    }

    /// A prompt of which nothing is known but that it is over, as another one runs by now.
    pub(crate) fn unheard(prompt_id: Option<String>) -> Self {
        Self {
            prompt_id,
            state: PromptState::Ended,
            elapsed: None,
            nodes_total: None,
            nodes_cached: None,
            warnings: 0,
            failure: None,
        }
    }
}

/// Tells each prompt's end once.
#[derive(Debug, Default)]
pub struct Finishes {
    /// The record as last seen: its id's key, its state, its id.
    seen: Option<(Option<Key>, PromptState, Option<String>)>,
    /// An end that was guessed, until its outcome is known, or known to be lost.
    guess: Option<Finish>,
    ready: VecDeque<Finish>,
}

impl Finishes {
    /// Something was applied to `state`; whether a prompt ended by it, or seems to have.
    pub fn applied<C: Capacity>(&mut self, now: Instant, state: &State<C>) -> bool {
        let Some(prompt) = state.prompt() else { return false };
        let (key, state_now) = (prompt.prompt_id().map(|id| id.as_id().key()), prompt.state());
        if self.seen.as_ref().is_some_and(|(seen, state, _)| *seen == key && *state == state_now) {
            if prompt.is_settled() && self.guess.take().is_some() {
                // More may be known of it by now.
                let view = state.view(now);
                self.ready.extend(view.prompt.as_ref().map(Finish::of));
            }
            return false;
        }
        let id = prompt.prompt_id().map(|id| id.as_str().to_owned());
        if let Some((seen, before, id)) = self.seen.replace((key, state_now, id))
            && seen.is_some()
            && seen != key
        {
            // The server runs one prompt at a time.
            match self.guess.take() {
                Some(guessed) => self.ready.push_back(guessed),
                None if before == PromptState::Running => self.ready.push_back(Finish::unheard(id)),
                None => {}
            }
        }
        self.guess = None;
        if state_now == PromptState::Running {
            return false;
        }
        let view = state.view(now);
        let Some(finish) = view.prompt.as_ref().map(Finish::of) else { return false };
        if prompt.is_settled() {
            self.ready.push_back(finish);
        } else {
            self.guess = Some(finish);
        }
        true
    }

    /// Whether the end of a prompt is known and not taken yet.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next prompt that has ended.
    pub fn take(&mut self) -> Option<Finish> {
        self.ready.pop_front()
    }

    /// The next prompt that has ended, when nothing will be heard any more.
    pub fn take_last(&mut self) -> Option<Finish> {
        self.ready.extend(self.guess.take());
        self.take()
    }
}

#[cfg(test)]
mod tests {
    use comfyglow_core::{
        api::{Item, JobStatus},
        capacity::GadgetCapacity,
        event::{Event, Part},
        reducer::{Action, apply},
        state::PromptState::{Ended, Error, Interrupted, Success},
        text::Id,
    };

    use super::*;

    struct Heard {
        state: Box<State<GadgetCapacity>>,
        finishes: Finishes,
        now: Instant,
    }

    impl Heard {
        fn new() -> Self {
            Self { state: Box::new(State::new()), finishes: Finishes::default(), now: Instant::ZERO }
        }

        fn hears(&mut self, event: Event<'_>) {
            apply(&mut self.state, self.now, Action::Text(&event), &mut ());
            self.finishes.applied(self.now, &self.state);
        }

        fn taken(&mut self) -> Vec<(String, PromptState)> {
            let mut taken = Vec::new();
            while let Some(finish) = self.finishes.take() {
                taken.push((finish.prompt_id.unwrap_or_default(), finish.state));
            }
            taken
        }
    }

    fn start(id: &str) -> Event<'_> {
        Event::ExecutionStart { prompt_id: Id::from(id), timestamp: None }
    }

    fn success(id: &str) -> Event<'_> {
        Event::ExecutionSuccess { prompt_id: Id::from(id), timestamp: None }
    }

    fn queue(remaining: u32) -> Event<'static> {
        Event::Status { queue_remaining: remaining, sid: None }
    }

    fn nothing_runs(id: &str) -> Event<'_> {
        Event::Executing { node: None, display_node: None, prompt_id: Some(Id::from(id)) }
    }

    fn named(names: &[(&str, PromptState)]) -> Vec<(String, PromptState)> {
        names.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()
    }

    #[test]
    fn each_end_is_told_once() {
        let mut heard = Heard::new();
        heard.hears(start("a"));
        assert_eq!(heard.taken(), []);
        heard.hears(success("a"));
        heard.hears(queue(0));
        heard.hears(nothing_runs("a"));
        assert_eq!(heard.taken(), named(&[("a", Success)]));
        heard.hears(queue(1));
        assert_eq!(heard.taken(), []);
    }

    #[test]
    fn ends_within_one_read_are_all_told() {
        let mut heard = Heard::new();
        let (id, kind) = (Id::from("b"), Id::from("RuntimeError"));
        for event in [
            start("a"),
            success("a"),
            start("b"),
            Event::ExecutionError {
                prompt_id: id,
                node_id: None,
                node_type: None,
                exception_type: kind,
                exception_message: kind,
                timestamp: None,
            },
            start("c"),
            Event::ExecutionInterrupted { prompt_id: Id::from("c"), node_id: None, node_type: None, timestamp: None },
        ] {
            heard.hears(event);
        }
        assert_eq!(heard.taken(), named(&[("a", Success), ("b", Error), ("c", Interrupted)]));
    }

    /// The server says over HTTP that `id` is over, and not how.
    fn asked(heard: &mut Heard, id: &str) {
        let item = Item::Prompt { prompt_id: Id::from(id), status: JobStatus::Ended };
        let action = Action::Response { since: heard.state.socket_generation(), item };
        apply(&mut heard.state, heard.now, action, &mut ());
        heard.finishes.applied(heard.now, &heard.state);
    }

    #[test]
    fn a_guessed_end_waits_for_better() {
        let mut heard = Heard::new();
        heard.hears(start("a"));
        heard.hears(queue(0));
        assert_eq!(heard.taken(), []);
        heard.hears(success("a"));
        assert_eq!(heard.taken(), named(&[("a", Success)]));
    }

    #[test]
    fn a_guessed_end_stands_when_nobody_knows_better_or_at_the_next_start() {
        let mut heard = Heard::new();
        heard.hears(start("a"));
        heard.hears(nothing_runs("a"));
        assert_eq!(heard.taken(), []);
        asked(&mut heard, "a");
        assert_eq!(heard.taken(), named(&[("a", Ended)]));
        asked(&mut heard, "a");
        assert_eq!(heard.taken(), [], "once");
        heard.hears(start("b"));
        heard.hears(nothing_runs("b"));
        heard.hears(start("c"));
        assert_eq!(heard.taken(), named(&[("b", Ended)]));
        heard.hears(start("d"));
        assert_eq!(heard.taken(), named(&[("c", Ended)]), "its end was not heard, yet another one runs");
    }

    #[test]
    fn an_end_by_the_log_waits_for_what_the_server_knows() {
        for (status, state) in [(JobStatus::Error, Error), (JobStatus::Success, Success), (JobStatus::Ended, Error)] {
            let mut heard = Heard::new();
            let tell = |heard: &mut Heard, action: Action<'_>| {
                apply(&mut heard.state, heard.now, action, &mut ());
                heard.finishes.applied(heard.now, &heard.state);
            };
            let item =
                |at, status| Action::Response { since: at, item: Item::Prompt { prompt_id: Id::from("a"), status } };
            let at = heard.state.socket_generation();
            tell(&mut heard, item(at, JobStatus::Running));
            let text = b"!!! Exception during processing !!! no\nPrompt executed in 1.00 seconds\n";
            tell(&mut heard, Action::Part(&Part::Log(text)));
            tell(&mut heard, Action::Text(&Event::Logs { entries: 1 }));
            assert_eq!(
                (heard.state.prompt().map(comfyglow_core::state::Prompt::state), heard.taken()),
                (Some(Error), vec![])
            );
            let at = heard.state.socket_generation();
            tell(&mut heard, item(at, status));
            assert_eq!(heard.taken(), named(&[("a", state)]));
        }
    }

    #[test]
    fn nothing_more_is_heard() {
        let mut heard = Heard::new();
        heard.hears(start("a"));
        heard.hears(queue(0));
        assert_eq!(heard.finishes.take_last().map(|finish| finish.state), Some(Ended));
        assert_eq!(heard.finishes.take_last(), None);
    }
}
