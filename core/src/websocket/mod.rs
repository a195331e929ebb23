//! The WebSocket client protocol (RFC 6455), sans-IO: [`Handshake`] opens, [`Receiver`] takes in what the server
//! sends, [`Outgoing`] writes what the client sends.
//!
//! embedded-websocket makes the key, checks the accept and writes the frames. What the server sends is read here: that
//! library loses a frame header split over two reads and lets pass what the RFC forbids (reserved bits, masked server
//! frames, fragmented control frames, close codes).

mod handshake;
mod protocol_error;
mod receiver;
mod sender;
mod utf8;

use rand_core::{Error, RngCore};

pub use handshake::{Handshake, HandshakeError, NotWebSocket};
pub use protocol_error::ProtocolError;
pub use receiver::{MessageKind, Received, Receiver};
pub use sender::{Outgoing, SendError};

/// Whether a close code may stand in a close frame: those that are registered for it, a library's own, an
/// application's own. 1005, 1006 and 1015 are for telling, never for sending (RFC 6455, 7.4).
const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Gives the caller's random bytes to embedded-websocket, which wants a generator.
struct Entropy<const N: usize>([u8; N]);

impl<const N: usize> RngCore for Entropy<N> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_ne_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_ne_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        for (out, byte) in out.iter_mut().zip(self.0) {
            *out = byte;
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}
