// As in the lexer: what a token is made of stays in registers where it is inlined, which counts on a desktop.
#![allow(clippy::inline_always)]

use super::{
    EventKind, Handler, NodeStatus, Part,
    entry::{CUT_BYTES, Entry, IN_ONE_GO},
    field::{COMMA_AND_SPACE, Field, Found, Member, members},
    fields::Fields,
};
use crate::{
    capacity::Capacity,
    json::{Container, Lexer, Token, Word, behind_spaces, find, plain_len, same},
    text::Id,
};

/// Takes from the lexer what it finds, and keeps it in the fields.
pub(super) struct Reader<'a, H, C: Capacity> {
    pub(super) lexer: &'a mut Lexer,
    pub(super) fields: &'a mut Fields<C>,
    pub(super) handler: &'a mut H,
}

impl<H: Handler, C: Capacity> Reader<'_, H, C> {
    /// Reads `piece`, token by token or, where it `predicts`, at once up to values that come behind likely names; then
    /// returns the beginning of an entry of `nodes` that `piece` may end with.
    pub(super) fn read<'p>(&mut self, predicts: bool, piece: &'p [u8]) -> &'p [u8] {
        let mut rest = piece;
        if predicts && self.lexer.is_fresh() {
            self.opening(&mut rest);
        }
        let cut = loop {
            if rest.is_empty() {
                break rest;
            }
            if predicts {
                match self.predict(&mut rest) {
                    Ahead::Taken => continue,
                    Ahead::Cut => break rest,
                    Ahead::Odd => {}
                }
            }
            let Some(token) = self.lexer.next(&mut rest) else { break &[] };
            self.token(token);
        };
        // An error stays in the lexer until the message's end.
        let _ = self.lexer.count(piece, rest);
        cut
    }

    /// Takes what a message begins with up to the first member of its `data`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn opening(&mut self, rest: &mut &[u8]) {
        let Some((kind, behind)) = EventKind::of_opening(rest) else { return };
        *rest = behind;
        let fields = &mut *self.fields;
        fields.kind = kind;
        fields.is_object = true;
        fields.found = Found::OPENING;
        fields.entry = Found::NONE;
        fields.level = Field::Data;
        fields.field = Field::Skip;
        fields.next = 0;
        self.lexer.take_opening();
    }

    /// Takes members and the end of an object from the front of `rest`, as far as they are simple.
    ///
    /// The server spells its messages the same way each time (Python's `json.dumps`), which is compared in a fraction of
    /// the time that it takes to look at each byte.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn predict(&mut self, rest: &mut &[u8]) -> Ahead {
        let Some(behind_member) = self.lexer.behind_member() else { return Ahead::Odd };
        let fields = &mut *self.fields;
        if IN_ONE_GO && fields.level == Field::Nodes && !rest.starts_with(b"}") {
            return self.entries(rest, behind_member);
        }
        let likely = members(fields.level, fields.kind).likely;
        let mut is_first = !behind_member;
        // Of the first member there is no comma to come; nor what was read of it.
        let mut skipped = usize::from(self.fields.matched).wrapping_add(if is_first { COMMA_AND_SPACE } else { 0 });
        loop {
            let (field, value) = match self.likely_name(likely, skipped, rest) {
                Name::Here(field, value) => (field, value),
                Name::Cut => return Ahead::Odd,
                Name::Other if rest.starts_with(b"}") => {
                    self.ends(rest);
                    return Ahead::Taken;
                }
                Name::Other => {
                    let Some((name, value)) = name(rest, is_first) else { return Ahead::Odd };
                    (self.fields.named(name), value)
                }
            };
            let Some(behind) = self.fields.take(field, value) else {
                *rest = value;
                self.fields.select(field);
                self.take_name(rest);
                return Ahead::Taken;
            };
            *rest = behind;
            is_first = false;
            skipped = 0;
            self.lexer.take_member();
        }
    }

    /// Takes the name of the member that is likely to come from the front of `rest`, of which so much won't come any more.
    #[inline(always)]
    fn likely_name<'p>(&mut self, likely: &[Member], skipped: usize, rest: &mut &'p [u8]) -> Name<'p> {
        let fields = &mut *self.fields;
        while let Some(member) = likely.get(usize::from(fields.next)) {
            let expected = member.spelled.as_bytes().get(skipped..).unwrap_or_default();
            match rest.split_at_checked(expected.len()) {
                Some((front, value)) if same(front, expected) => {
                    fields.matched = 0;
                    fields.next = fields.next.wrapping_add(1);
                    return Name::Here(member.field, value);
                }
                None if expected.starts_with(rest) => {
                    let len = u8::try_from(rest.len()).unwrap_or(u8::MAX);
                    fields.matched = fields.matched.saturating_add(len);
                    *rest = &[];
                    return Name::Cut;
                }
                _ if fields.matched != 0 => {
                    self.replay();
                    return Name::Cut;
                }
                // The entry is of a node that runs.
                _ if member.field == Field::Finished => fields.next = fields.next.wrapping_add(1),
                _ => break,
            }
        }
        Name::Other
    }

    /// Takes the end of an object that is not skipped from the front of `rest`, or the whole of a message's end.
    fn ends(&mut self, rest: &mut &[u8]) {
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

    /// A member's name was taken; its value is in front, or the beginning of it.
    fn take_name(&mut self, rest: &mut &[u8]) {
        self.lexer.take_name();
        if let [b'{', behind @ ..] = *rest
            && self.fields.field.container() == Some(Container::Object)
        {
            *rest = behind;
            self.lexer.take_begin();
            self.begin(Container::Object);
        }
    }

    /// What was likely doesn't come: the part of it that was read already is read as tokens.
    pub(super) fn deviate(&mut self) {
        if self.fields.matched != 0 {
            self.replay();
        }
    }

    #[cold]
    fn replay(&mut self) {
        let matched = usize::from(core::mem::take(&mut self.fields.matched));
        let likely = members(self.fields.level, self.fields.kind).likely.get(usize::from(self.fields.next));
        let is_first = self.lexer.behind_member() == Some(false);
        let mut read = likely.and_then(|member| member.spelled(is_first).get(..matched)).unwrap_or_default();
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
            (false, true) => self.end_name(piece),
            (false, false) => fields.key.push(piece),
        }
    }

    /// A member's name ended, of which `fields.key` has the pieces before.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn end_name(&mut self, last: &[u8]) {
        let fields = &mut *self.fields;
        if fields.key.as_bytes().is_empty() {
            return fields.select_named(last);
        }
        fields.key.push(last);
        let key = core::mem::take(&mut fields.key);
        fields.select_named(if key.is_cut() { b"" } else { key.as_bytes() });
    }

    fn begin(&mut self, container: Container) {
        let fields = &mut *self.fields;
        let level = fields.field;
        if level.container() != Some(container) {
            self.lexer.skip();
            return self.odd_value();
        }
        match level {
            Field::Root => fields.is_object = true,
            Field::NodeState | Field::Entry => fields.count = fields.count.saturating_add(1),
            Field::Nodes | Field::CachedNodes | Field::Entries => {
                fields.count = 0;
                fields.node.clear();
                if level == Field::Nodes && !fields.found.has(Field::PromptId) {
                    fields.broken = Some("prompt_id");
                }
            }
            _ => {}
        }
        fields.found.set(level);
        fields.entry = Found::NONE;
        fields.level = level;
        fields.field = level.element();
        fields.next = 0;
        fields.begin_value();
    }

    fn end(&mut self) {
        if self.fields.level == Field::NodeState {
            self.end_node();
        }
        let fields = &mut *self.fields;
        fields.level = fields.level.parent();
        fields.field = fields.level.element();
        // Of containers that others are in, the first member is, mostly.
        fields.next = 1;
    }

    /// Takes entries of `nodes` from the front of `rest`, as many as stand there whole.
    #[inline]
    fn entries(&mut self, rest: &mut &[u8], behind_member: bool) -> Ahead {
        let Self { lexer, fields, handler } = self;
        let told = fields.broken.is_none() && fields.wants(EventKind::ProgressState);
        let prompt_id = fields.prompt_id.as_id();
        let prompt = if fields.is_plain_prompt { fields.prompt_id.kept() } else { b"" };
        let mut is_first = !behind_member;
        while let [byte, ..] = *rest
            && *byte != b'}'
        {
            if rest.len() < CUT_BYTES && !rest.ends_with(b"}") && find(rest, b'}').is_none() {
                return Ahead::Cut;
            }
            let mut behind = *rest;
            let Some(Entry { node, value, max, state, display }) = Entry::take(&mut behind, is_first, prompt) else {
                return Ahead::Odd;
            };
            let (node_id, display_node_id) = match (Id::whole::<C::Id>(node), display.map(Id::whole::<C::Id>)) {
                (Some(node_id), None) => (node_id, None),
                (Some(node_id), Some(Some(display))) => (node_id, Some(display)),
                // A longer one is hashed as it is kept.
                _ => return Ahead::Odd,
            };
            *rest = behind;
            lexer.take_member();
            is_first = false;
            fields.count = fields.count.saturating_add(1);
            if told {
                handler.part(Part::NodeState { prompt_id, node_id, value, max, state, display_node_id });
            }
        }
        Ahead::Taken
    }

    /// An entry of `nodes` ended: it is told where it is whole.
    fn end_node(&mut self) {
        let fields = &mut *self.fields;
        if let Some(name) = members(Field::NodeState, fields.kind).missing(fields.entry) {
            fields.broken = Some(name);
        } else if fields.broken.is_none() && fields.wants(EventKind::ProgressState) {
            self.handler.part(Part::NodeState {
                prompt_id: fields.prompt_id.as_id(),
                node_id: fields.node.as_id(),
                value: fields.value,
                max: fields.max,
                state: fields.state,
                display_node_id: fields.entry.has(Field::DisplayNode).then(|| fields.display.as_id()),
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
                fields.kind = EventKind::of_type(name).unwrap_or(EventKind::Unknown);
            }
            Field::CachedNode => return self.end_cached(),
            Field::State => {
                fields.state = NodeStatus::named(fields.word.as_bytes());
            }
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp | Field::PreviewMetadata => return,
            field if field.container().is_some() => return self.odd_value(),
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
            // An id that is a number is read as the text it is written in.
            Field::Node | Field::CachedNode | Field::DisplayNode => {
                return self.text(piece, ends);
            }
            _ if ends => return self.odd_value(),
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
                fields.no_node = true;
                // That nothing runs is what only `executing` says.
                if fields.kind == EventKind::Executing {
                    fields.found.set(Field::Node);
                }
            }
            Field::PreviewMetadata => fields.preview_metadata = word == Word::True,
            _ => self.odd_value(),
        }
    }

    /// An id in an array of them ended; the next one begins anew.
    fn end_cached(&mut self) {
        let fields = &mut *self.fields;
        if fields.wants(EventKind::ExecutionCached) {
            self.handler.part(Part::CachedNode { node: fields.node.as_id() });
        }
        fields.count = fields.count.saturating_add(1);
        fields.node.clear();
    }

    /// A value of the wrong kind ended, or a container of that kind began.
    fn odd_value(&mut self) {
        let fields = &mut *self.fields;
        match fields.field {
            Field::CachedNode => {
                fields.broken = Some("nodes");
                fields.count = fields.count.saturating_add(1);
                fields.node.clear();
            }
            Field::NodeState => fields.broken = Some("nodes"),
            Field::Entry => fields.count = fields.count.saturating_add(1),
            _ => {}
        }
    }
}

/// What is ahead in a piece.
enum Ahead {
    /// What was predicted, which was taken.
    Taken,
    /// The beginning of an entry of `nodes` that the piece ends with.
    Cut,
    /// Something else, or nothing.
    Odd,
}

/// What is in front of a piece where the name of a member is likely.
enum Name<'p> {
    /// The name of the field, and what is behind its colon.
    Here(Field, &'p [u8]),
    /// The beginning of it that the piece has, which was taken, or what was taken before of another.
    Cut,
    Other,
}

/// A member's name without escapes at the front of `piece`, and what is behind its colon.
#[inline]
fn name(piece: &[u8], is_first: bool) -> Option<(&[u8], &[u8])> {
    let before = if is_first { piece } else { behind_spaces(piece.strip_prefix(b",")?) };
    let text = before.strip_prefix(b"\"")?;
    let (name, behind) = text.split_at_checked(plain_len(text))?;
    let value = behind_spaces(behind.strip_prefix(b"\"")?).strip_prefix(b":")?;
    Some((name, behind_spaces(value)))
}
