//! A strip of RGB LEDs, seen from across the room.

use comfyglow_core::time::Instant;
pub use smart_leds_trait::RGB8;

use crate::{curve::eased, scene::Scene, story::Kind};

/// The colours: blue, bluish green, vermilion and amber, which eyes that lack any one kind of cone tell apart; how they
/// move says the same.
const BLUE: RGB8 = RGB8 { r: 0, g: 90, b: 255 };
const GREEN: RGB8 = RGB8 { r: 0, g: 255, b: 110 };
const RED: RGB8 = RGB8 { r: 255, g: 50, b: 0 };
const AMBER: RGB8 = RGB8 { r: 255, g: 150, b: 0 };
const WHITE: RGB8 = RGB8 { r: 255, g: 220, b: 180 };

/// Parts that shares are reckoned in.
const ONE: u32 = 65_536;

/// Sets the colours of a strip, its first LED where the bar begins; none of their channels is brighter than `brightness`.
///
/// - Running: a blue bar, its last LED as bright as its share; where nobody knows how far it is, a blue light wanders.
/// - Done: all green, steady. Failed, or in need of a person: all vermilion, in double flashes. Interrupted, or ended
///   nobody knows how: every other LED amber.
/// - Ready: a faint white breath. Connecting, or joining the network: a blue one. Not set up: a blue one at both ends only.
///   No network: an amber one at both ends. Offline: an amber one, at the first LED only. Started again by a fault: every
///   other LED amber.
pub fn paint(scene: &Scene<'_>, now: Instant, strip: &mut [RGB8], brightness: u8) {
    let kind = Kind::of(scene);
    let prompt = scene.view.as_ref().and_then(|view| view.prompt.as_ref());
    let share = prompt.and_then(|prompt| prompt.percentage.map(|truth| scene.percentage.unwrap_or(truth)));
    let share = share.map(|share| u64::from(share.millionths()));
    let long = u64::try_from(strip.len()).unwrap_or(u64::MAX);
    for (place, led) in strip.iter_mut().enumerate() {
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        let (colour, level) = match kind {
            Kind::Running => {
                (BLUE, share.map_or_else(|| wandering(now, place, long), |share| filled(share, place, long)))
            }
            Kind::Done => (GREEN, ONE),
            Kind::Failed | Kind::Person => (RED, flashes(now)),
            Kind::Stopped | Kind::Ended | Kind::Notice => (AMBER, if place % 2 == 0 { ONE } else { 0 }),
            Kind::Idle => (WHITE, breath(now, 6_000) / 3),
            Kind::Starting | Kind::Joining | Kind::Connecting => (BLUE, breath(now, 2_500) / 2),
            // What the server has no part in is at both ends.
            Kind::Unset => (BLUE, if place == 0 || place + 1 == long { breath(now, 2_500) } else { 0 }),
            Kind::NoNetwork => (AMBER, if place == 0 || place + 1 == long { breath(now, 4_000) } else { 0 }),
            Kind::Offline | Kind::Circuit | Kind::Busy | Kind::Courtesy => {
                (AMBER, if place == 0 { breath(now, 4_000) } else { 0 })
            }
        };
        let channel = |full: u8| {
            let value = u64::from(full) * u64::from(perceived(level)) * u64::from(brightness) / (255 * u64::from(ONE));
            u8::try_from(value).unwrap_or(brightness)
        };
        *led = RGB8 { r: channel(colour.r), g: channel(colour.g), b: channel(colour.b) };
    }
}

/// How full the LED at `place` of `long` is, in parts of [`ONE`], where the bar has so many millionths of a percent.
fn filled(millionths: u64, place: u64, long: u64) -> u32 {
    const WHOLE: u64 = 100_000_000;
    let reached = millionths.saturating_mul(long).saturating_sub(place.saturating_mul(WHOLE)).min(WHOLE);
    u32::try_from(reached * u64::from(ONE) / WHOLE).unwrap_or(ONE)
}

/// A light three LEDs wide that goes to and fro.
fn wandering(now: Instant, place: u64, long: u64) -> u32 {
    let way = u64::from(swing(now, 3_000)) * long.saturating_sub(1);
    let apart = way.abs_diff(place.saturating_mul(u64::from(ONE)));
    let reach = 2 * u64::from(ONE);
    u32::try_from(reach.saturating_sub(apart) / 2).unwrap_or(0)
}

/// Up and down again in so many milliseconds, slower at the ends.
fn swing(now: Instant, period: u32) -> u32 {
    let phase = u32::try_from(now.as_micros() / 1_000 % u64::from(period)).unwrap_or(0);
    let half = period / 2;
    let way = if phase < half { phase } else { period - phase };
    eased(u32::try_from(u64::from(way) * u64::from(ONE) / u64::from(half.max(1))).unwrap_or(ONE))
}

/// A breath, which never goes out.
fn breath(now: Instant, period: u32) -> u32 {
    ONE / 5 + swing(now, period) / 5 * 4
}

/// Two flashes, then a steady light for the rest of 3 s, so that it is seen at any moment.
fn flashes(now: Instant) -> u32 {
    match now.as_micros() / 1_000 % 3_000 {
        0..=119 | 240..=359 => ONE,
        120..=239 | 360..=479 => 0,
        _ => ONE / 3 * 2,
    }
}

/// What an eye takes for `level`: it tells dark shades apart better than bright ones.
fn perceived(level: u32) -> u32 {
    let level = u64::from(level.min(ONE));
    u32::try_from(level * level / u64::from(ONE)).unwrap_or(ONE)
}
