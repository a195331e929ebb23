//! Displays and LED strips of gadgets, as [`Panel`](comfyglow_app::Panel)s and pulses: they know chips and their data
//! sheets, and of the board no more than a bus.
//!
//! - [`oled`]: SSD1306 and SH1106 on I2C, black and white.
//! - `lcd`, with feature `lcd`: ST7789 and GC9A01 on SPI, in colours.
//! - [`ws2812`]: what a strip of LEDs wants to hear, as pulses.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap
    )
)]

#[cfg(feature = "lcd")]
pub mod lcd;
pub mod oled;
pub mod ws2812;
