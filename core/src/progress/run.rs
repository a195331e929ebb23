//! The timing of a prompt's run: how long the current node has taken, and how the run compares with what was expected.

use super::{learned::NodeDuration, mul_div};
use crate::{
    number::Milli,
    time::{Duration, Instant},
};

/// Microseconds in a tick. 32 bits of ticks are 50 days, and a span across the wrap is right.
const TICK_MICROS: u64 = 1_024;

#[expect(clippy::cast_possible_truncation, reason = "ticks wrap")]
fn ticks(now: Instant) -> u32 {
    (now.as_micros() / TICK_MICROS) as u32
}

/// The timing of a prompt's run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunTiming {
    /// When the current node began, in ticks.
    node_since: u32,
    /// Whether the session saw the current node begin.
    saw_node_begin: bool,
    /// Whether the bar restarted or doesn't count steps. Then it doesn't show how long a step takes.
    is_irregular: bool,
    bar: Option<Bar>,
    /// Milliseconds that ended nodes took. Each counts for at least a quarter and at most four times of what was
    /// expected.
    took: u32,
    /// Milliseconds that those nodes were expected to take.
    expected: u32,
    /// Seconds left as the server's log reported them when the bar last moved; 0 if it didn't.
    reported_secs: u32,
}

/// The current node's bar: steps are in thousandths, times in ticks.
#[derive(Clone, Copy, Debug)]
struct Bar {
    max: u32,
    first: u32,
    first_at: u32,
    last: u32,
    last_at: u32,
    /// The move with the longest time per step: its steps, and its ticks.
    slowest: (u32, u32),
}

impl RunTiming {
    pub(crate) const fn new() -> Self {
        Self {
            node_since: 0,
            saw_node_begin: false,
            is_irregular: false,
            bar: None,
            took: 0,
            expected: 0,
            reported_secs: 0,
        }
    }

    /// Notes that the prompt's start was seen, and so its first node's start will be.
    pub(crate) const fn start(&mut self) {
        self.saw_node_begin = true;
    }

    /// Forgets the current node: it isn't known any more which one runs.
    pub(crate) const fn forget_node(&mut self) {
        self.saw_node_begin = false;
        self.bar = None;
    }

    /// Begins another node. `replaces` says whether the node before it was known.
    pub(crate) fn begin_node(&mut self, now: Instant, replaces: bool) {
        self.saw_node_begin |= replaces;
        self.node_since = ticks(now);
        self.is_irregular = false;
        self.bar = None;
        self.reported_secs = 0;
    }

    /// Begins a part of the current node that has its own bar.
    pub(crate) const fn begin_part(&mut self) {
        if self.bar.is_some() {
            self.is_irregular = true;
        }
    }

    /// Moves the current node's bar to `value` of `max`.
    pub(crate) fn step(&mut self, now: Instant, value: Milli, max: Milli) {
        let (Ok(value), Ok(max)) = (u32::try_from(value.thousandths()), u32::try_from(max.thousandths())) else {
            self.is_irregular = true;
            return;
        };
        match &mut self.bar {
            Some(bar) if bar.max == max && value >= bar.last => {
                bar.advance(value, ticks(now));
            }
            bar => {
                self.is_irregular |= bar.is_some();
                let at = ticks(now);
                *bar = Some(Bar { max, first: value, first_at: at, last: value, last_at: at, slowest: (0, 0) });
            }
        }
    }

    /// Sets the seconds left that the server's log reports with the bar's last move.
    pub(crate) const fn set_reported_remaining(&mut self, seconds: Option<u32>) {
        self.reported_secs = match seconds {
            Some(seconds) => seconds,
            None => 0,
        };
    }

    /// The time left by what the log reported, if it did and the time isn't over.
    pub(crate) fn reported_remaining(&self, now: Instant) -> Option<Duration> {
        let reported = Duration::from_secs(u64::from(self.reported_secs));
        let bar = self.bar.filter(|_| self.reported_secs > 0)?;
        let since_move = Duration::from_millis(u64::from(millis(ticks(now).wrapping_sub(bar.last_at))));
        Some(reported.saturating_sub(since_move)).filter(|rest| *rest > Duration::ZERO)
    }

    /// How long the current node took if it ends now; `None` if its start wasn't seen.
    pub(crate) fn node_duration(&self, now: Instant) -> Option<NodeDuration> {
        if !self.saw_node_begin {
            return None;
        }
        let millis = millis(ticks(now).wrapping_sub(self.node_since));
        let steps = self.regular_bar().and_then(|bar| {
            let step_micros = mul_div(bar.span_millis(), 1_000_000, bar.steps_done())?;
            let steps = bar.max / 1_000;
            let whole = steps > 1 && bar.max % 1_000 == 0;
            Some(NodeDuration::with_steps(millis, u16::try_from(steps).ok().filter(|_| whole)?, step_micros))
        });
        Some(steps.unwrap_or_else(|| NodeDuration::without_steps(millis)))
    }

    /// Compares how long a node took with what was expected of it.
    ///
    /// Of nodes with steps only the steps count: the time before them may be the loading of a model.
    pub(crate) fn compare(&mut self, took: NodeDuration, expected: NodeDuration) {
        let (took, expected) = match (took.steps, expected.steps) {
            (0, _) | (_, 0) => (took.millis(), expected.millis()),
            (steps, _) => (took.steps_millis(steps), expected.steps_millis(steps)),
        };
        self.took = self.took.saturating_add(clamp_to_expected(took, expected));
        self.expected = self.expected.saturating_add(expected);
    }
}

/// What is known of the rest of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemainingWork {
    /// Milliseconds that the whole graph is expected to take.
    pub(crate) whole: u32,
    /// Milliseconds that the nodes after the current one are expected to take.
    pub(crate) pending: u32,
    /// How long the current node is expected to take, and whether that was learned.
    pub(crate) current: Option<(NodeDuration, bool)>,
}

impl RunTiming {
    /// Milliseconds that the rest of the run will take.
    pub(crate) fn remaining_millis(&self, now: Instant, rest: RemainingWork) -> u32 {
        let now = ticks(now);
        let pace = self.pace(now, rest);
        let current = rest.current.map_or(0, |(took, learned)| self.current_remaining(now, took, learned, pace));
        pace.apply(rest.pending).saturating_add(current)
    }

    /// How this run compares with what was expected so far.
    ///
    /// A 24th of the whole is assumed to go as expected, so that the first short nodes don't decide.
    fn pace(&self, now: u32, rest: RemainingWork) -> Pace {
        let (took, expected) = self.current_pace(now, rest.current).unwrap_or_default();
        let as_expected = (rest.whole / 24).max(1);
        let took = self.took.saturating_add(clamp_to_expected(took, expected)).saturating_add(as_expected);
        let expected = self.expected.saturating_add(expected).saturating_add(as_expected);
        let pace = mul_div(took, 1 << Pace::BITS, expected).unwrap_or(1 << Pace::BITS);
        Pace(pace.clamp(1 << Pace::BITS >> 3, 1 << Pace::BITS << 3))
    }

    /// Milliseconds that the current node took for what it has done, and those that were expected for it.
    fn current_pace(&self, now: u32, current: Option<(NodeDuration, bool)>) -> Option<(u32, u32)> {
        let (expected, _) = current.filter(|(_, learned)| *learned)?;
        match self.regular_bar() {
            Some(bar) if expected.steps > 0 => {
                Some((bar.span_millis(), mul_div(expected.step_micros(), bar.steps_done(), 1_000_000)?))
            }
            Some(_) => None,
            None => {
                // Only a node that takes longer than expected says something about the pace.
                let (spent, all) = (millis(now.wrapping_sub(self.node_since)), expected.millis());
                (spent > all).then_some((spent, all))
            }
        }
    }

    fn regular_bar(&self) -> Option<Bar> {
        self.bar.filter(|_| !self.is_irregular)
    }

    fn current_remaining(&self, now: u32, expected: NodeDuration, learned: bool, pace: Pace) -> u32 {
        let spent = millis(now.wrapping_sub(self.node_since));
        let learned_step = Some(pace.apply(expected.step_micros())).filter(|_| learned && expected.steps > 0);
        let fixed = pace.apply(expected.fixed.get());
        if let Some(bar) = self.regular_bar()
            && let Some((left, step)) = bar.remaining(learned_step, self.node_since)
        {
            // The next step may be well under way, but it isn't done before it is reported.
            let waited = millis(now.wrapping_sub(bar.last_at)).min(step);
            // The time outside the steps may come before or after them. A node may also report a step when that begins.
            // The total is what was learned.
            let first_steps = mul_div(step, bar.first, 1_000).unwrap_or_default();
            let outside_steps = if learned_step.is_some() { fixed.saturating_add(first_steps) } else { 0 };
            let after_steps = outside_steps.saturating_sub(millis(bar.first_at.wrapping_sub(self.node_since)));
            return left.saturating_sub(waited).saturating_add(after_steps);
        }
        let steps = learned_step.and_then(|step| mul_div(step, u32::from(expected.steps), 1_000)).unwrap_or_default();
        // A node that takes longer than expected goes on for a while.
        fixed.saturating_sub(spent).saturating_add(steps).max(spent / 8)
    }
}

impl Bar {
    fn advance(&mut self, value: u32, at: u32) {
        let (steps, took) = (value.saturating_sub(self.last), at.wrapping_sub(self.last_at));
        if steps == 0 {
            return;
        }
        let (slow_steps, slow_took) = self.slowest;
        let product = |took: u32, steps: u32| u64::from(took).saturating_mul(u64::from(steps));
        if product(took, slow_steps) >= product(slow_took, steps) {
            self.slowest = (steps, took);
        }
        self.last = value;
        self.last_at = at;
    }

    /// [`span_millis`](Self::span_millis), but the slowest move counts for at most twice the others' time per step.
    ///
    /// A step that was delayed says nothing about those to come. Without others the limit is four times `step_micros`,
    /// if that is given.
    fn typical_span(&self, step_micros: Option<u32>) -> u32 {
        let (steps, ticks) = self.slowest;
        let (span, slowest) = (self.span_millis(), millis(ticks));
        let (others, other_steps) = (span.saturating_sub(slowest), self.steps_done().saturating_sub(steps));
        let most = mul_div(others, steps.saturating_mul(2), other_steps)
            .or_else(|| mul_div(step_micros?.saturating_mul(4), steps, 1_000_000))
            .unwrap_or(u32::MAX);
        others.saturating_add(slowest.min(most))
    }

    /// Thousandths of steps done since the bar was first seen.
    const fn steps_done(&self) -> u32 {
        self.last.saturating_sub(self.first)
    }

    /// Milliseconds that [`steps_done`](Self::steps_done) took.
    fn span_millis(&self) -> u32 {
        millis(self.last_at.wrapping_sub(self.first_at))
    }

    /// Milliseconds for the steps that are left, and for one step. `learned` is a step's microseconds, if known.
    fn remaining(&self, learned: Option<u32>, node_since: u32) -> Option<(u32, u32)> {
        // The learned length counts like one observed step, unless they differ by more than a factor of two.
        let seen = mul_div(self.typical_span(learned), 1_000_000, self.steps_done());
        let is_similar = |step: &u32| seen.is_none_or(|seen| seen >= step / 2 && seen <= step.saturating_mul(2));
        // Microseconds per step.
        let step = match learned.filter(is_similar) {
            Some(step) => {
                let before = mul_div(seen.unwrap_or_default(), self.steps_done(), 1_000)?.saturating_add(step);
                mul_div(before, 1_000, self.steps_done().saturating_add(1_000))?
            }
            None => seen.or_else(|| mul_div(millis(self.first_at.wrapping_sub(node_since)), 1_000_000, self.first))?,
        };
        Some((mul_div(step, self.max.saturating_sub(self.last), 1_000_000)?, step / 1_000))
    }
}

/// A run's time divided by the expected time, as a fixed-point number with [`BITS`](Self::BITS) fraction bits.
#[derive(Clone, Copy)]
struct Pace(u32);

impl Pace {
    const BITS: u32 = 10;

    /// Scales an expected `time` to this pace.
    fn apply(self, time: u32) -> u32 {
        mul_div(time, self.0, 1 << Self::BITS).unwrap_or(u32::MAX)
    }
}

/// `took`, but at least a quarter and at most four times of `expected`.
fn clamp_to_expected(took: u32, expected: u32) -> u32 {
    took.min(expected.saturating_mul(4)).max(expected / 4)
}

/// `ticks` in milliseconds.
fn millis(ticks: u32) -> u32 {
    mul_div(ticks, 128, 125).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(count: u64) -> Milli {
        Milli::from_thousandths(i64::try_from(count).unwrap() * 1_000)
    }

    /// A run whose node began at 1 s, took 20 steps of 500 ms, the first after 200 ms more, and ends at 11.3 s.
    fn sampled() -> RunTiming {
        let mut run = RunTiming::new();
        run.start();
        run.begin_node(Instant::from_millis(1_000), false);
        for step in 1..=20 {
            // Each step is reported twice, as servers do.
            for _ in 0..2 {
                run.step(Instant::from_millis(1_200 + step * 500), steps(step), steps(20));
            }
        }
        run
    }

    #[test]
    fn run_with_steps_separates_them_from_the_rest() {
        let took = sampled().node_duration(Instant::from_millis(11_300)).unwrap();
        assert!(took.millis().abs_diff(10_300) < 10, "{took:?}");
        assert!(took.step_micros().abs_diff(500_000) < 500, "{took:?}");
        assert!(took.fixed.get().abs_diff(300) < 10, "{took:?}");
    }

    #[test]
    fn run_with_irregular_bar_times_the_node_without_steps() {
        let mut anew = sampled();
        anew.step(Instant::from_millis(11_250), steps(1), steps(20));
        let mut other = sampled();
        other.begin_node(Instant::from_millis(1_000), true);
        for value in 1..3 {
            other.step(
                Instant::from_millis(2_000 * value),
                Milli::from_thousandths(400),
                Milli::from_thousandths(1_000),
            );
        }
        for run in [anew, other] {
            let took = run.node_duration(Instant::from_millis(11_300)).unwrap();
            assert_eq!((took.steps, took.millis() / 10), (0, 1_030), "{run:?}");
        }
    }

    #[test]
    fn run_of_node_not_seen_to_begin_has_no_duration() {
        let mut run = RunTiming::new();
        run.begin_node(Instant::ZERO, false);
        assert_eq!(run.node_duration(Instant::from_millis(5)), None);
        run.begin_node(Instant::from_millis(5), true);
        assert!(run.node_duration(Instant::from_millis(9)).is_some());
        run.forget_node();
        run.begin_node(Instant::from_millis(9), false);
        assert_eq!(run.node_duration(Instant::from_millis(10)), None);
    }
}
