//! Frames from the server, in any split.

use super::utf8::{NotUtf8, Utf8, is_ascii};
use super::{ProtocolError, is_close_code};
use crate::{event::MessageKind, limits::CONTROL_BYTES};

/// Reads what the server sends after the handshake, in pieces of any size, and checks it against RFC 6455.
///
/// Nothing of a message is collected, however long it is; what is carried from one piece to the next is the place in
/// the frame, and the payload of a ping, pong or close.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{event::MessageKind, wire::websocket::{Received, Receiver}};
/// let mut receiver = Receiver::new();
/// let mut input: &[u8] = b"\x81\x05hel";
/// let piece = receiver.next(&mut input)?;
/// assert_eq!(piece, Some(Received::Data { kind: MessageKind::Text, bytes: b"hel", first: true, last: false }));
/// assert_eq!(receiver.next(&mut input)?, None); // more, please
/// let piece = receiver.next(&mut &b"lo"[..])?;
/// assert_eq!(piece, Some(Received::Data { kind: MessageKind::Text, bytes: b"lo", first: false, last: true }));
/// # Ok::<(), comfyglow_core::wire::websocket::ProtocolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receiver {
    place: Place,
    /// The message under way, fragmented or not.
    message: Option<Message>,
    /// The payload of the control frame under way.
    control: [u8; CONTROL_BYTES],
}

/// The place in the stream of frames. Each state holds what the bytes before it said, so a header may be cut anywhere.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before a byte of a frame's header.
    Header(Header),
    /// Within a text or binary payload.
    Data {
        last: bool,
        left: u64,
    },
    /// Within the payload of a control frame.
    Control {
        kind: Control,
        length: u8,
        filled: u8,
    },
    /// After the server's close.
    Closed,
    Failed(ProtocolError),
}

#[derive(Clone, Copy, Debug)]
enum Header {
    /// Before its first byte.
    Start,
    /// Before the byte of mask bit and short length.
    Length(Frame),
    /// Within a length of 2 or 8 bytes, of which `missing` have yet to come.
    LongLength { last: bool, form: Form, missing: u8, length: u64 },
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    Data { last: bool },
    Control(Control),
}

#[derive(Clone, Copy, Debug)]
enum Control {
    Close,
    Ping,
    Pong,
}

/// How a length above 125 is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Bits16,
    Bits64,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    kind: MessageKind,
    /// Whether a piece has been handed on.
    begun: bool,
    utf8: Utf8,
}

/// What the server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Received<'a> {
    /// A piece of a message. Every message yields at least one, also an empty message; only that piece, or the last of
    /// a message, may be empty. Pings, pongs and a close can come between the pieces.
    Data {
        /// What the message holds.
        kind: MessageKind,
        /// The piece, borrowed from the input. Text is checked up to here, so the whole of it is UTF-8 once `last` is
        /// there, but a piece can begin or end within a character.
        bytes: &'a [u8],
        /// Whether the message begins with this piece.
        first: bool,
        /// Whether the message ends with this piece.
        last: bool,
    },
    /// A ping, to be answered by a pong of the same payload, 0 to 125 bytes.
    Ping(&'a [u8]),
    /// A pong; its payload, 0 to 125 bytes, is that of the ping it answers.
    Pong(&'a [u8]),
    /// A close, to be answered by a close of the same code. Nothing comes after it.
    Close {
        /// Why, if the server says so: 1000–1003, 1007–1014 or 3000–4999.
        code: Option<u16>,
        /// The same in words, at most 123 bytes; often empty.
        reason: &'a str,
    },
}

impl Receiver {
    /// A receiver before the first frame.
    pub const fn new() -> Self {
        Self { place: Place::Header(Header::Start), message: None, control: [0; CONTROL_BYTES] }
    }

    /// What comes next in `input`, taken from its front. `None`: the input is used up. Call until then.
    ///
    /// # Errors
    ///
    /// A [`ProtocolError`] with the first byte that is wrong, before anything is made of the payload; the same one
    /// again for everything after it.
    // Not inlined: what it needs of the stack is free again before a message is read.
    #[inline(never)]
    pub fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Received<'a>>, ProtocolError> {
        if let (Place::Header(Header::Start), []) = (self.place, *input) {
            return Ok(None);
        }
        if let Some(text) = self.take_text(input) {
            return Ok(Some(text));
        }
        match self.advance(input) {
            Ok(None) => Ok(None),
            Ok(Some(Step::Data(data))) => Ok(Some(data)),
            Ok(Some(Step::Control { kind, length })) => self.finish_control(kind, length).map(Some),
            Err(error) => {
                self.place = Place::Failed(error);
                Err(error)
            }
        }
    }

    /// Whether the server has closed or broken the protocol, after which nothing more is received.
    pub const fn is_finished(&self) -> bool {
        matches!(self.place, Place::Closed | Place::Failed(_))
    }

    /// Reads up to the next thing worth telling.
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Step<'i>>, ProtocolError> {
        loop {
            match self.place {
                Place::Failed(error) => return Err(error),
                Place::Closed => {
                    // RFC 6455, 5.5.1: what comes after a close is not looked at.
                    *input = &[];
                    return Ok(None);
                }
                Place::Header(header) => {
                    let Some(&byte) = input.split_off_first() else { return Ok(None) };
                    self.place = self.after_header_byte(header, byte)?;
                }
                Place::Data { last, left } => match self.take_data(last, left, input)? {
                    // An empty fragment: its frame is over and there is nothing to tell.
                    None if left == 0 => {}
                    piece => return Ok(piece.map(Step::Data)),
                },
                Place::Control { kind, length, filled } => {
                    let filled = self.fill_control(length, filled, input);
                    if filled < length {
                        self.place = Place::Control { kind, length, filled };
                        return Ok(None);
                    }
                    self.place = Place::Header(Header::Start);
                    return Ok(Some(Step::Control { kind, length }));
                }
            }
        }
    }

    /// Takes a text of ASCII that stands whole in `input`, in one frame, as most do. Nothing is changed by it, and what is
    /// otherwise, or wrong, is left.
    #[inline]
    fn take_text<'i>(&self, input: &mut &'i [u8]) -> Option<Received<'i>> {
        let (Place::Header(Header::Start), None) = (self.place, self.message) else { return None };
        let (length, behind) = match *input {
            [0x81, length @ ..126, behind @ ..] => (u16::from(*length), behind),
            // A shorter length must not be written so.
            [0x81, 126, high, low, behind @ ..] if *high != 0 || *low > 125 => {
                (u16::from_be_bytes([*high, *low]), behind)
            }
            _ => return None,
        };
        let (bytes, behind) = behind.split_at_checked(usize::from(length))?;
        *input = is_ascii(bytes).then_some(behind)?;
        Some(Received::Data { kind: MessageKind::Text, bytes, first: true, last: true })
    }

    /// Where a byte of a frame's header leads to.
    fn after_header_byte(&mut self, header: Header, byte: u8) -> Result<Place, ProtocolError> {
        Ok(match header {
            Header::Start => Place::Header(Header::Length(self.begin_frame(byte)?)),
            Header::Length(frame) => after_length(frame, byte)?,
            // RFC 6455, 5.2: the most significant bit of the 64 must be 0.
            Header::LongLength { missing: 8, .. } if byte > 0x7F => return Err(ProtocolError::LengthRange),
            Header::LongLength { last, form, missing, length } => {
                let length = length << 8 | u64::from(byte);
                match (missing, form) {
                    (2.., _) => {
                        Place::Header(Header::LongLength { last, form, missing: missing.saturating_sub(1), length })
                    }
                    (_, Form::Bits16) if length < 126 => return Err(ProtocolError::LengthForm),
                    (_, Form::Bits64) if length <= 0xFFFF => return Err(ProtocolError::LengthForm),
                    _ => Place::Data { last, left: length },
                }
            }
        })
    }

    /// A frame's first byte: the last-fragment bit, three reserved bits, four of opcode.
    fn begin_frame(&mut self, byte: u8) -> Result<Frame, ProtocolError> {
        let last = byte & 0x80 != 0;
        if byte & 0x70 != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let kind = match (byte & 0x0F, self.message.is_some()) {
            (0, true) => return Ok(Frame::Data { last }),
            (0, false) => return Err(ProtocolError::StrayContinuation),
            (1 | 2, true) => return Err(ProtocolError::InterruptedMessage),
            (1, false) => MessageKind::Text,
            (2, false) => MessageKind::Binary,
            (8..=10, _) if !last => return Err(ProtocolError::FragmentedControl),
            (8, _) => return Ok(Frame::Control(Control::Close)),
            (9, _) => return Ok(Frame::Control(Control::Ping)),
            (10, _) => return Ok(Frame::Control(Control::Pong)),
            _ => return Err(ProtocolError::Opcode),
        };
        self.message = Some(Message { kind, begun: false, utf8: Utf8::default() });
        Ok(Frame::Data { last })
    }

    /// Takes what there is of a data frame. `None` where the input is used up, or the frame ended with nothing to tell.
    fn take_data<'i>(
        &mut self,
        last: bool,
        left: u64,
        input: &mut &'i [u8],
    ) -> Result<Option<Received<'i>>, ProtocolError> {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let bytes = input.split_off(..len).unwrap_or_default();
        let left = left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.place = if left == 0 { Place::Header(Header::Start) } else { Place::Data { last, left } };
        let last = last && left == 0;
        let Some(message) = &mut self.message else { return Ok(None) };
        if message.kind == MessageKind::Text {
            message.utf8.check(bytes)?;
            if last {
                message.utf8.finish()?;
            }
        }
        let Message { kind, begun, .. } = *message;
        if bytes.is_empty() && !last {
            return Ok(None);
        }
        message.begun = true;
        if last {
            self.message = None;
        }
        Ok(Some(Received::Data { kind, bytes, first: !begun, last }))
    }

    /// Keeps what there is of a control frame's payload; returns how much of it is there.
    fn fill_control(&mut self, length: u8, filled: u8, input: &mut &[u8]) -> u8 {
        let room = self.control.get_mut(usize::from(filled)..usize::from(length)).unwrap_or_default();
        let len = room.len().min(input.len());
        let bytes = input.split_off(..len).unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(bytes) {
            *room = *byte;
        }
        filled.saturating_add(u8::try_from(len).unwrap_or(u8::MAX))
    }

    /// The control frame whose payload is complete.
    fn finish_control(&mut self, kind: Control, length: u8) -> Result<Received<'_>, ProtocolError> {
        let payload = self.control.get(..usize::from(length)).unwrap_or_default();
        match kind {
            Control::Ping => Ok(Received::Ping(payload)),
            Control::Pong => Ok(Received::Pong(payload)),
            Control::Close => {
                let close = parse_close(payload);
                self.place = match close {
                    Ok(_) => Place::Closed,
                    Err(error) => Place::Failed(error),
                };
                close
            }
        }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

/// What reading came to. A control frame's payload is looked at when nothing else needs the receiver.
enum Step<'i> {
    Data(Received<'i>),
    Control { kind: Control, length: u8 },
}

/// A frame's second byte: the mask bit and a short length, or how a longer one is written.
fn after_length(frame: Frame, byte: u8) -> Result<Place, ProtocolError> {
    if byte & 0x80 != 0 {
        return Err(ProtocolError::Masked);
    }
    Ok(match (frame, byte) {
        (Frame::Control(_), 126..) => return Err(ProtocolError::LongControl),
        (Frame::Control(kind), length) => Place::Control { kind, length, filled: 0 },
        (Frame::Data { last }, ..126) => Place::Data { last, left: u64::from(byte) },
        (Frame::Data { last }, 126) => {
            Place::Header(Header::LongLength { last, form: Form::Bits16, missing: 2, length: 0 })
        }
        (Frame::Data { last }, 127..) => {
            Place::Header(Header::LongLength { last, form: Form::Bits64, missing: 8, length: 0 })
        }
    })
}

fn parse_close(payload: &[u8]) -> Result<Received<'_>, ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() {
            Ok(Received::Close { code: None, reason: "" })
        } else {
            Err(ProtocolError::ClosePayload)
        };
    };
    let code = u16::from_be_bytes(*code);
    if !is_close_code(code) {
        return Err(ProtocolError::CloseCode);
    }
    let reason = str::from_utf8(reason).map_err(|_| ProtocolError::Utf8)?;
    Ok(Received::Close { code: Some(code), reason })
}

impl From<NotUtf8> for ProtocolError {
    fn from(NotUtf8: NotUtf8) -> Self {
        Self::Utf8
    }
}

#[cfg(test)]
mod tests;
