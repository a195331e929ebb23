use super::{
    EventKind, Handler, NodeStatus, Part,
    entry::entry,
    field::{Field, Found},
    fields::{Fields, first_missing},
};
use crate::json::{Container, Lexer, Miss, Name, Token, Value, Word, find};

/// Takes from the lexer what it finds, and keeps it in the fields.
pub(super) struct Reader<'a, H, const ID: usize, const MESSAGE: usize> {
    pub(super) lexer: &'a mut Lexer,
    pub(super) fields: &'a mut Fields<ID, MESSAGE>,
    pub(super) handler: &'a mut H,
}

impl<H: Handler, const ID: usize, const MESSAGE: usize> Reader<'_, H, ID, MESSAGE> {
    /// Reads `piece`, token by token or, where `in_one_go`, whole members and entries where they can be; then returns the
    /// beginning of one that `piece` may end with.
    pub(super) fn read<'p>(&mut self, in_one_go: bool, piece: &'p [u8]) -> &'p [u8] {
        let mut rest = piece;
        let cut = loop {
            if rest.is_empty() {
                break rest;
            }
            if in_one_go {
                match self.whole(&mut rest) {
                    Ok(()) => continue,
                    Err(Miss::Cut) => break rest,
                    Err(Miss::Odd) => {}
                }
            }
            match self.lexer.next(&mut rest) {
                Some(token) => self.token(token),
                None => break &[],
            }
        };
        // An error stays in the lexer until the message's end.
        let _ = self.lexer.count(piece, rest);
        cut
    }

    /// Reads an entry of `nodes`, or a member or an element, or the end of their container.
    #[inline]
    fn whole(&mut self, rest: &mut &[u8]) -> Result<(), Miss> {
        let fields = &mut *self.fields;
        if fields.level == Field::Nodes
            && let Some(behind_value) = self.lexer.behind_value()
        {
            if let Ok(part) = entry(rest, !behind_value, &fields.prompt_id) {
                self.lexer.take_value();
                fields.count = fields.count.saturating_add(1);
                if fields.broken.is_none() && fields.interest.contains(EventKind::ProgressState) {
                    self.handler.part(part);
                }
                return Ok(());
            }
            if find(rest, b'}').is_none() {
                return Err(Miss::Cut);
            }
        }
        let (name, value) = self.lexer.whole(rest, fields.likely())?;
        match name {
            Name::None => {}
            Name::Likely => fields.select_likely(),
            Name::Other(name) => self.named(name),
        }
        match value {
            Value::Text(text) => self.text(text, true),
            Value::Number(number) => self.number(number, true),
            Value::Word(word) => self.word(word),
            Value::Begin(container) => self.begin(container),
            Value::End => self.end(),
        }
        Ok(())
    }

    fn token(&mut self, token: Token<'_>) {
        let mut utf8 = [0; 4];
        let (piece, ends) = match token {
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
        if fields.level == Field::Nodes {
            fields.node.push(piece)
        } else {
            fields.key.push(piece)
        }
        if ends {
            self.end_name();
        }
    }

    /// A member's name stood whole in a piece.
    fn named(&mut self, name: &[u8]) {
        let fields = &mut *self.fields;
        if fields.level == Field::Nodes {
            fields.node.push(name);
            fields.field = Field::NodeState;
        } else {
            fields.select_named(name);
        }
    }

    /// A member's name ended that came in pieces.
    fn end_name(&mut self) {
        let fields = &mut *self.fields;
        let key = core::mem::take(&mut fields.key);
        self.named(if key.is_cut() { b"" } else { key.as_bytes() });
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

    /// An entry of `nodes` ended: it is told where it is whole.
    fn end_node(&mut self) {
        let fields = &mut *self.fields;
        if let Some(name) = first_missing(Field::NodeState, fields.kind, fields.entry) {
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
                fields.state = match fields.word.as_bytes() {
                    b"running" => NodeStatus::Running,
                    b"finished" => NodeStatus::Finished,
                    _ => NodeStatus::Other,
                };
            }
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp | Field::PreviewMetadata => return,
            field if field.container().is_some() => return self.odd_value(),
            _ => {}
        }
        let field = fields.field;
        fields.found_mut().set(field);
    }

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
