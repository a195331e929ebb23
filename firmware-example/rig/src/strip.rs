//! A strip of LEDs, which decodes what it hears as the data sheets say.

use std::ops::RangeInclusive;

/// What an LED takes for a 0, for a 1, and for the end: nanoseconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Its name.
    pub name: &'static str,
    /// A 0 is high, then low, for so long.
    pub zero: (RangeInclusive<u32>, RangeInclusive<u32>),
    /// A 1.
    pub one: (RangeInclusive<u32>, RangeInclusive<u32>),
    /// It is low for longer than this at the end.
    pub reset: u32,
}

/// The LEDs that are sold as WS2812.
pub const ALL: [Timing; 3] = [
    Timing { name: "WS2812B", zero: (250..=550, 700..=1_000), one: (650..=950, 300..=600), reset: 50_000 },
    Timing { name: "WS2812B-V5", zero: (220..=380, 580..=1_000), one: (580..=1_000, 580..=1_000), reset: 280_000 },
    Timing { name: "SK6812", zero: (150..=450, 750..=1_050), one: (450..=750, 450..=750), reset: 80_000 },
];

/// What LEDs of that timing show after these pulses, each high and then low for so many nanoseconds: red, green and blue.
///
/// # Panics
///
/// They would misread a pulse, or show nothing as the end is missing.
pub fn decode(timing: &Timing, pulses: &[(u32, u32)]) -> Vec<[u8; 3]> {
    let name = timing.name;
    let (last, _) = pulses.split_last().unwrap_or_else(|| panic!("{name}: nothing is said"));
    assert!(last.1 >= timing.reset, "{name}: {} ns is no end", last.1);
    let count = pulses.len();
    let bits: Vec<bool> = pulses
        .iter()
        .enumerate()
        .map(|(place, &(high, low))| {
            let is = |bit: &(RangeInclusive<u32>, RangeInclusive<u32>)| {
                // The last low goes over into the end.
                bit.0.contains(&high) && (bit.1.contains(&low) || place + 1 == count)
            };
            match (is(&timing.zero), is(&timing.one)) {
                (true, false) => false,
                (false, true) => true,
                _ => panic!("{name}: a pulse of {high} and {low} ns"),
            }
        })
        .collect();
    assert_eq!(bits.len() % 24, 0, "{name}: an LED has 24 bits");
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(24).map(|led| [byte(&led[8..16]), byte(&led[..8]), byte(&led[16..])]).collect()
}
