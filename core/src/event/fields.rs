use super::{
    Event, EventKind, Interest, Malformed, NodeStatus, Reason,
    field::{AFTER_FINISHED_PREFIX, Field, FieldSet, members},
};
use crate::{
    capacity::{Bytes as _, Capacity},
    json::{Lexer, plain_len, same},
    limits::KEY_BYTES,
    number::{Literal, Milli, take_whole},
    text::{Id, Text},
};

/// The values read so far of one message.
#[derive(Debug)]
pub(super) struct Fields<C: Capacity> {
    pub(super) interest: Interest,
    pub(super) kind: EventKind,
    /// The container being read.
    pub(super) level: Field,
    /// The field whose value comes next.
    pub(super) field: Field,
    /// Index of the container's member that is expected next.
    pub(super) next: u8,
    /// Bytes of that member's spelling that the pieces so far have matched.
    pub(super) matched: u8,
    /// The fields found in the message, outside entries of `nodes`. [`Field::Data`] without [`Field::Type`] means that
    /// `data` came first; no `type` counts after it.
    pub(super) found: FieldSet,
    /// The fields found in the current entry of `nodes`.
    pub(super) entry_found: FieldSet,
    /// Whether `node` was `null`.
    pub(super) node_is_null: bool,
    /// The field that an invalid entry of `nodes` is malformed by, if there was such an entry.
    pub(super) invalid_field: Option<&'static str>,
    /// Number of entries or ids in `nodes`, or of log entries.
    pub(super) count: u32,
    /// The beginning of a member's name that came in pieces.
    pub(super) key: Text<[u8; KEY_BYTES]>,
    pub(super) literal: Literal,
    pub(super) value: Milli,
    pub(super) max: Milli,
    pub(super) state: NodeStatus,
    pub(super) queue_remaining: u32,
    pub(super) timestamp: u64,
    pub(super) preview_metadata: bool,
    pub(super) prompt_id: Text<C::Id>,
    /// Whether `prompt_id` had no escapes and was kept whole.
    pub(super) is_plain_prompt: bool,
    /// First the message's `type`, then `node`, `node_id` or `sid`.
    pub(super) node: Text<C::Id>,
    /// `display_node`, `display_node_id` or `node_type`.
    pub(super) display: Text<C::Id>,
    /// `exception_type`, `state` or `image_type`.
    pub(super) word: Text<C::Id>,
    /// `exception_message`
    pub(super) message: Text<C::Message>,
}

impl<C: Capacity> Fields<C> {
    #[expect(clippy::inline_always, reason = "built in place, not on the stack first")]
    #[inline(always)]
    pub(super) const fn new(interest: Interest) -> Self {
        Self {
            interest,
            kind: EventKind::Unknown,
            level: Field::Skip,
            field: Field::Root,
            next: 0,
            matched: 0,
            found: FieldSet::NONE,
            entry_found: FieldSet::NONE,
            node_is_null: false,
            invalid_field: None,
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

    /// Forgets the message. It leaves the texts alone: each is cleared when its value begins, which saves writes.
    pub(super) fn reset(&mut self) {
        self.kind = EventKind::Unknown;
        self.level = Field::Skip;
        self.field = Field::Root;
        self.matched = 0;
        self.found = FieldSet::NONE;
        self.node_is_null = false;
        self.invalid_field = None;
        self.count = 0;
        self.preview_metadata = false;
        self.key.clear();
    }

    pub(super) const fn wants(&self, kind: EventKind) -> bool {
        self.interest.contains(kind)
    }

    /// Prepares for the value of the member `name`.
    pub(super) fn select_member(&mut self, name: &[u8]) {
        let field = self.member_field(name);
        self.select(field);
    }

    /// The field of the member `name` in the current container.
    pub(super) fn member_field(&mut self, name: &[u8]) -> Field {
        if self.level == Field::Nodes {
            self.node.push(name);
            return Field::NodeState;
        }
        let mut members = members(self.level, self.kind).expected.iter().zip(1..);
        let Some((member, next)) = members.find(|(member, _)| member.is_named(name)) else { return Field::Skip };
        self.next = next;
        member.field
    }

    /// Prepares for the value of `field`.
    pub(super) fn select(&mut self, field: Field) {
        let skipped = match field {
            // The type decides how `data` is read. If there are several, the last one before `data` counts.
            Field::Type => self.found.contains(Field::Data),
            Field::Data if !self.found.contains(Field::Type) => {
                self.found.set(Field::Data);
                true
            }
            Field::Data => self.kind == EventKind::Unknown || self.found.contains(Field::Data),
            // The entries were already reported under the first `prompt_id`.
            Field::PromptId => self.found.contains(Field::Nodes),
            Field::FinishedPrefix => {
                self.set_finished();
                true
            }
            _ => false,
        };
        self.field = if skipped { Field::Skip } else { field };
        self.begin_value();
    }

    /// Sets what [`Field::FinishedPrefix`] says of the current entry.
    fn set_finished(&mut self) {
        let one = Milli::from_thousandths(1_000);
        (self.value, self.max, self.state) = (one, one, NodeStatus::Finished);
        for field in [Field::Value, Field::Max, Field::State] {
            self.entry_found.set(field);
        }
        self.next = AFTER_FINISHED_PREFIX;
    }

    /// Forgets an earlier value of the current field.
    pub(super) fn begin_value(&mut self) {
        let field = self.field;
        match field {
            Field::Node => self.node_is_null = false,
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

    /// The buffer for the current field's text; `None` if it has none.
    pub(super) fn text_mut(&mut self) -> Option<&mut Text<C::Id>> {
        match self.field {
            Field::Type | Field::Node | Field::Sid | Field::CachedNode => Some(&mut self.node),
            Field::PromptId => Some(&mut self.prompt_id),
            Field::DisplayNode | Field::NodeType => Some(&mut self.display),
            Field::ExceptionType | Field::State | Field::ImageType => Some(&mut self.word),
            _ => None,
        }
    }

    /// Takes the value of `field` from the front of `piece` and returns the rest.
    ///
    /// `None` unless the value is complete and simple. The result equals what the lexer's tokens give.
    #[inline]
    pub(super) fn take_value<'p>(&mut self, field: Field, piece: &'p [u8]) -> Option<&'p [u8]> {
        if let Field::Value | Field::Max | Field::QueueRemaining = field {
            return self.take_number(field, piece);
        }
        let text = piece.strip_prefix(b"\"")?;
        if field == Field::PromptId && self.is_plain_prompt && !self.found.contains(Field::Nodes) {
            // Usually it is the previous message's prompt.
            let known = self.prompt_id.kept();
            let (same_text, rest) = text.split_at_checked(known.len())?;
            if let ([b'"', rest @ ..], true) = (rest, same(same_text, known)) {
                self.found.set(field);
                return Some(rest);
            }
        }
        let (text, rest) = text.split_at_checked(plain_len(text))?;
        let rest = rest.strip_prefix(b"\"")?;
        match field {
            Field::Skip => return Some(rest),
            Field::FinishedPrefix => {
                self.set_finished();
                return Some(rest);
            }
            // The type decides how `data` is read.
            Field::Type if self.found.contains(Field::Data) => return Some(rest),
            Field::Type => {
                self.kind = EventKind::from_type(text)?;
            }
            Field::State => {
                self.state = NodeStatus::from_name(text);
            }
            _ => return self.take_text(field, text).then_some(rest),
        }
        self.found_mut().set(field);
        Some(rest)
    }

    /// [`take_value`](Self::take_value) for numbers.
    #[inline]
    fn take_number<'p>(&mut self, field: Field, piece: &'p [u8]) -> Option<&'p [u8]> {
        let (number, mut rest) = take_whole(piece)?;
        if let ([b'.', b'0', after @ ..], Field::Value | Field::Max) = (rest, field) {
            rest = after;
        }
        if !matches!(rest, [b',' | b'}', ..]) {
            return None;
        }
        match field {
            Field::Value => self.value = Milli::whole(number),
            Field::Max => self.max = Milli::whole(number),
            _ => self.queue_remaining = number,
        }
        self.found_mut().set(field);
        Some(rest)
    }

    /// [`take_value`](Self::take_value) for texts that are kept. Returns `false` if `field` is not one of them.
    // Inlined, it would compute the addresses of all texts for each piece.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn take_text(&mut self, field: Field, text: &[u8]) -> bool {
        match field {
            Field::PromptId if self.found.contains(Field::Nodes) => return true,
            Field::PromptId => {
                self.prompt_id.become_bytes(text);
                self.is_plain_prompt = text.len() <= C::Id::LEN;
            }
            Field::Node | Field::Sid => {
                self.node_is_null = false;
                self.node.become_bytes(text);
            }
            Field::DisplayNode | Field::NodeType => self.display.become_bytes(text),
            _ => return false,
        }
        self.found_mut().set(field);
        true
    }

    /// The fields found in the current container. An entry of `nodes` has its own set.
    pub(super) const fn found_mut(&mut self) -> &mut FieldSet {
        if matches!(self.level, Field::NodeState) { &mut self.entry_found } else { &mut self.found }
    }

    /// The event of the message that `lexer` has read to its end.
    // Not inlined: its stack is free again before the handler runs.
    #[inline(never)]
    pub(super) fn event(&self, lexer: &mut Lexer) -> Event<'_> {
        let len = lexer.position();
        let (at, reason) = match lexer.end() {
            Err(error) => (error.at, Reason::Json(error.kind)),
            Ok(()) if !self.found.contains(Field::Root) => (0, Reason::NoObject),
            Ok(()) if !self.found.contains(Field::Type) => (len, Reason::NoType),
            Ok(()) => match self.missing() {
                Some(name) => (len, Reason::Field(name)),
                None => return self.valid_event(),
            },
        };
        Event::Malformed(Malformed { at, reason })
    }

    /// The name of a required field that the message lacks.
    fn missing(&self) -> Option<&'static str> {
        if self.invalid_field.is_some() || self.kind == EventKind::Unknown {
            return self.invalid_field;
        }
        let level = if self.kind == EventKind::Status { Field::ExecInfo } else { Field::Data };
        if !self.found.contains(Field::Data) {
            return Some("data");
        }
        members(level, self.kind).missing(self.found)
    }

    /// `text`, if `field` was found.
    fn optional<'a>(&self, field: Field, text: &'a Text<C::Id>) -> Option<Id<'a>> {
        self.found.contains(field).then(|| text.as_id())
    }

    fn timestamp(&self) -> Option<u64> {
        self.found.contains(Field::Timestamp).then_some(self.timestamp)
    }

    pub(super) fn optional_prompt_id(&self) -> Option<Id<'_>> {
        self.optional(Field::PromptId, &self.prompt_id)
    }

    pub(super) fn optional_node(&self) -> Option<Id<'_>> {
        self.optional(Field::Node, &self.node).filter(|_| !self.node_is_null)
    }

    pub(super) fn optional_display_node(&self) -> Option<Id<'_>> {
        self.optional(Field::DisplayNode, &self.display)
    }

    pub(super) fn is_png(&self) -> bool {
        self.found.contains(Field::ImageType) && self.word.as_bytes() == b"image/png" && !self.word.is_cut()
    }

    /// The event of a message that is not malformed.
    fn valid_event(&self) -> Event<'_> {
        let id = self.prompt_id.as_id();
        let prompt_id = self.found.contains(Field::PromptId).then_some(id);
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
