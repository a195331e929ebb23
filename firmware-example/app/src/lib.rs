//! A gadget that shows how far a ComfyUI server is: the tasks that are the same on any board.
//!
//! A [`Gadget`] holds the core's session, and is borrowed by all tasks. Of the board it needs a network driver, a
//! [`Panel`], two buttons and some flash. Each task is a future for the board to spawn on one executor:
//!
//! | task | does |
//! |---|---|
//! | [`Runner::run`](embassy_net::Runner::run) of [`network()`] | moves frames |
//! | [`Gadget::watch_network`] | knows whether there is a network |
//! | [`Gadget::stay_joined`], on a board with a [`Radio`] | joins the Wi-Fi, again and again |
//! | [`Gadget::carry`], for each [`Link`](comfyglow_core::session::Link) | opens a link, moves its bytes |
//! | [`Gadget::keep_time`] | tells the time |
//! | [`Gadget::paint`] | paints, in slices, at the display's rate |
//! | `Gadget::light`, with feature `leds` | lights a strip of LEDs |
//! | [`Gadget::watch_buttons`] | dismisses, turns pages, turns off |
//! | [`Gadget::keep`] | keeps in flash what outlives a restart |
//! | [`Gadget::console`] | is set up over a serial line, and says how it goes |
//!
//! Bytes are read where the network put them, and are gone when the next task runs: drawing never delays reading by more
//! than a slice, nothing grows with a message. All decisions are the session's.
#![no_std]
#[cfg(test)]
extern crate std;

mod buttons;
mod console;
mod gadget;
mod journal;
mod keeper;
#[cfg(feature = "leds")]
mod lights;
mod line;
mod log;
#[cfg(feature = "mdns")]
mod mdns;
mod network;
mod radio;
mod screen;
mod start;
mod store;

pub use comfyglow_core as core;
pub use comfyglow_setup as setup;
pub use comfyglow_ui as ui;
pub use embassy_net;
pub use embedded_io_async;
pub use embedded_storage_async;

pub use comfyglow_setup::Settings;
pub use gadget::Gadget;
pub use journal::{FlashError, Journal, cell};
#[cfg(feature = "leds")]
pub use lights::{LEDS, Strip};
pub use network::{Resources, network};
pub use radio::Radio;
pub use screen::Panel;
pub use start::{Reset, Start};
pub use store::{Store, StoreError};
