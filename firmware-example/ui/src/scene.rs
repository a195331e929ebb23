//! What there is to show, and what the person before the display chose to see.

use comfyglow_core::{
    state::{NetworkDown, Percentage, PromptState},
    text::{Id, Key},
    time::{Duration, Instant},
    view::{PromptView, View},
};

use crate::sparkline::Sparkline;

/// What there is to show.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The network under it all.
    pub network: Network<'a>,
    /// Who is asked, as a person would say it, such as `desk:8188`.
    pub server: &'a str,
    /// The session; `None` before there is one.
    pub view: Option<View<'a>>,
    /// How far bars are filled: [`Session::smooth_percentage`](comfyglow_core::session::Session::smooth_percentage). The
    /// number is the view's own, so that it changes once with each step.
    pub percentage: Option<Percentage>,
    /// What the person chose to see.
    pub choices: &'a Choices,
    /// How the percentage rose: the page of figures shows it. `None` where nobody looks at that page.
    pub sparkline: Option<&'a Sparkline>,
    /// What is to be told of the last start, for as long as it is.
    pub notice: Option<Notice<'a>>,
}

/// Why the device started again, where that wasn't wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The program stopped by a fault of its own, at this place.
    Panic(&'a str),
    /// The supply's voltage fell too low.
    BrownOut,
    /// The program hung.
    Watchdog,
}

/// The network under it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network<'a> {
    /// The device has just started.
    Starting,
    /// It is being joined: Wi-Fi, or an address by DHCP.
    Joining {
        /// Its name, where it has one.
        name: Option<&'a str>,
    },
    /// It carries.
    Up,
    /// It isn't there.
    Lost {
        /// Its name, where it has one.
        name: Option<&'a str>,
        /// Why.
        why: NetworkDown,
    },
    /// Nobody has set up which it is, or whom to ask.
    Unset,
}

/// What is shown of a prompt that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// How far it is.
    #[default]
    Overview,
    /// The same in figures, and how they are known.
    Details,
}

/// How long a prompt that ended well is shown, where no other begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneStays {
    /// Until somebody dismisses it.
    UntilDismissed,
    /// For a while.
    For(Duration),
}

/// What the person before the display chose to see. The app keeps it, and lets it [`follow`](Self::follow) the session.
#[derive(Clone, Debug)]
pub struct Choices {
    done_stays: DoneStays,
    page: Page,
    /// The outcome last seen, and since when.
    outcome: Option<(Outcome, Instant)>,
    /// That one was dismissed, or shown for long enough.
    dismissed: bool,
}

/// An end of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcome {
    prompt: Option<Key>,
    state: PromptState,
}

impl Outcome {
    fn of(prompt: &PromptView<'_>) -> Option<Self> {
        let state = prompt.state;
        (state != PromptState::Running).then(|| Self { prompt: prompt.prompt_id.map(|id| Id::from(id).key()), state })
    }
}

impl Choices {
    /// An outcome stays until it is dismissed.
    pub const fn new() -> Self {
        Self { done_stays: DoneStays::UntilDismissed, page: Page::Overview, outcome: None, dismissed: false }
    }

    /// A prompt that ended well is shown so long. One that failed always stays until somebody dismisses it.
    #[must_use]
    pub const fn with_done_stays(mut self, stays: DoneStays) -> Self {
        self.done_stays = stays;
        self
    }

    /// Learns what the session shows now; to be called before each frame.
    pub fn follow(&mut self, view: Option<&View<'_>>, now: Instant) {
        let outcome = view.and_then(|view| view.prompt.as_ref()).and_then(Outcome::of);
        if outcome != self.outcome.map(|(outcome, _)| outcome) {
            self.outcome = outcome.map(|outcome| (outcome, now));
            self.dismissed = false;
        }
        if let (DoneStays::For(while_), Some((Outcome { state: PromptState::Success, .. }, since))) =
            (self.done_stays, self.outcome)
            && now.saturating_since(since) >= while_
        {
            self.dismissed = true;
        }
    }

    /// The outcome that is shown goes; that of the next prompt is shown again. Nothing, where none is shown.
    pub const fn dismiss(&mut self) {
        self.dismissed = self.outcome.is_some();
    }

    /// The next page, or the first again.
    pub const fn next_page(&mut self) {
        self.page = match self.page {
            Page::Overview => Page::Details,
            Page::Details => Page::Overview,
        };
    }

    /// The page that is shown.
    pub const fn page(&self) -> Page {
        self.page
    }

    /// Whether this prompt's end is to be seen.
    pub(crate) fn shows(&self, prompt: &PromptView<'_>) -> bool {
        let seen = self.outcome.map(|(outcome, _)| outcome);
        !self.dismissed || seen != Outcome::of(prompt)
    }
}

impl Default for Choices {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfyglow_core::capacity::GadgetCapacity;
    use comfyglow_core::state::State;

    const NOW: Instant = Instant::from_millis(1_000);

    fn prompt(id: &str, state: PromptState) -> PromptView<'_> {
        PromptView { prompt_id: Some(id), ..PromptView::new(state) }
    }

    /// Whether the prompt is shown, after `choices` were told of it.
    fn shown(choices: &mut Choices, prompt: PromptView<'_>, now: Instant) -> bool {
        let state = State::<GadgetCapacity>::new();
        choices.follow(Some(&View { prompt: Some(prompt), ..state.view(now) }), now);
        choices.shows(&prompt)
    }

    #[test]
    fn an_outcome_stays_until_it_is_dismissed_or_another_prompt_ends() {
        let mut choices = Choices::new();
        let late = Instant::from_millis(u64::MAX);
        assert!(shown(&mut choices, prompt("a", PromptState::Error), NOW));
        assert!(shown(&mut choices, prompt("a", PromptState::Error), late), "it stays");
        choices.dismiss();
        assert!(!shown(&mut choices, prompt("a", PromptState::Error), late), "it is gone");
        assert!(shown(&mut choices, prompt("b", PromptState::Error), late), "another's is shown");
        choices.dismiss();
        assert!(shown(&mut choices, prompt("b", PromptState::Running), late), "what runs is never dismissed");
        assert!(shown(&mut choices, prompt("b", PromptState::Error), late), "nor is what it came to");
    }

    #[test]
    fn what_runs_can_not_be_dismissed() {
        let mut choices = Choices::new();
        assert!(shown(&mut choices, prompt("a", PromptState::Running), NOW));
        choices.dismiss();
        assert!(shown(&mut choices, prompt("a", PromptState::Running), NOW));
        assert!(shown(&mut choices, prompt("a", PromptState::Success), NOW));
    }

    #[test]
    fn a_guess_that_was_dismissed_is_shown_again_once_it_is_known() {
        let mut choices = Choices::new();
        assert!(shown(&mut choices, prompt("a", PromptState::Ended), NOW));
        choices.dismiss();
        assert!(shown(&mut choices, prompt("a", PromptState::Success), NOW));
    }

    #[test]
    fn who_wants_it_sees_success_for_a_while_and_failure_until_it_is_dismissed() {
        let mut choices = Choices::new().with_done_stays(DoneStays::For(Duration::from_secs(10)));
        let later = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
        assert!(shown(&mut choices, prompt("a", PromptState::Success), NOW));
        assert!(shown(&mut choices, prompt("a", PromptState::Success), later(9)));
        assert!(!shown(&mut choices, prompt("a", PromptState::Success), later(10)));
        assert!(shown(&mut choices, prompt("b", PromptState::Error), later(20)));
        assert!(shown(&mut choices, prompt("b", PromptState::Error), later(2_000)));
    }
}
