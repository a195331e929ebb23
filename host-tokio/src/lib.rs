//! comfyglow for tokio: a ComfyUI progress client, a simulator of the server, and what the `comfyglow` command is made of.
pub mod recording;
pub mod replay;
pub mod simulator;
