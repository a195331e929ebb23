//! Binary messages: a big-endian kind, that kind's header, and a body that the handler receives.
//!
//! ComfyUI's `protocol.py`: 1 = `PREVIEW_IMAGE` (format, image), 3 = `TEXT` (length, node id, text),
//! 4 = `PREVIEW_IMAGE_WITH_METADATA` (length, JSON, image). Custom nodes may send any other number.

use super::{
    Event, EventKind, Handler, ImageFormat, Malformed, Part, Reason, field::Field, fields::Fields, reader::Reader,
};
use crate::capacity::Capacity;
use crate::json::Lexer;

const PREVIEW_IMAGE: u32 = 1;
const TEXT: u32 = 3;
const PREVIEW_IMAGE_WITH_METADATA: u32 = 4;
/// The server's other format is JPEG. ComfyUI's frontend treats every number but this one as JPEG.
const FORMAT_PNG: u32 = 2;

/// The reading state of a binary message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binary {
    state: BinaryState,
    /// Bytes read of the current integer, 0..=3, and its value so far.
    integer_bytes: u8,
    integer: u32,
    kind: u32,
    format: u32,
    /// Bytes of the whole message.
    len: u64,
    /// Bytes after the headers.
    body: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BinaryState {
    Kind,
    /// The format (kind 1), or the length of the node id (kind 3) or of the metadata (kind 4).
    FormatOrLength,
    /// The node id or the metadata, and how many of its bytes are still to come.
    IdOrMetadata(u32),
    Body,
}

impl Binary {
    pub(super) const fn new() -> Self {
        Self { state: BinaryState::Kind, integer_bytes: 0, integer: 0, kind: 0, format: 0, len: 0, body: 0 }
    }

    pub(super) fn feed<H: Handler, C: Capacity>(
        &mut self,
        mut piece: &[u8],
        lexer: &mut Lexer,
        fields: &mut Fields<C>,
        handler: &mut H,
    ) {
        self.len = self.len.saturating_add(piece.len() as u64);
        while let Some((&byte, rest)) = piece.split_first() {
            match self.state {
                BinaryState::Kind | BinaryState::FormatOrLength => {
                    if let Some(integer) = self.push_integer_byte(byte) {
                        self.end_integer(integer, fields);
                    }
                    piece = rest;
                }
                BinaryState::IdOrMetadata(left) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX);
                    let (front, rest) = piece.split_at_checked(len).unwrap_or((piece, &[]));
                    if self.kind == TEXT {
                        fields.node.push(front);
                    } else if fields.wants(EventKind::PreviewImageWithMetadata) {
                        Reader { lexer, fields, handler }.read(false, front);
                    }
                    let left = left.saturating_sub(u32::try_from(front.len()).unwrap_or(u32::MAX));
                    self.state = if left == 0 { BinaryState::Body } else { BinaryState::IdOrMetadata(left) };
                    piece = rest;
                }
                BinaryState::Body => {
                    self.body = self.body.saturating_add(piece.len() as u64);
                    let (kind, part) = match self.kind {
                        PREVIEW_IMAGE => (EventKind::PreviewImage, Part::Image(piece)),
                        TEXT => (EventKind::ProgressText, Part::ProgressText(piece)),
                        PREVIEW_IMAGE_WITH_METADATA => (EventKind::PreviewImageWithMetadata, Part::Image(piece)),
                        _ => return,
                    };
                    if fields.wants(kind) {
                        handler.part(part);
                    }
                    return;
                }
            }
        }
    }

    /// Takes a byte of an integer and returns the integer once it is complete.
    fn push_integer_byte(&mut self, byte: u8) -> Option<u32> {
        self.integer = (self.integer << 8) | u32::from(byte);
        self.integer_bytes = self.integer_bytes.wrapping_add(1) % 4;
        (self.integer_bytes == 0).then_some(self.integer)
    }

    fn end_integer<C: Capacity>(&mut self, integer: u32, fields: &mut Fields<C>) {
        if self.state == BinaryState::Kind {
            self.kind = integer;
            let known = matches!(integer, PREVIEW_IMAGE | TEXT | PREVIEW_IMAGE_WITH_METADATA);
            self.state = if known { BinaryState::FormatOrLength } else { BinaryState::Body };
            return;
        }
        self.state = if integer == 0 { BinaryState::Body } else { BinaryState::IdOrMetadata(integer) };
        match self.kind {
            PREVIEW_IMAGE => {
                self.format = integer;
                self.state = BinaryState::Body;
            }
            TEXT => fields.node.clear(),
            // The metadata has the shape of a message's `data`.
            _ => {
                fields.kind = EventKind::PreviewImageWithMetadata;
                fields.field = Field::Data;
            }
        }
    }

    /// The event of the message, which has ended.
    pub(super) fn event<'a, C: Capacity>(&self, fields: &'a mut Fields<C>) -> Event<'a> {
        if self.state != BinaryState::Body {
            return Event::Malformed(Malformed { at: self.len, reason: Reason::Short });
        }
        match self.kind {
            PREVIEW_IMAGE => {
                let format = if self.format == FORMAT_PNG { ImageFormat::Png } else { ImageFormat::Jpeg };
                Event::PreviewImage { format, len: self.body }
            }
            TEXT => Event::ProgressText { node: fields.node.as_id() },
            PREVIEW_IMAGE_WITH_METADATA => Event::PreviewImageWithMetadata {
                format: if fields.is_png() { ImageFormat::Png } else { ImageFormat::Jpeg },
                len: self.body,
                prompt_id: fields.optional_prompt_id(),
                node_id: fields.optional_node(),
                display_node_id: fields.optional_display_node(),
            },
            kind => Event::UnknownBinary { kind },
        }
    }
}
