//! comfyglow for tokio: a `ComfyUI` progress client, a simulator of the server, and what the `comfyglow` command is made of.
pub mod address;
#[cfg(feature = "boards")]
pub mod board;
pub mod client;
pub mod display;
pub mod doctor;
pub mod finish;
pub mod learned;
pub mod recording;
pub mod replay;
pub mod simulator;
pub mod sink;

// The README's examples compile; those of the core run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
