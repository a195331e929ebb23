//! Writes frames to the server.

use core::fmt;

use super::is_close_code;
use crate::limits::CONTROL_BYTES;

/// A frame that the client sends. A message is one frame.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::wire::websocket::Outgoing;
/// let text = Outgoing::Text("Hello");
/// let mut out = [0; 5 + Outgoing::OVERHEAD];
/// let len = text.write([0x37, 0xFA, 0x21, 0x3D], &mut out)?;
/// assert_eq!(out[..len], *b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58");
/// # Ok::<(), comfyglow_core::wire::websocket::SendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outgoing<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping of 0 to 125 bytes. The server returns them in its pong.
    Ping(&'a [u8]),
    /// The response to a ping: its payload, 0 to 125 bytes.
    Pong(&'a [u8]),
    /// A close. Send nothing after it.
    Close {
        /// The close code: 1000–1003, 1007–1014 or 3000–4999. `None` requires an empty reason.
        code: Option<u16>,
        /// The reason in words, at most 123 bytes.
        reason: &'a str,
    },
}

impl Outgoing<'_> {
    /// The most bytes that a frame takes beyond its payload.
    pub const OVERHEAD: usize = 14;

    /// Writes the frame, masked with `mask`, and returns its length in bytes. Take 4 new random bytes for each `mask`:
    /// they keep a proxy from taking the payload for another request. They do not encrypt it.
    ///
    /// # Errors
    ///
    /// A [`SendError`] if the frame is not allowed or `out` is too small. Then `out` holds no frame.
    pub fn write(&self, mask: [u8; 4], out: &mut [u8]) -> Result<usize, SendError> {
        match *self {
            Self::Text(text) => write(0x81, [text.as_bytes(), &[]], mask, out),
            Self::Binary(bytes) => write(0x82, [bytes, &[]], mask, out),
            Self::Close { code: None, reason: "" } => write(0x88, [&[]; 2], mask, out),
            Self::Close { code, reason } => {
                let code = code.filter(|&code| is_close_code(code)).ok_or(SendError::CloseCode)?;
                write(0x88, [&code.to_be_bytes(), reason.as_bytes()], mask, out)
            }
            Self::Ping(payload) => write(0x89, [payload, &[]], mask, out),
            Self::Pong(payload) => write(0x8A, [payload, &[]], mask, out),
        }
    }
}

/// Writes a frame with a payload of two parts. `first` is the header's first byte: the last-fragment bit, three
/// reserved bits, four bits of opcode.
fn write(first: u8, payload: [&[u8]; 2], mask: [u8; 4], out: &mut [u8]) -> Result<usize, SendError> {
    /// The bit of the header's second byte for a masked payload.
    const MASKED: u8 = 0x80;
    let len = payload[0].len().saturating_add(payload[1].len());
    if first & 0x08 != 0 && len > CONTROL_BYTES {
        return Err(SendError::LongControl);
    }
    let long = u64::try_from(len).unwrap_or(u64::MAX).to_be_bytes();
    let [.., high, low] = long;
    // RFC 6455, 5.2 requires the shortest form.
    let (short, length): (u8, &[u8]) = match len {
        0..=125 => (low, &[]),
        126..=0xFFFF => (126, &[high, low]),
        _ => (127, &long),
    };
    let needed = len.saturating_add(length.len()).saturating_add(6);
    let frame = out.get_mut(..needed).ok_or(SendError::TooSmall { needed })?;
    let mut slots = frame.iter_mut();
    let header = [first, MASKED | short].into_iter().chain(length.iter().copied()).chain(mask);
    header.zip(slots.by_ref()).for_each(|(byte, slot)| *slot = byte);
    let mut masks = mask.iter().cycle();
    for (byte, slot) in payload.into_iter().flatten().zip(slots) {
        *slot = byte ^ masks.next().unwrap_or(&0);
    }
    Ok(needed)
}

/// Why a frame can't be written. Each is an error of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// The buffer is too small for the frame.
    TooSmall {
        /// The frame's length in bytes.
        needed: usize,
    },
    /// A ping or pong of more than 125 bytes, or a close whose reason has more than 123.
    LongControl,
    /// A close code that is not allowed, or a reason without a code.
    CloseCode,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { needed } => write!(f, "the frame takes {needed} bytes, more than the buffer has"),
            Self::LongControl => f.write_str("a ping or pong holds at most 125 bytes, the reason of a close 123"),
            Self::CloseCode => f.write_str("the close code must be 1000-1003, 1007-1014 or 3000-4999"),
        }
    }
}

impl core::error::Error for SendError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec, vec::Vec};

    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    fn frame(outgoing: Outgoing<'_>) -> Vec<u8> {
        let mut out = vec![0; 70_000];
        let len = outgoing.write(MASK, &mut out).unwrap();
        out.truncate(len);
        out
    }

    #[test]
    fn write_text_matches_the_rfcs_example() {
        // RFC 6455, 5.7: a single-frame masked text message.
        let expected = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
        assert_eq!(frame(Outgoing::Text("Hello")), expected);
    }

    #[test]
    fn write_any_length_has_the_shortest_form_and_a_mask() {
        for len in [0, 1, 125, 126, 127, 255, 256, 65_534, 65_535, 65_536, 65_537] {
            let payload: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let header: Vec<u8> = match len {
                0..126 => vec![0x82, 0x80 | u8::try_from(len).unwrap()],
                126..65_536 => [&[0x82, 0xFE], &u16::try_from(len).unwrap().to_be_bytes()[..]].concat(),
                _ => [&[0x82, 0xFF], &u64::try_from(len).unwrap().to_be_bytes()[..]].concat(),
            };
            let masked = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
            let expected: Vec<u8> = header.into_iter().chain(MASK).chain(masked).collect();
            assert!(frame(Outgoing::Binary(&payload)) == expected, "{len} bytes");
        }
    }

    #[test]
    fn write_into_a_small_buffer_returns_the_needed_bytes() {
        for len in [0, 5, 125, 126, 65_534, 65_535, 65_536] {
            let payload = vec![0; len];
            let Err(SendError::TooSmall { needed }) = Outgoing::Binary(&payload).write(MASK, &mut []) else {
                panic!("nothing fits into nothing")
            };
            assert!(needed <= len + Outgoing::OVERHEAD);
            assert!(Outgoing::Binary(&payload).write(MASK, &mut vec![0; needed]).is_ok());
            let short = Outgoing::Binary(&payload).write(MASK, &mut vec![0; needed - 1]);
            assert_eq!(short, Err(SendError::TooSmall { needed }));
        }
    }

    #[test]
    fn write_control_frame_above_125_bytes_is_an_error() {
        let payload = [7; 126];
        assert_eq!(frame(Outgoing::Ping(&payload[..125]))[..2], [0x89, 0xFD]);
        assert_eq!(frame(Outgoing::Pong(&payload[..125]))[..2], [0x8A, 0xFD]);
        let mut out = [0; 200];
        assert_eq!(Outgoing::Ping(&payload).write(MASK, &mut out), Err(SendError::LongControl));
        assert_eq!(Outgoing::Pong(&payload).write(MASK, &mut out), Err(SendError::LongControl));
        let reason = "r".repeat(124);
        assert_eq!(frame(Outgoing::Close { code: Some(1000), reason: &reason[..123] })[..2], [0x88, 0xFD]);
        let long = Outgoing::Close { code: Some(1000), reason: &reason };
        assert_eq!(long.write(MASK, &mut out), Err(SendError::LongControl));
    }

    #[test]
    fn write_close_with_a_code_that_is_not_allowed_is_an_error() {
        assert_eq!(frame(Outgoing::Close { code: None, reason: "" }), [0x88, 0x80, 0x37, 0xFA, 0x21, 0x3D]);
        let bye = frame(Outgoing::Close { code: Some(1001), reason: "bye" });
        assert_eq!(bye[..2], [0x88, 0x85]);
        let payload: Vec<u8> = bye[6..].iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(payload, b"\x03\xE9bye");
        for code in [Some(0), Some(999), Some(1004), Some(1005), Some(1006), Some(1015), Some(2999), Some(5000), None] {
            let close = Outgoing::Close { code, reason: "why" };
            assert_eq!(close.write(MASK, &mut [0; 64]), Err(SendError::CloseCode), "{code:?}");
        }
    }

    #[test]
    fn send_error_display_names_the_limit() {
        let text = String::from_iter(
            [SendError::LongControl, SendError::TooSmall { needed: 9 }].map(|e| std::format!("{e}.")),
        );
        assert!(text.contains("at most 125 bytes") && text.contains("takes 9 bytes"));
    }
}
