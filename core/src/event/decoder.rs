use super::{
    Event, EventKind, Handler, Interest, Malformed, NodeStatus, Part, Reason,
    binary::Binary,
    field::{Field, Found, Level, field},
};
use crate::{
    json::{Container, JsonError, Lexer, Visitor, Word, find},
    limits::{ENTRY_BYTES, KEY_BYTES},
    number::{Literal, Milli},
    text::Text,
};

/// Reads messages in pieces and tells a [`Handler`] what they say.
///
/// `ID` and `MESSAGE` are the bytes that are kept of an id and of an exception's message.
#[derive(Debug)]
// Its methods are not inlined: what one needs of a microcontroller's stack is free again for the next.
pub struct Decoder<const ID: usize, const MESSAGE: usize> {
    /// What the server's spelling says next is not looked at byte by byte.
    predicts: bool,
    lexer: Lexer,
    fields: Fields<ID, MESSAGE>,
    /// The last piece ended amid an entry of `nodes`, which is kept in the fields' `message`.
    cut: bool,
    pub(super) binary: Binary,
}

/// What was read of the message at hand.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that one message tells")]
#[derive(Debug)]
pub(super) struct Fields<const ID: usize, const MESSAGE: usize> {
    interest: Interest,
    pub(super) kind: EventKind,
    pub(super) level: Level,
    /// The field whose value comes next.
    pub(super) field: Field,
    /// The depth of the container that is skipped, 0 for none.
    pub(super) skipped: u8,
    pub(super) found: Found,
    /// What was found of the entry at hand.
    pub(super) entry: Found,
    /// The message is an object.
    pub(super) is_object: bool,
    /// `node` was `null`.
    pub(super) no_node: bool,
    /// `data` came before `type`.
    data_first: bool,
    /// An entry lacked a field, or stood before `prompt_id`.
    pub(super) broken: Option<&'static str>,
    /// Entries or ids of `nodes`, or log entries.
    pub(super) count: u32,
    key: Text<KEY_BYTES>,
    literal: Literal,
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) queue_remaining: u32,
    pub(super) timestamp: u64,
    preview_metadata: bool,
    pub(super) prompt_id: Text<ID>,
    /// The type's name, then `node`, `node_id` or `sid`.
    pub(super) node: Text<ID>,
    /// `display_node`, `display_node_id` or `node_type`.
    pub(super) display: Text<ID>,
    /// `exception_type`, `state` or `image_type`.
    word: Text<ID>,
    /// `exception_message`, or what was read of an entry of `nodes` that the end of a piece cut: never both.
    message: Text<MESSAGE>,
}

impl<const ID: usize, const MESSAGE: usize> Decoder<ID, MESSAGE> {
    /// A decoder that extracts the values of the kinds in `interest`; it checks and counts all.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub const fn new(interest: Interest) -> Self {
        Self { predicts: true, lexer: Lexer::new(), fields: Fields::new(interest), cut: false, binary: Binary::new() }
    }

    /// As [`new`](Self::new), but every byte is looked at by the lexer: slower, and the same in all else. Tests compare
    /// the two.
    pub const fn strict(interest: Interest) -> Self {
        let mut this = Self::new(interest);
        this.predicts = false;
        this
    }

    /// Forgets a message that was begun, such as one that a lost link cut off.
    pub fn reset(&mut self) {
        self.lexer.reset();
        self.fields.reset();
        self.cut = false;
        self.binary = Binary::new();
    }

    /// Reads the next piece of a text message.
    #[inline(never)]
    pub fn text(&mut self, piece: &[u8], handler: &mut impl Handler) {
        let rest = if self.cut { self.complete(piece, handler) } else { piece };
        let mut reader = Reader { fields: &mut self.fields, handler };
        let left = reader.read(self.predicts, &mut self.lexer, rest);
        if !left.is_empty() && !self.keep(left) {
            Reader { fields: &mut self.fields, handler }.read(false, &mut self.lexer, left);
        }
    }

    /// Ends a text message and tells the handler what it said.
    #[inline(never)]
    pub fn end_text(&mut self, handler: &mut impl Handler) {
        self.read_cut(handler);
        let whole = self.lexer.finish(&mut Reader { fields: &mut self.fields, handler });
        handler.event(self.fields.event(whole, self.lexer.position()));
        self.lexer.reset();
        self.fields.reset();
    }

    /// Puts the entry that was cut together, reads it once its end is there, and returns what is behind it in `piece`.
    fn complete<'a>(&mut self, piece: &'a [u8], handler: &mut impl Handler) -> &'a [u8] {
        let end = find(piece, b'}').map(|at| at.saturating_add(1));
        let (entry, behind) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        let fits = self.keep(entry);
        if fits && end.is_none() {
            return behind;
        }
        self.read_cut(handler);
        if fits { behind } else { piece }
    }

    /// Keeps the next piece of an entry that is cut, where there is room.
    fn keep(&mut self, piece: &[u8]) -> bool {
        let kept = &mut self.fields.message;
        if !self.cut {
            kept.clear();
        }
        let fits = kept.as_bytes().len().saturating_add(piece.len()) <= MESSAGE.min(ENTRY_BYTES);
        if fits {
            kept.push(piece);
            self.cut = true;
        }
        fits
    }

    /// Reads the entry that was cut, whole or not.
    fn read_cut(&mut self, handler: &mut impl Handler) {
        if !core::mem::take(&mut self.cut) {
            return;
        }
        let kept = self.fields.message.as_bytes();
        let mut entry = [0; ENTRY_BYTES];
        let Some(entry) = entry.get_mut(..kept.len()) else { return };
        entry.copy_from_slice(kept);
        let mut reader = Reader { fields: &mut self.fields, handler };
        let left = reader.read(true, &mut self.lexer, entry);
        // No more of it will come in one piece.
        reader.read(false, &mut self.lexer, left);
    }

    /// Reads the next piece of a binary message.
    #[inline(never)]
    pub fn binary(&mut self, piece: &[u8], handler: &mut impl Handler) {
        self.binary.feed(piece, &mut self.lexer, &mut self.fields, handler);
    }

    /// Ends a binary message and tells the handler what it was.
    #[inline(never)]
    pub fn end_binary(&mut self, handler: &mut impl Handler) {
        // Metadata that is no JSON, or no whole one, names nothing; the message counts all the same.
        if self.lexer.finish(&mut Reader { fields: &mut self.fields, handler }).is_err() {
            self.fields.found = Found::NONE;
        }
        handler.event(self.binary.event(&mut self.fields));
        self.reset();
    }
}

impl<const ID: usize, const MESSAGE: usize> Fields<ID, MESSAGE> {
    const fn new(interest: Interest) -> Self {
        Self {
            interest,
            kind: EventKind::Unknown,
            level: Level::Outside,
            field: Field::Skip,
            skipped: 0,
            found: Found::NONE,
            entry: Found::NONE,
            is_object: false,
            no_node: false,
            data_first: false,
            broken: None,
            count: 0,
            key: Text::new(),
            literal: Literal::ZERO,
            value: Milli::from_thousandths(0),
            max: Milli::from_thousandths(0),
            state: NodeStatus::Other,
            queue_remaining: 0,
            timestamp: 0,
            preview_metadata: false,
            prompt_id: Text::new(),
            node: Text::new(),
            display: Text::new(),
            word: Text::new(),
            message: Text::new(),
        }
    }

    /// Forgets the message; the texts are cleared where they begin, which spares writing their buffers.
    pub(super) fn reset(&mut self) {
        self.kind = EventKind::Unknown;
        self.level = Level::Outside;
        self.field = Field::Skip;
        self.skipped = 0;
        self.found = Found::NONE;
        self.is_object = false;
        self.no_node = false;
        self.data_first = false;
        self.broken = None;
        self.count = 0;
        self.preview_metadata = false;
        self.key.clear();
    }

    pub(super) const fn wants(&self, kind: EventKind) -> bool {
        self.interest.contains(kind)
    }

    /// Reads the metadata of a binary kind 4, which is shaped like a message's `data`.
    pub(super) fn begin_metadata(&mut self) {
        self.kind = EventKind::PreviewImageWithMetadata;
        self.field = Field::Container(Level::Data);
    }

    /// The text field `text`, where it was found.
    fn optional<'a>(&self, field: Field, text: &'a Text<ID>) -> Option<crate::text::Id<'a>> {
        self.found.has(field).then(|| text.as_id())
    }

    pub(super) fn optional_prompt_id(&self) -> Option<crate::text::Id<'_>> {
        self.optional(Field::PromptId, &self.prompt_id)
    }

    pub(super) fn optional_node(&self) -> Option<crate::text::Id<'_>> {
        self.optional(Field::Node, &self.node)
    }

    pub(super) fn optional_display_node(&self) -> Option<crate::text::Id<'_>> {
        self.optional(Field::DisplayNode, &self.display)
    }

    pub(super) fn image_type(&self) -> Option<&str> {
        self.found.has(Field::ImageType).then(|| self.word.as_str())
    }

    /// What the message of `len` bytes said.
    fn event(&self, whole: Result<(), JsonError>, len: u64) -> Event<'_> {
        match self.check(whole) {
            Ok(()) => self.whole(),
            Err((at, reason)) => Event::Malformed(Malformed { at: at.unwrap_or(len), reason }),
        }
    }

    /// Whether nothing is wrong; the error's place is `None` where something is missing.
    fn check(&self, whole: Result<(), JsonError>) -> Result<(), (Option<u64>, Reason)> {
        whole.map_err(|e| (Some(e.at), Reason::Json(e.kind)))?;
        if !self.is_object {
            return Err((Some(0), Reason::NoObject));
        }
        if self.data_first || !self.found.has(Field::Type) {
            return Err((None, Reason::NoType));
        }
        if let Some(name) = self.broken {
            return Err((None, Reason::Field(name)));
        }
        if self.kind == EventKind::Unknown {
            return Ok(());
        }
        let needed = |field, name| {
            if self.found.has(field) { Ok(()) } else { Err((None, Reason::Field(name))) }
        };
        needed(Field::Data, "data")?;
        match self.kind {
            EventKind::Status => needed(Field::QueueRemaining, "queue_remaining"),
            EventKind::ExecutionStart | EventKind::ExecutionSuccess | EventKind::ExecutionInterrupted => {
                needed(Field::PromptId, "prompt_id")
            }
            EventKind::ExecutionCached | EventKind::ProgressState => {
                needed(Field::PromptId, "prompt_id")?;
                needed(Field::Container(Level::Nodes), "nodes")
            }
            EventKind::Executing if self.no_node => Ok(()),
            EventKind::Executing => needed(Field::Node, "node"),
            EventKind::Progress => {
                needed(Field::Value, "value")?;
                needed(Field::Max, "max")
            }
            EventKind::Executed => {
                needed(Field::PromptId, "prompt_id")?;
                needed(Field::Node, "node")
            }
            EventKind::ExecutionError => {
                needed(Field::PromptId, "prompt_id")?;
                needed(Field::ExceptionType, "exception_type")?;
                needed(Field::ExceptionMessage, "exception_message")
            }
            EventKind::Logs => needed(Field::Container(Level::Entries), "entries"),
            _ => Ok(()),
        }
    }

    /// The checked message as an event.
    fn whole(&self) -> Event<'_> {
        let prompt_id = self.prompt_id.as_id();
        let timestamp = self.found.has(Field::Timestamp).then_some(self.timestamp);
        match self.kind {
            EventKind::Status => {
                Event::Status { queue_remaining: self.queue_remaining, sid: self.optional(Field::Sid, &self.node) }
            }
            EventKind::ExecutionStart => Event::ExecutionStart { prompt_id, timestamp },
            EventKind::ExecutionCached => Event::ExecutionCached { prompt_id, nodes: self.count },
            EventKind::Executing => Event::Executing {
                node: self.optional_node(),
                display_node: self.optional_display_node(),
                prompt_id: self.optional_prompt_id(),
            },
            EventKind::Progress => Event::Progress {
                value: self.value,
                max: self.max,
                prompt_id: self.optional_prompt_id(),
                node: self.optional_node(),
            },
            EventKind::ProgressState => Event::ProgressState { prompt_id, nodes: self.count },
            EventKind::Executed => {
                Event::Executed { prompt_id, node: self.node.as_id(), display_node: self.optional_display_node() }
            }
            EventKind::ExecutionSuccess => Event::ExecutionSuccess { prompt_id, timestamp },
            EventKind::ExecutionError => Event::ExecutionError {
                prompt_id,
                node_id: self.optional_node(),
                node_type: self.optional(Field::NodeType, &self.display),
                exception_type: self.word.as_id(),
                exception_message: self.message.as_id(),
                timestamp,
            },
            EventKind::ExecutionInterrupted => Event::ExecutionInterrupted {
                prompt_id,
                node_id: self.optional_node(),
                node_type: self.optional(Field::NodeType, &self.display),
                timestamp,
            },
            EventKind::FeatureFlags => Event::FeatureFlags { supports_preview_metadata: self.preview_metadata },
            EventKind::Logs => Event::Logs { entries: self.count },
            _ => Event::Unknown { event_type: self.node.as_id() },
        }
    }

    /// What was found in the container at hand: an entry of `nodes` has an account of its own.
    const fn found_mut(&mut self) -> &mut Found {
        if matches!(self.level, Level::Node) { &mut self.entry } else { &mut self.found }
    }

    fn set_found(&mut self, field: Field) {
        self.found_mut().set(field);
    }

    /// The field at hand, which is looked at where nothing is skipped.
    const fn current(&self) -> Field {
        if self.skipped == 0 { self.field } else { Field::Skip }
    }

    /// Prepares for the value of the field whose name was read.
    fn select(&mut self) {
        let key = if self.key.is_cut() { b"" } else { self.key.as_bytes() };
        let mut chosen =
            if self.level == Level::Nodes { Field::Container(Level::Node) } else { field(self.level, self.kind, key) };
        match chosen {
            // The type decides how `data` is read: of several, the last before `data` counts.
            Field::Type if self.found.has(Field::Data) || self.data_first => chosen = Field::Skip,
            Field::Data if !self.found.has(Field::Type) => {
                self.data_first = true;
                chosen = Field::Skip;
            }
            Field::Data if self.kind == EventKind::Unknown || self.found.has(Field::Data) => chosen = Field::Skip,
            Field::Data => chosen = Field::Container(Level::Data),
            // The entries were read as this prompt's already.
            Field::PromptId
                if self.kind == EventKind::ProgressState && self.found.has(Field::Container(Level::Nodes)) =>
            {
                chosen = Field::Skip;
            }
            _ => {}
        }
        self.field = chosen;
        self.begin_value();
    }

    /// Forgets what an earlier value of the field at hand left.
    fn begin_value(&mut self) {
        let field = self.field;
        self.literal = Literal::ZERO;
        match field {
            Field::Type | Field::Sid | Field::CachedNode => self.node.clear(),
            Field::Node => {
                self.node.clear();
                self.no_node = false;
            }
            Field::PromptId => self.prompt_id.clear(),
            Field::DisplayNode | Field::NodeType => self.display.clear(),
            Field::ExceptionType | Field::State | Field::ImageType => self.word.clear(),
            Field::ExceptionMessage => self.message.clear(),
            Field::Container(_) => return,
            _ => {}
        }
        self.found_mut().clear(field);
    }
}

/// The decoder's fields as the lexer's visitor.
pub(super) struct Reader<'a, H, const ID: usize, const MESSAGE: usize> {
    pub(super) fields: &'a mut Fields<ID, MESSAGE>,
    pub(super) handler: &'a mut H,
}

impl<H: Handler, const ID: usize, const MESSAGE: usize> Reader<'_, H, ID, MESSAGE> {
    /// Reads `piece`, and returns the beginning of an entry of `nodes` that it may end with, where the reader `predicts`.
    fn read<'p>(&mut self, predicts: bool, lexer: &mut Lexer, piece: &'p [u8]) -> &'p [u8] {
        let mut rest = piece;
        while !rest.is_empty() {
            if predicts {
                rest = self.predict(lexer, rest);
                if self.is_cut_node(lexer, rest) {
                    return rest;
                }
            }
            // An error stays in the lexer until the message's end.
            rest = lexer.feed_some(rest, self).unwrap_or_default();
        }
        rest
    }

    /// An entry of `nodes` ended: it is told where it is whole.
    fn end_node(&mut self) {
        let fields = &mut *self.fields;
        let missing = [
            (fields.entry.has(Field::Value), "value"),
            (fields.entry.has(Field::Max), "max"),
            (fields.entry.has(Field::State), "state"),
        ];
        match missing.iter().find(|(found, _)| !found) {
            Some((_, name)) => fields.broken = Some(name),
            None if fields.broken.is_none() && fields.interest.contains(EventKind::ProgressState) => {
                self.handler.part(Part::NodeState {
                    prompt_id: fields.prompt_id.as_id(),
                    node_id: fields.node.as_id(),
                    value: fields.value,
                    max: fields.max,
                    state: fields.state,
                    display_node_id: fields.entry.has(Field::DisplayNode).then(|| fields.display.as_id()),
                });
            }
            None => {}
        }
    }

    /// An element of an array of ids ended; the next one begins anew.
    fn end_cached(&mut self, is_id: bool) {
        let fields = &mut *self.fields;
        if !is_id {
            fields.broken = Some("nodes");
        } else if fields.interest.contains(EventKind::ExecutionCached) {
            self.handler.part(Part::CachedNode { node: fields.node.as_id() });
        }
        fields.count = fields.count.saturating_add(1);
        fields.begin_value();
    }

    /// An element that is no object stood where entries of objects are read.
    fn odd_value(&mut self) {
        match self.fields.current() {
            Field::CachedNode => self.end_cached(false),
            Field::Container(Level::Node) => self.fields.broken = Some("nodes"),
            Field::Container(Level::Entry) => self.fields.count = self.fields.count.saturating_add(1),
            _ => {}
        }
    }
}

impl<H: Handler, const ID: usize, const MESSAGE: usize> Visitor for Reader<'_, H, ID, MESSAGE> {
    fn wants_key(&self) -> bool {
        self.fields.skipped == 0
    }

    fn wants_value(&self) -> bool {
        match self.fields.current() {
            Field::Skip => false,
            // These decide what the message is and whether it is well-formed.
            Field::Type | Field::QueueRemaining => true,
            _ => self.fields.interest.contains(self.fields.kind),
        }
    }

    fn predicts(&self) -> bool {
        let fields = &*self.fields;
        fields.skipped == 0
            && matches!(fields.level, Level::Data | Level::Nodes)
            && fields.interest.contains(fields.kind)
    }

    fn begin(&mut self, container: Container, depth: u8) {
        let fields = &mut *self.fields;
        if fields.skipped != 0 {
            return;
        }
        let inner = match (fields.level, fields.field, container) {
            (Level::Outside, Field::Skip, Container::Object) => Some(Level::Root),
            (_, Field::Container(Level::Cached), Container::Array) => Some(Level::Cached),
            (_, Field::Container(Level::Entries), Container::Array) => Some(Level::Entries),
            (_, Field::Container(Level::Cached | Level::Entries), Container::Object) => None,
            (_, Field::Container(level), Container::Object) => Some(level),
            _ => None,
        };
        let Some(inner) = inner else {
            self.odd_value();
            self.fields.skipped = depth;
            return;
        };
        match inner {
            Level::Data => fields.found.set(Field::Data),
            Level::Root => fields.is_object = true,
            Level::Nodes | Level::Cached | Level::Entries => {
                fields.found.set(Field::Container(inner));
                fields.count = 0;
                fields.node.clear();
                if inner == Level::Nodes && !fields.found.has(Field::PromptId) {
                    fields.broken = Some("prompt_id");
                }
            }
            Level::Node => {
                fields.entry = Found::NONE;
                fields.count = fields.count.saturating_add(1);
            }
            Level::Entry => fields.count = fields.count.saturating_add(1),
            _ => {}
        }
        fields.level = inner;
        fields.field = match inner {
            Level::Cached => Field::CachedNode,
            Level::Entries => Field::Container(Level::Entry),
            _ => Field::Skip,
        };
        fields.begin_value();
    }

    fn end(&mut self, _container: Container, depth: u8) {
        if self.fields.skipped != 0 {
            if self.fields.skipped == depth {
                self.fields.skipped = 0;
            }
            return;
        }
        let ended = self.fields.level;
        if ended == Level::Node {
            self.end_node();
            self.fields.node.clear();
        }
        let fields = &mut *self.fields;
        fields.level = ended.parent();
        fields.field = if ended == Level::Entry { Field::Container(Level::Entry) } else { Field::Skip };
    }

    fn key(&mut self, piece: &[u8], _depth: u8) {
        let fields = &mut *self.fields;
        if fields.level == Level::Nodes { fields.node.push(piece) } else { fields.key.push(piece) }
    }

    fn end_key(&mut self, _depth: u8) {
        let fields = &mut *self.fields;
        if fields.skipped != 0 {
            return;
        }
        fields.select();
        fields.key.clear();
    }

    fn text(&mut self, piece: &[u8]) {
        let fields = &mut *self.fields;
        match fields.field {
            Field::Type | Field::Node | Field::Sid | Field::CachedNode => fields.node.push(piece),
            Field::PromptId => fields.prompt_id.push(piece),
            Field::DisplayNode | Field::NodeType => fields.display.push(piece),
            Field::ExceptionType | Field::State | Field::ImageType => fields.word.push(piece),
            Field::ExceptionMessage => fields.message.push(piece),
            Field::LogText if fields.interest.contains(EventKind::Logs) => self.handler.part(Part::Log(piece)),
            _ => {}
        }
    }

    fn end_text(&mut self, _depth: u8) {
        let fields = &mut *self.fields;
        let field = fields.current();
        match field {
            Field::Type => {
                let name = if fields.node.is_cut() { b"" } else { fields.node.as_bytes() };
                fields.kind = EventKind::of_type(name).unwrap_or(EventKind::Unknown);
            }
            Field::CachedNode => {
                return self.end_cached(true);
            }
            Field::State => {
                fields.state = match fields.word.as_bytes() {
                    b"running" => NodeStatus::Running,
                    b"finished" => NodeStatus::Finished,
                    _ => NodeStatus::Other,
                };
            }
            Field::Node
            | Field::Sid
            | Field::PromptId
            | Field::DisplayNode
            | Field::NodeType
            | Field::ExceptionType
            | Field::ImageType
            | Field::ExceptionMessage => {}
            _ => return self.odd_value(),
        }
        fields.set_found(field);
    }

    fn number(&mut self, piece: &[u8]) {
        let fields = &mut *self.fields;
        match fields.field {
            // An id that is a number is read as the text it is written in.
            Field::Node | Field::CachedNode => fields.node.push(piece),
            Field::DisplayNode => fields.display.push(piece),
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp => fields.literal.push(piece),
            _ => {}
        }
    }

    fn end_number(&mut self, _depth: u8) {
        let fields = &mut *self.fields;
        let field = fields.current();
        match field {
            Field::Node | Field::DisplayNode => {}
            Field::CachedNode => {
                return self.end_cached(true);
            }
            Field::Value => fields.value = fields.literal.milli(),
            Field::Max => fields.max = fields.literal.milli(),
            Field::QueueRemaining => match fields.literal.u64().and_then(|n| u32::try_from(n).ok()) {
                Some(n) => fields.queue_remaining = n,
                None => return,
            },
            Field::Timestamp => match fields.literal.u64() {
                Some(n) => fields.timestamp = n,
                None => return,
            },
            _ => return self.odd_value(),
        }
        fields.set_found(field);
    }

    fn word(&mut self, word: Word, _depth: u8) {
        let fields = &mut *self.fields;
        match fields.current() {
            Field::Node if word == Word::Null => fields.no_node = true,
            Field::PreviewMetadata => fields.preview_metadata = word == Word::True,
            _ => self.odd_value(),
        }
    }
}
