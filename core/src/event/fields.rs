use super::{
    Event, EventKind, Interest, Malformed, NodeStatus, Reason,
    field::{BEHIND_FINISHED, Field, Found, members},
};
use crate::{
    capacity::{Bytes as _, Capacity},
    json::{Lexer, plain_len, same},
    limits::KEY_BYTES,
    number::{Literal, Milli, take_whole},
    text::{Id, Text},
};

/// What was read of the message at hand.
#[expect(clippy::struct_excessive_bools, reason = "each is a item of its own that one message tells")]
#[derive(Debug)]
pub(super) struct Fields<C: Capacity> {
    pub(super) interest: Interest,
    pub(super) kind: EventKind,
    /// The container at hand.
    pub(super) level: Field,
    /// The field whose value comes next.
    pub(super) field: Field,
    /// Which of the container's members is likely to come next.
    pub(super) next: u8,
    /// How much of it was read up to its value.
    pub(super) matched: u8,
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
    /// What was read of a member's name that came in pieces.
    pub(super) key: Text<[u8; KEY_BYTES]>,
    pub(super) literal: Literal,
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) queue_remaining: u32,
    pub(super) timestamp: u64,
    pub(super) preview_metadata: bool,
    pub(super) prompt_id: Text<C::Id>,
    /// It was written without escapes, and all of it was kept.
    pub(super) is_plain_prompt: bool,
    /// The type's name, then `node`, `node_id` or `sid`.
    pub(super) node: Text<C::Id>,
    /// `display_node`, `display_node_id` or `node_type`.
    pub(super) display: Text<C::Id>,
    /// `exception_type`, `state` or `image_type`.
    pub(super) word: Text<C::Id>,
    /// `exception_message`
    pub(super) message: Text<C::Message>,
}

impl<C: Capacity> Fields<C> {
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new(interest: Interest) -> Self {
        Self {
            interest,
            kind: EventKind::Unknown,
            level: Field::Skip,
            field: Field::Root,
            next: 0,
            matched: 0,
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
            is_plain_prompt: false,
            node: Text::new(),
            display: Text::new(),
            word: Text::new(),
            message: Text::new(),
        }
    }

    /// Forgets the message; the texts are cleared where they begin, which spares writing their buffers.
    pub(super) fn reset(&mut self) {
        self.kind = EventKind::Unknown;
        self.level = Field::Skip;
        self.field = Field::Root;
        self.matched = 0;
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

    /// A member's name was read.
    pub(super) fn select_named(&mut self, name: &[u8]) {
        let field = self.named(name);
        self.select(field);
    }

    /// The field that is named so in the container at hand.
    pub(super) fn named(&mut self, name: &[u8]) -> Field {
        if self.level == Field::Nodes {
            self.node.push(name);
            return Field::NodeState;
        }
        let mut members = members(self.level, self.kind).likely.iter().zip(1..);
        let Some((member, next)) = members.find(|(member, _)| member.is_named(name)) else { return Field::Skip };
        self.next = next;
        member.field
    }

    /// Prepares for the value of a field.
    pub(super) fn select(&mut self, field: Field) {
        let skipped = match field {
            // The type decides how `data` is read: of several, the last before `data` counts.
            Field::Type => self.found.has(Field::Data) || self.data_first,
            Field::Data if !self.found.has(Field::Type) => {
                self.data_first = true;
                true
            }
            Field::Data => self.kind == EventKind::Unknown || self.found.has(Field::Data),
            // The entries were read as this prompt's already.
            Field::PromptId => self.found.has(Field::Nodes),
            Field::Finished => {
                self.finished();
                true
            }
            _ => false,
        };
        self.field = if skipped { Field::Skip } else { field };
        self.begin_value();
    }

    /// The entry at hand is of a node that has finished.
    fn finished(&mut self) {
        let one = Milli::from_thousandths(1_000);
        (self.value, self.max, self.state) = (one, one, NodeStatus::Finished);
        for field in [Field::Value, Field::Max, Field::State] {
            self.entry.set(field);
        }
        self.next = BEHIND_FINISHED;
    }

    /// Forgets what an earlier value of the field at hand left.
    pub(super) fn begin_value(&mut self) {
        let field = self.field;
        match field {
            Field::Node => self.no_node = false,
            Field::PromptId => self.is_plain_prompt = false,
            Field::Value | Field::Max | Field::QueueRemaining | Field::Timestamp => self.literal = Literal::ZERO,
            _ if field.container().is_some() => return,
            _ => {}
        }
        if field == Field::ExceptionMessage {
            self.message.clear();
        } else if let Some(text) = self.text_mut() {
            text.clear();
        }
        self.found_mut().clear(field);
    }

    /// The text that the field at hand has.
    pub(super) fn text_mut(&mut self) -> Option<&mut Text<C::Id>> {
        match self.field {
            Field::Type | Field::Node | Field::Sid | Field::CachedNode => Some(&mut self.node),
            Field::PromptId => Some(&mut self.prompt_id),
            Field::DisplayNode | Field::NodeType => Some(&mut self.display),
            Field::ExceptionType | Field::State | Field::ImageType => Some(&mut self.word),
            _ => None,
        }
    }

    /// Takes the value of a field from the front of `piece`, where it stands there whole and is of the simplest kind.
    /// It means what the lexer's tokens would.
    #[inline]
    pub(super) fn take<'p>(&mut self, field: Field, piece: &'p [u8]) -> Option<&'p [u8]> {
        if let Field::Value | Field::Max | Field::QueueRemaining = field {
            return self.take_number(field, piece);
        }
        let text = piece.strip_prefix(b"\"")?;
        if field == Field::PromptId && self.is_plain_prompt && !self.found.has(Field::Nodes) {
            // Most often it is the one of the message before.
            let known = self.prompt_id.kept();
            let (same_text, behind) = text.split_at_checked(known.len())?;
            if let ([b'"', behind @ ..], true) = (behind, same(same_text, known)) {
                self.found.set(field);
                return Some(behind);
            }
        }
        let (text, behind) = text.split_at_checked(plain_len(text))?;
        let behind = behind.strip_prefix(b"\"")?;
        match field {
            Field::Skip => return Some(behind),
            Field::Finished => {
                self.finished();
                return Some(behind);
            }
            // The type decides how `data` is read.
            Field::Type if self.found.has(Field::Data) || self.data_first => return Some(behind),
            Field::Type => {
                self.kind = EventKind::of_type(text)?;
            }
            Field::State => {
                self.state = NodeStatus::named(text);
            }
            _ => return self.take_text(field, text).then_some(behind),
        }
        self.found_mut().set(field);
        Some(behind)
    }

    /// The part of [`take`](Self::take) for numbers.
    #[inline]
    fn take_number<'p>(&mut self, field: Field, piece: &'p [u8]) -> Option<&'p [u8]> {
        let (number, mut behind) = take_whole(piece)?;
        if let ([b'.', b'0', rest @ ..], Field::Value | Field::Max) = (behind, field) {
            behind = rest;
        }
        if !matches!(behind, [b',' | b'}', ..]) {
            return None;
        }
        match field {
            Field::Value => self.value = Milli::whole(number),
            Field::Max => self.max = Milli::whole(number),
            _ => self.queue_remaining = number,
        }
        self.found_mut().set(field);
        Some(behind)
    }

    /// The part of [`take`](Self::take) for texts that are kept: whether `field` has one.
    // Not inlined: where its texts are would be worked out for each piece.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn take_text(&mut self, field: Field, text: &[u8]) -> bool {
        match field {
            Field::PromptId if self.found.has(Field::Nodes) => return true,
            Field::PromptId => {
                self.prompt_id.become_bytes(text);
                self.is_plain_prompt = text.len() <= C::Id::LEN;
            }
            Field::Node | Field::Sid => {
                self.no_node = false;
                self.node.become_bytes(text);
            }
            Field::DisplayNode | Field::NodeType => self.display.become_bytes(text),
            _ => return false,
        }
        self.found_mut().set(field);
        true
    }

    /// What was found in the container at hand: an entry of `nodes` has an account of its own.
    pub(super) const fn found_mut(&mut self) -> &mut Found {
        if matches!(self.level, Field::NodeState) { &mut self.entry } else { &mut self.found }
    }

    /// What the message said that `lexer` has read.
    // Not inlined: what it needs of the stack is free again before the event is told.
    #[inline(never)]
    pub(super) fn event(&self, lexer: &mut Lexer) -> Event<'_> {
        let len = lexer.position();
        let (at, reason) = match lexer.end() {
            Err(error) => (error.at, Reason::Json(error.kind)),
            Ok(()) if !self.is_object => (0, Reason::NoObject),
            Ok(()) if self.data_first || !self.found.has(Field::Type) => (len, Reason::NoType),
            Ok(()) => match self.missing() {
                Some(name) => (len, Reason::Field(name)),
                None => return self.whole(),
            },
        };
        Event::Malformed(Malformed { at, reason })
    }

    /// A field that the message needs and hasn't.
    fn missing(&self) -> Option<&'static str> {
        if self.broken.is_some() || self.kind == EventKind::Unknown {
            return self.broken;
        }
        let level = if self.kind == EventKind::Status { Field::ExecInfo } else { Field::Data };
        if !self.found.has(Field::Data) {
            return Some("data");
        }
        members(level, self.kind).missing(self.found)
    }

    /// The text `text` of `field`, where it was found.
    fn optional<'a>(&self, field: Field, text: &'a Text<C::Id>) -> Option<Id<'a>> {
        self.found.has(field).then(|| text.as_id())
    }

    fn timestamp(&self) -> Option<u64> {
        self.found.has(Field::Timestamp).then_some(self.timestamp)
    }

    pub(super) fn optional_prompt_id(&self) -> Option<Id<'_>> {
        self.optional(Field::PromptId, &self.prompt_id)
    }

    pub(super) fn optional_node(&self) -> Option<Id<'_>> {
        self.optional(Field::Node, &self.node).filter(|_| !self.no_node)
    }

    pub(super) fn optional_display_node(&self) -> Option<Id<'_>> {
        self.optional(Field::DisplayNode, &self.display)
    }

    pub(super) fn is_png(&self) -> bool {
        self.found.has(Field::ImageType) && self.word.as_bytes() == b"image/png" && !self.word.is_cut()
    }

    /// The checked message as an event.
    fn whole(&self) -> Event<'_> {
        let id = self.prompt_id.as_id();
        let prompt_id = self.found.has(Field::PromptId).then_some(id);
        let &Self { kind, value, max, count, queue_remaining, preview_metadata, .. } = self;
        match kind {
            EventKind::Status => Event::Status { queue_remaining, sid: self.optional(Field::Sid, &self.node) },
            EventKind::ExecutionStart => Event::ExecutionStart { prompt_id: id, timestamp: self.timestamp() },
            EventKind::ExecutionCached => Event::ExecutionCached { prompt_id: id, nodes: count },
            EventKind::Executing => {
                Event::Executing { node: self.optional_node(), display_node: self.optional_display_node(), prompt_id }
            }
            EventKind::Progress => Event::Progress { value, max, prompt_id, node: self.optional_node() },
            EventKind::ProgressState => Event::ProgressState { prompt_id: id, nodes: count },
            EventKind::Executed => {
                Event::Executed { prompt_id: id, node: self.node.as_id(), display_node: self.optional_display_node() }
            }
            EventKind::ExecutionSuccess => Event::ExecutionSuccess { prompt_id: id, timestamp: self.timestamp() },
            EventKind::ExecutionError => Event::ExecutionError {
                prompt_id: id,
                node_id: self.optional_node(),
                node_type: self.optional(Field::NodeType, &self.display),
                exception_type: self.word.as_id(),
                exception_message: self.message.as_id(),
                timestamp: self.timestamp(),
            },
            EventKind::ExecutionInterrupted => Event::ExecutionInterrupted {
                prompt_id: id,
                node_id: self.optional_node(),
                node_type: self.optional(Field::NodeType, &self.display),
                timestamp: self.timestamp(),
            },
            EventKind::FeatureFlags => Event::FeatureFlags { supports_preview_metadata: preview_metadata },
            EventKind::Logs => Event::Logs { entries: count },
            _ => Event::Unknown { event_type: self.node.as_id() },
        }
    }
}
