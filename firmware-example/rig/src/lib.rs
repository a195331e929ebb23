//! What stands in for a board in the tests of its drivers: models of chips after their data sheets.
//!
//! A model shows what the chip would show, and takes offence at what the chip would ignore or misread: it panics, with what was
//! wrong.
#![expect(clippy::missing_panics_doc, reason = "a model panics wherever a test has to fail")]

pub mod cable;
pub mod lan;
pub mod lcd;
mod names;
pub mod nor;
pub mod oled;
pub mod strip;
mod visitors;
