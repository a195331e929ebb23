//! What the server sends on the socket.

use comfyglow_core::event::MessageKind;
use comfyglow_core::wire::websocket::{Handshake, HandshakeError, ProtocolError, Received, Receiver};

use super::{cut, pieces, seed};
use crate::{ServerMessage, frame, strategies::sessions::Run};

/// Answers of a handshake and the frames behind it, or frames alone where the first byte is even: in pieces they mean what
/// they mean at once; a text is UTF-8, control frames are short, and after a close or an error there is nothing.
///
/// # Panics
///
/// Where that doesn't hold.
pub fn websocket(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let (sizes, rest) = cut(data);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut heard = Heard::new(kind % 2 == 1);
        pieces.for_each(|piece| heard.bytes(piece));
        if heard.error.is_some() {
            // Of a text that is no UTF-8 more or less is told before that is seen.
            heard.frames.0.retain(|frame| !matches!(frame, Frame::Message(.., false)));
        }
        (heard.shaken, heard.frames, heard.error)
    };
    assert_eq!(read(&mut pieces(&sizes, rest)), read(&mut std::iter::once(rest)), "in pieces of {sizes:?}");
}

/// What was heard.
struct Heard {
    handshake: Handshake,
    receiver: Receiver,
    /// Whether the answer is there, and what is wrong with it.
    shaken: Option<Result<(), HandshakeError>>,
    frames: Frames,
    error: Option<ProtocolError>,
}

#[derive(Debug, Default, PartialEq)]
struct Frames(Vec<Frame>);

#[derive(Debug, PartialEq)]
enum Frame {
    /// A message so far; whether it is whole.
    Message(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl Heard {
    fn new(shakes: bool) -> Self {
        Self {
            handshake: Handshake::new([0; 16]),
            receiver: Receiver::new(),
            shaken: (!shakes).then_some(Ok(())),
            frames: Frames::default(),
            error: None,
        }
    }

    fn bytes(&mut self, mut bytes: &[u8]) {
        if self.shaken.is_none() {
            match self.handshake.feed(&mut bytes) {
                Ok(true) => self.shaken = Some(Ok(())),
                Ok(false) => assert!(bytes.is_empty(), "an answer takes all until its end"),
                Err(error) => {
                    // As the next bytes have it.
                    assert_eq!(self.handshake.feed(&mut &b"x"[..]), Err(error));
                    self.shaken = Some(Err(error));
                }
            }
        }
        if self.shaken == Some(Ok(())) && self.error.is_none() {
            self.error = self.receive(bytes).err();
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        while let Some(received) = self.receiver.next(&mut bytes)? {
            self.frames.take(received);
        }
        assert!(bytes.is_empty(), "all of the input is used");
        Ok(())
    }
}

impl Frames {
    fn take(&mut self, received: Received<'_>) {
        assert!(!matches!(self.0.last(), Some(Frame::Close(..))), "nothing comes after a close");
        match received {
            Received::Data { kind, bytes, first, last } => self.data(kind, bytes, first, last),
            Received::Ping(payload) => self.control(payload, Frame::Ping),
            Received::Pong(payload) => self.control(payload, Frame::Pong),
            Received::Close { code, reason } => {
                assert!(reason.len() <= 123);
                self.0.push(Frame::Close(code, reason.to_owned()));
            }
        }
    }

    fn control(&mut self, payload: &[u8], frame: fn(Vec<u8>) -> Frame) {
        assert!(payload.len() <= 125);
        self.0.push(frame(payload.to_vec()));
    }

    /// Pieces of a message are put together around the control frames between them.
    fn data(&mut self, kind: MessageKind, bytes: &[u8], first: bool, last: bool) {
        if first {
            self.0.push(Frame::Message(kind, Vec::new(), false));
        }
        let message = self.0.iter_mut().rfind(|frame| matches!(frame, Frame::Message(..)));
        let Some(Frame::Message(of, message, whole)) = message else { panic!("a message begins with its first piece") };
        assert!(*of == kind && !*whole, "a piece belongs to the message at hand");
        message.extend(bytes);
        *whole = last;
        if last && kind == MessageKind::Text {
            assert!(std::str::from_utf8(message).is_ok(), "a text is UTF-8");
        }
    }
}

/// Handshakes, good and bad, and frames of all kinds.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    // The accept of the key that 16 zeros make.
    let accept = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n";
    let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";
    let text = |text: &str| frame(&ServerMessage::Text(text.to_owned()));
    let run = Run {
        prompt: "p".to_owned(),
        cached: 1,
        steps: vec![2],
        end: crate::strategies::sessions::End::Success,
        states: false,
        counted: false,
        expands: None,
    };
    let frames: Vec<Vec<u8>> = vec![
        text("{\"type\": \"status\"}"),
        text("ü – 😀"),
        text(&"x".repeat(126)),
        [&b"\x01\x02he"[..], b"\x89\x01p", b"\x80\x03llo"].concat(),
        b"\x82\x02\xff\xff\x8a\x00\x88\x06\x03\xe8done".to_vec(),
        [&b"\x82\x7f\0\0\0\0\0\0\x01\0"[..], &[7; 256]].concat(),
        b"\x88\x00".to_vec(),
        run.wire().iter().flat_map(frame).collect(),
    ];
    let both = frames.iter().map(|frames| [accept.as_bytes(), frames].concat());
    let shaken = both.chain([refused.as_bytes().to_vec()]).map(|bytes| [vec![1], seed(bytes)].concat());
    shaken.chain(frames.iter().map(|bytes| [vec![0], seed(bytes)].concat())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seeds_handshake_is_accepted() {
        let mut heard = Heard::new(true);
        heard.bytes(&seeds()[0][3..]);
        assert_eq!((heard.shaken, heard.frames.0.len()), (Some(Ok(())), 1));
    }
}
