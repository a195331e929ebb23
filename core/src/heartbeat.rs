//! The heartbeat: pings that time the way to the server and find out when it is gone.
//!
//! ComfyUI never pings by itself; it answers each ping at once, behind whatever it is sending (aiohttp's autoping).

use crate::{
    limits::{FLOW_GAP_MILLIS, LATE_WAKE_SECONDS},
    time::{Duration, Instant},
};

/// When to ping and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeartbeatConfig {
    /// How long after a ping's answer the next one follows; zero means no pings, and a dead server is found out late.
    /// Proxies drop what is silent for a minute.
    pub interval: Duration,
    /// How long a ping may go without any byte from the server. Then the link is stale.
    pub timeout: Duration,
    /// How long a ping's answer may be late while bytes flow. Then we read too slowly, and hold up all of the server's
    /// clients: it sends to one after the other.
    pub patience: Duration,
    /// What the server is asked with.
    pub probe: Probe,
}

/// How a heartbeat asks whether the server is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Probe {
    /// By a ping of the WebSocket, whose pong comes behind all that the server has sent.
    Ping,
    /// By `GET /prompt`, for hosts that can't ping, such as a browser. Its response tells latency and that the server is
    /// alive, but not whether this client keeps up: [`HeartbeatConfig::patience`] doesn't count.
    Request,
}

impl HeartbeatConfig {
    /// Every 30 s, 15 s without a byte, 5 s late.
    pub const DEFAULT: Self = Self {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(15),
        patience: Duration::from_secs(5),
        probe: Probe::Ping,
    };
    /// As [`DEFAULT`](Self::DEFAULT), by requests.
    pub const BY_REQUEST: Self = Self { probe: Probe::Request, ..Self::DEFAULT };
    /// No pings.
    pub const OFF: Self = Self { interval: Duration::ZERO, ..Self::DEFAULT };
}

/// What the heartbeat wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Beat {
    /// Nothing yet.
    Wait,
    /// A ping is to be sent.
    Ping,
    /// The server is gone.
    Stale,
}

/// The heartbeat of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Heartbeat {
    /// When the next ping is due.
    due: Instant,
    /// The ping that waits for its answer: when it was sent, and when it is too late.
    awaited: Option<(Instant, Instant)>,
    /// How many were sent: each ping tells its number, so that no other answer is taken for its own.
    number: u32,
    /// When bytes came last, and since when without a gap, as far as a ping is awaited.
    heard: Instant,
    flowing: Instant,
}

impl Heartbeat {
    /// Of a link that opened at `now`. The first ping follows a second later, so that the latency is known soon.
    pub const fn new(now: Instant) -> Self {
        let due = now.saturating_add(Duration::from_secs(1));
        Self { due, awaited: None, number: 0, heard: now, flowing: now }
    }

    /// When to look again.
    pub fn deadline(&self, config: &HeartbeatConfig) -> Option<Instant> {
        (config.interval > Duration::ZERO).then(|| self.awaited.map_or(self.due, |(_, late)| late))
    }

    /// What to do at `now`.
    pub fn poll(&mut self, config: &HeartbeatConfig, now: Instant) -> Beat {
        match (self.deadline(config), self.awaited) {
            (Some(deadline), None) if now >= deadline => Beat::Ping,
            (Some(deadline), Some(_)) if now >= deadline => {
                // Who comes this late was asleep, and so couldn't read: the server gets another chance.
                let asleep = now.saturating_since(deadline) > Duration::from_secs(LATE_WAKE_SECONDS);
                if asleep { Beat::Ping } else { Beat::Stale }
            }
            _ => Beat::Wait,
        }
    }

    /// A ping goes out: its payload.
    pub fn ping(&mut self, config: &HeartbeatConfig, now: Instant) -> [u8; 4] {
        self.number = self.number.wrapping_add(1);
        self.awaited = Some((now, now.saturating_add(config.timeout)));
        self.number.to_be_bytes()
    }

    /// Bytes came: the server lives, whatever they are.
    pub fn heard(&mut self, config: &HeartbeatConfig, now: Instant) {
        // Of what came before the ping, nothing counts.
        if let Some((_, late)) = &mut self.awaited {
            *late = now.saturating_add(config.timeout);
            if now.saturating_since(self.heard) > Duration::from_millis(FLOW_GAP_MILLIS) {
                self.flowing = now;
            }
        }
        self.heard = now;
    }

    /// A pong came: how long its ping took, if it answers the last one.
    pub fn pong(&mut self, config: &HeartbeatConfig, now: Instant, payload: &[u8]) -> Option<Duration> {
        let (sent, _) = self.awaited.filter(|_| payload == self.number.to_be_bytes())?;
        self.awaited = None;
        self.due = now.saturating_add(config.interval);
        Some(now.saturating_since(sent))
    }

    /// What stands in for a pong came: the next probe follows an interval later.
    pub fn answered(&mut self, config: &HeartbeatConfig, now: Instant) {
        self.awaited = None;
        self.due = now.saturating_add(config.interval);
    }

    /// Whether bytes flow and the answer to a ping behind them is late by more than [`HeartbeatConfig::patience`].
    pub fn is_overrun(&self, config: &HeartbeatConfig, now: Instant) -> bool {
        config.probe == Probe::Ping
            && self.awaited.is_some_and(|(sent, _)| now.saturating_since(sent.max(self.flowing)) > config.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: HeartbeatConfig = HeartbeatConfig::DEFAULT;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// A heartbeat whose first ping went out at 1 s.
    fn pinged() -> (Heartbeat, [u8; 4]) {
        let mut heartbeat = Heartbeat::new(at(0));
        assert_eq!(heartbeat.poll(&CONFIG, at(999)), Beat::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(1_000)), Beat::Ping);
        let payload = heartbeat.ping(&CONFIG, at(1_000));
        (heartbeat, payload)
    }

    #[test]
    fn pings_follow_each_other_and_are_timed() {
        let (mut heartbeat, payload) = pinged();
        assert_eq!(heartbeat.pong(&CONFIG, at(1_007), b"other"), None);
        assert_eq!(heartbeat.pong(&CONFIG, at(1_007), &payload), Some(Duration::from_millis(7)));
        assert_eq!(heartbeat.pong(&CONFIG, at(1_008), &payload), None, "once");
        assert_eq!(heartbeat.deadline(&CONFIG), Some(at(31_007)));
        assert_eq!(heartbeat.poll(&CONFIG, at(31_006)), Beat::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(31_007)), Beat::Ping);
    }

    #[test]
    fn a_silent_server_is_stale() {
        let (mut heartbeat, _) = pinged();
        assert_eq!(heartbeat.deadline(&CONFIG), Some(at(16_000)));
        assert_eq!(heartbeat.poll(&CONFIG, at(15_999)), Beat::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(16_000)), Beat::Stale);
    }

    #[test]
    fn any_byte_is_life() {
        let (mut heartbeat, _) = pinged();
        heartbeat.heard(&CONFIG, at(9_000));
        assert_eq!(heartbeat.poll(&CONFIG, at(23_999)), Beat::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(24_000)), Beat::Stale);
    }

    #[test]
    fn who_slept_asks_again() {
        let (mut heartbeat, first) = pinged();
        assert_eq!(heartbeat.poll(&CONFIG, at(21_000)), Beat::Stale);
        assert_eq!(heartbeat.poll(&CONFIG, at(21_001)), Beat::Ping);
        assert_ne!(heartbeat.ping(&CONFIG, at(3_600_000)), first);
        assert_eq!(heartbeat.poll(&CONFIG, at(3_615_000)), Beat::Stale);
    }

    #[test]
    fn a_late_answer_behind_bytes_that_flow_is_an_overrun() {
        let (mut heartbeat, payload) = pinged();
        for millis in (1_000..=6_000).step_by(500) {
            heartbeat.heard(&CONFIG, at(millis));
            assert!(!heartbeat.is_overrun(&CONFIG, at(millis)));
        }
        heartbeat.heard(&CONFIG, at(6_001));
        assert!(heartbeat.is_overrun(&CONFIG, at(6_001)));
        heartbeat.pong(&CONFIG, at(6_002), &payload);
        assert!(!heartbeat.is_overrun(&CONFIG, at(6_002)));
    }

    #[test]
    fn bytes_after_a_silence_are_no_overrun() {
        let (mut heartbeat, _) = pinged();
        heartbeat.heard(&CONFIG, at(7_000));
        assert!(!heartbeat.is_overrun(&CONFIG, at(7_000)), "the server was busy, or the network");
    }

    #[test]
    fn there_may_be_none() {
        let mut heartbeat = Heartbeat::new(at(0));
        assert_eq!(heartbeat.deadline(&HeartbeatConfig::OFF), None);
        assert_eq!(heartbeat.poll(&HeartbeatConfig::OFF, at(9_999_999)), Beat::Wait);
    }
}
