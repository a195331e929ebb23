//! How a prompt's run goes: how long the node that is shown has been at it, and whether the nodes before took as long as
//! was expected.

use super::learned::Took;
use crate::{number::Milli, time::Instant};

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
}

/// A bar in thousandths of steps.
#[derive(Clone, Copy, Debug)]
struct Bar {
    max: u32,
    first: u32,
    first_at: u32,
    last: u32,
    last_at: u32,
}

impl Run {
    pub(crate) const fn new() -> Self {
        Self { since: 0, seen_to_begin: false, uneven: false, bar: None, took: 0, expected: 0 }
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
                if value > bar.last {
                    bar.last = value;
                    bar.last_at = ticks(now);
                }
            }
            bar => {
                self.uneven |= bar.is_some();
                let at = ticks(now);
                *bar = Some(Bar { max, first: value, first_at: at, last: value, last_at: at });
            }
        }
    }

    /// How long the node took that ends now; `None` where its beginning wasn't seen.
    pub(crate) fn took(&self, now: Instant) -> Option<Took> {
        if !self.seen_to_begin {
            return None;
        }
        let millis = millis(ticks(now).wrapping_sub(self.since));
        let steps = self.bar.filter(|_| !self.uneven).and_then(|bar| {
            let step_micros = bar.span().checked_mul(1_000)?.checked_div(u64::from(bar.way()))?;
            let whole = (bar.max % 1_000 == 0 && bar.max > 1_000).then_some(bar.max / 1_000)?;
            Some(Took::with_steps(millis, u16::try_from(whole).ok()?, step_micros))
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
        let took = took.min(expected.saturating_mul(4)).max(expected / 4);
        self.took = self.took.saturating_add(u32::try_from(took).unwrap_or(u32::MAX));
        self.expected = self.expected.saturating_add(u32::try_from(expected).unwrap_or(u32::MAX));
    }
}

/// What is known of the rest of a run, at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Milliseconds that the whole graph was expected to take.
    pub(crate) whole: u64,
    /// Those of the nodes that are still to come, the one that is shown not among them.
    pub(crate) pending: u64,
    /// How long the node that is shown was expected to take, if one is, and whether that was learned.
    pub(crate) current: Option<(Took, bool)>,
}

impl Run {
    /// Microseconds that the rest will take.
    pub(crate) fn rest(&self, now: Instant, rest: Rest) -> u64 {
        let pace = self.pace(rest);
        let current = rest.current.map_or(0, |(took, learned)| self.rest_of_current(now, took, learned, pace));
        pace.of(rest.pending.saturating_mul(1_000)).saturating_add(current)
    }

    /// How this run compares with what was expected so far. An eighth of the whole is taken to go as expected, so that
    /// the first short nodes don't speak for all.
    fn pace(&self, rest: Rest) -> Pace {
        let (mut took, mut expected) = (u64::from(self.took), u64::from(self.expected));
        if let (Some(bar), Some((current, true))) = (self.even_bar(), rest.current)
            && current.steps > 0
        {
            let steps = current.step_micros().saturating_mul(u64::from(bar.way())) / 1_000_000;
            expected = expected.saturating_add(steps);
            took = took.saturating_add(bar.span().min(steps.saturating_mul(4)).max(steps / 4));
        }
        let as_expected = (rest.whole / 8).max(1);
        let [took, expected] = [took, expected].map(|millis| millis.saturating_add(as_expected));
        let pace = took.saturating_mul(1 << Pace::BITS).checked_div(expected).unwrap_or(1 << Pace::BITS);
        Pace(pace.clamp(1 << Pace::BITS >> 3, 1 << Pace::BITS << 3))
    }

    fn even_bar(&self) -> Option<Bar> {
        self.bar.filter(|_| !self.uneven)
    }

    fn rest_of_current(&self, now: Instant, expected: Took, learned: bool, pace: Pace) -> u64 {
        let now = ticks(now);
        let spent = micros(now.wrapping_sub(self.since));
        let step = Some(pace.of(expected.step_micros())).filter(|_| learned && expected.steps > 0);
        let fixed = pace.of(u64::from(expected.fixed.get()).saturating_mul(1_000));
        if let Some(bar) = self.even_bar()
            && let Some((left, step)) = bar.rest(step, self.since)
        {
            // It may be at its next step for a while, but that isn't done before it is told.
            let waited = micros(now.wrapping_sub(bar.last_at)).min(step);
            let before_steps = micros(bar.first_at.wrapping_sub(self.since))
                .saturating_sub(step.saturating_mul(u64::from(bar.first)) / 1_000);
            let after_steps = if learned && expected.steps > 0 { fixed.saturating_sub(before_steps) } else { 0 };
            return left.saturating_sub(waited).saturating_add(after_steps);
        }
        let steps = step.unwrap_or_default().saturating_mul(u64::from(expected.steps));
        // What takes longer than it should goes on for a while.
        fixed.saturating_sub(spent).saturating_add(steps).max(spent / 8)
    }
}

impl Bar {
    /// Thousandths of steps that were seen to be done.
    const fn way(&self) -> u32 {
        self.last.saturating_sub(self.first)
    }

    /// Milliseconds that they took.
    const fn span(&self) -> u64 {
        millis(self.last_at.wrapping_sub(self.first_at))
    }

    /// Microseconds for the steps that are left, and for one of them, where a step is thought to take `step`: which
    /// counts as much as two steps that were seen.
    fn rest(&self, step: Option<u64>, since: u32) -> Option<(u64, u64)> {
        let span = micros(self.last_at.wrapping_sub(self.first_at));
        let (took, way) = match step {
            Some(step) => (span.saturating_add(step.saturating_mul(2)), u64::from(self.way()).saturating_add(2_000)),
            None if self.way() > 0 => (span, u64::from(self.way())),
            None => (micros(self.first_at.wrapping_sub(since)), u64::from(self.first)),
        };
        let left = u64::from(self.max.saturating_sub(self.last));
        let of = |steps: u64| took.saturating_mul(steps).checked_div(way);
        Some((of(left)?, of(1_000)?))
    }
}

/// A run's time beside the expected, in parts of 2^[`BITS`](Self::BITS).
#[derive(Clone, Copy)]
struct Pace(u64);

impl Pace {
    const BITS: u32 = 10;

    const fn of(self, time: u64) -> u64 {
        time.saturating_mul(self.0) >> Self::BITS
    }
}

const fn micros(ticks: u32) -> u64 {
    (ticks as u64).saturating_mul(TICK)
}

const fn millis(ticks: u32) -> u64 {
    micros(ticks) / 1_000
}
