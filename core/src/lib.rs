//! How far is your `ComfyUI`? The core: `no_std`, no allocation, sans-IO.
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
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::float_arithmetic
    )
)]
#[cfg(test)]
extern crate std;

pub mod event;
pub mod http;
pub mod json;
pub mod limits;
pub mod number;
pub mod progress;
pub mod reducer;
pub mod state;
pub mod text;
pub mod time;
pub mod websocket;
