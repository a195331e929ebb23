//! Reads what Python's `json.dumps` writes next, as far as it stands whole in the piece at hand.
//!
//! The server spells its messages the same way each time: the order of the members, the spaces, no escapes in ids. So
//! whole members are compared with what is expected, which costs a fraction of looking at each byte. Whatever differs,
//! or ends with the piece, is left to the lexer, byte by byte, and the prediction goes on behind the next member. Both
//! change the same fields in the same way: `tests/tests/predicted_is_strict.rs` holds them to it.

use super::{
    EventKind, Handler, NodeStatus, Part,
    decoder::Reader,
    field::{Field, Found, Ignored, Level},
};
use crate::{
    json::{Lexer, Visitor as _, plain_len, same},
    number::{Literal, Milli},
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

/// How the entry of a node that has finished goes on behind its name, most often.
const FINISHED: &[u8] = b": {\"value\": 1.0, \"max\": 1.0, \"state\": \"finished\", \"node_id\": \"";

const ONE: Milli = Milli::from_thousandths(1_000);

/// What is left of a piece. Each method takes what it names from the front, or says that it isn't there, whole.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    #[inline]
    fn expect(&mut self, literal: &[u8]) -> Option<()> {
        let (front, behind) = self.0.split_at_checked(literal.len())?;
        self.0 = same(front, literal).then_some(behind)?;
        Some(())
    }

    /// A text without escapes, behind its opening quote.
    #[inline]
    fn text(&mut self) -> Option<&'a [u8]> {
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
    fn number(&mut self) -> Option<&'a [u8]> {
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
}

#[inline]
fn literal(number: &[u8]) -> Literal {
    let mut literal = Literal::ZERO;
    literal.push(number);
    literal
}

#[inline]
fn milli(number: &[u8]) -> Milli {
    match number {
        [digit] | [digit, b'.', b'0'] => {
            Milli::from_thousandths(i64::from(digit.wrapping_sub(b'0')).wrapping_mul(1_000))
        }
        _ => literal(number).milli(),
    }
}

impl<H: Handler, const ID: usize, const MESSAGE: usize> Reader<'_, H, ID, MESSAGE> {
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
            rest.expect(b", ")?;
        } else if !lexer.is_before_first_member() {
            return None;
        }
        match self.fields.level {
            Level::Node => self.node_member(lexer, rest),
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
        let (closes, level): (&[u8], Level) = match self.fields.level {
            Level::Node if self.fields.field == Field::Ignored(Ignored::RealNode) => (b"}", Level::Nodes),
            Level::Nodes => (b"}}}", Level::Outside),
            Level::Data => (b"}}", Level::Outside),
            _ => return None,
        };
        let behind = piece.strip_prefix(closes)?;
        if level == Level::Nodes {
            self.end_node();
            self.fields.node.clear();
        }
        self.fields.level = level;
        self.fields.field = Field::Skip;
        for _ in closes {
            lexer.close_object();
        }
        Some(behind)
    }

    /// An entry of `nodes`, whole or its beginning: `"3": {`
    #[inline]
    fn node<'a>(&mut self, lexer: &mut Lexer, mut rest: Rest<'a>) -> Option<&'a [u8]> {
        rest.expect(b"\"")?;
        let node = rest.text()?;
        if let Some(behind) = self.whole_node(node, rest) {
            lexer.take_member();
            return Some(behind);
        }
        rest.expect(b": {")?;
        let fields = &mut *self.fields;
        fields.node.clear();
        fields.node.push(node);
        fields.entry = Found::NONE;
        fields.count = fields.count.saturating_add(1);
        fields.level = Level::Node;
        fields.field = Field::Skip;
        lexer.open_object();
        Some(rest.0)
    }

    /// An entry behind its name, where all of it stands in the piece: it is told from there, and nothing is copied.
    #[inline]
    fn whole_node<'a>(&mut self, node: &'a [u8], mut rest: Rest<'a>) -> Option<&'a [u8]> {
        let fields = &mut *self.fields;
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
        rest.this_or_text(fields.prompt_id.as_bytes())?;
        rest.expect(b", \"display_node_id\": \"")?;
        let display = rest.this_or_text(node)?;
        if rest.expect(b", \"parent_node_id\": null, \"real_node_id\": \"").is_none() {
            rest.expect(b", \"parent_node_id\": \"")?;
            rest.text()?;
            rest.expect(b", \"real_node_id\": \"")?;
        }
        rest.this_or_text(node)?;
        rest.expect(b"}")?;
        let (node_id, display_node_id) = (Id::whole::<ID>(node)?, Id::whole::<ID>(display)?);
        fields.count = fields.count.saturating_add(1);
        fields.field = Field::Skip;
        if fields.broken.is_none() {
            let prompt_id = fields.prompt_id.as_id();
            let display_node_id = Some(display_node_id);
            self.handler.part(Part::NodeState { prompt_id, node_id, value, max, state, display_node_id });
        }
        Some(rest.0)
    }

    /// A member of an entry of `nodes`.
    #[inline]
    fn node_member<'a>(&mut self, lexer: &mut Lexer, mut rest: Rest<'a>) -> Option<&'a [u8]> {
        let fields = &mut *self.fields;
        let field = match fields.field {
            Field::Skip if lexer.is_before_first_member() => {
                rest.expect(b"\"value\": ")?;
                fields.value = milli(rest.number()?);
                Field::Value
            }
            Field::Value => {
                rest.expect(b"\"max\": ")?;
                fields.max = milli(rest.number()?);
                Field::Max
            }
            Field::Max => {
                rest.expect(b"\"state\": \"")?;
                fields.state = if rest.expect(b"finished\"").is_some() {
                    NodeStatus::Finished
                } else {
                    rest.expect(b"running\"")?;
                    NodeStatus::Running
                };
                Field::State
            }
            Field::State => {
                rest.expect(b"\"node_id\": \"")?;
                rest.text()?;
                Field::Ignored(Ignored::Node)
            }
            Field::Ignored(Ignored::Node) => {
                rest.expect(b"\"prompt_id\": \"")?;
                rest.text()?;
                Field::Ignored(Ignored::Prompt)
            }
            Field::Ignored(Ignored::Prompt) => {
                rest.expect(b"\"display_node_id\": \"")?;
                set(&mut fields.display, rest.text()?);
                Field::DisplayNode
            }
            Field::DisplayNode => {
                rest.expect(b"\"parent_node_id\": ")?;
                if rest.expect(b"null").is_none() {
                    rest.expect(b"\"")?;
                    rest.text()?;
                }
                // What ends the word must be there: `nullx` is none.
                if !matches!(rest.0.first(), Some(b',' | b'}')) {
                    return None;
                }
                Field::Ignored(Ignored::ParentNode)
            }
            Field::Ignored(Ignored::ParentNode) => {
                rest.expect(b"\"real_node_id\": \"")?;
                rest.text()?;
                Field::Ignored(Ignored::RealNode)
            }
            _ => return None,
        };
        fields.field = field;
        fields.entry.set(field);
        lexer.take_member();
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
