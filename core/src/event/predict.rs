//! Reads what Python's `json.dumps` writes next, as far as it stands whole in the piece at hand.
//!
//! The server spells its messages the same way each time: the order of the members, the spaces, no escapes in ids. So
//! whole members are compared with what is expected, which costs a fraction of looking at each byte. Whatever differs,
//! or ends with the piece, is left to the lexer, byte by byte, and the prediction goes on behind the next member. Both
//! change the same fields in the same way: `tests/tests/predicted_is_strict.rs` holds them to it.

use super::{
    EventKind, Handler, Part,
    decoder::Reader,
    field::{Field, Level},
    rest::{Entry, Rest, literal, milli},
};
use crate::{
    json::{Lexer, Visitor as _, find},
    text::{Id, Text},
};

/// How the types go on behind `{"type": "`, the most frequent first.
const TYPES: [(EventKind, &[u8]); 7] = [
    (EventKind::ProgressState, b"progress_state\", \"data\": {"),
    (EventKind::Progress, b"progress\", \"data\": {"),
    (EventKind::Executing, b"executing\", \"data\": {"),
    (EventKind::Executed, b"executed\", \"data\": {"),
    (EventKind::Status, b"status\", \"data\": {"),
    (EventKind::ExecutionStart, b"execution_start\", \"data\": {"),
    (EventKind::ExecutionSuccess, b"execution_success\", \"data\": {"),
];

impl<H: Handler, const ID: usize, const MESSAGE: usize> Reader<'_, H, ID, MESSAGE> {
    /// Whether all of `rest` is the beginning of an entry of `nodes` that the next piece goes on with, as far as can be
    /// told from its first byte.
    pub(super) fn is_cut_node(&self, lexer: &Lexer, rest: &[u8]) -> bool {
        let begins = match rest.first() {
            Some(b',') => lexer.is_behind_member(),
            Some(b'"') => lexer.is_before_first_member(),
            _ => false,
        };
        begins && self.fields.level == Level::Nodes && self.predicts() && find(rest, b'}').is_none()
    }

    /// Takes predicted members from the front of `piece` and returns what is left.
    pub(super) fn predict<'a>(&mut self, lexer: &mut Lexer, piece: &'a [u8]) -> &'a [u8] {
        if self.fields.level != Level::Outside && !self.predicts() {
            return piece;
        }
        let mut rest = piece;
        while !rest.is_empty() {
            let Some(behind) = self.predict_one(lexer, rest) else { break };
            rest = behind;
        }
        lexer.advance(piece.len().saturating_sub(rest.len()));
        rest
    }

    #[inline]
    fn predict_one<'a>(&mut self, lexer: &mut Lexer, piece: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = Rest(piece);
        if self.fields.level == Level::Outside {
            if !lexer.is_at_start() || self.fields.field != Field::Skip || self.fields.skipped != 0 {
                return None;
            }
            return self.start(lexer, rest);
        }
        if lexer.is_behind_member() {
            if let Some(behind) = self.end(lexer, piece) {
                return Some(behind);
            }
            rest.expect(b",")?;
            rest.spaces();
        } else if !lexer.is_before_first_member() {
            return None;
        }
        match self.fields.level {
            Level::Nodes => self.node(lexer, rest),
            Level::Data => {
                let first = lexer.is_before_first_member();
                self.data_member(lexer, rest, first)
            }
            _ => None,
        }
    }

    /// `{"type": "…", "data": {`
    fn start<'a>(&mut self, lexer: &mut Lexer, mut rest: Rest<'a>) -> Option<&'a [u8]> {
        rest.expect(b"{\"type\": \"")?;
        let (kind, behind) = TYPES.iter().find_map(|(kind, spelled)| Some((*kind, rest.0.strip_prefix(*spelled)?)))?;
        let fields = &mut *self.fields;
        if !fields.wants(kind) {
            return None;
        }
        fields.is_object = true;
        fields.kind = kind;
        fields.found.set(Field::Type);
        fields.found.set(Field::Data);
        fields.level = Level::Data;
        lexer.open_object();
        lexer.open_object();
        Some(behind)
    }

    /// The end of the container at hand, and of those around it that end with it.
    #[inline]
    fn end<'a>(&mut self, lexer: &mut Lexer, piece: &'a [u8]) -> Option<&'a [u8]> {
        let closes: &[u8] = match self.fields.level {
            Level::Nodes => b"}}}",
            Level::Data => b"}}",
            _ => return None,
        };
        let behind = piece.strip_prefix(closes)?;
        self.fields.level = Level::Outside;
        self.fields.field = Field::Skip;
        for _ in closes {
            lexer.close_object();
        }
        Some(behind)
    }

    /// An entry of `nodes`, where all of it stands in the piece: it is told from there, and nothing is copied.
    fn node<'a>(&mut self, lexer: &mut Lexer, rest: Rest<'a>) -> Option<&'a [u8]> {
        let fields = &mut *self.fields;
        let (entry, rest) = Entry::read(rest, fields.prompt_id.as_bytes())?;
        let node_id = Id::whole::<ID>(entry.node)?;
        let display_node_id = entry.display.map(Id::whole::<ID>);
        if display_node_id == Some(None) {
            return None;
        }
        fields.count = fields.count.saturating_add(1);
        fields.field = Field::Skip;
        lexer.take_member();
        if fields.broken.is_none() {
            let Entry { value, max, state, .. } = entry;
            let prompt_id = fields.prompt_id.as_id();
            let display_node_id = display_node_id.flatten();
            self.handler.part(Part::NodeState { prompt_id, node_id, value, max, state, display_node_id });
        }
        Some(rest.0)
    }

    /// A member of `data`.
    fn data_member<'a>(&mut self, lexer: &mut Lexer, mut rest: Rest<'a>, first: bool) -> Option<&'a [u8]> {
        use EventKind as K;
        let fields = &mut *self.fields;
        let field = match (fields.kind, fields.field) {
            (K::Progress, Field::Skip) if first => {
                rest.expect(b"\"value\": ")?;
                fields.value = milli(rest.number()?);
                Field::Value
            }
            (K::Progress, Field::Value) => {
                rest.expect(b"\"max\": ")?;
                fields.max = milli(rest.number()?);
                Field::Max
            }
            (K::Progress, Field::PromptId) | (K::Executing | K::Executed, Field::Skip)
                if first || fields.kind == K::Progress =>
            {
                rest.expect(b"\"node\": ")?;
                fields.no_node = rest.expect(b"\"").is_none();
                fields.node.clear();
                if fields.no_node {
                    rest.expect(b"null")?;
                    if !matches!(rest.0.first(), Some(b',' | b'}')) {
                        return None;
                    }
                } else {
                    fields.node.push(rest.text()?);
                }
                Field::Node
            }
            (K::Executing | K::Executed, Field::Node) if rest.expect(b"\"display_node\": \"").is_some() => {
                set(&mut fields.display, rest.text()?);
                Field::DisplayNode
            }
            (K::ProgressState | K::ExecutionStart | K::ExecutionSuccess, Field::Skip) if first => {
                rest.expect(b"\"prompt_id\": \"")?;
                set(&mut fields.prompt_id, rest.text()?);
                Field::PromptId
            }
            (K::Progress, Field::Max) | (K::Executing, Field::Node | Field::DisplayNode) => {
                rest.expect(b"\"prompt_id\": \"")?;
                set(&mut fields.prompt_id, rest.text()?);
                Field::PromptId
            }
            (K::ProgressState, Field::PromptId) if fields.found.has(Field::PromptId) => {
                rest.expect(b"\"nodes\": {")?;
                fields.found.set(Field::Container(Level::Nodes));
                fields.count = 0;
                fields.node.clear();
                fields.level = Level::Nodes;
                fields.field = Field::Skip;
                lexer.open_object();
                return Some(rest.0);
            }
            (K::ExecutionStart | K::ExecutionSuccess, Field::PromptId) => {
                rest.expect(b"\"timestamp\": ")?;
                fields.timestamp = literal(rest.number()?).u64()?;
                Field::Timestamp
            }
            (K::Status, Field::Skip) if first => {
                rest.expect(b"\"status\": {\"exec_info\": {\"queue_remaining\": ")?;
                let queue_remaining = literal(rest.number()?).u64().and_then(|n| u32::try_from(n).ok())?;
                rest.expect(b"}}")?;
                fields.queue_remaining = queue_remaining;
                fields.found.set(Field::QueueRemaining);
                lexer.take_member();
                return Some(rest.0);
            }
            _ => return None,
        };
        fields.field = field;
        if fields.no_node && field == Field::Node {
            fields.found.clear(field);
        } else {
            fields.found.set(field);
        }
        lexer.take_member();
        Some(rest.0)
    }
}

#[inline]
fn set<const N: usize>(text: &mut Text<N>, bytes: &[u8]) {
    text.clear();
    text.push(bytes);
}
