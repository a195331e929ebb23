//! Displays on a desk: boards at a serial port, which are flashed, set up and listened to.
//!
//! A board writes text and log frames over one line; the [`Demux`] tells them apart. In text it speaks the line protocol of
//! `comfyglow-setup`, whose host's side is the [`Dialogue`]; its log is read by a [`LogTable`] out of the image that it runs.
//!
//! # espflash as a library
//!
//! Images are made and written by `espflash`'s library rather than its command: without its default features it builds in
//! Rust alone, needs no package of the system, and whoever has `comfyglow` needs nothing else. Its progress is drawn as the
//! rest is, and its errors are told with what to do. It costs 80 s of processor time of a first build; the
//! feature `boards` leaves it out. Ports are listed by `serialport`, without libudev.

mod demux;
mod dialogue;
mod fault;
mod image;
mod log;
mod ports;
mod servers;
mod wire;

pub use demux::{Demux, FRAME_BYTES, Heard, TEXT_BYTES, Waste};
pub use dialogue::{Dialogue, Firmware, Shown, Status};
pub use fault::BoardError;
pub use image::{Chip, Image, Part, Place, Writing, write};
pub use log::{Level, LogLine, LogTable};
pub use ports::{Likely, Port, candidates, ports};
pub use servers::{Offer, advice, answers, is_local, offers, own_address};
pub use wire::{BAUD, Wire};
