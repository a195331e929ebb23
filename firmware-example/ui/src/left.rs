//! A time left that a person can look at.

use comfyglow_core::{
    text::{Id, Key},
    time::Duration,
    view::PromptView,
};

/// What was told of the time left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLeft {
    /// Whose it was.
    prompt: Option<Key>,
    seconds: Option<u64>,
}

impl TimeLeft {
    pub(crate) const fn new() -> Self {
        Self { prompt: None, seconds: None }
    }

    /// What to tell of `prompt`. An estimate rises a little while a step takes, and falls with the next one: such a rise is
    /// not told, or the figure would go to and fro with each step.
    pub(crate) fn of(&mut self, prompt: &PromptView<'_>) -> Option<Duration> {
        let id = prompt.prompt_id.map(|id| Id::from(id).key());
        let told = self.seconds.filter(|_| self.prompt == id);
        let seconds = prompt.eta.map(|eta| {
            let (seconds, coarse) = rounded(eta);
            told.filter(|told| (1..=coarse.max(told / 10)).contains(&seconds.saturating_sub(*told))).unwrap_or(seconds)
        });
        *self = Self { prompt: id, seconds };
        seconds.map(Duration::from_secs)
    }
}

/// Seconds, rounded up, so that there are none only at the end; and as coarse as a guess of that length is, which is told too.
fn rounded(eta: Duration) -> (u64, u64) {
    let seconds = eta.as_micros().div_ceil(1_000_000);
    let coarse = match seconds {
        0..60 => 1,
        60..600 => 5,
        _ => 30,
    };
    (seconds.div_ceil(coarse).saturating_mul(coarse), coarse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfyglow_core::state::PromptState;
    use std::vec::Vec;

    /// What is told of a prompt whose time left is estimated so, in tenths of a second.
    fn told(left: &mut TimeLeft, id: &str, tenths: &[u64]) -> Vec<u64> {
        let tell = |&tenths| {
            let eta = Some(Duration::from_millis(tenths * 100));
            let prompt = PromptView { prompt_id: Some(id), eta, ..PromptView::new(PromptState::Running) };
            left.of(&prompt).unwrap().as_millis() / 1_000
        };
        tenths.iter().map(tell).collect()
    }

    #[test]
    fn it_is_rounded_up_and_coarse_where_it_is_long() {
        let alone = |tenths| told(&mut TimeLeft::new(), "a", &[tenths])[0];
        assert_eq!([0, 1, 70, 71, 599, 601, 5_951, 6_001].map(alone), [0, 1, 7, 8, 60, 65, 600, 630]);
    }

    #[test]
    fn it_does_not_go_to_and_fro() {
        let left = &mut TimeLeft::new();
        assert_eq!(told(left, "a", &[63, 68, 71, 65, 60, 64, 55]), [7, 7, 7, 7, 6, 6, 6]);
        assert_eq!(told(left, "a", &[81]), [9], "what is another estimate is told");
        assert_eq!(told(left, "a", &[3_000, 3_060, 3_301]), [300, 300, 335], "of a long time a tenth is little");
        assert_eq!(told(left, "b", &[3_060]), [310], "that of another prompt has nothing to do with it");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let left = &mut TimeLeft::new();
        assert_eq!(told(left, "a", &[50]), [5]);
        let unknown = PromptView { prompt_id: Some("a"), ..PromptView::new(PromptState::Running) };
        assert_eq!(left.of(&unknown), None);
        assert_eq!(told(left, "a", &[60]), [6]);
    }
}
