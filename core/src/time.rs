//! Time is an argument: the core never reads a clock.
//!
//! With the feature `embassy-time`, both types convert from embassy's and into them by `From`.

#[cfg(feature = "embassy-time")]
mod embassy;

use core::{fmt, num::NonZeroU64};

/// A point in time, in microseconds since an epoch that the host picks once, at its start.
///
/// The host's clock must be monotonic.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::time::{Duration, Instant};
/// let start = Instant::from_millis(5);
/// let later = start.saturating_add(Duration::from_secs(2));
/// assert_eq!(later.as_micros(), 2_005_000);
/// assert_eq!(later.saturating_since(start), Duration::from_millis(2_000));
/// assert_eq!(start.saturating_since(later), Duration::ZERO);
/// ```
// The number is one more than the microseconds, so that `Option<Instant>` is as small.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(NonZeroU64);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Self = Self(NonZeroU64::MIN);

    /// The instant `micros` microseconds after the epoch. The latest one is `u64::MAX - 1`.
    pub const fn from_micros(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// The instant `millis` milliseconds after the epoch, or the latest one.
    pub const fn from_millis(millis: u64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch, `0..u64::MAX`.
    pub const fn as_micros(self) -> u64 {
        self.0.get().wrapping_sub(1)
    }

    /// `self` + `delay`, or the latest instant.
    #[must_use]
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub const fn saturating_add(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay.0))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl Default for Instant {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&self.as_micros()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Instant {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Instant({})", self.as_micros());
    }
}

/// A span of time in microseconds.
///
/// [`Display`](fmt::Display) writes whole milliseconds, rounded down: `2 ms`.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::time::Duration;
/// let delay = Duration::from_micros(2_500);
/// assert_eq!((delay.as_millis(), delay.nearest_millis()), (2, 3));
/// assert_eq!(delay.saturating_sub(Duration::from_secs(1)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Duration(u64);

impl Duration {
    /// The span of 0 microseconds.
    pub const ZERO: Self = Self(0);

    /// The span of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The span of `millis` milliseconds, or the longest one, `u64::MAX` microseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The span of `secs` seconds, or the longest one.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// `self` - `other`; zero if `other` is longer.
    #[must_use]
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The span in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The span in whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// The span in milliseconds, rounded to the nearest.
    pub const fn nearest_millis(self) -> u64 {
        self.0.saturating_add(500) / 1_000
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.as_millis())
    }
}
