//! A ComfyUI progress client.

pub mod driver;
mod graph;
mod line;

pub use graph::Graph;
