//! Backoff: how long to wait before the next attempt, longer after each failure, spread by chance.

use crate::time::Duration;

/// How the wait grows, and how chance spreads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BackoffConfig {
    /// The wait after the first failure.
    pub initial: Duration,
    /// What the wait is multiplied by after each further failure, in percent; less than 100 counts as 100.
    pub factor_percent: u16,
    /// The longest wait.
    pub max: Duration,
    /// How chance spreads it.
    pub jitter: Jitter,
}

impl BackoffConfig {
    /// 1 s, half as much again each time, 30 s at most, spread over its upper half.
    pub const DEFAULT: Self = Self {
        initial: Duration::from_secs(1),
        factor_percent: 150,
        max: Duration::from_secs(30),
        jitter: Jitter::Equal,
    };
}

/// How chance spreads waits, so that many clients of one server don't come back at once.
///
/// The names are those of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Jitter {
    /// The wait as it is.
    None,
    /// Anything from nothing to the wait.
    Full,
    /// Half of the wait, and anything up to the other half.
    Equal,
    /// Anything from the first wait to three times the last one, [`BackoffConfig::max`] at most.
    Decorrelated,
}

/// The waits of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Backoff {
    /// The next wait before chance spreads it, the last one as spread for [`Jitter::Decorrelated`]; `None` at the start.
    wait: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl Backoff {
    /// Before the first failure.
    pub const fn new() -> Self {
        Self { wait: None }
    }

    /// An attempt failed: how long to wait before the next one. `random` is any number, each as likely as the other.
    pub fn next(&mut self, config: &BackoffConfig, random: u32) -> Duration {
        if config.jitter == Jitter::Decorrelated {
            let last = self.wait.unwrap_or(config.initial);
            let most = Duration::from_micros(last.as_micros().saturating_mul(3));
            let wait = between(config.initial, most.max(config.initial), random).min(config.max);
            self.wait = Some(wait);
            return wait;
        }
        let wait = self.wait.unwrap_or(config.initial).min(config.max);
        let more = u64::from(config.factor_percent.saturating_sub(100));
        let grown = wait.as_micros().saturating_add(wait.as_micros().saturating_mul(more) / 100);
        self.wait = Some(Duration::from_micros(grown).min(config.max));
        match config.jitter {
            Jitter::None | Jitter::Decorrelated => wait,
            Jitter::Full => between(Duration::ZERO, wait, random),
            Jitter::Equal => between(Duration::from_micros(wait.as_micros() / 2), wait, random),
        }
    }

    /// The connection has proved itself: the next wait is the first again.
    pub const fn reset(&mut self) {
        self.wait = None;
    }
}

/// `random`'s share of the way from `least` to `most`, both among what can come.
fn between(least: Duration, most: Duration, random: u32) -> Duration {
    let span = most.saturating_sub(least).as_micros();
    // In milliseconds where the product would be too large for 64 bits, which nobody will see of waits of hours.
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
    fn each_wait_is_half_as_long_again_up_to_the_longest() {
        assert_eq!(
            waits(Jitter::None, 9, 11),
            [1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 11_390, 17_085, 25_628, 30_000, 30_000]
        );
    }

    #[test]
    fn chance_spreads_as_its_name_says() {
        assert_eq!(waits(Jitter::Full, 0, 3), [0, 0, 0]);
        assert_eq!(waits(Jitter::Full, u32::MAX, 3), [999, 1_499, 2_249]);
        assert_eq!(waits(Jitter::Equal, 0, 3), [500, 750, 1_125]);
        assert_eq!(waits(Jitter::Equal, 1 << 31, 3), [750, 1_125, 1_687]);
        assert_eq!(waits(Jitter::Decorrelated, 0, 3), [1_000, 1_000, 1_000]);
        assert_eq!(waits(Jitter::Decorrelated, u32::MAX, 5), [2_999, 8_999, 26_999, 30_000, 30_000]);
    }

    #[test]
    fn a_proven_connection_begins_anew() {
        let config = BackoffConfig { jitter: Jitter::None, ..BackoffConfig::DEFAULT };
        let mut backoff = Backoff::new();
        backoff.next(&config, 0);
        backoff.next(&config, 0);
        backoff.reset();
        assert_eq!(backoff.next(&config, 0), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(
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
