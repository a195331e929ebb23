//! Which of several bars is the one to follow: it never falls, and doesn't change to and fro.

use super::{Bar, Logged};
use crate::limits::{BAR_STREAK, BAR_STREAK_BEHIND_FULL};

/// The bar that is followed.
///
/// One that begins at 0 takes the place of any: of nested bars it is the inner one. What moves on elsewhere is the outer
/// one, or the one that goes on after the inner broke off; that takes a [streak](BAR_STREAK) of it.
#[derive(Debug)]
pub(super) struct Follow {
    value: u32,
    /// 0 where none is followed.
    max: u32,
    remaining: Option<u32>,
    /// The last one that moved instead, by its steps in all, and how often it did.
    other: u32,
    streak: u8,
}

impl Follow {
    pub(super) const fn new() -> Self {
        Self { value: 0, max: 0, remaining: None, other: 0, streak: 0 }
    }

    /// A bar moved.
    pub(super) fn bar(&mut self, bar: Bar) -> Option<Logged> {
        let is_full = self.max > 0 && self.value >= self.max;
        let goes_on = bar.max == self.max && bar.value >= self.value && (bar.value > 0 || self.value == 0);
        if goes_on {
            return Some(self.take(bar, false, is_full));
        }
        if bar.value > 0 && self.max > 0 {
            let again = self.other == bar.max && self.streak > 0;
            self.streak = if again { self.streak.saturating_add(1) } else { 1 };
            self.other = bar.max;
            if self.streak < if is_full { BAR_STREAK_BEHIND_FULL } else { BAR_STREAK } {
                return None;
            }
        }
        Some(self.take(bar, true, is_full))
    }

    fn take(&mut self, bar: Bar, begins: bool, behind_full: bool) -> Logged {
        *self = Self { value: bar.value, max: bar.max, remaining: bar.remaining, other: 0, streak: 0 };
        Logged::Bar { bar, begins, behind_full }
    }

    /// The bar, where it isn't full.
    pub(super) fn unfinished(&self) -> Option<Bar> {
        let Self { value, max, remaining, .. } = *self;
        (value < max).then_some(Bar { value, max, remaining, step_micros: None })
    }
}
