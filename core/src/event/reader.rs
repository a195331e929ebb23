// As in the lexer: inlined, a token's parts stay in registers, which matters on a desktop.
#![allow(clippy::inline_always)]

use super::{
    EventKind, Handler, NodeStatus, Part,
    entry::{NodeEntry, PARTIAL_ENTRY_BYTES, READS_WHOLE_ENTRIES},
    field::{COMMA_AND_SPACE, Field, FieldSet, Member, members},
    fields::Fields,
};
use crate::{
    capacity::Capacity,
    json::{Container, Lexer, Token, Word, behind_spaces, find, plain_len, same},
    text::Id,
};

/// Fills [`Fields`] from the lexer's tokens or, where the spelling is predicted, straight from the bytes.
pub(super) struct Reader<'a, H, C: Capacity> {
    pub(super) lexer: &'a mut Lexer,
    pub(super) fields: &'a mut Fields<C>,
    pub(super) handler: &'a mut H,
}

impl<H: Handler, C: Capacity> Reader<'_, H, C> {
    /// Reads `piece` and returns the partial entry of `nodes` that it ends with, or nothing.
    ///
    /// If `predicts`, it compares whole spellings where it can. Otherwise it reads token by token, and returns nothing.
    pub(super) fn read<'p>(&mut self, predicts: bool, piece: &'p [u8]) -> &'p [u8] {
        let mut rest = piece;
        if predicts && self.lexer.is_fresh() {
            self.take_opening(&mut rest);
        }
        let partial = loop {
            if rest.is_empty() {
                break rest;
            }
            if predicts {
                match self.predict(&mut rest) {
                    Prediction::Matched => continue,
                    Prediction::PartialEntry => break rest,
                    Prediction::Failed => {}
                }
            }
            let Some(token) = self.lexer.next(&mut rest) else { break &[] };
            self.token(token);
        };
        // An error stays in the lexer until the message's end.
        let _ = self.lexer.count(piece, rest);
        partial
    }

    /// Takes a message's opening, up to the first member of its `data`, if it is spelled as the server does.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn take_opening(&mut self, rest: &mut &[u8]) {
        let Some((kind, after)) = EventKind::from_opening(rest) else { return };
        *rest = after;
        let fields = &mut *self.fields;
        fields.kind = kind;
        fields.found = FieldSet::OPENING;
        fields.entry_found = FieldSet::NONE;
        fields.level = Field::Data;
        fields.field = Field::Skip;
        fields.next = 0;
        self.lexer.take_opening();
    }

    /// Takes members and an object's end from the front of `rest`, as far as they are simple.
    ///
    /// The server (Python's `json.dumps`) spells its messages the same way each time. Comparing spellings takes a
    /// fraction of the time of reading each byte.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn predict(&mut self, rest: &mut &[u8]) -> Prediction {
        let Some(after_member) = self.lexer.behind_member() else { return Prediction::Failed };
        let fields = &mut *self.fields;
        if READS_WHOLE_ENTRIES && fields.level == Field::Nodes && !rest.starts_with(b"}") {
            return self.take_entries(rest, after_member);
        }
        let members = members(fields.level, fields.kind).expected;
        let mut is_first = !after_member;
        // The first member has no comma. What earlier pieces matched won't come again either.
        let mut skipped = usize::from(self.fields.matched).wrapping_add(if is_first { COMMA_AND_SPACE } else { 0 });
        loop {
            let (field, value) = match self.expected_key(members, skipped, rest) {
                KeyMatch::Found(field, value) => (field, value),
                KeyMatch::Partial => return Prediction::Failed,
                KeyMatch::Other if rest.starts_with(b"}") => {
                    self.take_object_end(rest);
                    return Prediction::Matched;
                }
                KeyMatch::Other => {
                    let Some((name, value)) = take_key(rest, is_first) else { return Prediction::Failed };
                    (self.fields.member_field(name), value)
                }
            };
            let Some(after) = self.fields.take_value(field, value) else {
                *rest = value;
                self.fields.select(field);
                self.after_key(rest);
                return Prediction::Matched;
            };
            *rest = after;
            is_first = false;
            skipped = 0;
            self.lexer.take_member();
        }
    }

    /// Takes the expected member's spelling, without its first `skipped` bytes, from the front of `rest`.
    #[inline(always)]
    fn expected_key<'p>(&mut self, members: &[Member], skipped: usize, rest: &mut &'p [u8]) -> KeyMatch<'p> {
        let fields = &mut *self.fields;
        while let Some(member) = members.get(usize::from(fields.next)) {
            let expected = member.spelling.as_bytes().get(skipped..).unwrap_or_default();
            match rest.split_at_checked(expected.len()) {
                Some((front, value)) if same(front, expected) => {
                    fields.matched = 0;
                    fields.next = fields.next.wrapping_add(1);
                    return KeyMatch::Found(member.field, value);
                }
                None if expected.starts_with(rest) => {
                    let len = u8::try_from(rest.len()).unwrap_or(u8::MAX);
                    fields.matched = fields.matched.saturating_add(len);
                    *rest = &[];
                    return KeyMatch::Partial;
                }
                _ if fields.matched != 0 => {
                    self.replay_matched();
                    return KeyMatch::Partial;
                }
                // The entry's node still runs.
                _ if member.field == Field::FinishedPrefix => fields.next = fields.next.wrapping_add(1),
                _ => break,
            }
        }
        KeyMatch::Other
    }

    /// Takes the end of an object from the front of `rest`, or the end of the whole message at once.
    fn take_object_end(&mut self, rest: &mut &[u8]) {
        if self.fields.level == Field::Data && *rest == b"}}" {
            *rest = &[];
            self.lexer.take_ending();
            self.fields.level = Field::Skip;
            self.fields.field = Field::Skip;
            return;
        }
        *rest = rest.get(1..).unwrap_or_default();
        self.lexer.take_end();
        self.end();
    }

    /// Tells the lexer that a member's name was taken, and enters the value if that is an object.
    fn after_key(&mut self, rest: &mut &[u8]) {
        self.lexer.take_name();
        if let [b'{', after @ ..] = *rest
            && self.fields.field.container() == Some(Container::Object)
        {
            *rest = after;
            self.lexer.take_begin();
            self.begin(Container::Object);
        }
    }

    /// Ends a prediction that won't come true: the lexer reads the bytes that it had matched.
    pub(super) fn abandon_prediction(&mut self) {
        if self.fields.matched != 0 {
            self.replay_matched();
        }
    }

    #[cold]
    fn replay_matched(&mut self) {
        let matched = usize::from(core::mem::take(&mut self.fields.matched));
        let expected = members(self.fields.level, self.fields.kind).expected.get(usize::from(self.fields.next));
        let is_first = self.lexer.behind_member() == Some(false);
        let mut read = expected.and_then(|member| member.spelling(is_first).get(..matched)).unwrap_or_default();
        while let Some(token) = self.lexer.next(&mut read) {
            self.token(token);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn token(&mut self, token: Token<'_>) {
        let mut utf8 = [0; 4];
        let (piece, ends) = match token {
            Token::Nothing => return,
            Token::Begin(container) => return self.begin(container),
            Token::End(_) => return self.end(),
            Token::Number(piece, ends) => return self.number(piece, ends),
            Token::Word(word) => return self.word(word),
            Token::Text(piece, ends) => (piece, ends),
            Token::Character(character) => (character.encode_utf8(&mut utf8).as_bytes(), false),
        };
        if !self.lexer.in_key() {
            return self.text(piece, ends);
        }
        let fields = &mut *self.fields;
        match (fields.level == Field::Nodes, ends) {
            (true, _) => {
                fields.node.push(piece);
                fields.field = Field::NodeState;
            }
            (false, true) => self.end_key(piece),
            (false, false) => fields.key.push(piece),
        }
    }

    /// Ends a member's name whose earlier pieces are in `fields.key`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn end_key(&mut self, last: &[u8]) {
        let fields = &mut *self.fields;
        if fields.key.as_bytes().is_empty() {
            return fields.select_member(last);
        }
        fields.key.push(last);
        let key = core::mem::take(&mut fields.key);
        fields.select_member(if key.is_cut() { b"" } else { key.as_bytes() });
    }

    fn begin(&mut self, container: Container) {
        let fields = &mut *self.fields;
        let level = fields.field;
        if level.container() != Some(container) {
            self.lexer.skip();
            return self.unexpected_value();
        }
        match level {
            Field::NodeState | Field::LogEntry => fields.count = fields.count.saturating_add(1),
            Field::Nodes | Field::CachedNodes | Field::LogEntries => {
                fields.count = 0;
                fields.node.clear();
                if level == Field::Nodes && !fields.found.contains(Field::PromptId) {
                    fields.invalid_field = Some("prompt_id");
                }
            }
            _ => {}
        }
        fields.found.set(level);
        fields.entry_found = FieldSet::NONE;
        fields.level = level;
        fields.field = level.element();
        fields.next = 0;
        fields.begin_value();
    }

    fn end(&mut self) {
        if self.fields.level == Field::NodeState {
            self.end_node_entry();
        }
        let fields = &mut *self.fields;
        fields.level = fields.level.parent();
        fields.field = fields.level.element();
        // A container inside another is usually its first member.
        fields.next = 1;
    }

    /// Takes all complete entries of `nodes` from the front of `rest`.
    #[inline]
    fn take_entries(&mut self, rest: &mut &[u8], after_member: bool) -> Prediction {
        let Self { lexer, fields, handler } = self;
        let is_reported = fields.invalid_field.is_none() && fields.wants(EventKind::ProgressState);
        let prompt_id = fields.prompt_id.as_id();
        let prompt = if fields.is_plain_prompt { fields.prompt_id.kept() } else { b"" };
        let mut is_first = !after_member;
        while let [byte, ..] = *rest
            && *byte != b'}'
        {
            if rest.len() < PARTIAL_ENTRY_BYTES && !rest.ends_with(b"}") && find(rest, b'}').is_none() {
                return Prediction::PartialEntry;
            }
            let mut after = *rest;
            let Some(NodeEntry { node, value, max, state, display }) = NodeEntry::take(&mut after, is_first, prompt)
            else {
                return Prediction::Failed;
            };
            let (node_id, display_node_id) = match (Id::whole::<C::Id>(node), display.map(Id::whole::<C::Id>)) {
                (Some(node_id), None) => (node_id, None),
                (Some(node_id), Some(Some(display))) => (node_id, Some(display)),
                // An id longer than `ID` is hashed while it is kept.
                _ => return Prediction::Failed,
            };
            *rest = after;
            lexer.take_member();
            is_first = false;
            fields.count = fields.count.saturating_add(1);
            if is_reported {
                handler.part(Part::NodeState { prompt_id, node_id, value, max, state, display_node_id });
            }
        }
        Prediction::Matched
    }

    /// Ends an entry of `nodes` and reports it if it is complete.
    fn end_node_entry(&mut self) {
        let fields = &mut *self.fields;
        if let Some(name) = members(Field::NodeState, fields.kind).missing(fields.entry_found) {
            fields.invalid_field = Some(name);
        } else if fields.invalid_field.is_none() && fields.wants(EventKind::ProgressState) {
            self.handler.part(Part::NodeState {
                prompt_id: fields.prompt_id.as_id(),
                node_id: fields.node.as_id(),
                value: fields.value,
                max: fields.max,
                state: fields.state,
                display_node_id: fields.entry_found.contains(Field::DisplayNode).then(|| fields.display.as_id()),
            });
        }
        fields.node.clear();
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn text(&mut self, piece: &[u8], ends: bool) {
        let fields = &mut *self.fields;
        match fields.field {
            Field::Skip => return,
            Field::ExceptionMessage => fields.message.push(piece),
            Field::LogText if fields.wants(EventKind::Logs) => {
                if !piece.is_empty() {
                    self.handler.part(Part::Log(piece));
                }
            }
            _ => {
                if let Some(text) = fields.text_mut() {
                    text.push(piece);
                }
            }
        }
        if !ends {
            return;
        }
        match fields.field {
            Field::Type => {
                let name = if fields.node.is_cut() { b"" } else { fields.node.as_bytes() };
                fields.kind = EventKind::from_type(name).unwrap_or(EventKind::Unknown);
            }
            Field::CachedNode => return self.end_cached_node(),
            Field::State => {
                fields.state = NodeStatus::from_name(fields.word.as_bytes());
            }
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp | Field::PreviewMetadata => return,
            field if field.container().is_some() => return self.unexpected_value(),
            _ => {}
        }
        let field = fields.field;
        fields.found_mut().set(field);
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn number(&mut self, piece: &[u8], ends: bool) {
        let fields = &mut *self.fields;
        let field = fields.field;
        match field {
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp => fields.literal.push(piece),
            // An id that is a number is kept as its literal.
            Field::Node | Field::CachedNode | Field::DisplayNode => {
                return self.text(piece, ends);
            }
            _ if ends => return self.unexpected_value(),
            _ => return,
        }
        if !ends {
            return;
        }
        match field {
            Field::Value => fields.value = fields.literal.milli(),
            Field::Max => fields.max = fields.literal.milli(),
            Field::QueueRemaining => match fields.literal.u64().and_then(|n| u32::try_from(n).ok()) {
                Some(n) => fields.queue_remaining = n,
                None => return,
            },
            _ => match fields.literal.u64() {
                Some(n) => fields.timestamp = n,
                None => return,
            },
        }
        fields.found_mut().set(field);
    }

    fn word(&mut self, word: Word) {
        let fields = &mut *self.fields;
        match fields.field {
            Field::Node if word == Word::Null => {
                fields.node_is_null = true;
                // Only in `executing` does `null` say something: that no node runs.
                if fields.kind == EventKind::Executing {
                    fields.found.set(Field::Node);
                }
            }
            Field::PreviewMetadata => fields.preview_metadata = word == Word::True,
            _ => self.unexpected_value(),
        }
    }

    /// Ends an id in `execution_cached` and reports it.
    fn end_cached_node(&mut self) {
        let fields = &mut *self.fields;
        if fields.wants(EventKind::ExecutionCached) {
            self.handler.part(Part::CachedNode { node: fields.node.as_id() });
        }
        fields.count = fields.count.saturating_add(1);
        fields.node.clear();
    }

    /// Handles a value or container that the current field must not have.
    fn unexpected_value(&mut self) {
        let fields = &mut *self.fields;
        match fields.field {
            Field::CachedNode => {
                fields.invalid_field = Some("nodes");
                fields.count = fields.count.saturating_add(1);
                fields.node.clear();
            }
            Field::NodeState => fields.invalid_field = Some("nodes"),
            Field::LogEntry => fields.count = fields.count.saturating_add(1),
            _ => {}
        }
    }
}

/// The outcome of a prediction.
enum Prediction {
    /// The piece had what was predicted, and it was taken.
    Matched,
    /// The piece ends with a partial entry of `nodes`.
    PartialEntry,
    /// The lexer must read what comes.
    Failed,
}

/// How the front of a piece compares with an expected member's spelling.
enum KeyMatch<'p> {
    /// It is that spelling; the rest begins with the member's value.
    Found(Field, &'p [u8]),
    /// The piece ended within the spelling, or the lexer has replayed what earlier pieces had matched.
    Partial,
    /// It differs.
    Other,
}

/// Takes a member's name without escapes from the front of `piece`: the name, and the rest after its colon.
#[inline]
fn take_key(piece: &[u8], is_first: bool) -> Option<(&[u8], &[u8])> {
    let before = if is_first { piece } else { behind_spaces(piece.strip_prefix(b",")?) };
    let text = before.strip_prefix(b"\"")?;
    let (name, after) = text.split_at_checked(plain_len(text))?;
    let value = behind_spaces(after.strip_prefix(b"\"")?).strip_prefix(b":")?;
    Some((name, behind_spaces(value)))
}
