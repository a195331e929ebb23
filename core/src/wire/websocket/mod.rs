//! The WebSocket client protocol (RFC 6455), sans-IO: [`Handshake`] opens, [`Receiver`] takes in what the server
//! sends, [`Outgoing`] writes what the client sends.

mod handshake;
mod key;
mod protocol_error;
mod receiver;
mod sender;
mod utf8;

pub use handshake::{Handshake, HandshakeError, NotWebSocket};
pub use protocol_error::ProtocolError;
pub use receiver::{Received, Receiver};
pub use sender::{Outgoing, SendError};

/// Whether a close code may stand in a close frame: those that are registered for it, a library's own, an
/// application's own. 1005, 1006 and 1015 are for telling, never for sending (RFC 6455, 7.4).
const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
