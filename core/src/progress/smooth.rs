use crate::{
    divide::divide,
    state::Percentage,
    time::{Duration, Instant},
};

/// How long a bar takes to where it should be.
const TAKES: Duration = Duration::from_millis(300);

/// Bits that the share of the time left is reckoned in: those of the time itself and these fit 32.
const BITS: u32 = 13;

/// A percentage that moves smoothly towards the true one, as a function of time: a painter asks at each frame and keeps
/// nothing.
///
/// It never runs ahead of the truth, and within a prompt it never falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Smooth {
    from: Percentage,
    to: Percentage,
    since: Instant,
}

impl Smooth {
    /// At nothing.
    pub const fn new() -> Self {
        Self { from: Percentage::ZERO, to: Percentage::ZERO, since: Instant::ZERO }
    }

    /// The truth has changed to `to`. A fall is another prompt's beginning and shown at once.
    pub fn set(&mut self, now: Instant, to: Percentage) {
        if to == self.to {
            return;
        }
        self.from = if to < self.to { to } else { self.at(now) };
        self.to = to;
        self.since = now;
    }

    /// What to show at `now`: fast at first, then slowing down.
    pub fn at(&self, now: Instant) -> Percentage {
        let left = TAKES.as_micros().saturating_sub(now.saturating_since(self.since).as_micros());
        let way = u64::from(self.to.millionths().saturating_sub(self.from.millionths()));
        // What is left to go falls with the square of the time left, of which 13 bits are fine enough for any screen.
        let left = divide(left << BITS, TAKES.as_micros()).unwrap_or_default();
        let to_go = way.saturating_mul(left).saturating_mul(left) >> (2 * BITS);
        let to_go = u32::try_from(to_go).unwrap_or(u32::MAX);
        Percentage::from_millionths(self.to.millionths().saturating_sub(to_go))
    }

    /// Whether it still moves at `now`, so that the next frame will look different.
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
    fn arrives_and_never_overtakes_or_falls() {
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
    fn another_prompt_begins_at_once() {
        let mut smooth = Smooth::new();
        smooth.set(Instant::ZERO, percent(100));
        smooth.set(Instant::from_millis(900), percent(3));
        assert_eq!(smooth.at(Instant::from_millis(900)), percent(3));
    }

    #[test]
    fn a_clock_that_jumps_back_shows_no_nonsense() {
        let mut smooth = Smooth::new();
        smooth.set(Instant::from_millis(5_000), percent(50));
        assert_eq!(smooth.at(Instant::ZERO), Percentage::ZERO);
    }
}
