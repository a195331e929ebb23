//! The heartbeat: pings that measure the latency and detect a dead server.
//!
//! ComfyUI never sends pings. It answers each ping at once, after whatever it is sending (aiohttp's autoping).

use crate::{
    limits::{FLOW_GAP_MILLIS, LATE_WAKE_SECONDS},
    time::{Duration, Instant},
};

/// Configures when to ping and how long to wait for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeartbeatConfig {
    /// Time between a pong and the next ping. Zero means no pings, and a dead server is noticed late.
    ///
    /// Proxies close connections that are silent for a minute.
    pub interval: Duration,
    /// How long a ping may wait without any byte from the server. After that the connection is stale.
    pub timeout: Duration,
    /// How late a pong may be while bytes arrive. A later one means that this client reads too slowly.
    ///
    /// A slow client delays all clients of the server, because the server sends to one after the other.
    pub patience: Duration,
    /// How to probe the server. A [`Wire`](crate::wire::Wire) always pings.
    pub probe: Probe,
}

/// How a heartbeat checks that the server is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Probe {
    /// By a ping of the WebSocket. Its pong arrives after everything that the server sent before.
    Ping,
    /// By `GET /prompt`, for hosts that can't ping, such as a browser. Its response shows the latency and that the
    /// server is alive, but not whether this client keeps up: [`HeartbeatConfig::patience`] has no effect.
    Request,
}

impl HeartbeatConfig {
    /// A ping every 30 s, stale after 15 s without a byte, too slow if a pong is 5 s late.
    pub const DEFAULT: Self = Self {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(15),
        patience: Duration::from_secs(5),
        probe: Probe::Ping,
    };
    /// As [`DEFAULT`](Self::DEFAULT), but by requests: for hosts that can't ping.
    pub const BY_REQUEST: Self = Self { probe: Probe::Request, ..Self::DEFAULT };
    /// No pings.
    pub const OFF: Self = Self { interval: Duration::ZERO, ..Self::DEFAULT };
}

/// What to do for the heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HeartbeatAction {
    /// Nothing until the next [deadline](Heartbeat::deadline).
    Wait,
    /// Send a ping with the payload of [`Heartbeat::ping`].
    Ping,
    /// Close the connection: the server is gone.
    Stale,
}

/// The heartbeat of one connection.
///
/// ```
/// use comfyglow_core::{
///     heartbeat::{HeartbeatAction, Heartbeat, HeartbeatConfig},
///     time::{Duration, Instant},
/// };
///
/// let config = HeartbeatConfig::DEFAULT;
/// let mut heartbeat = Heartbeat::new(Instant::ZERO);
/// let first = heartbeat.deadline(&config).unwrap();
/// assert_eq!(heartbeat.poll(&config, first), HeartbeatAction::Ping);
/// let payload = heartbeat.ping(&config, first);
/// // Send the ping. The pong arrives 20 ms later.
/// let latency = heartbeat.pong(&config, first.saturating_add(Duration::from_millis(20)), &payload);
/// assert_eq!(latency, Some(Duration::from_millis(20)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Heartbeat {
    /// When the next ping is due.
    due: Instant,
    /// The ping that waits for its pong: when it was sent, and when the connection becomes stale.
    awaited: Option<(Instant, Instant)>,
    /// Number of pings sent. It is the payload, so that no other pong is mistaken for the answer.
    number: u32,
    /// When bytes last arrived.
    last_received: Instant,
    /// Since when bytes have arrived without a gap, while a ping waits.
    flowing_since: Instant,
}

impl Heartbeat {
    /// Creates the heartbeat of a connection that opened at `now`.
    ///
    /// The first ping is due a second later, so that the latency is known soon.
    pub const fn new(now: Instant) -> Self {
        let due = now.saturating_add(Duration::from_secs(1));
        Self { due, awaited: None, number: 0, last_received: now, flowing_since: now }
    }

    /// When to call [`poll`](Self::poll) next; `None` if pings are off.
    pub fn deadline(&self, config: &HeartbeatConfig) -> Option<Instant> {
        (config.interval > Duration::ZERO).then(|| self.awaited.map_or(self.due, |(_, stale_at)| stale_at))
    }

    /// Returns what to do at `now`.
    pub fn poll(&mut self, config: &HeartbeatConfig, now: Instant) -> HeartbeatAction {
        match (self.deadline(config), self.awaited) {
            (Some(deadline), None) if now >= deadline => HeartbeatAction::Ping,
            (Some(deadline), Some(_)) if now >= deadline => {
                // A host that polls this late was asleep and couldn't read. The server gets another chance.
                let asleep = now.saturating_since(deadline) > Duration::from_secs(LATE_WAKE_SECONDS);
                if asleep { HeartbeatAction::Ping } else { HeartbeatAction::Stale }
            }
            _ => HeartbeatAction::Wait,
        }
    }

    /// Notes that a ping is sent, and returns its payload.
    pub fn ping(&mut self, config: &HeartbeatConfig, now: Instant) -> [u8; 4] {
        self.number = self.number.wrapping_add(1);
        self.awaited = Some((now, now.saturating_add(config.timeout)));
        self.number.to_be_bytes()
    }

    /// Notes that bytes arrived. Any byte shows that the server is alive.
    pub fn received(&mut self, config: &HeartbeatConfig, now: Instant) {
        // Bytes that arrived before the ping don't count.
        if let Some((_, stale_at)) = &mut self.awaited {
            *stale_at = now.saturating_add(config.timeout);
            if now.saturating_since(self.last_received) > Duration::from_millis(FLOW_GAP_MILLIS) {
                self.flowing_since = now;
            }
        }
        self.last_received = now;
    }

    /// Notes a pong and returns how long its ping took; `None` unless it answers the last ping.
    pub fn pong(&mut self, config: &HeartbeatConfig, now: Instant, payload: &[u8]) -> Option<Duration> {
        let (sent, _) = self.awaited.filter(|_| payload == self.number.to_be_bytes())?;
        self.answered(config, now);
        Some(now.saturating_since(sent))
    }

    /// Takes in a response that stands in for a pong. The next probe follows after the interval.
    pub fn answered(&mut self, config: &HeartbeatConfig, now: Instant) {
        self.awaited = None;
        self.due = now.saturating_add(config.interval);
    }

    /// Notes that the response will not come, which says nothing of the connection. The next probe follows after the
    /// interval.
    pub fn excuse(&mut self, config: &HeartbeatConfig, now: Instant) {
        if self.awaited.is_some() {
            self.answered(config, now);
        }
    }

    /// Returns whether a pong is late by more than [`HeartbeatConfig::patience`] while bytes arrive.
    pub fn is_overrun(&self, config: &HeartbeatConfig, now: Instant) -> bool {
        config.probe == Probe::Ping
            && self
                .awaited
                .is_some_and(|(sent, _)| now.saturating_since(sent.max(self.flowing_since)) > config.patience)
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
        assert_eq!(heartbeat.poll(&CONFIG, at(999)), HeartbeatAction::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(1_000)), HeartbeatAction::Ping);
        let payload = heartbeat.ping(&CONFIG, at(1_000));
        (heartbeat, payload)
    }

    #[test]
    fn heartbeat_after_pong_times_it_and_schedules_the_next_ping() {
        let (mut heartbeat, payload) = pinged();
        assert_eq!(heartbeat.pong(&CONFIG, at(1_007), b"other"), None);
        assert_eq!(heartbeat.pong(&CONFIG, at(1_007), &payload), Some(Duration::from_millis(7)));
        assert_eq!(heartbeat.pong(&CONFIG, at(1_008), &payload), None, "once");
        assert_eq!(heartbeat.deadline(&CONFIG), Some(at(31_007)));
        assert_eq!(heartbeat.poll(&CONFIG, at(31_006)), HeartbeatAction::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(31_007)), HeartbeatAction::Ping);
    }

    #[test]
    fn heartbeat_without_bytes_is_stale_at_timeout() {
        let (mut heartbeat, _) = pinged();
        assert_eq!(heartbeat.deadline(&CONFIG), Some(at(16_000)));
        assert_eq!(heartbeat.poll(&CONFIG, at(15_999)), HeartbeatAction::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(16_000)), HeartbeatAction::Stale);
    }

    #[test]
    fn heartbeat_after_any_byte_restarts_the_timeout() {
        let (mut heartbeat, _) = pinged();
        heartbeat.received(&CONFIG, at(9_000));
        assert_eq!(heartbeat.poll(&CONFIG, at(23_999)), HeartbeatAction::Wait);
        assert_eq!(heartbeat.poll(&CONFIG, at(24_000)), HeartbeatAction::Stale);
    }

    #[test]
    fn heartbeat_polled_late_pings_again() {
        let (mut heartbeat, first) = pinged();
        assert_eq!(heartbeat.poll(&CONFIG, at(21_000)), HeartbeatAction::Stale);
        assert_eq!(heartbeat.poll(&CONFIG, at(21_001)), HeartbeatAction::Ping);
        assert_ne!(heartbeat.ping(&CONFIG, at(3_600_000)), first);
        assert_eq!(heartbeat.poll(&CONFIG, at(3_615_000)), HeartbeatAction::Stale);
    }

    #[test]
    fn heartbeat_with_late_pong_among_bytes_is_overrun() {
        let (mut heartbeat, payload) = pinged();
        for millis in (1_000..=6_000).step_by(500) {
            heartbeat.received(&CONFIG, at(millis));
            assert!(!heartbeat.is_overrun(&CONFIG, at(millis)));
        }
        heartbeat.received(&CONFIG, at(6_001));
        assert!(heartbeat.is_overrun(&CONFIG, at(6_001)));
        heartbeat.pong(&CONFIG, at(6_002), &payload);
        assert!(!heartbeat.is_overrun(&CONFIG, at(6_002)));
    }

    #[test]
    fn heartbeat_with_bytes_after_silence_is_not_overrun() {
        let (mut heartbeat, _) = pinged();
        heartbeat.received(&CONFIG, at(7_000));
        assert!(!heartbeat.is_overrun(&CONFIG, at(7_000)), "the server or the network was busy");
    }

    #[test]
    fn heartbeat_disabled_sends_no_ping() {
        let mut heartbeat = Heartbeat::new(at(0));
        assert_eq!(heartbeat.deadline(&HeartbeatConfig::OFF), None);
        assert_eq!(heartbeat.poll(&HeartbeatConfig::OFF, at(9_999_999)), HeartbeatAction::Wait);
    }
}
