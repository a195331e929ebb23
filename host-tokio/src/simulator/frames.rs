//! WebSocket frames as a server sends and reads them; tungstenite's codec does the headers.
//!
//! The simulator doesn't use a finished WebSocket server: those answer a close with the client's own code, where
//! ComfyUI always answers 1000, and none of them sends the broken and compressed frames that recordings contain.

use std::io::Cursor;

use tokio::io::{AsyncRead, AsyncReadExt};
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use crate::recording::Frame;

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PONG: u8 = 10;

/// The largest message of a client, as ComfyUI has it.
const LIMIT: usize = 4 * 1024 * 1024;

/// A whole message as one frame.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw(&Frame { fin: true, rsv: 0, opcode, payload: payload.to_vec() })
}

/// A close frame with `code` and without a reason; 0: without a code either.
pub(super) fn close(code: u16) -> Vec<u8> {
    let code = code.to_be_bytes();
    frame(CLOSE, if code == [0, 0] { &[] } else { &code })
}

/// Whether `frame` is a message's, and no ping, pong or close.
pub(super) fn is_message(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 8 == 0)
}

/// The head of a text of `length` bytes, and nothing of it; the length may be one that no frame can have.
pub(super) fn head(length: u64) -> Vec<u8> {
    [&[0x80 | TEXT, 127][..], &length.to_be_bytes()].concat()
}

/// A text as only clients send it.
pub(super) fn masked(payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(TEXT, payload);
    bytes[1] |= 0x80;
    // A mask of zeros changes nothing.
    bytes.splice(2..2, [0; 4]);
    bytes
}

/// A frame with its bits as they are, right or not.
pub(super) fn raw(frame: &Frame) -> Vec<u8> {
    let header = FrameHeader {
        is_final: frame.fin,
        rsv1: frame.rsv & 4 != 0,
        rsv2: frame.rsv & 2 != 0,
        rsv3: frame.rsv & 1 != 0,
        opcode: OpCode::from(frame.opcode & 15),
        mask: None,
    };
    let mut bytes = Vec::with_capacity(frame.payload.len() + 10);
    let written = header.format(frame.payload.len() as u64, &mut bytes);
    debug_assert!(written.is_ok(), "a Vec takes everything");
    bytes.extend_from_slice(&frame.payload);
    bytes
}

/// What a client sent.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Why reading a client ended.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// The connection is gone.
    Gone,
    /// The client broke the protocol; it's told this close code.
    Violation(u16),
}

const PROTOCOL_ERROR: End = End::Violation(1002);
const NO_UTF8: End = End::Violation(1007);
const TOO_BIG: End = End::Violation(1009);

/// Reads a client's messages.
pub(super) struct Reader<R> {
    io: R,
    buffer: Vec<u8>,
    /// The kind and bytes of a fragmented message so far.
    fragments: Option<(Data, Vec<u8>)>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R) -> Self {
        Self { io, buffer: Vec::new(), fragments: None }
    }

    /// The next message. Unmasked frames are taken as well, as aiohttp takes them.
    pub(super) async fn next(&mut self) -> Result<Message, End> {
        loop {
            let (header, payload) = self.frame().await?;
            let (kind, mut message) = match header.opcode {
                OpCode::Control(_) if !header.is_final || payload.len() > 125 => return Err(PROTOCOL_ERROR),
                OpCode::Control(Control::Ping) => return Ok(Message::Ping(payload)),
                OpCode::Control(Control::Pong) => return Ok(Message::Pong),
                OpCode::Control(_) => return Ok(Message::Close),
                OpCode::Data(Data::Continue) => self.fragments.take().ok_or(PROTOCOL_ERROR)?,
                OpCode::Data(_) if self.fragments.is_some() => return Err(PROTOCOL_ERROR),
                OpCode::Data(kind) => (kind, Vec::new()),
            };
            if message.len() + payload.len() > LIMIT {
                return Err(TOO_BIG);
            }
            message.extend(payload);
            if !header.is_final {
                self.fragments = Some((kind, message));
            } else if kind == Data::Text {
                return String::from_utf8(message).map(Message::Text).map_err(|_| NO_UTF8);
            } else {
                return Ok(Message::Binary);
            }
        }
    }

    async fn frame(&mut self) -> Result<(FrameHeader, Vec<u8>), End> {
        let (header, length) = loop {
            let mut cursor = Cursor::new(&self.buffer);
            if let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|_| PROTOCOL_ERROR)? {
                let read = usize::try_from(cursor.position()).map_err(|_| TOO_BIG)?;
                self.buffer.drain(..read);
                break (header, usize::try_from(length).map_err(|_| TOO_BIG)?);
            }
            self.fill().await?;
        };
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(PROTOCOL_ERROR);
        }
        if length > LIMIT {
            return Err(TOO_BIG);
        }
        while self.buffer.len() < length {
            self.fill().await?;
        }
        let mut payload: Vec<u8> = self.buffer.drain(..length).collect();
        if let Some(mask) = header.mask {
            payload.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        Ok((header, payload))
    }

    async fn fill(&mut self) -> Result<(), End> {
        match self.io.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(End::Gone),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> (Vec<Message>, End) {
        let mut reader = Reader::new(&mut bytes);
        let mut messages = Vec::new();
        loop {
            match reader.next().await {
                Ok(message) => messages.push(message),
                Err(end) => return (messages, end),
            }
        }
    }

    #[tokio::test]
    async fn reads_masked_fragmented_and_interleaved() {
        let bytes = [&[0x01, 0x82, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2][..], &[0x89, 1, 7], &[0x80, 1, b'c'], &close(1001)];
        let expected = vec![Message::Ping(vec![7]), Message::Text("abc".into()), Message::Close];
        assert_eq!(read(&bytes.concat()).await, (expected, End::Gone));
    }

    #[tokio::test]
    async fn violations_have_their_codes() {
        for (bytes, end) in [
            (frame(TEXT, b"\xff"), NO_UTF8),
            (raw(&Frame { fin: true, rsv: 4, opcode: 1, payload: vec![] }), PROTOCOL_ERROR),
            (raw(&Frame { fin: false, rsv: 0, opcode: 9, payload: vec![] }), PROTOCOL_ERROR),
            (frame(0, b""), PROTOCOL_ERROR),
            (frame(3, b""), PROTOCOL_ERROR),
            (frame(BINARY, &vec![0; LIMIT + 1]), TOO_BIG),
        ] {
            assert_eq!(read(&bytes).await, (vec![], end));
        }
    }
}
