//! What is left of a piece, and an entry of `nodes` that stands whole in it.

use super::NodeStatus;
use crate::{
    json::{find, plain_len, same},
    number::{Literal, Milli},
};

/// What is left of a piece. Each method takes what it names from the front, or says that it isn't there, whole.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    #[inline]
    pub(super) fn expect(&mut self, literal: &[u8]) -> Option<()> {
        let (front, behind) = self.0.split_at_checked(literal.len())?;
        self.0 = same(front, literal).then_some(behind)?;
        Some(())
    }

    /// A text without escapes, behind its opening quote.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let (text, behind) = self.0.split_at_checked(plain_len(self.0))?;
        self.0 = behind.strip_prefix(b"\"")?;
        Some(text)
    }

    /// The text `this`, which is likely, or any other, behind its opening quote.
    #[inline]
    fn this_or_text(&mut self, this: &[u8]) -> Option<&'a [u8]> {
        match self.0.split_at_checked(this.len()) {
            Some((text, [b'"', behind @ ..])) if same(text, this) => {
                self.0 = behind;
                Some(text)
            }
            _ => self.text(),
        }
    }

    /// A number without an exponent, and the byte behind it that ends it, which stays.
    #[inline]
    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
        let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(self.0);
        let mut len = whole;
        if self.0.get(whole) == Some(&b'.') {
            let fraction = digits(self.0.get(whole.saturating_add(1)..)?);
            if fraction == 0 {
                return None;
            }
            len = whole.saturating_add(fraction).saturating_add(1);
        }
        let (number, behind) = self.0.split_at_checked(len)?;
        let leads_with_zero = whole > 1 && number.first() == Some(&b'0');
        if whole == 0 || leads_with_zero || !matches!(behind.first(), Some(b',' | b'}')) {
            return None;
        }
        self.0 = behind;
        Some(number)
    }

    /// Spaces, where there are any.
    #[inline]
    pub(super) fn spaces(&mut self) {
        while let Some((b' ' | b'\t' | b'\n' | b'\r', behind)) = self.0.split_first() {
            self.0 = behind;
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
}

#[inline]
pub(super) fn literal(number: &[u8]) -> Literal {
    let mut literal = Literal::ZERO;
    literal.push(number);
    literal
}

#[inline]
pub(super) fn milli(number: &[u8]) -> Milli {
    match number {
        [digit] | [digit, b'.', b'0'] => {
            Milli::from_thousandths(i64::from(digit.wrapping_sub(b'0')).wrapping_mul(1_000))
        }
        _ => literal(number).milli(),
    }
}

/// How the entry of a node that has finished goes on behind its name, most often.
const FINISHED: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// An entry of `nodes`, borrowed.
pub(super) struct Entry<'a> {
    pub(super) node: &'a [u8],
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) display: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    /// The entry that `rest` begins with, and what is behind it. `None` where it isn't whole, or has anything out of the
    /// ordinary in it, which the lexer then tells.
    #[inline]
    pub(super) fn read(mut rest: Rest<'a>, prompt_id: &[u8]) -> Option<(Self, Rest<'a>)> {
        rest.expect(b"\"")?;
        let node = rest.text()?;
        Self::as_the_server_spells(node, prompt_id, rest).or_else(|| {
            // Most often it is the piece's end that is in the way.
            find(rest.0, b'}')?;
            Self::in_any_order(node, rest)
        })
    }

    /// The entry behind its name, as `json.dumps` writes it.
    #[inline]
    fn as_the_server_spells(node: &'a [u8], prompt_id: &[u8], mut rest: Rest<'a>) -> Option<(Self, Rest<'a>)> {
        let (value, max, state) = if rest.expect(FINISHED).is_some() {
            (ONE, ONE, NodeStatus::Finished)
        } else {
            rest.expect(b": {\"value\": ")?;
            let value = milli(rest.number()?);
            rest.expect(b", \"max\": ")?;
            let max = milli(rest.number()?);
            if rest.expect(b", \"state\": \"finished\", \"node_id\": \"").is_some() {
                (value, max, NodeStatus::Finished)
            } else {
                rest.expect(b", \"state\": \"running\", \"node_id\": \"")?;
                (value, max, NodeStatus::Running)
            }
        };
        rest.this_or_text(node)?;
        rest.expect(b", \"prompt_id\": \"")?;
        rest.this_or_text(prompt_id)?;
        rest.expect(b", \"display_node_id\": \"")?;
        let display = Some(rest.this_or_text(node)?);
        if rest.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_none() {
            rest.expect(b", \"parent_node_id\": \"")?;
            rest.text()?;
            rest.expect(b", \"real_node_id\": \"")?;
        }
        rest.this_or_text(node)?;
        rest.expect(b"}")?;
        Some((Self { node, value, max, state, display }, rest))
    }

    /// The entry behind its name, its members in any order and with any spaces between them.
    fn in_any_order(node: &'a [u8], mut rest: Rest<'a>) -> Option<(Self, Rest<'a>)> {
        let (mut value, mut max, mut state, mut display) = (None, None, None, None);
        rest.byte(b':')?;
        rest.byte(b'{')?;
        loop {
            rest.expect(b"\"")?;
            let key = rest.text()?;
            rest.byte(b':')?;
            if rest.expect(b"\"").is_some() {
                let text = rest.text()?;
                match key {
                    b"state" => {
                        state = Some(match text {
                            b"running" => NodeStatus::Running,
                            b"finished" => NodeStatus::Finished,
                            _ => NodeStatus::Other,
                        });
                    }
                    b"display_node_id" => display = Some(text),
                    b"value" | b"max" => return None,
                    _ => {}
                }
            } else {
                match key {
                    b"value" => value = Some(milli(rest.number()?)),
                    b"max" => max = Some(milli(rest.number()?)),
                    b"state" | b"display_node_id" => return None,
                    _ => rest.expect(b"null")?,
                }
            }
            rest.spaces();
            if rest.expect(b"}").is_some() {
                break;
            }
            rest.byte(b',')?;
        }
        Some((Self { node, value: value?, max: max?, state: state?, display }, rest))
    }
}
