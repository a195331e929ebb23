//! The quality of the connection: traffic, losses and delays.

use crate::time::{Duration, Instant};

/// The last minute is counted in this many buckets.
const BUCKETS: usize = 6;
const BUCKET_SPAN: Duration = Duration::from_secs(10);

/// Figures about a session's connection. Counters saturate.
///
/// ```
/// use comfyglow_core::{
///     capacity::GadgetCapacity,
///     session::{Config, Session},
///     time::{Duration, Instant},
/// };
///
/// let session = Session::<GadgetCapacity>::new(Config::new("desk:8188"), 1);
/// let (quality, now) = (session.state().quality(), Instant::ZERO);
/// let micros = |time: Option<Duration>| time.map(Duration::as_micros);
/// println!("connected for {:?} µs, ping {:?} µs", micros(quality.uptime(now)), micros(quality.latency()));
/// println!("{} messages, {:?} µs each", quality.messages, micros(quality.message_time()));
/// println!("{} dropped notes per 1,000 messages", quality.drop_rate(now));
/// println!("{} paints per 1,000 s, {:?} µs each", quality.update_rate(now), micros(quality.paint_time()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quality {
    /// Number of complete messages received on the socket, text and binary.
    pub messages: u32,
    /// Number of bytes received on the socket.
    pub bytes: u64,
    /// Number of notes that delivery queues accepted, as reported by the host.
    pub queued: u32,
    /// Number of notes that full delivery queues dropped: a subscriber was too slow.
    pub dropped: u32,
    /// Number of notes that a later one replaced. That loses nothing.
    pub merged: u32,
    /// Number of paints, as reported by the host.
    pub paints: u32,
    latency: OptionalMicros,
    message_time: OptionalMicros,
    paint_time: OptionalMicros,
    /// When the socket opened, while it is open.
    pub(crate) established: Option<Instant>,
    /// The last minute, as a ring.
    buckets: [Bucket; BUCKETS],
    /// Index of the current bucket.
    newest: usize,
    /// When the current bucket began.
    newest_since: Instant,
}

/// A measured time in microseconds plus 1, at most 71 minutes; 0 if nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct OptionalMicros(u32);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Bucket {
    messages: u32,
    dropped: u32,
    paints: u32,
}

/// A measurement or count that goes into [`Quality`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sample {
    /// The session read bytes from the socket.
    Read {
        /// Number of bytes.
        bytes: u32,
        /// Number of messages that ended in these bytes.
        messages: u32,
        /// How long the session took to process them.
        took: Duration,
    },
    /// A pong arrived this long after its ping.
    Pong(Duration),
    /// The host painted, and took this long.
    Painted(Duration),
    /// What delivery queues did since the host last reported it.
    Queued {
        /// Number of notes accepted.
        queued: u32,
        /// Number of notes dropped.
        dropped: u32,
        /// Number of notes replaced by later ones.
        merged: u32,
    },
}

impl Quality {
    /// Creates figures of a connection that was not measured yet.
    pub const fn new() -> Self {
        Self {
            messages: 0,
            bytes: 0,
            queued: 0,
            dropped: 0,
            merged: 0,
            paints: 0,
            latency: OptionalMicros::NONE,
            message_time: OptionalMicros::NONE,
            paint_time: OptionalMicros::NONE,
            established: None,
            buckets: [Bucket { messages: 0, dropped: 0, paints: 0 }; BUCKETS],
            newest: 0,
            newest_since: Instant::ZERO,
        }
    }

    pub(crate) fn add(&mut self, now: Instant, sample: Sample) {
        self.advance(now);
        let mut none = Bucket::default();
        let bucket = self.buckets.get_mut(self.newest).unwrap_or(&mut none);
        match sample {
            Sample::Read { bytes, messages, took } => {
                self.bytes = self.bytes.saturating_add(bytes.into());
                saturating_add_to(&mut self.messages, messages);
                saturating_add_to(&mut bucket.messages, messages);
                if let Some(each) = saturating_u32(took.as_micros()).checked_div(messages) {
                    self.message_time.smooth(OptionalMicros::new(Duration::from_micros(each.into())));
                }
            }
            Sample::Pong(took) => self.latency.smooth(OptionalMicros::new(took)),
            Sample::Painted(took) => {
                saturating_add_to(&mut self.paints, 1);
                saturating_add_to(&mut bucket.paints, 1);
                self.paint_time.smooth(OptionalMicros::new(took));
            }
            Sample::Queued { queued, dropped, merged } => {
                saturating_add_to(&mut self.queued, queued);
                saturating_add_to(&mut self.dropped, dropped);
                saturating_add_to(&mut self.merged, merged);
                saturating_add_to(&mut bucket.dropped, dropped);
            }
        }
    }

    /// The time from ping to pong, smoothed as in TCP (RFC 6298: the newest counts for an eighth); `None` before the
    /// first.
    pub fn latency(&self) -> Option<Duration> {
        self.latency.get()
    }

    /// The time from a message's bytes to the changed state, smoothed likewise; `None` before the first message.
    ///
    /// It is right only if the host's clock moves between [`handle_input`](crate::session::Session::handle_input) and
    /// the next call.
    pub fn message_time(&self) -> Option<Duration> {
        self.message_time.get()
    }

    /// The time that a paint takes, smoothed likewise; `None` before the host reports the first.
    pub fn paint_time(&self) -> Option<Duration> {
        self.paint_time.get()
    }

    /// How long the socket has been open; `None` while it is not.
    pub fn uptime(&self, now: Instant) -> Option<Duration> {
        self.established.map(|established| now.saturating_since(established))
    }

    /// Notes dropped per message in the last minute, in thousandths; 0 without any, saturates at `u32::MAX`.
    pub fn drop_rate(&self, now: Instant) -> u32 {
        let (messages, dropped) = self.last_minute(now, |bucket| (bucket.messages, bucket.dropped));
        u64::from(dropped).saturating_mul(1_000).checked_div(messages.max(1).into()).map_or(0, saturating_u32)
    }

    /// Paints per second in the last minute, in thousandths.
    pub fn update_rate(&self, now: Instant) -> u32 {
        let (paints, _) = self.last_minute(now, |bucket| (bucket.paints, 0));
        saturating_u32(u64::from(paints).saturating_mul(1_000) / 60)
    }

    fn last_minute(&self, now: Instant, of: impl Fn(&Bucket) -> (u32, u32)) -> (u32, u32) {
        let mut current =
            Self { buckets: self.buckets, newest: self.newest, newest_since: self.newest_since, ..Self::new() };
        current.advance(now);
        current.buckets.iter().map(of).fold((0, 0), |(a, b), (c, d)| (a.saturating_add(c), b.saturating_add(d)))
    }

    /// Moves to the bucket that contains `now`, and clears those on the way.
    fn advance(&mut self, now: Instant) {
        for _ in 0..BUCKETS {
            if now.saturating_since(self.newest_since) < BUCKET_SPAN {
                return;
            }
            self.newest_since = self.newest_since.saturating_add(BUCKET_SPAN);
            self.newest = if self.newest.saturating_add(1) < BUCKETS { self.newest.saturating_add(1) } else { 0 };
            if let Some(bucket) = self.buckets.get_mut(self.newest) {
                *bucket = Bucket::default();
            }
        }
        if now.saturating_since(self.newest_since) >= BUCKET_SPAN {
            self.newest_since = now;
        }
    }
}

fn saturating_add_to(count: &mut u32, more: u32) {
    *count = count.saturating_add(more);
}

fn saturating_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl OptionalMicros {
    const NONE: Self = Self(0);

    fn new(span: Duration) -> Self {
        Self(saturating_u32(span.as_micros()).saturating_add(1))
    }

    fn get(self) -> Option<Duration> {
        self.0.checked_sub(1).map(|micros| Duration::from_micros(micros.into()))
    }

    /// Moves an eighth of the way to `newest`.
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
    fn quality_after_pongs_has_smoothed_latency() {
        let mut quality = Quality::new();
        for took in [80, 80, 160, 80] {
            quality.add(at(0), Sample::Pong(Duration::from_millis(took)));
        }
        assert_eq!(quality.latency(), Some(Duration::from_micros(88_750)));
    }

    #[test]
    fn quality_drop_rate_covers_the_last_minute() {
        let mut quality = Quality::new();
        assert_eq!(quality.drop_rate(at(0)), 0);
        quality.add(at(5), read(8, 80));
        quality.add(at(5), Sample::Queued { queued: 8, dropped: 2, merged: 1 });
        assert_eq!(quality.drop_rate(at(5)), 250);
        quality.add(at(15), read(8, 0));
        assert_eq!(quality.drop_rate(at(59)), 125);
        assert_eq!(quality.drop_rate(at(60)), 0, "the first ten seconds are a minute ago");
        assert_eq!(quality.drop_rate(at(100_000)), 0);
        assert_eq!((quality.messages, quality.queued, quality.dropped, quality.merged), (16, 8, 2, 1));
        assert_eq!(quality.message_time(), Some(Duration::from_micros(9)));
    }

    #[test]
    fn quality_after_paints_counts_and_times_them() {
        let mut quality = Quality::new();
        for second in 0..60 {
            quality.add(at(second), Sample::Painted(Duration::from_millis(4)));
        }
        assert_eq!((quality.paints, quality.update_rate(at(59)), quality.paint_time()), (60, 1_000, Some(millis(4))));
    }

    #[test]
    fn quality_after_hours_without_samples_forgets_them() {
        let mut quality = Quality::new();
        quality.add(at(0), Sample::Queued { queued: 1, dropped: 1, merged: 0 });
        quality.add(at(7_200), read(1, 0));
        assert_eq!(quality.drop_rate(at(7_200)), 0);
        quality.add(at(7_205), Sample::Queued { queued: 1, dropped: 1, merged: 0 });
        assert_eq!(quality.drop_rate(at(7_206)), 1_000);
        assert_eq!(quality.uptime(at(1)), None);
    }
}
