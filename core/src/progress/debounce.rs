use crate::{
    limits::DEBOUNCE_MICROS,
    time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_micros(DEBOUNCE_MICROS);

/// Limits how often changes are reported: the first at once, then at most one every [`DEBOUNCE_MICROS`] microseconds.
///
/// Changes within the interval become one. The last change is never lost.
///
/// ```
/// use comfyglow_core::{progress::Debounce, time::Instant};
///
/// let mut debounce = Debounce::new();
/// debounce.changed();
/// assert!(debounce.take(Instant::ZERO));
/// debounce.changed();
/// assert!(!debounce.take(Instant::from_millis(5)), "too early");
/// // Sleep until the deadline, then report both changes at once.
/// let deadline = debounce.deadline().unwrap();
/// assert!(debounce.take(deadline));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Debounce {
    waiting: bool,
    last_taken: Option<Instant>,
}

impl Debounce {
    /// Creates one without a pending change.
    pub const fn new() -> Self {
        Self { waiting: false, last_taken: None }
    }

    /// Notes that something has changed.
    pub const fn changed(&mut self) {
        self.waiting = true;
    }

    /// When the pending change may be reported; `None` if none is pending.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.then(|| self.last_taken.map_or(Instant::ZERO, |last| last.saturating_add(INTERVAL)))
    }

    /// Returns whether to report a change `now`, and takes the pending change if so.
    pub fn take(&mut self, now: Instant) -> bool {
        // A clock that jumped back must not delay a change for longer than the interval.
        let early = self.last_taken.is_some_and(|last| now >= last && now < last.saturating_add(INTERVAL));
        if !self.waiting || early {
            return false;
        }
        *self = Self { waiting: false, last_taken: Some(now) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debounce_within_interval_merges_changes_and_keeps_the_last() {
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
    fn debounce_after_clock_jumps_back_loses_no_change() {
        let mut debounce = Debounce::new();
        debounce.changed();
        assert!(debounce.take(Instant::from_millis(90_000)));
        debounce.changed();
        assert!(debounce.take(Instant::from_millis(5)));
    }
}
