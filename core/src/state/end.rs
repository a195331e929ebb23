//! How a prompt's end is known.

use super::PromptState;

/// How a prompt's end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptEnd {
    /// None is known: the prompt runs, as far as is known.
    Running,
    /// The prompt ended. Its outcome is still to be requested.
    Guessed,
    /// The log reported this outcome. The server is still to confirm it.
    Reported(Outcome),
    /// The server reported this outcome; final.
    Final(Outcome),
    /// The prompt ended. The server does not know the outcome.
    Unknown,
}

/// How a prompt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It succeeded.
    Success,
    /// A node failed.
    Error,
    /// A user interrupted it.
    Interrupted,
}

impl Outcome {
    const fn state(self) -> PromptState {
        match self {
            Self::Success => PromptState::Success,
            Self::Error => PromptState::Error,
            Self::Interrupted => PromptState::Interrupted,
        }
    }
}

impl PromptEnd {
    /// The end that a record shows as `state`; how it was known is not kept.
    #[cfg(feature = "record")]
    pub(in crate::state) const fn restored(state: PromptState) -> Self {
        match state {
            PromptState::Running => Self::Running,
            PromptState::Success => Self::Final(Outcome::Success),
            PromptState::Error => Self::Final(Outcome::Error),
            PromptState::Interrupted => Self::Final(Outcome::Interrupted),
            PromptState::Ended => Self::Guessed,
        }
    }

    /// The end by the log, which reports the outcome only of a prompt that failed or was interrupted.
    pub(in crate::state) const fn logged(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(outcome) => Self::Reported(outcome),
            None => Self::Guessed,
        }
    }

    /// The end once the server was asked for the outcome and does not know it. What the log reported then stands.
    pub(in crate::state) const fn settled(self) -> Self {
        match self {
            Self::Running | Self::Guessed | Self::Unknown => Self::Unknown,
            Self::Reported(outcome) | Self::Final(outcome) => Self::Final(outcome),
        }
    }

    /// The state that a screen shows.
    pub(crate) const fn state(self) -> PromptState {
        match self {
            Self::Running => PromptState::Running,
            Self::Guessed | Self::Unknown => PromptState::Ended,
            Self::Reported(outcome) | Self::Final(outcome) => outcome.state(),
        }
    }

    /// Whether the outcome is `other`, whoever reported it.
    pub(crate) const fn is(self, other: Outcome) -> bool {
        matches!(self, Self::Reported(outcome) | Self::Final(outcome) if outcome as u8 == other as u8)
    }

    pub(crate) const fn is_running(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether the server reported the outcome.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Final(_))
    }

    /// Whether the outcome is still to be requested.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Guessed | Self::Reported(_))
    }
}

const _: () = assert!(size_of::<PromptEnd>() <= 2, "a table of jobs holds many of them");

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Error, Outcome::Interrupted];

    #[test]
    fn end_reported_by_the_log_stands_once_settled() {
        for outcome in OUTCOMES {
            let end = PromptEnd::logged(Some(outcome));
            assert!(end.is_open() && !end.is_final() && end.is(outcome));
            assert_eq!((end.settled(), end.state()), (PromptEnd::Final(outcome), outcome.state()));
        }
    }

    #[test]
    fn end_of_unknown_outcome_is_shown_as_ended() {
        let end = PromptEnd::logged(None);
        assert!(end.is_open() && !end.settled().is_open());
        assert_eq!((end.state(), end.settled().state()), (PromptState::Ended, PromptState::Ended));
        assert!(OUTCOMES.into_iter().all(|outcome| !end.is(outcome) && !end.settled().is(outcome)));
    }

    #[test]
    #[cfg(feature = "record")]
    fn restored_end_shows_the_state_of_the_record() {
        let ended = [PromptState::Running, PromptState::Ended];
        for state in OUTCOMES.map(Outcome::state).into_iter().chain(ended) {
            let end = PromptEnd::restored(state);
            assert_eq!((end.state(), end.is_final()), (state, state.is_final()));
        }
    }
}
