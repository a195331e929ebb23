//! How far is your ComfyUI? The core: no_std, no allocation, sans-IO.
//!
//! Bytes from the server come in, what to show comes out; [`session`] is where to start reading, `ARCHITECTURE.md`
//! beside the sources is the map.
//!
//! ```text
//!  link bytes ─► websocket / http ─► text pieces ─► json ─► event ─► reducer ─► state ─► view / snapshot ─► your screen
//!  clock, entropy, links ─► Session::handle_input …  Session::poll_output ─► dial | send | close | changed | sleep
//! ```
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

pub mod api;
pub mod backoff;
pub mod breaker;
pub mod capacity;
mod divide;
pub mod event;
pub mod heartbeat;
pub mod json;
pub mod limits;
pub mod log;
pub mod number;
mod percent;
pub mod progress;
pub mod quality;
pub mod queue;
pub mod session;
pub mod snapshot;
pub mod state;
pub mod subscription;
pub mod text;
pub mod time;
pub mod view;
pub mod wire;

#[cfg(feature = "record")]
pub use state::record;
pub use state::reducer;
