//! The two measures of progress.

use crate::number::Milli;

/// The bar of the current node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Steps {
    /// Steps done.
    pub value: Milli,
    /// Steps in all, more than 0.
    pub max: Milli,
}

impl Steps {
    /// The bar at `value` of `max`; none where `max` isn't more than 0.
    pub fn new(value: Milli, max: Milli) -> Option<Self> {
        (max.thousandths() > 0).then_some(Self { value, max })
    }
}

/// A share of the whole workflow in millionths of a percent, 0..=100,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Percentage(u32);

impl Percentage {
    /// Nothing done.
    pub const ZERO: Self = Self(0);
    /// The most before success: 99.9 %.
    pub const ALMOST: Self = Self(99_900_000);
    /// All done.
    pub const FULL: Self = Self(100_000_000);

    /// `millionths` of a percent, at most all of it.
    pub const fn from_millionths(millionths: u32) -> Self {
        if millionths > Self::FULL.0 { Self::FULL } else { Self(millionths) }
    }

    /// Millionths of a percent, 0..=100,000,000.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Tenths of a percent, 0..=1,000, rounded down.
    pub const fn permille(self) -> u32 {
        self.0 / 100_000
    }
}
