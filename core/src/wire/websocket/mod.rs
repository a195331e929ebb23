//! The client side of the WebSocket protocol (RFC 6455), sans-IO. [`Handshake`] opens the connection, [`Receiver`]
//! reads the server's frames, [`Outgoing`] writes the client's.

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

/// Whether a close frame may carry this code: a registered one, a library's own, or an application's own. An endpoint
/// must not send 1005, 1006 and 1015 (RFC 6455, 7.4).
const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
