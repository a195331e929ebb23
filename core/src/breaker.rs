//! The circuit breaker: it pauses after too many attempts to connect, then allows a single one as a probe.
//!
//! An attempt counts whether it failed or made a connection that was lost later. Within [`BreakerConfig::window`] there
//! are at most [`BREAKER_ATTEMPTS`] attempts plus the probe.

use crate::{
    limits::BREAKER_ATTEMPTS,
    time::{Duration, Instant},
};

/// Configures when the circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BreakerConfig {
    /// The time span in which at most [`BREAKER_ATTEMPTS`] attempts are made. The next one opens the circuit instead.
    pub window: Duration,
    /// How long the circuit stays open the first time. The time doubles whenever the probe fails.
    pub cool_down: Duration,
    /// The longest time that the circuit stays open.
    pub max_cool_down: Duration,
}

impl BreakerConfig {
    /// A window of 60 s, and a pause of 30 s that grows to at most 5 minutes.
    pub const DEFAULT: Self = Self {
        window: Duration::from_secs(60),
        cool_down: Duration::from_secs(30),
        max_cool_down: Duration::from_secs(300),
    };
}

/// The state of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Circuit {
    /// Attempts are allowed.
    Closed,
    /// No attempt is allowed before this instant.
    Open(Instant),
    /// The probe is being made. Its outcome closes the circuit or opens it again.
    HalfOpen,
}

/// A circuit breaker for attempts to connect.
///
/// ```
/// use comfyglow_core::{
///     breaker::{Breaker, BreakerConfig, Circuit},
///     time::Instant,
/// };
///
/// let config = BreakerConfig::DEFAULT;
/// let mut breaker = Breaker::new();
/// let mut next = Instant::ZERO;
/// for _ in 0..5 {
///     breaker.attempt(next);
///     // It failed at once, and you would like to try again right away.
///     next = breaker.failed(&config, next, next);
/// }
/// assert_eq!(next, Instant::from_millis(30_000));
/// assert_eq!(breaker.circuit(), Circuit::Open(next));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Breaker {
    circuit: Circuit,
    /// When the last attempts were made, newest first.
    attempts: [Option<Instant>; BREAKER_ATTEMPTS],
    /// How long the circuit was last open; zero after it closed.
    cool_down: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Breaker {
    /// Creates a closed circuit without attempts.
    pub const fn new() -> Self {
        Self { circuit: Circuit::Closed, attempts: [None; BREAKER_ATTEMPTS], cool_down: Duration::ZERO }
    }

    /// The current state of the circuit.
    pub const fn circuit(&self) -> Circuit {
        self.circuit
    }

    /// Notes an attempt. In an open circuit it is the probe.
    pub fn attempt(&mut self, now: Instant) {
        // It comes first, and those before it move on by one.
        let mut newest = Some(now);
        for attempt in &mut self.attempts {
            core::mem::swap(attempt, &mut newest);
        }
        if matches!(self.circuit, Circuit::Open(_)) {
            self.circuit = Circuit::HalfOpen;
        }
    }

    /// Notes that an attempt failed, or that its connection was lost before it proved itself.
    ///
    /// `wanted` is when you want to make the next attempt. Returns when you may. If that is later, the circuit is open
    /// until then.
    pub fn failed(&mut self, config: &BreakerConfig, now: Instant, wanted: Instant) -> Instant {
        let opens = match self.circuit {
            Circuit::HalfOpen => true,
            Circuit::Open(_) => false,
            Circuit::Closed => wanted < self.allows(config, wanted),
        };
        if opens {
            let twice = Duration::from_micros(self.cool_down.as_micros().saturating_mul(2));
            self.cool_down = twice.max(config.cool_down).min(config.max_cool_down);
            self.circuit = Circuit::Open(now.saturating_add(self.cool_down));
        }
        match self.circuit {
            Circuit::Open(until) => until.max(wanted),
            Circuit::Closed | Circuit::HalfOpen => wanted,
        }
    }

    /// When the next attempt may be made without opening the circuit; `now` at the earliest.
    pub fn allows(&self, config: &BreakerConfig, now: Instant) -> Instant {
        match (self.circuit, self.attempts.last()) {
            (Circuit::Open(until), _) => until.max(now),
            (_, Some(Some(oldest))) => oldest.saturating_add(config.window).max(now),
            _ => now,
        }
    }

    /// Closes the circuit, because a connection proved itself.
    ///
    /// Earlier attempts still count: connections that keep failing after seconds are no better than failed attempts.
    pub const fn close(&mut self) {
        self.circuit = Circuit::Closed;
        self.cool_down = Duration::ZERO;
    }

    /// Forgets everything, because a user wants an attempt now.
    pub const fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig::DEFAULT;

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    /// A breaker after attempts at `seconds`. All but the last have failed at once.
    fn after(seconds: &[u64]) -> Breaker {
        let mut breaker = Breaker::new();
        for (index, second) in seconds.iter().enumerate() {
            breaker.attempt(at(*second));
            if let Some(next) = seconds.get(index + 1) {
                assert_eq!(breaker.failed(&CONFIG, at(*second), at(*next)), at(*next));
            }
        }
        breaker
    }

    #[test]
    fn breaker_at_sixth_attempt_within_window_opens() {
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(59)), at(59), "wanted later than the cool-down");
        assert_eq!(breaker.circuit(), Circuit::Open(at(34)));
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(5)), at(34));
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(60)), at(60), "a minute will have passed");
        assert_eq!(breaker.circuit(), Circuit::Closed);
        let mut breaker = after(&[0, 1, 2, 3]);
        assert_eq!(breaker.failed(&CONFIG, at(3), at(4)), at(4), "the fifth");
    }

    #[test]
    fn breaker_after_failed_probe_doubles_the_pause_up_to_the_maximum() {
        let mut breaker = after(&[0, 0, 0, 0, 0]);
        let mut now = breaker.failed(&CONFIG, at(0), at(1));
        assert_eq!(now, at(30));
        for cool_down in [60, 120, 240, 300, 300] {
            breaker.attempt(now);
            assert_eq!(breaker.circuit(), Circuit::HalfOpen);
            let next = breaker.failed(&CONFIG, now, now);
            assert_eq!(next.saturating_since(now), Duration::from_secs(cool_down));
            now = next;
        }
    }

    #[test]
    fn breaker_after_proven_probe_closes() {
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(5)), at(34));
        breaker.attempt(at(34));
        breaker.close();
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert_eq!(breaker.failed(&CONFIG, at(60), at(61)), at(61), "a minute after the second");
        breaker.attempt(at(61));
        assert_eq!(breaker.failed(&CONFIG, at(61), at(61)), at(91), "the cool-down is the first again");
    }

    #[test]
    fn breaker_with_short_lived_connections_opens() {
        let mut breaker = Breaker::new();
        for second in [0, 6, 12, 18] {
            breaker.attempt(at(second));
            breaker.close();
            assert_eq!(breaker.failed(&CONFIG, at(second + 5), at(second + 6)), at(second + 6));
        }
        breaker.attempt(at(24));
        breaker.close();
        assert_eq!(breaker.allows(&CONFIG, at(29)), at(60));
        assert_eq!(breaker.allows(&CONFIG, at(61)), at(61));
        assert_eq!(breaker.failed(&CONFIG, at(29), at(30)), at(59));
    }

    #[test]
    fn breaker_after_reset_has_no_attempts() {
        let mut breaker = after(&[0, 0, 0, 0, 0]);
        breaker.failed(&CONFIG, at(0), at(0));
        breaker.reset();
        assert_eq!(breaker, Breaker::new());
        breaker.attempt(at(0));
        assert_eq!(breaker.failed(&CONFIG, at(0), at(0)), at(0));
    }
}
