use crate::{limits::HISTORY, number::Milli, state::Steps, time::Instant};

/// How far things were at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProgressPoint {
    /// Milliseconds since the session's epoch; stays at the greatest number after 49 days.
    pub at_ms: u32,
    /// Of the whole workflow in tenths of a percent; `None` where it isn't known.
    pub permille: Option<u16>,
    /// Steps done by the current node, rounded to whole ones and clamped.
    pub value: u32,
    /// Its steps in all; 0 where it has none.
    pub max: u32,
}

/// The last [`HISTORY`] progress events; the oldest makes room.
#[derive(Debug)]
pub struct History {
    points: heapless::Deque<ProgressPoint, HISTORY>,
}

impl History {
    pub(crate) const fn new() -> Self {
        Self { points: heapless::Deque::new() }
    }

    pub(crate) fn push(&mut self, now: Instant, permille: Option<u16>, steps: Option<Steps>) {
        if self.points.is_full() {
            self.points.pop_front();
        }
        let (value, max) = steps.map_or((0, 0), |s| (whole(s.value), whole(s.max)));
        let at_ms = u32::try_from(now.as_micros() / 1_000).unwrap_or(u32::MAX);
        let _ = self.points.push_back(ProgressPoint { at_ms, permille, value, max });
    }

    /// The points, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &ProgressPoint> {
        self.points.iter()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

/// Rounded to a whole number, within 0..2^32.
fn whole(milli: Milli) -> u32 {
    u32::try_from(milli.thousandths().saturating_add(500) / 1_000).unwrap_or(if milli.thousandths() < 0 {
        0
    } else {
        u32::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_hundred_at_below_and_above_its_limit() {
        for count in [HISTORY - 1, HISTORY, HISTORY + 1, 3 * HISTORY] {
            let mut history = History::new();
            for n in 0..count {
                history.push(Instant::from_millis(n as u64), None, None);
            }
            assert_eq!(history.len(), count.min(HISTORY));
            let first = history.iter().next().unwrap().at_ms as usize;
            assert_eq!(first, count.saturating_sub(HISTORY));
        }
    }

    #[test]
    fn rounds_and_clamps_the_steps() {
        for (thousandths, steps) in [(370, 0), (500, 1), (-5_000, 0), (20_000, 20), (i64::MAX, u32::MAX)] {
            assert_eq!(whole(Milli::from_thousandths(thousandths)), steps);
        }
    }
}
