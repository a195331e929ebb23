//! An entry of `nodes` as the server spells it, read in one go: most of what it sends are these.

use super::{NodeStatus, Part};
use crate::{
    json::{plain_len, same},
    number::{Literal, Milli},
    text::{Id, Text},
};

/// How the entry of a node that has finished goes on behind its name, most often.
const FINISHED: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// Takes an entry from the front of `rest`, where it stands there whole and as `json.dumps` writes it: what it says of a
/// node of the prompt `prompt_id`.
#[inline]
pub(super) fn entry<'a, 'p: 'a, const ID: usize>(
    rest: &mut &'p [u8],
    is_first: bool,
    prompt_id: &'a Text<ID>,
) -> Option<Part<'a>> {
    let mut cursor = Cursor(rest);
    cursor.expect(if is_first { b"\"" } else { b", \"" })?;
    let node = cursor.text()?;
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
    cursor.this_or_text(node)?;
    cursor.expect(b", \"prompt_id\": \"")?;
    cursor.text()?;
    cursor.expect(b", \"display_node_id\": \"")?;
    let display = cursor.this_or_text(node)?;
    if cursor.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_none() {
        cursor.expect(b", \"parent_node_id\": \"")?;
        cursor.text()?;
        cursor.expect(b", \"real_node_id\": \"")?;
    }
    cursor.this_or_text(node)?;
    cursor.expect(b"}")?;
    // A longer one is hashed as it is kept.
    let (node_id, display_node_id) = (Id::whole::<ID>(node)?, Some(Id::whole::<ID>(display)?));
    *rest = cursor.0;
    Some(Part::NodeState { prompt_id: prompt_id.as_id(), node_id, value, max, state, display_node_id })
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

    /// A number without minus and exponent, and the comma behind it, which stays.
    #[inline]
    fn milli(&mut self) -> Option<Milli> {
        if let [digit @ b'0'..=b'9', b'.', b'0', b',', ..] = self.0 {
            self.0 = self.0.get(3..)?;
            return Some(Milli::from_thousandths(i64::from(digit.wrapping_sub(b'0')).wrapping_mul(1_000)));
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
        if whole == 0 || leads_with_zero || behind.first() != Some(&b',') {
            return None;
        }
        self.0 = behind;
        let mut literal = Literal::ZERO;
        literal.push(number);
        Some(literal.milli())
    }
}
