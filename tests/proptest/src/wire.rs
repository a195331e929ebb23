//! What crosses the wire.

/// A data message, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

impl ServerMessage {
    /// The message's bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// The message as one frame from a server: whole and unmasked, its length in the shortest form (RFC 6455, 5.2).
pub fn frame(wire: &ServerMessage) -> Vec<u8> {
    let payload = wire.bytes();
    let mut frame = vec![if matches!(wire, ServerMessage::Text(_)) { 0x81 } else { 0x82 }];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len @ ..126), _) => frame.push(len),
        (_, Ok(len)) => {
            frame.push(126);
            frame.extend(len.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}
