//! Reads frames from the server, in pieces of any size.

use super::utf8::{NotUtf8, Utf8, is_ascii};
use super::{ProtocolError, is_close_code};
use crate::{event::MessageKind, limits::CONTROL_BYTES};

/// Reads the server's bytes after the handshake, in pieces of any size, and checks them against RFC 6455.
///
/// It never collects a message, however long. From one piece to the next it keeps its position in the frame, and the
/// payload of a ping, pong or close.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{event::MessageKind, wire::websocket::{Received, Receiver}};
/// let mut receiver = Receiver::new();
/// let mut input: &[u8] = b"\x81\x05hel";
/// let piece = receiver.next(&mut input)?;
/// assert_eq!(piece, Some(Received::Data { kind: MessageKind::Text, bytes: b"hel", first: true, last: false }));
/// assert_eq!(receiver.next(&mut input)?, None); // the input is used up
/// let piece = receiver.next(&mut &b"lo"[..])?;
/// assert_eq!(piece, Some(Received::Data { kind: MessageKind::Text, bytes: b"lo", first: false, last: true }));
/// # Ok::<(), comfyglow_core::wire::websocket::ProtocolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receiver {
    state: ReceiverState,
    /// The current message, fragmented or not.
    message: Option<OpenMessage>,
    /// The payload of the current control frame.
    control: [u8; CONTROL_BYTES],
}

/// The position in the stream of frames. Each state holds the meaning of the bytes before it, so a piece may end
/// anywhere.
#[derive(Clone, Copy, Debug)]
enum ReceiverState {
    /// Before a byte of a frame's header.
    Header(HeaderState),
    /// In a text or binary payload.
    Data {
        last: bool,
        left: u64,
    },
    /// In the payload of a control frame.
    Control {
        kind: ControlKind,
        length: u8,
        filled: u8,
    },
    /// After a close.
    Closed,
    Failed(ProtocolError),
}

#[derive(Clone, Copy, Debug)]
enum HeaderState {
    /// Before the first byte.
    Start,
    /// Before the byte of mask bit and short length.
    Length(FrameKind),
    /// In a length of 2 or 8 bytes, before the last `missing` of them.
    LongLength { last: bool, form: LengthForm, missing: u8, length: u64 },
}

#[derive(Clone, Copy, Debug)]
enum FrameKind {
    Data { last: bool },
    Control(ControlKind),
}

#[derive(Clone, Copy, Debug)]
enum ControlKind {
    Close,
    Ping,
    Pong,
}

/// The form of a length above 125.
#[derive(Clone, Copy, Debug)]
enum LengthForm {
    Bits16,
    Bits64,
}

#[derive(Clone, Copy, Debug)]
struct OpenMessage {
    kind: MessageKind,
    /// Whether a piece was returned.
    begun: bool,
    utf8: Utf8,
}

/// A message's piece or a control frame that the server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Received<'a> {
    /// A piece of a message. Every message has at least one, and only the last may be empty. Pings, pongs and a close
    /// can come between the pieces.
    Data {
        /// The message's kind.
        kind: MessageKind,
        /// The piece, borrowed from the input. The pieces of a text up to `last` are UTF-8 together; one alone may
        /// begin or end inside a character.
        bytes: &'a [u8],
        /// Whether the message begins with this piece.
        first: bool,
        /// Whether the message ends with this piece.
        last: bool,
    },
    /// A ping and its payload, 0 to 125 bytes. Send a pong with the same payload.
    Ping(&'a [u8]),
    /// A pong and its payload, 0 to 125 bytes: that of the ping it responds to.
    Pong(&'a [u8]),
    /// A close. Send a close with the same code. Nothing comes after it.
    Close {
        /// The close code: 1000–1003, 1007–1014 or 3000–4999. `None` if the server gives none.
        code: Option<u16>,
        /// The reason in words, at most 123 bytes; often empty.
        reason: &'a str,
    },
}

impl Receiver {
    /// Creates a receiver for the first byte after the handshake.
    pub const fn new() -> Self {
        Self { state: ReceiverState::Header(HeaderState::Start), message: None, control: [0; CONTROL_BYTES] }
    }

    /// Goes back to before the first frame of a new connection.
    pub const fn reset(&mut self) {
        self.state = ReceiverState::Header(HeaderState::Start);
        self.message = None;
    }

    /// Takes the next piece or control frame from the front of `input`. Call it until it returns `None`: then the input
    /// is used up.
    ///
    /// # Errors
    ///
    /// A [`ProtocolError`] at the first wrong byte, before the payload after it; the same again on each later call.
    // Not inlined, so that its stack is free again while the caller reads the message.
    #[inline(never)]
    pub fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Received<'a>>, ProtocolError> {
        if let (ReceiverState::Header(HeaderState::Start), []) = (self.state, *input) {
            return Ok(None);
        }
        if let Some(text) = self.take_text(input) {
            return Ok(Some(text));
        }
        match self.advance(input) {
            Ok(None) => Ok(None),
            Ok(Some(ReceiverStep::Data(data))) => Ok(Some(data)),
            Ok(Some(ReceiverStep::Control { kind, length })) => self.finish_control(kind, length).map(Some),
            Err(error) => {
                self.state = ReceiverState::Failed(error);
                Err(error)
            }
        }
    }

    /// Whether the server sent a close or broke the protocol. Then nothing more is received.
    pub const fn is_finished(&self) -> bool {
        matches!(self.state, ReceiverState::Closed | ReceiverState::Failed(_))
    }

    /// Reads up to the next piece or the end of the next control frame.
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<ReceiverStep<'i>>, ProtocolError> {
        loop {
            match self.state {
                ReceiverState::Failed(error) => return Err(error),
                ReceiverState::Closed => {
                    // RFC 6455, 5.5.1: bytes after a close are discarded.
                    *input = &[];
                    return Ok(None);
                }
                ReceiverState::Header(header) => {
                    let Some(&byte) = input.split_off_first() else { return Ok(None) };
                    self.state = self.after_header_byte(header, byte)?;
                }
                ReceiverState::Data { last, left } => match self.take_data(last, left, input)? {
                    // The frame was an empty fragment.
                    None if left == 0 => {}
                    piece => return Ok(piece.map(ReceiverStep::Data)),
                },
                ReceiverState::Control { kind, length, filled } => {
                    let filled = self.fill_control(length, filled, input);
                    if filled < length {
                        self.state = ReceiverState::Control { kind, length, filled };
                        return Ok(None);
                    }
                    self.state = ReceiverState::Header(HeaderState::Start);
                    return Ok(Some(ReceiverStep::Control { kind, length }));
                }
            }
        }
    }

    /// Takes an ASCII text that is complete in `input`, in one frame, as most are. It leaves all else, right or wrong,
    /// to [`advance`](Self::advance).
    #[inline]
    fn take_text<'i>(&self, input: &mut &'i [u8]) -> Option<Received<'i>> {
        let (ReceiverState::Header(HeaderState::Start), None) = (self.state, self.message) else { return None };
        let (length, after) = match *input {
            [0x81, length @ ..126, after @ ..] => (u16::from(*length), after),
            // This form is not allowed for shorter lengths.
            [0x81, 126, high, low, after @ ..] if *high != 0 || *low > 125 => {
                (u16::from_be_bytes([*high, *low]), after)
            }
            _ => return None,
        };
        let (bytes, after) = after.split_at_checked(usize::from(length))?;
        *input = is_ascii(bytes).then_some(after)?;
        Some(Received::Data { kind: MessageKind::Text, bytes, first: true, last: true })
    }

    /// The state after a byte of a frame's header.
    fn after_header_byte(&mut self, header: HeaderState, byte: u8) -> Result<ReceiverState, ProtocolError> {
        Ok(match header {
            HeaderState::Start => ReceiverState::Header(HeaderState::Length(self.begin_frame(byte)?)),
            HeaderState::Length(frame) => after_length(frame, byte)?,
            // RFC 6455, 5.2: the most significant bit of the 64 must be 0.
            HeaderState::LongLength { missing: 8, .. } if byte > 0x7F => return Err(ProtocolError::LengthRange),
            HeaderState::LongLength { last, form, missing, length } => {
                let length = length << 8 | u64::from(byte);
                match (missing, form) {
                    (2.., _) => ReceiverState::Header(HeaderState::LongLength {
                        last,
                        form,
                        missing: missing.saturating_sub(1),
                        length,
                    }),
                    (_, LengthForm::Bits16) if length < 126 => return Err(ProtocolError::LengthForm),
                    (_, LengthForm::Bits64) if length <= 0xFFFF => return Err(ProtocolError::LengthForm),
                    _ => ReceiverState::Data { last, left: length },
                }
            }
        })
    }

    /// Reads a frame's first byte: the last-fragment bit, three reserved bits, four bits of opcode.
    fn begin_frame(&mut self, byte: u8) -> Result<FrameKind, ProtocolError> {
        let last = byte & 0x80 != 0;
        if byte & 0x70 != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let kind = match (byte & 0x0F, self.message.is_some()) {
            (0, true) => return Ok(FrameKind::Data { last }),
            (0, false) => return Err(ProtocolError::StrayContinuation),
            (1 | 2, true) => return Err(ProtocolError::InterruptedMessage),
            (1, false) => MessageKind::Text,
            (2, false) => MessageKind::Binary,
            (8..=10, _) if !last => return Err(ProtocolError::FragmentedControl),
            (8, _) => return Ok(FrameKind::Control(ControlKind::Close)),
            (9, _) => return Ok(FrameKind::Control(ControlKind::Ping)),
            (10, _) => return Ok(FrameKind::Control(ControlKind::Pong)),
            _ => return Err(ProtocolError::Opcode),
        };
        self.message = Some(OpenMessage { kind, begun: false, utf8: Utf8::default() });
        Ok(FrameKind::Data { last })
    }

    /// Takes as much of a data frame's payload as is there. `None` if that is nothing and does not end a message.
    fn take_data<'i>(
        &mut self,
        last: bool,
        left: u64,
        input: &mut &'i [u8],
    ) -> Result<Option<Received<'i>>, ProtocolError> {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let bytes = input.split_off(..len).unwrap_or_default();
        let left = left.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.state =
            if left == 0 { ReceiverState::Header(HeaderState::Start) } else { ReceiverState::Data { last, left } };
        let last = last && left == 0;
        let Some(message) = &mut self.message else { return Ok(None) };
        if message.kind == MessageKind::Text {
            message.utf8.check(bytes)?;
            if last {
                message.utf8.finish()?;
            }
        }
        let OpenMessage { kind, begun, .. } = *message;
        if bytes.is_empty() && !last {
            return Ok(None);
        }
        message.begun = true;
        if last {
            self.message = None;
        }
        Ok(Some(Received::Data { kind, bytes, first: !begun, last }))
    }

    /// Keeps as much of a control frame's payload as is there. Returns the bytes kept so far.
    fn fill_control(&mut self, length: u8, filled: u8, input: &mut &[u8]) -> u8 {
        let room = self.control.get_mut(usize::from(filled)..usize::from(length)).unwrap_or_default();
        let len = room.len().min(input.len());
        let bytes = input.split_off(..len).unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(bytes) {
            *room = *byte;
        }
        filled.saturating_add(u8::try_from(len).unwrap_or(u8::MAX))
    }

    /// The control frame, whose payload is complete.
    fn finish_control(&mut self, kind: ControlKind, length: u8) -> Result<Received<'_>, ProtocolError> {
        let payload = self.control.get(..usize::from(length)).unwrap_or_default();
        match kind {
            ControlKind::Ping => Ok(Received::Ping(payload)),
            ControlKind::Pong => Ok(Received::Pong(payload)),
            ControlKind::Close => {
                let close = parse_close(payload);
                self.state = match close {
                    Ok(_) => ReceiverState::Closed,
                    Err(error) => ReceiverState::Failed(error),
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

/// The result of [`Receiver::advance`]. A control frame's payload is borrowed from the receiver afterwards.
enum ReceiverStep<'i> {
    Data(Received<'i>),
    Control { kind: ControlKind, length: u8 },
}

/// The state after a frame's second byte: the mask bit and a short length, or the form of a longer one.
fn after_length(frame: FrameKind, byte: u8) -> Result<ReceiverState, ProtocolError> {
    if byte & 0x80 != 0 {
        return Err(ProtocolError::Masked);
    }
    Ok(match (frame, byte) {
        (FrameKind::Control(_), 126..) => return Err(ProtocolError::LongControl),
        (FrameKind::Control(kind), length) => ReceiverState::Control { kind, length, filled: 0 },
        (FrameKind::Data { last }, ..126) => ReceiverState::Data { last, left: u64::from(byte) },
        (FrameKind::Data { last }, 126) => {
            ReceiverState::Header(HeaderState::LongLength { last, form: LengthForm::Bits16, missing: 2, length: 0 })
        }
        (FrameKind::Data { last }, 127..) => {
            ReceiverState::Header(HeaderState::LongLength { last, form: LengthForm::Bits64, missing: 8, length: 0 })
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
