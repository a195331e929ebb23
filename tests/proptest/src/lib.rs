//! [proptest] strategies for [`comfyglow_core`], and the laws of its reducer: for whoever links the core,
//! wraps its reducer, or changes it.
//!
//! # All laws, in one command
//!
//! With this in `tests/laws.rs`, `cargo test` runs all laws with the capacities of your own [`State`]:
//!
//! ```
//! use comfyglow_core::capacity::GadgetCapacity;
//!
//! // #[test] stands here.
//! fn the_core_keeps_its_laws() {
//!     comfyglow_proptest::laws::Laws::new().check::<GadgetCapacity>();
//! }
//! # the_core_keeps_its_laws();
//! ```
//!
//! # Strategies
//!
//! What to build properties of your own from:
//!
//! | strategy | makes |
//! |---|---|
//! | [`action()`] | anything that the [reducer][core_reducer] may be told, sensible or not |
//! | [`actions()`] | many of them, with the time that passes before each |
//! | [`legal_session()`] | the messages of a server that runs one prompt after the other, in the measured order |
//! | [`fault_schedule()`] | what goes wrong on the way: cuts, losses, repetitions, exchanges, damage, delays |
//!
//! ```
//! use comfyglow_core::{state::State, time::Instant};
//! use comfyglow_proptest::capacities::SmallCapacity;
//! use proptest::prelude::*;
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig::with_cases(16))]
//!     // #[test] stands here.
//!     fn the_queue_is_what_was_said_last(actions in comfyglow_proptest::actions()) {
//!         let mut state = State::<SmallCapacity>::new();
//!         let mut now = Instant::ZERO;
//!         let mut said = None;
//!         for (action, wait) in &actions {
//!             now = now.saturating_add(*wait);
//!             action.play(&mut state, now);
//!             if let Some(queue) = action.queue_remaining() {
//!                 said = Some(queue);
//!             }
//!             prop_assert_eq!(state.queue_remaining(), said);
//!         }
//!     }
//! }
//! # the_queue_is_what_was_said_last();
//! ```
//!
//! The modules hold what these are made of: [`values`] and [`spelling`], any JSON and its many spellings; [`messages`],
//! known ones, unknown, spoiled, with damaged bytes; [`sessions`], disturbed and hostile ones too; [`mod@actions`]; [`faults`].
//! No object that they make has a key twice; damaged bytes may.
//!
//! [proptest]: https://docs.rs/proptest
//! [core_reducer]: comfyglow_core::reducer
//! [`State`]: comfyglow_core::state::State

pub mod actions;
pub mod capacities;
pub mod faults;
pub mod json;
pub mod laws;
pub mod messages;
pub mod sessions;
pub mod spelling;
pub mod values;
mod wire;

pub use actions::{action, actions};
pub use faults::fault_schedule;
pub use sessions::legal_session;
pub use wire::{ServerMessage, frame};

// The README's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
