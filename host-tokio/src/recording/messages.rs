//! What one connection of a recording heard, message by message.

use anyhow::{Context as _, Result, bail};
use flate2::{Decompress, FlushDecompress, Status};

use super::{Frame, Recording, What};

/// A data message as it crosses the wire, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

/// A frame as a server sends it: whole, unmasked, of the opcode `opcode`.
pub fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len @ ..126), _) => frame.push(len),
        (_, Ok(len)) => {
            frame.push(126);
            frame.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A data message that was received whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// When its last frame came, in the recording's milliseconds.
    pub t_ms: f64,
    /// The line of its last frame, from 1.
    pub line: usize,
    /// The message, decompressed where it was compressed.
    pub wire: Message,
}

impl Recording {
    /// The connections that received a frame, in order.
    pub fn connections(&self) -> Vec<i64> {
        let mut all: Vec<i64> =
            self.rows.iter().filter(|row| matches!(row.what, What::Rx(_))).map(|row| row.conn).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The data messages that connection `conn` received, in order.
    ///
    /// # Errors
    ///
    /// Names the line whose frame fits nowhere, can't be inflated, or ends a text that is no UTF-8.
    pub fn messages(&self, conn: i64) -> Result<Vec<Heard>> {
        let mut assembler = Assembler::default();
        let mut messages = Vec::new();
        for (line, row) in (1..).zip(&self.rows).filter(|(_, row)| row.conn == conn) {
            match &row.what {
                What::Open { response, .. } => assembler = Assembler::for_handshake(response),
                What::Rx(frame) => {
                    let wire = assembler.frame(frame).with_context(|| format!("line {line}"))?;
                    messages.extend(wire.map(|wire| Heard { t_ms: row.t_ms, line, wire }));
                }
                _ => {}
            }
        }
        Ok(messages)
    }
}

/// Joins frames to messages.
#[derive(Default)]
struct Assembler {
    /// The inflater, where permessage-deflate was agreed upon.
    inflater: Option<Decompress>,
    /// The server starts each message with an empty window.
    no_context_takeover: bool,
    /// The message that has not ended: its opcode, whether it's compressed, its bytes.
    begun: Option<(u8, bool, Vec<u8>)>,
}

impl Assembler {
    fn for_handshake(response: &str) -> Self {
        let extensions = response.lines().filter_map(|line| line.split_once(':'));
        let extensions: String = extensions
            .filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Extensions"))
            .map(|(_, value)| value.to_ascii_lowercase())
            .collect();
        let deflates = extensions.contains("permessage-deflate");
        Self {
            inflater: deflates.then(|| Decompress::new(false)),
            no_context_takeover: extensions.contains("server_no_context_takeover"),
            begun: None,
        }
    }

    /// The message that `frame` ends.
    fn frame(&mut self, frame: &Frame) -> Result<Option<Message>> {
        if frame.opcode >= 8 {
            return Ok(None);
        }
        let (opcode, compressed, mut bytes) = match (frame.opcode, self.begun.take()) {
            (0, Some(begun)) => begun,
            (1 | 2, None) => (frame.opcode, frame.rsv == 4, Vec::new()),
            (opcode, _) => bail!("a frame of opcode {opcode} out of place"),
        };
        bytes.extend_from_slice(&frame.payload);
        if !frame.fin {
            self.begun = Some((opcode, compressed, bytes));
            return Ok(None);
        }
        let bytes = if compressed { self.inflate(&bytes)? } else { bytes };
        Ok(Some(if opcode == 1 { Message::Text(String::from_utf8(bytes)?) } else { Message::Binary(bytes) }))
    }

    /// Inflates a message's payload (RFC 7692, 7.2.2).
    fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>> {
        let inflater = self.inflater.as_mut().context("a compressed frame without permessage-deflate")?;
        if self.no_context_takeover {
            inflater.reset(false);
        }
        let input = [payload, &[0, 0, 0xff, 0xff]].concat();
        let before = inflater.total_in();
        let mut bytes = Vec::new();
        loop {
            let taken = usize::try_from(inflater.total_in() - before)?;
            bytes.reserve(bytes.capacity().max(1024));
            let status = inflater.decompress_vec(&input[taken..], &mut bytes, FlushDecompress::Sync)?;
            let all_read = inflater.total_in() - before == input.len() as u64;
            if status == Status::StreamEnd || (all_read && bytes.len() < bytes.capacity()) {
                return Ok(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn deflated(compressor: &mut Compress, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 << 16);
        compressor.compress_vec(text.as_bytes(), &mut bytes, FlushCompress::Sync).expect("it fits");
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
        bytes.truncate(bytes.len() - 4);
        bytes
    }

    fn frame(opcode: u8, fin: bool, rsv: u8, payload: &[u8]) -> Frame {
        Frame { fin, rsv, opcode, payload: payload.to_vec() }
    }

    #[test]
    fn fragments_are_joined_around_control_frames() -> Result<()> {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.frame(&frame(1, false, 0, b"a"))?, None);
        assert_eq!(assembler.frame(&frame(9, true, 0, b"ping"))?, None);
        assert_eq!(assembler.frame(&frame(0, true, 0, b"b"))?, Some(Message::Text("ab".to_owned())));
        assert!(assembler.frame(&frame(0, true, 0, b"")).is_err());
        assert!(assembler.frame(&frame(1, true, 4, b"")).is_err());
        Ok(())
    }

    #[test]
    fn compressed_messages_are_inflated() -> Result<()> {
        let long = "progress ".repeat(10_000);
        for (takeover, header) in [(true, ""), (false, "; server_no_context_takeover")] {
            let mut assembler = Assembler::for_handshake(&format!(
                "HTTP/1.1 101\r\nSec-WebSocket-Extensions: permessage-deflate{header}"
            ));
            let mut compressor = Compress::new(Compression::default(), false);
            for text in ["one", "two two", "", &long, "two two"] {
                let payload = deflated(&mut compressor, text);
                let (head, tail) = payload.split_at(payload.len() / 2);
                assert_eq!(assembler.frame(&frame(1, false, 4, head))?, None);
                assert_eq!(assembler.frame(&frame(0, true, 0, tail))?, Some(Message::Text(text.to_owned())));
                if !takeover {
                    compressor.reset();
                }
            }
        }
        Ok(())
    }
}
