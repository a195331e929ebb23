//! What polling needs of HTTP/1.1, sans-IO: [`Request`] writes a GET, [`Head`] collects the answer's head,
//! [`Body`] hands on what follows it.
//!
//! One request a connection (`Connection: close`): a poll every few seconds gains nothing from keeping it, and a
//! server that is restarted leaves no half-dead connection behind.

mod body;
mod head;
mod queue;
mod request;

pub use body::{Body, BodyError};
pub use head::{Fed, Head, HeadError};
pub use queue::{QueueAnswer, QueueHandler};
pub use request::{Request, RequestError, percent_encode};
