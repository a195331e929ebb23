//! What stands in for a board in the tests of its drivers: models of chips after their data sheets.
//!
//! A model shows what the chip would show, and takes offence at what the chip would ignore or misread: it panics, with what was
//! wrong.

pub mod cable;
pub mod lan;
pub mod lcd;
pub mod names;
pub mod nor;
pub mod oled;
pub mod strip;
mod visitors;
