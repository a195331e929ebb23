//! Binary messages: a big-endian kind, a header of its own, and bytes that are handed on.
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
/// The other format is JPEG; the frontend takes everything but this for one.
const FORMAT_PNG: u32 = 2;

/// How far a binary message was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binary {
    at: At,
    /// Bytes of the integer that is being read, and its value so far.
    read: u8,
    integer: u32,
    kind: u32,
    format: u32,
    /// Bytes of the message.
    len: u64,
    /// Bytes behind the headers.
    body: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Kind,
    /// The format of a kind 1, the length in a kind 3 or 4.
    Second,
    /// Bytes left of a node id or of metadata.
    Named(u32),
    Body,
}

impl Binary {
    pub(super) const fn new() -> Self {
        Self { at: At::Kind, read: 0, integer: 0, kind: 0, format: 0, len: 0, body: 0 }
    }

    pub(super) fn feed<H: Handler, C: Capacity>(
        &mut self,
        mut piece: &[u8],
        lexer: &mut Lexer,
        fields: &mut Fields<C>,
        handler: &mut H,
    ) {
        self.len = self.len.saturating_add(piece.len() as u64);
        while let Some((&byte, behind)) = piece.split_first() {
            match self.at {
                At::Kind | At::Second => {
                    if let Some(integer) = self.push(byte) {
                        self.header(integer, fields);
                    }
                    piece = behind;
                }
                At::Named(left) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX);
                    let (named, behind) = piece.split_at_checked(len).unwrap_or((piece, &[]));
                    if self.kind == TEXT {
                        fields.node.push(named);
                    } else if fields.wants(EventKind::PreviewImageWithMetadata) {
                        Reader { lexer, fields, handler }.read(false, named);
                    }
                    let left = left.saturating_sub(u32::try_from(named.len()).unwrap_or(u32::MAX));
                    self.at = if left == 0 { At::Body } else { At::Named(left) };
                    piece = behind;
                }
                At::Body => {
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

    /// Takes a byte of an integer and returns it once it is whole.
    fn push(&mut self, byte: u8) -> Option<u32> {
        self.integer = (self.integer << 8) | u32::from(byte);
        self.read = self.read.wrapping_add(1) % 4;
        (self.read == 0).then_some(self.integer)
    }

    fn header<C: Capacity>(&mut self, integer: u32, fields: &mut Fields<C>) {
        if self.at == At::Kind {
            self.kind = integer;
            let known = matches!(integer, PREVIEW_IMAGE | TEXT | PREVIEW_IMAGE_WITH_METADATA);
            self.at = if known { At::Second } else { At::Body };
            return;
        }
        self.at = if integer == 0 { At::Body } else { At::Named(integer) };
        match self.kind {
            PREVIEW_IMAGE => {
                self.format = integer;
                self.at = At::Body;
            }
            TEXT => fields.node.clear(),
            // Metadata are shaped like a message's `data`.
            _ => {
                fields.kind = EventKind::PreviewImageWithMetadata;
                fields.field = Field::Data;
            }
        }
    }

    /// What the message was, at its end.
    pub(super) fn event<'a, C: Capacity>(&self, fields: &'a mut Fields<C>) -> Event<'a> {
        if self.at != At::Body {
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
