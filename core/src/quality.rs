//! How good the connection is: what it carries, what gets lost, how long things take.

use crate::time::{Duration, Instant};

/// Parts that the last minute is counted in.
const PARTS: usize = 6;
const PART: Duration = Duration::from_secs(10);

/// Figures of a session's connection. Counts stay at their end rather than begin again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quality {
    /// Messages of the socket received whole, text and binary.
    pub messages: u32,
    /// Bytes received on the socket.
    pub bytes: u64,
    /// Notes that delivery queues took in, as the host tells.
    pub queued: u32,
    /// Notes that they dropped since there was no room: a subscriber was too slow.
    pub dropped: u32,
    /// Notes that a later one took the place of, which loses nothing.
    pub merged: u32,
    /// Paints, as the host tells.
    pub paints: u32,
    latency_last: Micros,
    latency_max: Micros,
    latency: Micros,
    message_time: Micros,
    paint_time: Micros,
    /// When the socket opened, while it is open.
    pub(crate) established: Option<Instant>,
    /// The last minute in parts, the newest at `newest`, which began at `begun`.
    parts: [Part; PARTS],
    newest: usize,
    begun: Instant,
}

/// A span that was measured, in microseconds and one more: 0 where none was. It ends at 71 minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Micros(u32);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Part {
    messages: u32,
    dropped: u32,
    paints: u32,
}

/// Something that was measured or counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sample {
    /// Bytes of the socket were read.
    Read {
        /// How many.
        bytes: u32,
        /// Messages that ended with them.
        messages: u32,
        /// How long it took to take them in.
        took: Duration,
    },
    /// A ping was answered after this.
    Pong(Duration),
    /// The host painted, which took so long.
    Painted(Duration),
    /// Delivery queues took so many notes in, dropped and merged so many, since this was told last.
    Queued {
        /// Taken in.
        queued: u32,
        /// Dropped.
        dropped: u32,
        /// Merged.
        merged: u32,
    },
}

impl Quality {
    /// Nothing was measured.
    pub const fn new() -> Self {
        Self {
            messages: 0,
            bytes: 0,
            queued: 0,
            dropped: 0,
            merged: 0,
            paints: 0,
            latency_last: Micros::NONE,
            latency_max: Micros::NONE,
            latency: Micros::NONE,
            message_time: Micros::NONE,
            paint_time: Micros::NONE,
            established: None,
            parts: [Part { messages: 0, dropped: 0, paints: 0 }; PARTS],
            newest: 0,
            begun: Instant::ZERO,
        }
    }

    pub(crate) fn take(&mut self, now: Instant, sample: Sample) {
        self.turn(now);
        let mut none = Part::default();
        let part = self.parts.get_mut(self.newest).unwrap_or(&mut none);
        match sample {
            Sample::Read { bytes, messages, took } => {
                self.bytes = self.bytes.saturating_add(bytes.into());
                add(&mut self.messages, messages);
                add(&mut part.messages, messages);
                if let Some(each) = saturated(took.as_micros()).checked_div(messages) {
                    self.message_time.smooth(Micros::of(Duration::from_micros(each.into())));
                }
            }
            Sample::Pong(took) => {
                let took = Micros::of(took);
                self.latency_last = took;
                self.latency_max = self.latency_max.max(took);
                self.latency.smooth(took);
            }
            Sample::Painted(took) => {
                add(&mut self.paints, 1);
                add(&mut part.paints, 1);
                self.paint_time.smooth(Micros::of(took));
            }
            Sample::Queued { queued, dropped, merged } => {
                add(&mut self.queued, queued);
                add(&mut self.dropped, dropped);
                add(&mut self.merged, merged);
                add(&mut part.dropped, dropped);
            }
        }
    }

    /// The time that a ping takes, smoothed as TCP does (RFC 6298: an eighth of the newest).
    pub fn latency(&self) -> Option<Duration> {
        self.latency.get()
    }

    /// The last time that a ping took.
    pub fn latency_last(&self) -> Option<Duration> {
        self.latency_last.get()
    }

    /// The longest that a ping took.
    pub fn latency_max(&self) -> Option<Duration> {
        self.latency_max.get()
    }

    /// The time that a message takes from its bytes to the state, smoothed alike; known as far as the host's clock moves
    /// between [`handle_input`](crate::session::Session::handle_input) and what follows.
    pub fn message_time(&self) -> Option<Duration> {
        self.message_time.get()
    }

    /// The time that a paint takes, smoothed alike, as the host tells.
    pub fn paint_time(&self) -> Option<Duration> {
        self.paint_time.get()
    }

    /// How long the socket has been open.
    pub fn uptime(&self, now: Instant) -> Option<Duration> {
        self.established.map(|established| now.saturating_since(established))
    }

    /// Notes dropped for each message of the last minute, in thousandths; `u32::MAX` thousandths at most.
    pub fn drop_rate(&self, now: Instant) -> u32 {
        let (messages, dropped) = self.last_minute(now, |part| (part.messages, part.dropped));
        u64::from(dropped).saturating_mul(1_000).checked_div(messages.max(1).into()).map_or(0, saturated)
    }

    /// Paints a second in the last minute, in thousandths.
    pub fn update_rate(&self, now: Instant) -> u32 {
        let (paints, _) = self.last_minute(now, |part| (part.paints, 0));
        saturated(u64::from(paints).saturating_mul(1_000) / 60)
    }

    fn last_minute(&self, now: Instant, of: impl Fn(&Part) -> (u32, u32)) -> (u32, u32) {
        let mut turned = Self { parts: self.parts, newest: self.newest, begun: self.begun, ..Self::new() };
        turned.turn(now);
        turned.parts.iter().map(of).fold((0, 0), |(a, b), (c, d)| (a.saturating_add(c), b.saturating_add(d)))
    }

    /// Begins the parts that have come since.
    fn turn(&mut self, now: Instant) {
        for _ in 0..PARTS {
            if now.saturating_since(self.begun) < PART {
                return;
            }
            self.begun = self.begun.saturating_add(PART);
            self.newest = if self.newest.saturating_add(1) < PARTS { self.newest.saturating_add(1) } else { 0 };
            if let Some(part) = self.parts.get_mut(self.newest) {
                *part = Part::default();
            }
        }
        if now.saturating_since(self.begun) >= PART {
            self.begun = now;
        }
    }
}

fn add(count: &mut u32, more: u32) {
    *count = count.saturating_add(more);
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Micros {
    const NONE: Self = Self(0);

    fn of(span: Duration) -> Self {
        Self(saturated(span.as_micros()).saturating_add(1))
    }

    fn get(self) -> Option<Duration> {
        self.0.checked_sub(1).map(|micros| Duration::from_micros(micros.into()))
    }

    /// An eighth of the way to `newest`.
    fn smooth(&mut self, newest: Self) {
        let before = if *self == Self::NONE { newest } else { *self };
        let up = newest.0.saturating_sub(before.0) / 8;
        let down = before.0.saturating_sub(newest.0) / 8;
        *self = Self(before.0.saturating_add(up).saturating_sub(down));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn read(messages: u32, micros: u64) -> Sample {
        Sample::Read { bytes: 100, messages, took: Duration::from_micros(micros) }
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn latency_is_smoothed_and_its_worst_kept() {
        let mut quality = Quality::new();
        for took in [80, 80, 160, 80] {
            quality.take(at(0), Sample::Pong(Duration::from_millis(took)));
        }
        assert_eq!((quality.latency_last(), quality.latency_max()), (Some(millis(80)), Some(millis(160))));
        assert_eq!(quality.latency(), Some(Duration::from_micros(88_750)));
    }

    #[test]
    fn the_drop_rate_is_that_of_the_last_minute() {
        let mut quality = Quality::new();
        assert_eq!(quality.drop_rate(at(0)), 0);
        quality.take(at(5), read(8, 80));
        quality.take(at(5), Sample::Queued { queued: 8, dropped: 2, merged: 1 });
        assert_eq!(quality.drop_rate(at(5)), 250);
        quality.take(at(15), read(8, 0));
        assert_eq!(quality.drop_rate(at(59)), 125);
        assert_eq!(quality.drop_rate(at(60)), 0, "the first ten seconds are a minute ago");
        assert_eq!(quality.drop_rate(at(100_000)), 0);
        assert_eq!((quality.messages, quality.queued, quality.dropped, quality.merged), (16, 8, 2, 1));
        assert_eq!(quality.message_time(), Some(Duration::from_micros(9)));
    }

    #[test]
    fn paints_are_counted_and_timed() {
        let mut quality = Quality::new();
        for second in 0..60 {
            quality.take(at(second), Sample::Painted(Duration::from_millis(4)));
        }
        assert_eq!((quality.paints, quality.update_rate(at(59)), quality.paint_time()), (60, 1_000, Some(millis(4))));
    }

    #[test]
    fn a_gap_of_hours_leaves_nothing_of_before() {
        let mut quality = Quality::new();
        quality.take(at(0), Sample::Queued { queued: 1, dropped: 1, merged: 0 });
        quality.take(at(7_200), read(1, 0));
        assert_eq!(quality.drop_rate(at(7_200)), 0);
        quality.take(at(7_205), Sample::Queued { queued: 1, dropped: 1, merged: 0 });
        assert_eq!(quality.drop_rate(at(7_206)), 1_000);
        assert_eq!(quality.uptime(at(1)), None);
    }
}
