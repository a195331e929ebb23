//! An entry of `nodes`, read in one go where it stands whole in a piece: most of what the server sends are these.

use super::NodeStatus;
use crate::{
    json::{behind_spaces, plain_len, same},
    limits::ENTRY_BYTES,
    number::{Literal, Milli, take_whole},
};

/// How the entry of a node that has finished goes on behind its name, most often.
const FINISHED: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// Whether entries are read so. It takes 2 KB, which a microcontroller's flash hasn't; there members are read one by one.
pub(super) const IN_ONE_GO: bool = cfg!(target_pointer_width = "64");

/// Bytes that are kept of an entry which a piece's end cuts.
pub(super) const CUT_BYTES: usize = if IN_ONE_GO { ENTRY_BYTES } else { 0 };

/// An entry of `nodes`, borrowed.
pub(super) struct Entry<'p> {
    pub(super) node: &'p [u8],
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) display: Option<&'p [u8]>,
}

impl<'p> Entry<'p> {
    /// Takes an entry, likely of the prompt `prompt`, from the front of `rest`. `None` where it isn't whole, or has anything
    /// out of the ordinary in it, which the lexer then tells.
    #[inline]
    pub(super) fn take(rest: &mut &'p [u8], is_first: bool, prompt: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(rest);
        if !is_first {
            cursor.byte(b',')?;
        }
        cursor.expect(b"\"")?;
        let from = cursor.0;
        let node = cursor.text()?;
        let before = cursor;
        let entry = Self::as_the_server_spells(Name { node, from }, prompt, &mut cursor).or_else(|| {
            cursor = before;
            Self::in_any_order(node, &mut cursor)
        })?;
        *rest = cursor.0;
        Some(entry)
    }

    /// The entry behind its name, as `json.dumps` writes it.
    #[inline]
    fn as_the_server_spells(name: Name<'p>, prompt: &[u8], cursor: &mut Cursor<'p>) -> Option<Self> {
        let (mut value, mut max, mut state) = (ONE, ONE, NodeStatus::Finished);
        if cursor.expect(FINISHED).is_none() {
            cursor.expect(b": {\"value\": ")?;
            value = cursor.milli()?;
            cursor.expect(b", \"max\": ")?;
            max = cursor.milli()?;
            if cursor.expect(b", \"state\": \"finished\", \"node_id\": \"").is_none() {
                cursor.expect(b", \"state\": \"running\", \"node_id\": \"")?;
                state = NodeStatus::Running;
            }
        }
        cursor.name_or_text(name)?;
        cursor.expect(b", \"prompt_id\": \"")?;
        cursor.this_or_text(prompt)?;
        cursor.expect(b", \"display_node_id\": \"")?;
        let display = Some(cursor.name_or_text(name)?);
        if cursor.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_none() {
            cursor.expect(b", \"parent_node_id\": \"")?;
            cursor.text()?;
            cursor.expect(b", \"real_node_id\": \"")?;
        }
        cursor.name_or_text(name)?;
        cursor.expect(b"}")?;
        Some(Self { node: name.node, value, max, state, display })
    }

    /// The entry behind its name, its members in any order and with any spaces between them.
    fn in_any_order(node: &'p [u8], cursor: &mut Cursor<'p>) -> Option<Self> {
        let (mut value, mut max, mut state, mut display) = (None, None, None, None);
        cursor.byte(b':')?;
        cursor.byte(b'{')?;
        loop {
            cursor.expect(b"\"")?;
            let key = cursor.text()?;
            cursor.byte(b':')?;
            if cursor.expect(b"\"").is_some() {
                let text = cursor.text()?;
                match key {
                    b"state" => state = Some(NodeStatus::named(text)),
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
            cursor.byte(b',')?;
        }
    }
}

/// The name of an entry, which is repeated in it.
#[derive(Clone, Copy)]
struct Name<'p> {
    node: &'p [u8],
    /// The piece from where it begins.
    from: &'p [u8],
}

/// What is left of a piece. Each method takes what it names from the front, or says that it isn't there, whole.
#[derive(Clone, Copy)]
struct Cursor<'p>(&'p [u8]);

impl<'p> Cursor<'p> {
    #[inline]
    fn expect(&mut self, literal: &[u8]) -> Option<()> {
        let (front, behind) = self.0.split_at_checked(literal.len())?;
        self.0 = same(front, literal).then_some(behind)?;
        Some(())
    }

    /// A text without escapes, behind its opening quote.
    #[inline]
    fn text(&mut self) -> Option<&'p [u8]> {
        let (text, behind) = self.0.split_at_checked(plain_len(self.0))?;
        self.0 = behind.strip_prefix(b"\"")?;
        Some(text)
    }

    /// The text `name`, which is likely, or any other, behind its opening quote.
    #[inline]
    fn name_or_text(&mut self, name: Name<'p>) -> Option<&'p [u8]> {
        if let (Some(text), Some(other), Some(more)) =
            (self.0.first_chunk(), name.from.first_chunk(), 7_usize.checked_sub(name.node.len()))
        {
            // With the quote behind it, in one go whatever its length.
            let differs = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*other);
            if differs << more.wrapping_mul(8) == 0 {
                self.0 = self.0.get(name.node.len().wrapping_add(1)..)?;
                return Some(name.node);
            }
        }
        self.this_or_text(name.node)
    }

    /// The text `this`, which is likely and has no escapes, or any other, behind its opening quote.
    #[inline]
    fn this_or_text(&mut self, this: &[u8]) -> Option<&'p [u8]> {
        match self.0.split_at_checked(this.len()) {
            Some((text, [b'"', behind @ ..])) if same(text, this) => {
                self.0 = behind;
                Some(text)
            }
            _ => self.text(),
        }
    }

    /// `byte` amid spaces.
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        self.spaces();
        self.expect(&[byte])?;
        self.spaces();
        Some(())
    }

    #[inline]
    fn spaces(&mut self) {
        self.0 = behind_spaces(self.0);
    }

    /// A number without minus and exponent, and the byte behind it that ends it, which stays.
    #[inline]
    fn milli(&mut self) -> Option<Milli> {
        if let Some((number, behind)) = take_whole(self.0) {
            let behind = behind.strip_prefix(b".0").unwrap_or(behind);
            if let [b',' | b'}', ..] = behind {
                self.0 = behind;
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
        let (number, behind) = self.0.split_at_checked(len)?;
        if whole == 0 || leads_with_zero || !matches!(behind.first(), Some(b',' | b'}')) {
            return None;
        }
        self.0 = behind;
        let mut literal = Literal::ZERO;
        literal.push(number);
        Some(literal.milli())
    }
}
