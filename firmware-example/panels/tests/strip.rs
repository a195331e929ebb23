//! LEDs: whoever was sold as WS2812 understands what it is told.

use comfyglow_panels::ws2812::{ONE, PULSES_PER_LED, Pulse, RESET, ZERO, pulses};
use comfyglow_rig::strip::{ALL, decode};
use smart_leds_trait::RGB8;

#[test]
fn leds_show_what_they_are_told() {
    let mut seed = 7_u32;
    let mut byte = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_le_bytes()[3]
    };
    let colours: Vec<_> = (0..144).map(|_| RGB8::new(byte(), byte(), byte())).collect();
    let told: Vec<Pulse> = pulses(&colours).collect();
    assert_eq!(told.len(), colours.len() * PULSES_PER_LED);
    let mut told: Vec<_> = told.iter().map(|pulse| (u32::from(pulse.high), u32::from(pulse.low))).collect();
    told.last_mut().unwrap().1 += RESET;
    for timing in ALL {
        let shown: Vec<_> = decode(&timing, &told).iter().map(|&[r, g, b]| RGB8 { r, g, b }).collect();
        assert_eq!(shown, colours, "{}", timing.name);
    }
}

#[test]
fn the_first_colour_is_green() {
    let told: Vec<_> = pulses(&[RGB8::new(0x00, 0x80, 0x01)]).collect();
    let mut wanted = [ZERO; 24];
    wanted[0] = ONE;
    wanted[23] = ONE;
    assert_eq!(told, wanted);
}

#[test]
fn pulses_are_ticks_of_50_ns() {
    for part in [ZERO.high, ZERO.low, ONE.high, ONE.low] {
        assert_eq!(part % 50, 0);
    }
    assert_eq!(RESET % 50, 0);
}

#[test]
#[should_panic(expected = "is no end")]
fn without_an_end_nothing_is_shown() {
    decode(&ALL[0], &[(350, 800); 24]);
}

#[test]
#[should_panic(expected = "a pulse of")]
fn what_is_neither_is_noticed() {
    decode(&ALL[0], &[(600, 800), (350, RESET)]);
}
