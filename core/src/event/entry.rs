//! An entry of `nodes` as the server spells it: most of what it sends are these.

use super::{NodeStatus, Part};
use crate::{
    json::{Cursor, Miss},
    number::{Literal, Milli},
    text::{Id, Text},
};

/// How the entry of a node that has finished goes on behind its name, most often.
const FINISHED: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// Takes an entry from the front of `rest`, where it stands there whole and as `json.dumps` writes it, and tells what it
/// says of a node of the prompt `prompt_id`.
#[inline]
pub(super) fn entry<'a, 'p: 'a, const ID: usize>(
    rest: &mut &'p [u8],
    is_first: bool,
    prompt_id: &'a Text<ID>,
) -> Result<Part<'a>, Miss> {
    let mut cursor = Cursor(rest);
    cursor.expect(if is_first { b"\"" } else { b", \"" })?;
    let node = cursor.text()?;
    let (mut value, mut max, mut state) = (ONE, ONE, NodeStatus::Finished);
    if cursor.expect(FINISHED).is_err() {
        cursor.expect(b": {\"value\": ")?;
        value = milli(&mut cursor)?;
        cursor.expect(b", \"max\": ")?;
        max = milli(&mut cursor)?;
        if cursor.expect(b", \"state\": \"finished\", \"node_id\": \"").is_err() {
            cursor.expect(b", \"state\": \"running\", \"node_id\": \"")?;
            state = NodeStatus::Running;
        }
    }
    this_or_text(&mut cursor, node)?;
    cursor.expect(b", \"prompt_id\": \"")?;
    cursor.text()?;
    cursor.expect(b", \"display_node_id\": \"")?;
    let display = this_or_text(&mut cursor, node)?;
    if cursor.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_err() {
        cursor.expect(b", \"parent_node_id\": \"")?;
        cursor.text()?;
        cursor.expect(b", \"real_node_id\": \"")?;
    }
    this_or_text(&mut cursor, node)?;
    cursor.expect(b"}")?;
    // A longer one is hashed piece by piece.
    let id = |text| Id::whole::<ID>(text).ok_or(Miss::Odd);
    let (node_id, display_node_id) = (id(node)?, Some(id(display)?));
    *rest = cursor.0;
    Ok(Part::NodeState { prompt_id: prompt_id.as_id(), node_id, value, max, state, display_node_id })
}

/// A number.
#[inline]
fn milli(cursor: &mut Cursor<'_>) -> Result<Milli, Miss> {
    let number = cursor.number()?;
    if let [digit] | [digit, b'.', b'0'] = number {
        return Ok(Milli::from_thousandths(i64::from(digit.wrapping_sub(b'0')).wrapping_mul(1_000)));
    }
    let mut literal = Literal::ZERO;
    literal.push(number);
    Ok(literal.milli())
}

/// The text `this`, which is likely, or any other, behind its opening quote. `this` has no escapes.
#[inline]
fn this_or_text<'a>(cursor: &mut Cursor<'a>, this: &[u8]) -> Result<&'a [u8], Miss> {
    let text = cursor.0.get(..this.len()).unwrap_or_default();
    let before = *cursor;
    if cursor.expect(this).is_ok() && cursor.expect(b"\"").is_ok() {
        return Ok(text);
    }
    *cursor = before;
    cursor.text()
}
