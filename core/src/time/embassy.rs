//! Conversions between the core's time and embassy's.

use core::num::NonZeroU64;

use embassy_time::TICK_HZ;

use super::{Duration, Instant};

const MICROS_HZ: u64 = 1_000_000;

/// `TICKS` ticks take `MICROS` microseconds. Neither is 0.
const TICKS: NonZeroU64 = NonZeroU64::MIN.saturating_add(TICK_HZ / SHARED - 1);
const MICROS: NonZeroU64 = NonZeroU64::MIN.saturating_add(MICROS_HZ / SHARED - 1);

/// The greatest common divisor of both frequencies, so that the numbers above are small.
const SHARED: u64 = {
    let (mut divisor, mut rest) = (TICK_HZ, MICROS_HZ);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    divisor
};

/// Rounds down to microseconds. An instant that doesn't fit becomes the end of time.
///
/// ```
/// use comfyglow_core::time::Instant;
///
/// let now = Instant::from(embassy_time::Instant::from_millis(250));
/// assert_eq!(now, Instant::from_millis(250));
/// ```
impl From<embassy_time::Instant> for Instant {
    fn from(instant: embassy_time::Instant) -> Self {
        Self::from_micros(rounded_down(instant.as_ticks(), TICKS, MICROS))
    }
}

/// Rounds up to the next tick, so that a timer never fires early. An instant that doesn't fit becomes the last tick.
///
/// ```
/// use comfyglow_core::time::Instant;
///
/// let deadline = Instant::from_millis(250);
/// assert_eq!(embassy_time::Instant::from(deadline), embassy_time::Instant::from_millis(250));
/// ```
impl From<Instant> for embassy_time::Instant {
    fn from(instant: Instant) -> Self {
        Self::from_ticks(rounded_up(instant.as_micros(), MICROS, TICKS))
    }
}

/// Rounds down to microseconds. A span that doesn't fit becomes the longest one.
impl From<embassy_time::Duration> for Duration {
    fn from(duration: embassy_time::Duration) -> Self {
        Self::from_micros(rounded_down(duration.as_ticks(), TICKS, MICROS))
    }
}

/// Rounds up to the next tick, so that a wait is never too short. A span that doesn't fit becomes the longest one.
impl From<Duration> for embassy_time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_ticks(rounded_up(duration.as_micros(), MICROS, TICKS))
    }
}

/// `value * to / from`, rounded down.
#[inline]
fn rounded_down(value: u64, from: NonZeroU64, to: NonZeroU64) -> u64 {
    let (whole, rest) = parts(value, from, to);
    whole.saturating_add(rest / from)
}

/// `value * to / from`, rounded up.
#[inline]
fn rounded_up(value: u64, from: NonZeroU64, to: NonZeroU64) -> u64 {
    let (whole, rest) = parts(value, from, to);
    whole.saturating_add(rest.div_ceil(from.get()))
}

/// `value / from * to`, and the rest times `to`. The whole product may not fit into 64 bits.
#[inline]
fn parts(value: u64, from: NonZeroU64, to: NonZeroU64) -> (u64, u64) {
    // Below `from * to`, which fits: embassy's fastest clock has 5 * 10^9 ticks a second.
    let rest = (value % from).saturating_mul(to.get());
    ((value / from).saturating_mul(to.get()), rest)
}

#[cfg(test)]
mod tests {
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    fn hz(hertz: u64) -> NonZeroU64 {
        NonZeroU64::new(hertz).unwrap()
    }

    #[test]
    fn instant_to_embassy_and_back_is_the_same() {
        for micros in [0, 1, 999, 1_000_001, u64::MAX - 1] {
            let instant = Instant::from_micros(micros);
            let ticks = embassy_time::Instant::from(instant);
            assert_eq!((ticks.as_ticks(), Instant::from(ticks)), (micros, instant));
        }
    }

    #[test]
    fn duration_to_embassy_and_back_is_the_same() {
        for micros in [0, 1, 999, 1_000_001, u64::MAX] {
            let duration = Duration::from_micros(micros);
            let ticks = embassy_time::Duration::from(duration);
            assert_eq!((ticks.as_ticks(), Duration::from(ticks)), (micros, duration));
        }
    }

    #[test]
    fn embassy_s_last_instant_is_the_end_of_time() {
        assert_eq!(Instant::from(embassy_time::Instant::MAX), Instant::from_micros(u64::MAX));
        assert_eq!(Duration::from(embassy_time::Duration::MAX), Duration::from_micros(u64::MAX));
    }

    #[test]
    fn slow_clock_rounds_to_the_tick_that_is_not_early() {
        let (ticks, micros) = (hz(512), hz(15_625));
        assert_eq!(rounded_up(1, micros, ticks), 1);
        assert_eq!(rounded_up(1_000_000, micros, ticks), 32_768);
        assert_eq!(rounded_up(1_000_001, micros, ticks), 32_769);
        assert_eq!(rounded_down(1, ticks, micros), 30);
        assert_eq!(rounded_down(32_768, ticks, micros), 1_000_000);
        assert_eq!(rounded_up(u64::MAX, hz(1), hz(5_242_880)), u64::MAX);
        assert_eq!(rounded_down(u64::MAX, hz(1), hz(1_000)), u64::MAX);
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_128_bits(
            value: u64,
            fewer in 0_u32..64,
            tick_hz in prop::sample::select(vec![1, 100, 1_000, 32_768, 1_000_000, 3_000_000, 5_242_880_000_u64]),
        ) {
            let value = value >> fewer;
            for (from, to) in [(tick_hz, MICROS_HZ), (MICROS_HZ, tick_hz)] {
                let exact = u128::from(value) * u128::from(to);
                let saturated = |exact: u128| u64::try_from(exact).unwrap_or(u64::MAX);
                prop_assert_eq!(rounded_down(value, hz(from), hz(to)), saturated(exact / u128::from(from)));
                prop_assert_eq!(rounded_up(value, hz(from), hz(to)), saturated(exact.div_ceil(u128::from(from))));
            }
        }
    }
}
