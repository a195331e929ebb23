//! WS2812 and its kin: what a strip of LEDs wants to hear, as pulses for whatever makes them.

use smart_leds_trait::RGB8;

/// A wire that is high, and then low, for so many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Nanoseconds that it is high.
    pub high: u16,
    /// Nanoseconds that it is low then.
    pub low: u16,
}

/// A 0 and a 1: within what the data sheets of WS2812B, WS2812B-V5 and SK6812 all allow, and multiples of 50 ns.
pub const ZERO: Pulse = Pulse { high: 350, low: 800 };
/// See [`ZERO`].
pub const ONE: Pulse = Pulse { high: 700, low: 600 };

/// Nanoseconds that the wire is low until the LEDs show what they were told: WS2812B-V5 wants more than 280 µs.
pub const RESET: u32 = 300_000;

/// Pulses that an LED takes.
pub const PULSES_PER_LED: usize = 24;

/// The pulses for `colours`, the first LED's first: green, red and blue, the highest bit of each first. [`RESET`] is to follow.
pub fn pulses(colours: &[RGB8]) -> impl Iterator<Item = Pulse> + '_ {
    colours
        .iter()
        .flat_map(|colour| [colour.g, colour.r, colour.b])
        .flat_map(|byte| (0..8).rev().map(move |bit| if byte >> bit & 1 == 1 { ONE } else { ZERO }))
}
