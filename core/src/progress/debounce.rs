use crate::{
    limits::DEBOUNCE_MICROS,
    time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_micros(DEBOUNCE_MICROS);

/// Lets the first change through at once, then at most one each [`DEBOUNCE_MICROS`], and never loses the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Debounce {
    waiting: bool,
    told: Option<Instant>,
}

impl Debounce {
    /// Nothing has changed yet.
    pub const fn new() -> Self {
        Self { waiting: false, told: None }
    }

    /// Something has changed.
    pub const fn changed(&mut self) {
        self.waiting = true;
    }

    /// When a change that waits may be told; `None` where none waits.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.then(|| self.told.map_or(Instant::ZERO, |told| told.saturating_add(INTERVAL)))
    }

    /// Whether a change is to be told `now`, which it then is.
    pub fn take(&mut self, now: Instant) -> bool {
        // A clock that jumped back must not hold a change for longer than the interval.
        let early = self.told.is_some_and(|told| now >= told && now < told.saturating_add(INTERVAL));
        if !self.waiting || early {
            return false;
        }
        *self = Self { waiting: false, told: Some(now) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_at_once_then_one_an_interval_and_the_last_in_the_end() {
        let mut debounce = Debounce::new();
        let at = Instant::from_micros;
        assert!(!debounce.take(at(0)));
        assert_eq!(debounce.deadline(), None);
        debounce.changed();
        assert!(debounce.take(at(5)), "the first");
        debounce.changed();
        assert!(!debounce.take(at(5 + DEBOUNCE_MICROS - 1)), "too early");
        assert_eq!(debounce.deadline(), Some(at(5 + DEBOUNCE_MICROS)));
        debounce.changed();
        assert!(debounce.take(at(5 + DEBOUNCE_MICROS)), "both at once");
        assert!(!debounce.take(at(10 + DEBOUNCE_MICROS * 9)), "nothing twice");
    }

    #[test]
    fn a_clock_that_jumps_back_loses_nothing() {
        let mut debounce = Debounce::new();
        debounce.changed();
        assert!(debounce.take(Instant::from_millis(90_000)));
        debounce.changed();
        assert!(debounce.take(Instant::from_millis(5)));
    }
}
