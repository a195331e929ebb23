use super::Percentage;
use crate::{
    divide::divide,
    time::{Duration, Instant},
};

/// How long a bar takes to reach the true value.
const TRANSITION: Duration = Duration::from_millis(300);

/// Fraction bits of the share of the time left. The time and these fit 32 bits.
const FRACTION_BITS: u32 = 13;

/// A percentage that moves smoothly towards the true one, within 300 ms.
///
/// It is a function of time: a painter calls [`at`](Self::at) for each frame and keeps nothing. It never exceeds the
/// true percentage, and never falls within a prompt.
///
/// ```
/// use comfyglow_core::{progress::{Percentage, Smooth}, time::Instant};
///
/// let half = Percentage::from_millionths(50_000_000);
/// let mut smooth = Smooth::new();
/// smooth.set(Instant::ZERO, half);
/// assert!(smooth.at(Instant::from_millis(100)) < half);
/// assert!(smooth.is_moving(Instant::from_millis(100)));
/// assert_eq!(smooth.at(Instant::from_millis(300)), half);
/// assert!(!smooth.is_moving(Instant::from_millis(300)), "no further frame is needed");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Smooth {
    from: Percentage,
    to: Percentage,
    since: Instant,
}

impl Smooth {
    /// Creates one at 0 %.
    pub const fn new() -> Self {
        Self { from: Percentage::ZERO, to: Percentage::ZERO, since: Instant::ZERO }
    }

    /// Sets the true percentage to `to`. A lower one belongs to another prompt and is shown at once.
    pub fn set(&mut self, now: Instant, to: Percentage) {
        if to == self.to {
            return;
        }
        self.from = if to < self.to { to } else { self.at(now) };
        self.to = to;
        self.since = now;
    }

    /// The percentage to show at `now`. It moves fast at first, then slows down.
    pub fn at(&self, now: Instant) -> Percentage {
        let left = TRANSITION.as_micros().saturating_sub(now.saturating_since(self.since).as_micros());
        let distance = u64::from(self.to.millionths().saturating_sub(self.from.millionths()));
        // The distance to go falls with the square of the time left. 13 bits of it are fine enough for any screen.
        let left = divide(left << FRACTION_BITS, TRANSITION.as_micros()).unwrap_or_default();
        let to_go = distance.saturating_mul(left).saturating_mul(left) >> (2 * FRACTION_BITS);
        let to_go = u32::try_from(to_go).unwrap_or(u32::MAX);
        Percentage::from_millionths(self.to.millionths().saturating_sub(to_go))
    }

    /// Returns whether it still moves at `now`, so that the next frame differs.
    pub fn is_moving(&self, now: Instant) -> bool {
        self.at(now) != self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(n: u32) -> Percentage {
        Percentage::from_millionths(n * 1_000_000)
    }

    #[test]
    fn smooth_towards_target_arrives_without_overtaking_or_falling() {
        let mut smooth = Smooth::new();
        let mut shown = Percentage::ZERO;
        let mut target = 0;
        for ms in 0..1_300 {
            if let Some((_, next)) = [(0, 10), (100, 20), (110, 21), (500, 80), (1_000, 100)].iter().find(|s| s.0 == ms)
            {
                target = *next;
                smooth.set(Instant::from_millis(ms), percent(target));
            }
            let at = smooth.at(Instant::from_millis(ms));
            assert!(at >= shown, "falls at {ms} ms");
            assert!(at <= percent(target), "overtakes at {ms} ms");
            shown = at;
        }
        assert_eq!(smooth.at(Instant::from_millis(1_300)), percent(100));
        assert!(smooth.is_moving(Instant::from_millis(1_299)));
        assert!(!smooth.is_moving(Instant::from_millis(1_300)));
    }

    #[test]
    fn smooth_with_lower_target_jumps_at_once() {
        let mut smooth = Smooth::new();
        smooth.set(Instant::ZERO, percent(100));
        smooth.set(Instant::from_millis(900), percent(3));
        assert_eq!(smooth.at(Instant::from_millis(900)), percent(3));
    }

    #[test]
    fn smooth_after_clock_jumps_back_shows_its_start() {
        let mut smooth = Smooth::new();
        smooth.set(Instant::from_millis(5_000), percent(50));
        assert_eq!(smooth.at(Instant::ZERO), Percentage::ZERO);
    }
}
