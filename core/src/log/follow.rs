//! Chooses which of several bars to follow. Its value never falls, and the choice does not alternate.

use super::{Bar, Logged};
use crate::limits::{BAR_STREAK, BAR_STREAK_BEHIND_FULL};

/// The bar that is followed.
///
/// A bar that begins at 0 replaces any other: of nested bars it is the inner one. Another bar that moves is the outer
/// one, or one that continues after the inner bar broke off. It replaces the followed bar after a [streak](BAR_STREAK)
/// of moves.
#[derive(Debug)]
pub(super) struct FollowedBar {
    value: u32,
    /// 0 if no bar is followed.
    max: u32,
    remaining: Option<u32>,
    /// `max` of the other bar that moved last, and its moves in a row.
    other: u32,
    streak: u8,
}

impl FollowedBar {
    pub(super) const fn new() -> Self {
        Self { value: 0, max: 0, remaining: None, other: 0, streak: 0 }
    }

    /// Takes a bar that moved. Returns it if it is, or becomes, the followed one.
    pub(super) fn update(&mut self, bar: Bar) -> Option<Logged> {
        let is_full = self.max > 0 && self.value >= self.max;
        let goes_on = bar.max == self.max && bar.value >= self.value && (bar.value > 0 || self.value == 0);
        if goes_on {
            return Some(self.replace(bar, false, is_full));
        }
        if bar.value > 0 && self.max > 0 {
            let again = self.other == bar.max && self.streak > 0;
            self.streak = if again { self.streak.saturating_add(1) } else { 1 };
            self.other = bar.max;
            if self.streak < if is_full { BAR_STREAK_BEHIND_FULL } else { BAR_STREAK } {
                return None;
            }
        }
        Some(self.replace(bar, true, is_full))
    }

    fn replace(&mut self, bar: Bar, begins: bool, behind_full: bool) -> Logged {
        *self = Self { value: bar.value, max: bar.max, remaining: bar.remaining, other: 0, streak: 0 };
        Logged::Bar { bar, begins, behind_full }
    }

    /// The followed bar; `None` if it is full or there is none.
    pub(super) fn unfinished(&self) -> Option<Bar> {
        let Self { value, max, remaining, .. } = *self;
        (value < max).then_some(Bar { value, max, remaining, step_micros: None })
    }
}
