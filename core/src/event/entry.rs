//! Reads a complete entry of `nodes` in one go. Most of what the server sends is such entries.

use super::NodeStatus;
use crate::{
    json::{behind, behind_spaces, plain_len, same},
    limits::ENTRY_BYTES,
    number::{Literal, Milli, take_whole},
};

/// The usual spelling of a finished node's entry, from after its id up to the value of `node_id`.
const FINISHED_SPELLING: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// Whether entries are read in one go. That takes 2 KB of code, which a microcontroller can't afford; there the reader
/// takes members one by one.
pub(super) const READS_WHOLE_ENTRIES: bool = cfg!(target_pointer_width = "64");

/// Bytes kept of an entry that a piece's end cuts.
pub(super) const PARTIAL_ENTRY_BYTES: usize = if READS_WHOLE_ENTRIES { ENTRY_BYTES } else { 0 };

/// An entry of `nodes`, borrowed from the piece.
pub(super) struct NodeEntry<'p> {
    pub(super) node: &'p [u8],
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) display: Option<&'p [u8]>,
}

impl<'p> NodeEntry<'p> {
    /// Takes an entry, which is likely of the prompt `prompt`, from the front of `rest`.
    ///
    /// `None` if it is incomplete or unusual. Then the lexer must read it.
    #[inline]
    pub(super) fn take(rest: &mut &'p [u8], is_first: bool, prompt: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(rest);
        if !is_first {
            cursor.spaced_byte(b',')?;
        }
        cursor.expect(b"\"")?;
        let from = cursor.0;
        let node = cursor.text()?;
        let before = cursor;
        let entry = Self::in_server_order(EntryId { node, from }, prompt, &mut cursor).or_else(|| {
            cursor = before;
            Self::in_any_order(node, &mut cursor)
        })?;
        *rest = cursor.0;
        Some(entry)
    }

    /// Takes the part after the entry's id, in the server's order and spelling (`json.dumps`).
    #[inline]
    fn in_server_order(id: EntryId<'p>, prompt: &[u8], cursor: &mut Cursor<'p>) -> Option<Self> {
        let (mut value, mut max, mut state) = (ONE, ONE, NodeStatus::Finished);
        if cursor.expect(FINISHED_SPELLING).is_none() {
            cursor.expect(b": {\"value\": ")?;
            value = cursor.milli()?;
            cursor.expect(b", \"max\": ")?;
            max = cursor.milli()?;
            if cursor.expect(b", \"state\": \"finished\", \"node_id\": \"").is_none() {
                cursor.expect(b", \"state\": \"running\", \"node_id\": \"")?;
                state = NodeStatus::Running;
            }
        }
        cursor.id_or_text(id)?;
        cursor.expect(b", \"prompt_id\": \"")?;
        cursor.expected_or_text(prompt)?;
        cursor.expect(b", \"display_node_id\": \"")?;
        let display = Some(cursor.id_or_text(id)?);
        if cursor.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_none() {
            cursor.expect(b", \"parent_node_id\": \"")?;
            cursor.text()?;
            cursor.expect(b", \"real_node_id\": \"")?;
        }
        cursor.id_or_text(id)?;
        cursor.expect(b"}")?;
        Some(Self { node: id.node, value, max, state, display })
    }

    /// Takes the part after the entry's id, with members in any order and any spaces between them.
    fn in_any_order(node: &'p [u8], cursor: &mut Cursor<'p>) -> Option<Self> {
        let (mut value, mut max, mut state, mut display) = (None, None, None, None);
        cursor.spaced_byte(b':')?;
        cursor.spaced_byte(b'{')?;
        loop {
            cursor.expect(b"\"")?;
            let key = cursor.text()?;
            cursor.spaced_byte(b':')?;
            if cursor.expect(b"\"").is_some() {
                let text = cursor.text()?;
                match key {
                    b"state" => state = Some(NodeStatus::from_name(text)),
                    b"display_node_id" => display = Some(text),
                    b"value" | b"max" => return None,
                    _ => {}
                }
            } else {
                match key {
                    b"value" => value = Some(cursor.milli()?),
                    b"max" => max = Some(cursor.milli()?),
                    b"state" | b"display_node_id" => return None,
                    _ => cursor.expect(b"null")?,
                }
            }
            cursor.spaces();
            if cursor.expect(b"}").is_some() {
                return Some(Self { node, value: value?, max: max?, state: state?, display });
            }
            cursor.spaced_byte(b',')?;
        }
    }
}

/// The id of an entry, which its members repeat.
#[derive(Clone, Copy)]
struct EntryId<'p> {
    node: &'p [u8],
    /// The piece from where the id begins.
    from: &'p [u8],
}

/// The rest of a piece. Each method takes what it names from the front; `None` if that isn't there completely.
#[derive(Clone, Copy)]
struct Cursor<'p>(&'p [u8]);

impl<'p> Cursor<'p> {
    #[inline]
    fn expect(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = behind(self.0, literal)?;
        Some(())
    }

    /// A text without escapes, after its opening quote.
    #[inline]
    fn text(&mut self) -> Option<&'p [u8]> {
        let (text, rest) = self.0.split_at_checked(plain_len(self.0))?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// The text of `id`, which is likely, or any other text, after its opening quote.
    #[inline]
    fn id_or_text(&mut self, id: EntryId<'p>) -> Option<&'p [u8]> {
        if let (Some(text), Some(other), Some(more)) =
            (self.0.first_chunk(), id.from.first_chunk(), 7_usize.checked_sub(id.node.len()))
        {
            // Compares the id and its closing quote at once, whatever the length.
            let differs = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*other);
            if differs << more.wrapping_mul(8) == 0 {
                self.0 = self.0.get(id.node.len().wrapping_add(1)..)?;
                return Some(id.node);
            }
        }
        self.expected_or_text(id.node)
    }

    /// The text `expected`, which has no escapes, or any other text, after its opening quote.
    #[inline]
    fn expected_or_text(&mut self, expected: &[u8]) -> Option<&'p [u8]> {
        match self.0.split_at_checked(expected.len()) {
            Some((text, [b'"', rest @ ..])) if same(text, expected) => {
                self.0 = rest;
                Some(text)
            }
            _ => self.text(),
        }
    }

    /// `byte`, and spaces around it.
    #[inline]
    fn spaced_byte(&mut self, byte: u8) -> Option<()> {
        self.spaces();
        self.expect(&[byte])?;
        self.spaces();
        Some(())
    }

    #[inline]
    fn spaces(&mut self) {
        self.0 = behind_spaces(self.0);
    }

    /// A number without minus and exponent. The byte after it must end it, and stays.
    #[inline]
    fn milli(&mut self) -> Option<Milli> {
        if let Some((number, rest)) = take_whole(self.0) {
            let rest = rest.strip_prefix(b".0").unwrap_or(rest);
            if let [b',' | b'}', ..] = rest {
                self.0 = rest;
                return Some(Milli::whole(number));
            }
        }
        let digits = |from: usize| self.0.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(0);
        let mut len = whole;
        if self.0.get(whole) == Some(&b'.') {
            let fraction = digits(whole.saturating_add(1));
            len = whole.saturating_add(fraction).saturating_add(1);
            if fraction == 0 {
                return None;
            }
        }
        let leads_with_zero = whole > 1 && self.0.first() == Some(&b'0');
        let (number, rest) = self.0.split_at_checked(len)?;
        if whole == 0 || leads_with_zero || !matches!(rest.first(), Some(b',' | b'}')) {
            return None;
        }
        self.0 = rest;
        let mut literal = Literal::ZERO;
        literal.push(number);
        Some(literal.milli())
    }
}
