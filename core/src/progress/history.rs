use crate::{capacity::Ring, divide::divide, number::Milli, state::Steps, time::Instant};

/// How far things were at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProgressPoint {
    /// Milliseconds since the session's epoch; stays at the greatest number after 49 days.
    pub at_ms: u32,
    /// Of the whole workflow in tenths of a percent; `None` where it isn't known.
    pub permille: Option<u16>,
    /// Steps done by the current node, rounded to whole ones and clamped to 0..=65,535.
    pub value: u16,
    /// Its steps in all, as `value`; 0 where it has none.
    pub max: u16,
}

/// A point as it is kept: a tenth of a percent that isn't known takes no room of its own, and the time in halves none for
/// its alignment.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    at_ms: [u16; 2],
    permille: u16,
    value: u16,
    max: u16,
}

const UNKNOWN: u16 = u16::MAX;

/// The last progress events, as many as the ring `R` holds; the oldest makes room.
#[derive(Debug)]
pub struct History<R> {
    points: R,
}

impl<R: Ring<Point>> History<R> {
    pub(crate) const fn new() -> Self {
        Self { points: R::EMPTY }
    }

    pub(crate) fn push(&mut self, now: Instant, permille: Option<u16>, steps: Option<Steps>) {
        if self.points.items().is_full() {
            self.points.items_mut().pop_front();
        }
        let (value, max) = steps.map_or((0, 0), |s| (whole(s.value), whole(s.max)));
        let [a, b, c, d] = millis(now).to_le_bytes();
        let at_ms = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
        let permille = permille.unwrap_or(UNKNOWN);
        let _ = self.points.items_mut().push_back(Point { at_ms, permille, value, max });
    }

    /// The points, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ProgressPoint> {
        self.points.items().iter().map(|packed| ProgressPoint {
            at_ms: joined(packed.at_ms),
            permille: Some(packed.permille).filter(|permille| *permille != UNKNOWN),
            value: packed.value,
            max: packed.max,
        })
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.items().iter().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.items().is_empty()
    }
}

fn joined([low, high]: [u16; 2]) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

/// Milliseconds since the epoch, at most the greatest number.
fn millis(now: Instant) -> u32 {
    // 1,000 is 8 times 125: of the first nine hours it is divided in 32 bits.
    divide(now.as_micros() >> 3, 125).and_then(|millis| u32::try_from(millis).ok()).unwrap_or(u32::MAX)
}

/// Rounded to a whole number and clamped.
fn whole(milli: Milli) -> u16 {
    // Clamped first: small cores divide 32 bits at once.
    let clamped = milli.thousandths().clamp(0, 65_535_000);
    let rounded = u32::try_from(clamped).unwrap_or(u32::MAX).saturating_add(500) / 1_000;
    u16::try_from(rounded).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Points;

    const HISTORY: usize = 100;

    #[test]
    fn keeps_the_last_hundred_at_below_and_above_its_limit() {
        for count in [HISTORY - 1, HISTORY, HISTORY + 1, 3 * HISTORY] {
            let mut history = History::<Points<HISTORY>>::new();
            for n in 0..count {
                history.push(Instant::from_millis(n as u64), None, None);
            }
            assert_eq!(history.len(), count.min(HISTORY));
            let first = history.iter().next().unwrap().at_ms as usize;
            assert_eq!(first, count.saturating_sub(HISTORY));
        }
    }

    #[test]
    fn milliseconds_are_the_same_by_either_way() {
        for micros in [0, 999, 1_000, 1_999, (1 << 35) - 1, 1 << 35, (1 << 35) + 999, u64::MAX / 1_000, u64::MAX] {
            let expect = u32::try_from(micros / 1_000).unwrap_or(u32::MAX);
            assert_eq!(millis(Instant::from_micros(micros)), expect, "{micros}");
        }
    }

    #[test]
    fn rounds_and_clamps_the_steps() {
        for (thousandths, steps) in
            [(370, 0), (500, 1), (-5_000, 0), (20_000, 20), (65_535_499, u16::MAX), (i64::MAX, u16::MAX)]
        {
            assert_eq!(whole(Milli::from_thousandths(thousandths)), steps);
        }
    }
}
