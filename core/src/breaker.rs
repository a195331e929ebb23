//! The circuit breaker: after too many attempts in too short a time there are none for a while, then one to see.
//!
//! Attempts count whether they failed or led to a connection that was lost: within [`BreakerConfig::window`] there are
//! [`BREAKER_ATTEMPTS`] at most, and the one that tries an open circuit.

use crate::{
    limits::BREAKER_ATTEMPTS,
    time::{Duration, Instant},
};

/// When the circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BreakerConfig {
    /// The span in which there may be [`BREAKER_ATTEMPTS`] attempts; the next one would open the circuit instead.
    pub window: Duration,
    /// How long the circuit stays open the first time; twice as long each time that the attempt after it fails.
    pub cool_down: Duration,
    /// The longest that it stays open.
    pub max_cool_down: Duration,
}

impl BreakerConfig {
    /// 60 s; 30 s to begin with, 5 minutes at most.
    pub const DEFAULT: Self = Self {
        window: Duration::from_secs(60),
        cool_down: Duration::from_secs(30),
        max_cool_down: Duration::from_secs(300),
    };
}

/// How the circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Circuit {
    /// Attempts are made.
    Closed,
    /// None are made before this.
    Open(Instant),
    /// One is made: whether it proves itself decides.
    HalfOpen,
}

/// A circuit breaker for attempts to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Breaker {
    circuit: Circuit,
    /// The last attempts, the newest first.
    attempts: [Option<Instant>; BREAKER_ATTEMPTS],
    /// How long the circuit was open last.
    cool_down: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Breaker {
    /// A closed circuit, before the first attempt.
    pub const fn new() -> Self {
        Self { circuit: Circuit::Closed, attempts: [None; BREAKER_ATTEMPTS], cool_down: Duration::ZERO }
    }

    /// How the circuit is.
    pub const fn circuit(&self) -> Circuit {
        self.circuit
    }

    /// An attempt is being made.
    pub fn attempt(&mut self, now: Instant) {
        self.attempts.rotate_right(1);
        if let Some(newest) = self.attempts.first_mut() {
            *newest = Some(now);
        }
        if matches!(self.circuit, Circuit::Open(_)) {
            self.circuit = Circuit::HalfOpen;
        }
    }

    /// The attempt failed, or what it made was lost before it proved itself, and another is wanted at `wanted`: when it may
    /// be made. Where that is later, the circuit is open until then.
    pub fn failed(&mut self, config: &BreakerConfig, now: Instant, wanted: Instant) -> Instant {
        let tries_out = match self.circuit {
            Circuit::HalfOpen => true,
            Circuit::Open(_) => false,
            Circuit::Closed => wanted < self.allows(config, wanted),
        };
        if tries_out {
            let twice = Duration::from_micros(self.cool_down.as_micros().saturating_mul(2));
            self.cool_down = twice.max(config.cool_down).min(config.max_cool_down);
            self.circuit = Circuit::Open(now.saturating_add(self.cool_down));
        }
        match self.circuit {
            Circuit::Open(until) => until.max(wanted),
            Circuit::Closed | Circuit::HalfOpen => wanted,
        }
    }

    /// When the next attempt may be made without opening the circuit, `now` at the earliest.
    pub fn allows(&self, config: &BreakerConfig, now: Instant) -> Instant {
        match (self.circuit, self.attempts.last()) {
            (Circuit::Open(until), _) => until.max(now),
            (_, Some(Some(oldest))) => oldest.saturating_add(config.window).max(now),
            _ => now,
        }
    }

    /// The connection has proved itself: the circuit closes. The attempts still count, for a link that lives for seconds
    /// only, again and again, is no better than one that fails.
    pub const fn close(&mut self) {
        self.circuit = Circuit::Closed;
        self.cool_down = Duration::ZERO;
    }

    /// A person wants the next attempt now: all is forgotten.
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

    /// A breaker after attempts at `seconds`, each of which failed at once; the last one isn't told yet.
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
    fn the_sixth_attempt_within_a_minute_opens_it() {
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(59)), at(59), "wanted later than the cool-down");
        assert_eq!(breaker.circuit(), Circuit::Open(at(34)));
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(5)), at(34));
        let mut breaker = after(&[0, 1, 2, 3, 4]);
        assert_eq!(breaker.failed(&CONFIG, at(4), at(60)), at(60), "a minute has gone by then");
        assert_eq!(breaker.circuit(), Circuit::Closed);
        let mut breaker = after(&[0, 1, 2, 3]);
        assert_eq!(breaker.failed(&CONFIG, at(3), at(4)), at(4), "the fifth");
    }

    #[test]
    fn each_probe_that_fails_makes_it_longer_up_to_the_longest() {
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
    fn what_proves_itself_closes_it() {
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
    fn links_that_live_for_seconds_only_open_it_too() {
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
    fn a_person_forgets_all() {
        let mut breaker = after(&[0, 0, 0, 0, 0]);
        breaker.failed(&CONFIG, at(0), at(0));
        breaker.reset();
        assert_eq!(breaker, Breaker::new());
        breaker.attempt(at(0));
        assert_eq!(breaker.failed(&CONFIG, at(0), at(0)), at(0));
    }
}
