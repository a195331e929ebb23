#![doc = include_str!("../README.md")]
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

mod command;
mod console;
mod desk;
mod display;
pub mod limits;
mod record;
mod reply;
mod setting;
mod settings;

pub use command::{Command, CommandError, Line};
pub use console::{Console, Heard};
pub use desk::{Answer, Asked, Board, Desk};
pub use display::{Chip, Display, Layout};
pub use record::{RECORD_BYTES, RecordError, VERSION};
pub use reply::{PROTOCOL, Reply};
pub use setting::{Setting, SettingsError};
pub use settings::{Missing, Settings};
