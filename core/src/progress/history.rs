use super::Steps;
use crate::{
    capacity::{Length, Ring},
    divide::divide,
    number::Milli,
    time::Instant,
};

/// The progress at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProgressPoint {
    /// Milliseconds since the session's epoch; stays at `u32::MAX` after 49 days.
    pub at_ms: u32,
    /// Percentage of the whole workflow, in tenths of a percent, 0..=1,000; `None` if unknown.
    pub permille: Option<u16>,
    /// Number of steps done by the current node, rounded and clamped to 0..=65,535.
    pub value: u16,
    /// Total number of that node's steps, rounded and clamped likewise; 0 if it has none.
    pub max: u16,
}

/// A [`ProgressPoint`] in 10 bytes: an unknown percentage is a special value, and the time's halves need no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    at_ms: [u16; 2],
    permille: u16,
    value: u16,
    max: u16,
}

const UNKNOWN_PERMILLE: u16 = u16::MAX;

/// The last progress events, as many as `L` says, for a chart. A new event replaces the oldest.
///
/// ```
/// use comfyglow_core::{capacity::GadgetCapacity, session::{Config, Session}};
///
/// let session = Session::<GadgetCapacity>::new(Config::new("desk:8188"), 1);
/// for point in session.state().history().iter() {
///     println!("{} ms: step {} of {}", point.at_ms, point.value, point.max);
/// }
/// ```
#[derive(Debug)]
pub struct History<L: Length> {
    points: L::Ring<Point>,
}

impl<L: Length> History<L> {
    pub(crate) fn new() -> Self {
        Self { points: Ring::empty() }
    }

    pub(crate) fn push(&mut self, now: Instant, permille: Option<u16>, steps: Option<Steps>) {
        if self.points.items().is_full() {
            self.points.items_mut().pop_front();
        }
        let (value, max) = steps.map_or((0, 0), |s| (rounded_steps(s.value), rounded_steps(s.max)));
        let [a, b, c, d] = millis(now).to_le_bytes();
        let at_ms = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
        let permille = permille.unwrap_or(UNKNOWN_PERMILLE);
        let _ = self.points.items_mut().push_back(Point { at_ms, permille, value, max });
    }

    /// The points, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ProgressPoint> {
        self.points.items().iter().map(|packed| ProgressPoint {
            at_ms: join_halves(packed.at_ms),
            permille: Some(packed.permille).filter(|permille| *permille != UNKNOWN_PERMILLE),
            value: packed.value,
            max: packed.max,
        })
    }
}

fn join_halves([low, high]: [u16; 2]) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

/// Milliseconds since the epoch, at most `u32::MAX`.
fn millis(now: Instant) -> u32 {
    // 1,000 is 8 times 125, so times of the first nine hours divide in 32 bits.
    divide(now.as_micros() >> 3, 125).and_then(|millis| u32::try_from(millis).ok()).unwrap_or(u32::MAX)
}

/// `milli` rounded to a whole number and clamped to 0..=65,535.
fn rounded_steps(milli: Milli) -> u16 {
    // Clamped first: small cores divide 32 bits in one instruction.
    let clamped = milli.thousandths().clamp(0, 65_535_000);
    let rounded = u32::try_from(clamped).unwrap_or(u32::MAX).saturating_add(500) / 1_000;
    u16::try_from(rounded).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Max;

    const HISTORY: usize = 100;

    #[test]
    fn history_beyond_capacity_drops_the_oldest() {
        for count in [HISTORY - 1, HISTORY, HISTORY + 1, 3 * HISTORY] {
            let mut history = History::<Max<HISTORY>>::new();
            for n in 0..count {
                history.push(Instant::from_millis(n as u64), None, None);
            }
            assert_eq!(history.iter().count(), count.min(HISTORY));
            let first = history.iter().next().unwrap().at_ms as usize;
            assert_eq!(first, count.saturating_sub(HISTORY));
        }
    }

    #[test]
    fn history_time_equals_plain_division() {
        for micros in [0, 999, 1_000, 1_999, (1 << 35) - 1, 1 << 35, (1 << 35) + 999, u64::MAX / 1_000, u64::MAX] {
            let expect = u32::try_from(micros / 1_000).unwrap_or(u32::MAX);
            assert_eq!(millis(Instant::from_micros(micros)), expect, "{micros}");
        }
    }

    #[test]
    fn history_steps_are_rounded_and_clamped() {
        for (thousandths, steps) in
            [(370, 0), (500, 1), (-5_000, 0), (20_000, 20), (65_535_499, u16::MAX), (i64::MAX, u16::MAX)]
        {
            assert_eq!(rounded_steps(Milli::from_thousandths(thousandths)), steps);
        }
    }
}
