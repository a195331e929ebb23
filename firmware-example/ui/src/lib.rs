//! How far is your ComfyUI? On a small display, and on a strip of LEDs.
//!
//! A [`Scene`] is a session's [`View`](comfyglow_core::view::View) and what the app knows beyond it; a [`Ui`] draws it on
//! any `embedded_graphics` target, in the layout that its size and colours call for, and sends only what changed. Time is an
//! argument. No allocation, no floating point, no panic.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::float_arithmetic
    )
)]
#[cfg(test)]
extern crate std;

mod area;
mod curve;
mod font;
mod frame;
mod ink;
mod layout;
#[cfg(feature = "leds")]
pub mod leds;
mod left;
mod letters;
mod pen;
#[cfg(feature = "large")]
mod ring;
mod scene;
mod slot;
mod sparkline;
mod story;
mod tile;
mod ui;
mod widget;

pub use frame::Drawn;
pub use ink::{Depth, Ink, Shade};
pub use layout::Shape;
pub use scene::{Choices, DoneStays, Network, Notice, Page, Scene};
pub use sparkline::Sparkline;
pub use ui::{Options, Surface, Ui};
