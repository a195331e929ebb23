//! How a prompt's run goes: how long the node that is shown has been at it, and whether the nodes before took as long as
//! was expected.

use super::{learned::Took, part};
use crate::{
    number::Milli,
    time::{Duration, Instant},
};

/// A tick is 1,024 µs: 32 bits of them are 50 days, and spans are right across a wrap.
const TICK: u64 = 1_024;

#[expect(clippy::cast_possible_truncation, reason = "as wanted")]
fn ticks(now: Instant) -> u32 {
    (now.as_micros() / TICK) as u32
}

/// How a prompt's run goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// When the node that is shown began, and whether that was seen.
    since: u32,
    seen_to_begin: bool,
    /// The bar began anew, or isn't one of steps: it says nothing of how long a step takes.
    uneven: bool,
    bar: Option<Bar>,
    /// Milliseconds that nodes took, and those that they were expected to, each held within a quarter and four times of
    /// the other.
    took: u32,
    expected: u32,
    /// Seconds that the bar said it would take yet when it moved last; 0 where it didn't say.
    told: u32,
}

/// A bar in thousandths of steps.
#[derive(Clone, Copy, Debug)]
struct Bar {
    max: u32,
    first: u32,
    first_at: u32,
    last: u32,
    last_at: u32,
    /// Of what was told at once, what took the longest for each step: how far it went, and its ticks.
    slowest: (u32, u32),
}

impl Run {
    pub(crate) const fn new() -> Self {
        Self { since: 0, seen_to_begin: false, uneven: false, bar: None, took: 0, expected: 0, told: 0 }
    }

    /// The prompt's start was seen: its first node will be seen to begin.
    pub(crate) const fn start(&mut self) {
        self.seen_to_begin = true;
    }

    /// What runs isn't known any more.
    pub(crate) const fn lose(&mut self) {
        self.seen_to_begin = false;
        self.bar = None;
    }

    /// Another node begins; `replaces` one that was known.
    pub(crate) fn begin(&mut self, now: Instant, replaces: bool) {
        self.seen_to_begin |= replaces;
        self.since = ticks(now);
        self.uneven = false;
        self.bar = None;
        self.told = 0;
    }

    /// Something else of the node that is shown begins, with a bar of its own.
    pub(crate) const fn begin_part(&mut self) {
        if self.bar.is_some() {
            self.uneven = true;
        }
    }

    /// The bar is at `value` of `max`.
    pub(crate) fn step(&mut self, now: Instant, value: Milli, max: Milli) {
        let (Ok(value), Ok(max)) = (u32::try_from(value.thousandths()), u32::try_from(max.thousandths())) else {
            self.uneven = true;
            return;
        };
        match &mut self.bar {
            Some(bar) if bar.max == max && value >= bar.last => {
                bar.go_on(value, ticks(now));
            }
            bar => {
                self.uneven |= bar.is_some();
                let at = ticks(now);
                *bar = Some(Bar { max, first: value, first_at: at, last: value, last_at: at, slowest: (0, 0) });
            }
        }
    }

    /// The bar that moved just now says that it will take so many seconds yet.
    pub(crate) const fn tell_rest(&mut self, seconds: Option<u32>) {
        self.told = match seconds {
            Some(seconds) => seconds,
            None => 0,
        };
    }

    /// What is left of the time that the bar said it would take.
    pub(crate) fn told_rest(&self, now: Instant) -> Option<Duration> {
        let told = Duration::from_secs(u64::from(self.told));
        let bar = self.bar.filter(|_| self.told > 0)?;
        let since = Duration::from_millis(u64::from(millis(ticks(now).wrapping_sub(bar.last_at))));
        Some(told.saturating_sub(since)).filter(|rest| *rest > Duration::ZERO)
    }

    /// How long the node took that ends now; `None` where its beginning wasn't seen.
    pub(crate) fn took(&self, now: Instant) -> Option<Took> {
        if !self.seen_to_begin {
            return None;
        }
        let millis = millis(ticks(now).wrapping_sub(self.since));
        let steps = self.bar.filter(|_| !self.uneven).and_then(|bar| {
            let step_micros = bar.of(1_000_000, bar.way())?;
            let steps = bar.max / 1_000;
            let whole = steps > 1 && bar.max % 1_000 == 0;
            Some(Took::with_steps(millis, u16::try_from(steps).ok().filter(|_| whole)?, step_micros))
        });
        Some(steps.unwrap_or_else(|| Took::whole(millis)))
    }

    /// A node took that long and was expected to take as long as that. Of nodes with steps, the steps tell how fast the
    /// server is: what they spend before may be a model's loading.
    pub(crate) fn compare(&mut self, took: Took, expected: Took) {
        let (took, expected) = match (took.steps, expected.steps) {
            (0, _) | (_, 0) => (took.millis(), expected.millis()),
            (steps, _) => (took.millis_of(steps), expected.millis_of(steps)),
        };
        self.took = self.took.saturating_add(within(took, expected));
        self.expected = self.expected.saturating_add(expected);
    }
}

/// What is known of the rest of a run, at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Milliseconds that the whole graph was expected to take.
    pub(crate) whole: u32,
    /// Those of the nodes that are still to come, the one that is shown not among them.
    pub(crate) pending: u32,
    /// How long the node that is shown was expected to take, if one is, and whether that was learned.
    pub(crate) current: Option<(Took, bool)>,
}

impl Run {
    /// Milliseconds that the rest will take.
    pub(crate) fn rest(&self, now: Instant, rest: Rest) -> u32 {
        let now = ticks(now);
        let pace = self.pace(now, rest);
        let current = rest.current.map_or(0, |(took, learned)| self.rest_of_current(now, took, learned, pace));
        pace.of(rest.pending).saturating_add(current)
    }

    /// How this run compares with what was expected so far. A part of the whole is taken to go as expected, so that
    /// the first short nodes don't speak for all.
    fn pace(&self, now: u32, rest: Rest) -> Pace {
        let (took, expected) = self.current_pace(now, rest.current).unwrap_or_default();
        let as_expected = (rest.whole / 24).max(1);
        let took = self.took.saturating_add(within(took, expected)).saturating_add(as_expected);
        let expected = self.expected.saturating_add(expected).saturating_add(as_expected);
        let pace = part(took, 1 << Pace::BITS, expected).unwrap_or(1 << Pace::BITS);
        Pace(pace.clamp(1 << Pace::BITS >> 3, 1 << Pace::BITS << 3))
    }

    /// Milliseconds that the node that is shown has taken for what it has done, and those that it was expected to.
    fn current_pace(&self, now: u32, current: Option<(Took, bool)>) -> Option<(u32, u32)> {
        let (expected, _) = current.filter(|(_, learned)| *learned)?;
        match self.even_bar() {
            Some(bar) if expected.steps > 0 => Some((bar.span(), part(expected.step_micros(), bar.way(), 1_000_000)?)),
            Some(_) => None,
            None => {
                // Until it takes longer than it should there is nothing to be said.
                let (spent, all) = (millis(now.wrapping_sub(self.since)), expected.millis());
                (spent > all).then_some((spent, all))
            }
        }
    }

    fn even_bar(&self) -> Option<Bar> {
        self.bar.filter(|_| !self.uneven)
    }

    fn rest_of_current(&self, now: u32, expected: Took, learned: bool, pace: Pace) -> u32 {
        let spent = millis(now.wrapping_sub(self.since));
        let learned_step = Some(pace.of(expected.step_micros())).filter(|_| learned && expected.steps > 0);
        let fixed = pace.of(expected.fixed.get());
        if let Some(bar) = self.even_bar()
            && let Some((left, step)) = bar.rest(learned_step, self.since)
        {
            // It may be at its next step for a while, but that isn't done before it is told.
            let waited = millis(now.wrapping_sub(bar.last_at)).min(step);
            // What isn't the steps' may come before or after them; a node may tell a step when it begins, too. In all it
            // takes as long as was learned.
            let told = part(step, bar.first, 1_000).unwrap_or_default();
            let all_but_steps = if learned_step.is_some() { fixed.saturating_add(told) } else { 0 };
            let after_steps = all_but_steps.saturating_sub(millis(bar.first_at.wrapping_sub(self.since)));
            return left.saturating_sub(waited).saturating_add(after_steps);
        }
        let steps = learned_step.and_then(|step| part(step, u32::from(expected.steps), 1_000)).unwrap_or_default();
        // What takes longer than it should goes on for a while.
        fixed.saturating_sub(spent).saturating_add(steps).max(spent / 8)
    }
}

impl Bar {
    fn go_on(&mut self, value: u32, at: u32) {
        let (way, took) = (value.saturating_sub(self.last), at.wrapping_sub(self.last_at));
        if way == 0 {
            return;
        }
        let (slow_way, slow_took) = self.slowest;
        let product = |took: u32, way: u32| u64::from(took).saturating_mul(u64::from(way));
        if product(took, slow_way) >= product(slow_took, way) {
            self.slowest = (way, took);
        }
        self.last = value;
        self.last_at = at;
    }

    /// [`span`](Self::span), of which the slowest of the steps counts for no more than twice as long as the others: one
    /// that was held up says nothing of those to come. `alone` are a step's microseconds where it has no others.
    fn even_span(&self, alone: Option<u32>) -> u32 {
        let (way, ticks) = self.slowest;
        let (span, slowest) = (self.span(), millis(ticks));
        let (others, others_way) = (span.saturating_sub(slowest), self.way().saturating_sub(way));
        let most = part(others, way.saturating_mul(2), others_way)
            .or_else(|| part(alone?.saturating_mul(4), way, 1_000_000))
            .unwrap_or(u32::MAX);
        others.saturating_add(slowest.min(most))
    }

    /// Thousandths of steps that were seen to be done.
    const fn way(&self) -> u32 {
        self.last.saturating_sub(self.first)
    }

    /// Milliseconds that they took.
    fn span(&self) -> u32 {
        millis(self.last_at.wrapping_sub(self.first_at))
    }

    /// The span `times` and divided by `by`.
    fn of(&self, times: u32, by: u32) -> Option<u32> {
        part(self.span(), times, by)
    }

    /// Milliseconds for the steps that are left, and for one of them, where a step was learned to take so many
    /// microseconds.
    fn rest(&self, learned: Option<u32>, since: u32) -> Option<(u32, u32)> {
        // What is learned counts as much as one step that was seen, unless those that were seen are of another kind.
        let seen = part(self.even_span(learned), 1_000_000, self.way());
        let like = |step: &u32| seen.is_none_or(|seen| seen >= step / 2 && seen <= step.saturating_mul(2));
        // A step's microseconds.
        let step = match learned.filter(like) {
            Some(step) => {
                let before = part(seen.unwrap_or_default(), self.way(), 1_000)?.saturating_add(step);
                part(before, 1_000, self.way().saturating_add(1_000))?
            }
            None => seen.or_else(|| part(millis(self.first_at.wrapping_sub(since)), 1_000_000, self.first))?,
        };
        Some((part(step, self.max.saturating_sub(self.last), 1_000_000)?, step / 1_000))
    }
}

/// A run's time beside the expected, in parts of 2^[`BITS`](Self::BITS).
#[derive(Clone, Copy)]
struct Pace(u32);

impl Pace {
    const BITS: u32 = 10;

    fn of(self, time: u32) -> u32 {
        part(time, self.0, 1 << Self::BITS).unwrap_or(u32::MAX)
    }
}

/// What a node took, as far as it may count beside what was expected of it: a quarter to four times as much.
fn within(took: u32, expected: u32) -> u32 {
    took.min(expected.saturating_mul(4)).max(expected / 4)
}

/// So many ticks in milliseconds.
fn millis(ticks: u32) -> u32 {
    part(ticks, 128, 125).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(count: u64) -> Milli {
        Milli::from_thousandths(i64::try_from(count).unwrap() * 1_000)
    }

    /// A run whose node began at 1 s, took 20 steps of 500 ms, the first after 200 ms more, and ends at 11.3 s.
    fn sampled() -> Run {
        let mut run = Run::new();
        run.start();
        run.begin(Instant::from_millis(1_000), false);
        for step in 1..=20 {
            // Told twice, as servers do.
            for _ in 0..2 {
                run.step(Instant::from_millis(1_200 + step * 500), steps(step), steps(20));
            }
        }
        run
    }

    #[test]
    fn steps_and_the_rest_are_told_apart() {
        let took = sampled().took(Instant::from_millis(11_300)).unwrap();
        assert!(took.millis().abs_diff(10_300) < 10, "{took:?}");
        assert!(took.step_micros().abs_diff(500_000) < 500, "{took:?}");
        assert!(took.fixed.get().abs_diff(300) < 10, "{took:?}");
    }

    #[test]
    fn a_bar_that_begins_anew_or_is_none_of_steps_tells_the_whole_only() {
        let mut anew = sampled();
        anew.step(Instant::from_millis(11_250), steps(1), steps(20));
        let mut other = sampled();
        other.begin(Instant::from_millis(1_000), true);
        for value in 1..3 {
            other.step(
                Instant::from_millis(2_000 * value),
                Milli::from_thousandths(400),
                Milli::from_thousandths(1_000),
            );
        }
        for run in [anew, other] {
            let took = run.took(Instant::from_millis(11_300)).unwrap();
            assert_eq!((took.steps, took.millis() / 10), (0, 1_030), "{run:?}");
        }
    }

    #[test]
    fn what_was_not_seen_to_begin_has_no_length() {
        let mut run = Run::new();
        run.begin(Instant::ZERO, false);
        assert_eq!(run.took(Instant::from_millis(5)), None);
        run.begin(Instant::from_millis(5), true);
        assert!(run.took(Instant::from_millis(9)).is_some());
        run.lose();
        run.begin(Instant::from_millis(9), false);
        assert_eq!(run.took(Instant::from_millis(10)), None);
    }
}
