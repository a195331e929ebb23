//! Messages and sessions for property tests, as they cross the wire.
//!
//! - [`values`]: any JSON value, and ids and numbers as the server's messages hold them;
//! - [`spelling`]: the same value spelled as the server does, compactly, or oddly;
//! - [`messages`]: every known message, valid, subtly spoiled, or with its bytes changed;
//! - [`actions`]: what the reducer may be told, in any order;
//! - [`sessions`]: what a server sends for one prompt after another, undisturbed and disturbed.
//!
//! No object that these make has a key twice; changed bytes may. A test that compares the core with the model skips
//! what [`crate::model::Model::is_open`] says may differ.

pub mod actions;
pub mod messages;
pub mod sessions;
pub mod spelling;
pub mod values;
