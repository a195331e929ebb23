//! When to connect, and under which client id.

use super::{ClientId, Config, random::Random};
use crate::{
    backoff::Backoff,
    breaker::{Breaker, Circuit},
    limits::{COURTESY_SECONDS, RETRY_AFTER_SECONDS},
    state::{Fault, FaultKind, Waiting, WaitingFor},
    time::{Duration, Instant},
};

/// Random hexadecimal digits of an id.
const DIGITS: usize = 16;

#[derive(Debug)]
pub(super) struct Reconnect {
    backoff: Backoff,
    breaker: Breaker,
    next: Next,
    /// There is no network, so nothing is attempted.
    offline: bool,
    /// Failed attempts since the last proven connection.
    failures: u32,
    established: Option<Instant>,
    /// The random digits of the id; `None` for an id without.
    digits: Option<[u8; DIGITS]>,
    /// The next attempt uses another id.
    renew: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Now,
    Wait(Waiting),
    /// A connection exists or is being made.
    Made,
    /// No attempt, unless a person requests one.
    GivenUp,
    /// No attempt ever again.
    Never,
}

impl Reconnect {
    pub(super) const fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            breaker: Breaker::new(),
            next: Next::Now,
            offline: false,
            failures: 0,
            established: None,
            digits: None,
            renew: false,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.next, Next::GivenUp | Next::Never)
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.next {
            Next::Wait(waiting) => Some(waiting.until),
            _ => None,
        }
    }

    pub(super) const fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    /// Takes the attempt that is due now; returns whether there is one.
    pub(super) fn take_attempt(&mut self, now: Instant, config: &Config<'_>, random: &mut Random) -> bool {
        let due = match self.next {
            Next::Now => !self.offline,
            Next::Wait(waiting) => now >= waiting.until,
            Next::Made | Next::GivenUp | Next::Never => false,
        };
        if due {
            self.next = Next::Made;
            self.breaker.attempt(now);
            if config.client_id == ClientId::Fresh || (self.renew && matches!(config.client_id, ClientId::Own(_))) {
                self.digits = Some(hexadecimal(random.bytes()));
            }
            self.renew = false;
        }
        due
    }

    pub(super) const fn established(&mut self, now: Instant) {
        self.next = Next::Made;
        self.established = Some(now);
    }

    /// The connection failed or was lost. Returns what the next attempt waits for; `None`: there is none. `retry_after`
    /// is the wait that the server asked for, in seconds.
    pub(super) fn lost(
        &mut self,
        now: Instant,
        fault: Fault,
        retry_after: Option<u32>,
        config: &Config<'_>,
        random: &mut Random,
    ) -> Option<Waiting> {
        self.prove(now, config);
        self.established = None;
        self.failures = self.failures.saturating_add(1);
        let config = &config.reconnect;
        let used_up = config.attempts.is_some_and(|attempts| self.failures >= attempts);
        if self.next == Next::Never {
            return None;
        }
        if fault.needs_a_person() || used_up {
            self.next = Next::GivenUp;
            return None;
        }
        self.renew |= fault.kind == FaultKind::Deaf;
        let mut wait = self.backoff.next(&config.backoff, u32::from_le_bytes(random.bytes()));
        let mut why = WaitingFor::Backoff;
        let asked = retry_after.map(|seconds| Duration::from_secs(seconds.min(RETRY_AFTER_SECONDS).into()));
        if let Some(asked) = asked.filter(|asked| *asked > wait) {
            (wait, why) = (asked, WaitingFor::Server);
        }
        let courtesy = Duration::from_secs(COURTESY_SECONDS);
        if fault.kind == FaultKind::Overrun && courtesy > wait {
            (wait, why) = (courtesy, WaitingFor::Courtesy);
        }
        let wanted = now.saturating_add(wait);
        let until = self.breaker.failed(&config.breaker, now, wanted);
        if until > wanted {
            why = WaitingFor::Circuit;
        }
        let waiting = Waiting { until, why };
        self.next = Next::Wait(waiting);
        Some(waiting)
    }

    /// Marks the current connection as proven once it has lived long enough.
    pub(super) fn prove(&mut self, now: Instant, config: &Config<'_>) {
        if self.established.is_some_and(|since| now.saturating_since(since) >= config.reconnect.proven) {
            self.established = None;
            self.backoff.reset();
            self.breaker.close();
            self.failures = 0;
        }
    }

    /// The server responds over HTTP, so the wait ends as soon as the breaker allows. Returns the new wait if it is
    /// shorter.
    pub(super) fn hurry(&mut self, now: Instant, config: &Config<'_>) -> Option<Waiting> {
        let Next::Wait(waiting @ Waiting { why: WaitingFor::Backoff, .. }) = self.next else { return None };
        let until = self.breaker.allows(&config.reconnect.breaker, now);
        if until >= waiting.until {
            return None;
        }
        let waiting = Waiting { until, ..waiting };
        self.next = Next::Wait(waiting);
        Some(waiting)
    }

    /// A person wants an attempt now.
    // Not inlined, to keep its stack frame out of reading messages.
    #[inline(never)]
    pub(super) fn by_hand(&mut self) {
        if matches!(self.next, Next::Wait(_) | Next::GivenUp) || (self.offline && self.next == Next::Now) {
            self.backoff.reset();
            self.breaker.reset();
            self.failures = 0;
            self.next = Next::Now;
        }
    }

    pub(super) const fn is_offline(&self) -> bool {
        self.offline
    }

    /// There is no network, so nothing is attempted. Returns whether this changes anything: the session was not over.
    pub(super) fn go_offline(&mut self, now: Instant, config: &Config<'_>) -> bool {
        self.offline = self.next != Next::Never;
        if self.is_over() {
            return false;
        }
        self.prove(now, config);
        self.established = None;
        self.next = Next::Now;
        true
    }

    /// There is a network again: the next attempt is made at once, or as soon as the breaker allows. Returns that wait.
    pub(super) fn go_online(&mut self, now: Instant, config: &Config<'_>) -> Option<Waiting> {
        if !core::mem::take(&mut self.offline) || self.next != Next::Now {
            return None;
        }
        let until = self.breaker.allows(&config.reconnect.breaker, now);
        if until <= now {
            return None;
        }
        let is_open = matches!(self.breaker.circuit(), Circuit::Open(_));
        let waiting = Waiting { until, why: if is_open { WaitingFor::Circuit } else { WaitingFor::Backoff } };
        self.next = Next::Wait(waiting);
        Some(waiting)
    }

    pub(super) const fn stop(&mut self) {
        self.next = Next::Never;
    }

    /// The client id in parts.
    pub(super) fn client_id<'a>(&'a self, config: &Config<'a>) -> [&'a str; 3] {
        let digits = self.digits.as_ref().and_then(|digits| str::from_utf8(digits).ok());
        match (config.client_id, digits) {
            (ClientId::Fresh, digits) => ["comfyglow", "-", digits.unwrap_or_default()],
            (ClientId::Own(id), Some(digits)) => [id, "-", digits],
            (ClientId::Own(id) | ClientId::Fixed(id), _) => [id, "", ""],
        }
    }
}

fn hexadecimal(random: [u8; DIGITS / 2]) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(random) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
            *digit =
                if nibble < 10 { b'0'.saturating_add(nibble) } else { b'a'.saturating_add(nibble.saturating_sub(10)) };
        }
    }
    digits
}
