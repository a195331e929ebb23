//! Backoff: the wait before the next attempt to connect. It grows with each failure and is randomized.

use crate::time::Duration;

/// Configures how the wait grows and how it is randomized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BackoffConfig {
    /// The wait after the first failure, before jitter.
    pub initial: Duration,
    /// Growth of the wait with each further failure, in percent; less than 100 counts as 100.
    pub factor_percent: u16,
    /// The longest wait.
    pub max: Duration,
    /// How the wait is randomized.
    pub jitter: Jitter,
}

impl BackoffConfig {
    /// 1 s, then 50 % more each time, at most 30 s, with [`Jitter::Equal`].
    pub const DEFAULT: Self = Self {
        initial: Duration::from_secs(1),
        factor_percent: 150,
        max: Duration::from_secs(30),
        jitter: Jitter::Equal,
    };
}

/// How waits are randomized, so that the clients of one server don't all return at once.
///
/// The names are those of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Jitter {
    /// Not at all.
    None,
    /// A random time from zero to the wait.
    Full,
    /// Half of the wait plus a random time up to the other half.
    Equal,
    /// A random time from the first wait to three times the last one, at most [`BackoffConfig::max`].
    Decorrelated,
}

/// The waits between attempts to connect to one server.
///
/// ```
/// use comfyglow_core::{
///     backoff::{Backoff, BackoffConfig, Jitter},
///     time::Duration,
/// };
///
/// let config = BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT };
/// let mut backoff = Backoff::new();
/// let random = 4; // from your random source
/// assert_eq!(backoff.next(&config, random), Duration::from_millis(1_000));
/// assert_eq!(backoff.next(&config, random), Duration::from_millis(1_500));
/// backoff.reset();
/// assert_eq!(backoff.next(&config, random), Duration::from_millis(1_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Backoff {
    /// The next wait before jitter; for [`Jitter::Decorrelated`] the last wait. `None` before the first failure.
    wait: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl Backoff {
    /// Creates one that has seen no failure.
    pub const fn new() -> Self {
        Self { wait: None }
    }

    /// Notes a failed attempt and returns the wait before the next one.
    ///
    /// `random` must be uniformly distributed over all of `u32`.
    pub fn next(&mut self, config: &BackoffConfig, random: u32) -> Duration {
        if config.jitter == Jitter::Decorrelated {
            let last = self.wait.unwrap_or(config.initial);
            let most = Duration::from_micros(last.as_micros().saturating_mul(3));
            let wait = random_between(config.initial, most.max(config.initial), random).min(config.max);
            self.wait = Some(wait);
            return wait;
        }
        let wait = self.wait.unwrap_or(config.initial).min(config.max);
        let more = u64::from(config.factor_percent.saturating_sub(100));
        let grown = wait.as_micros().saturating_add(wait.as_micros().saturating_mul(more) / 100);
        self.wait = Some(Duration::from_micros(grown).min(config.max));
        match config.jitter {
            Jitter::None | Jitter::Decorrelated => wait,
            Jitter::Full => random_between(Duration::ZERO, wait, random),
            Jitter::Equal => random_between(Duration::from_micros(wait.as_micros() / 2), wait, random),
        }
    }

    /// Starts again at the first wait, because a connection proved itself.
    pub const fn reset(&mut self) {
        self.wait = None;
    }
}

/// Maps `random` linearly to a time from `least` to `most`.
fn random_between(least: Duration, most: Duration, random: u32) -> Duration {
    let span = most.saturating_sub(least).as_micros();
    // If the product overflows 64 bits, the lower 32 bits of the span don't count. Such spans last over an hour.
    let part = match span.checked_mul(u64::from(random)) {
        Some(product) => product.wrapping_shr(32),
        None => (span >> 32).saturating_mul(u64::from(random)),
    };
    Duration::from_micros(least.as_micros().saturating_add(part))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn waits(jitter: Jitter, random: u32, count: usize) -> Vec<u64> {
        let config = BackoffConfig { jitter, ..BackoffConfig::DEFAULT };
        let mut backoff = Backoff::new();
        (0..count).map(|_| backoff.next(&config, random).as_millis()).collect()
    }

    #[test]
    fn backoff_without_jitter_grows_by_half_up_to_the_maximum() {
        assert_eq!(
            waits(Jitter::None, 9, 11),
            [1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 11_390, 17_085, 25_628, 30_000, 30_000]
        );
    }

    #[test]
    fn backoff_with_jitter_spreads_within_its_range() {
        assert_eq!(waits(Jitter::Full, 0, 3), [0, 0, 0]);
        assert_eq!(waits(Jitter::Full, u32::MAX, 3), [999, 1_499, 2_249]);
        assert_eq!(waits(Jitter::Equal, 0, 3), [500, 750, 1_125]);
        assert_eq!(waits(Jitter::Equal, 1 << 31, 3), [750, 1_125, 1_687]);
        assert_eq!(waits(Jitter::Decorrelated, 0, 3), [1_000, 1_000, 1_000]);
        assert_eq!(waits(Jitter::Decorrelated, u32::MAX, 5), [2_999, 8_999, 26_999, 30_000, 30_000]);
    }

    #[test]
    fn backoff_after_reset_starts_at_the_first_wait() {
        let config = BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT };
        let mut backoff = Backoff::new();
        backoff.next(&config, 0);
        backoff.next(&config, 0);
        backoff.reset();
        assert_eq!(backoff.next(&config, 0), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn backoff_with_any_config_stays_within_bounds(
            initial in any::<u64>(),
            factor_percent in any::<u16>(),
            max in any::<u64>(),
            jitter in prop::sample::select(&[Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated][..]),
            random in prop::collection::vec(any::<u32>(), 1..40),
        ) {
            let (initial, max) = (Duration::from_micros(initial), Duration::from_micros(max));
            let config = BackoffConfig { initial, factor_percent, max, jitter };
            let (mut backoff, mut plain) = (Backoff::new(), Backoff::new());
            let mut before = Duration::ZERO;
            for random in random {
                let wait = backoff.next(&config, random);
                prop_assert!(wait <= max);
                let most = plain.next(&BackoffConfig { jitter: Jitter::None, ..config }, 0);
                prop_assert!(before <= most, "it never shrinks");
                before = most;
                match jitter {
                    Jitter::None => prop_assert_eq!(wait, most),
                    Jitter::Full => prop_assert!(wait <= most),
                    Jitter::Equal => prop_assert!(wait.as_micros() >= most.as_micros() / 2 && wait <= most),
                    Jitter::Decorrelated => prop_assert!(wait >= initial.min(max)),
                }
            }
        }
    }
}
