//! How far is your ComfyUI? The core of comfyglow: no_std, no allocation, no I/O.
//!
//! It reads what a ComfyUI server reports and keeps a small state: the queue, the running prompt, its nodes, percentage
//! and time left. The host brings bytes or messages, the time, and a place to draw. Every decision is made here, so a
//! terminal, a browser, a microcontroller and a test all show the same.
//!
//! ```text
//!              wire (optional)                                session: policies, one request at a time
//!  link bytes ─► websocket ─► messages ─┐
//!  link bytes ─► http ──────► responses ┼─► json ─► event ─► reducer ─► state ─► view / snapshot ─► your screen
//!  a platform's WebSocket and HTTP ─────┘                                 └─► queue ─► subscribers
//!  time, random seed ─► handle_input …  poll_output ─► open | message | request | close | changed | sleep
//! ```
//!
//! # Example
//!
//! ```
//! use comfyglow_core::{
//!     Config, GadgetCapacity, Session,
//!     event::Message,
//!     session::{Input, Output},
//!     time::Instant,
//! };
//!
//! let mut session = Session::<GadgetCapacity>::new(Config::new("192.168.1.20:8188"), 0x5eed);
//! let now = Instant::ZERO;
//!
//! // Step 1: the session asks for a WebSocket. The host opens it and says so.
//! assert!(matches!(session.poll_output(now), Output::Open(target) if target.to_string().starts_with("/ws?")));
//! session.handle_input(now, Input::Opened);
//!
//! // Step 2: the server's messages arrive. The view is what a screen shows.
//! for message in [
//!     r#"{"type": "execution_start", "data": {"prompt_id": "p"}}"#,
//!     r#"{"type": "progress", "data": {"prompt_id": "p", "node": "3", "value": 5, "max": 20}}"#,
//! ] {
//!     session.handle_input(now, Input::Message(Message::text(message)));
//! }
//! let prompt = session.view(now).prompt.expect("a prompt runs");
//! let steps = prompt.steps.expect("its node reports steps");
//! assert_eq!((prompt.current_node, steps.value.to_string()), (Some("3"), "5".to_string()));
//! ```
//!
//! # Two levels
//!
//! - [`Session`] speaks messages and requests. Drive it if your platform has a WebSocket and HTTP: a browser, ESP-IDF,
//!   tungstenite.
//! - [`Wire`] wraps a session and speaks bytes. Drive it if you have TCP only: tokio, embassy, `std::net`.
//!
//! Both have the same [contract](session#the-contract-of-both): report what happens by `handle_input`, and carry out
//! what `poll_output` returns until it returns `Sleep`. `Input` and `Output` are different types at each level, in
//! [`session`] and [`wire`].
//!
//! A [`Capacity`] says how much a session keeps: [`GadgetCapacity`] takes 8 KB of memory, [`AppCapacity`] 40 KB,
//! [`DesktopCapacity`] 120 KB. All limits are in [`limits`].
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | adds |
//! |---|---|
//! | `defmt` | `defmt::Format` for the public types |
//! | `serde` | `Serialize` for snapshots, and your own event types (`event::decode`) |
//! | `record` | the state and the learned durations as bytes for flash or a file (`record`) |
//! | `embassy-time` | conversions between [`time`]'s types and `embassy_time`'s |
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

pub use capacity::{AppCapacity, Capacity, DesktopCapacity, GadgetCapacity};
pub use session::{Config, Session};
#[cfg(feature = "record")]
pub use state::record;
pub use state::{State, reducer};
pub use view::View;
pub use wire::Wire;
