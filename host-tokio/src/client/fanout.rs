//! Hands what is heard to the subscribers, without ever waiting for one.

use std::sync::Arc;

use comfyglow_core::{
    capacity::Capacity,
    event::{self as wire, EventKind, Interest, Message, MessageKind, NodeStatus, Part},
    reducer::Action,
    reducer::Observer,
    state,
    state::Changes,
    text::Id,
    time::Instant,
};

use super::{
    event::{
        Event, Executed, Executing, ExecutionCached, ExecutionError, ExecutionInterrupted, ExecutionStart,
        ExecutionSuccess, FeatureFlags, Logs, NodeState, PreviewImage, Progress, ProgressState, ProgressText, Status,
        Unknown,
    },
    mailbox::{Letter, Urgency, Waiting},
    registry::{Registry, Subscribers, Wants},
};
use crate::finish::{Finish, Finishes};

/// The longest message that is kept whole for a subscriber, in bytes; a longer one is lost to those that want it whole.
pub(super) const MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// What a buffer may keep of its room from message to message.
const SPARE: usize = 64 * 1024;

/// Observes a session for the subscribers.
pub(super) struct Fanout {
    registry: Arc<Registry>,
    subscribers: Arc<Subscribers>,
    finishes: Finishes,
    /// The message at hand, where somebody wants it whole.
    message: Vec<u8>,
    keeps_message: bool,
    is_text: bool,
    /// What its parts said, where somebody wants that.
    cached: Vec<String>,
    nodes: Vec<NodeState>,
    bytes: Vec<u8>,
    /// The message or its parts don't fit.
    too_long: bool,
}

impl Fanout {
    pub(super) fn new(registry: Arc<Registry>) -> Self {
        Self {
            subscribers: registry.subscribers(),
            registry,
            finishes: Finishes::default(),
            message: Vec::new(),
            keeps_message: false,
            is_text: false,
            cached: Vec::new(),
            nodes: Vec::new(),
            bytes: Vec::new(),
            too_long: false,
        }
    }

    /// Tells the ends of prompts that are known by now.
    fn finish(&mut self) {
        while let Some(finish) = self.finishes.take() {
            self.tell_finish(finish);
        }
    }

    /// Tells the ends that were guessed last, when nothing more will be heard.
    pub(super) fn end(&mut self) {
        while let Some(finish) = self.finishes.take_last() {
            self.tell_finish(finish);
        }
    }

    fn tell_finish(&mut self, finish: Finish) {
        self.registry.refresh(&mut self.subscribers);
        self.tell(&Event::Finish(finish), EventKind::ExecutionSuccess, true);
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.subscribers.wire.contains(kind)
    }

    /// Puts a copy of an event into each mailbox that it is for.
    fn tell(&self, event: &Event, kind: EventKind, is_end: bool) {
        let mut shared: Option<Arc<Event>> = None;
        let urgency = Urgency::of(kind, is_end);
        let bytes = weight(event);
        for subscriber in &self.subscribers.all {
            let Wants::Events(topics) = &subscriber.wants else { continue };
            let is_finish = matches!(event, Event::Finish(_));
            if (is_finish && topics.contains(event)) || (!is_finish && topics.wire.contains(kind)) {
                let event = shared.get_or_insert_with(|| Arc::new(event.clone())).clone();
                subscriber.mailbox.put(Waiting { letter: Letter::Event(event), urgency, bytes });
            }
        }
    }

    /// Puts the message at hand into each mailbox that it is for.
    fn hand_on(&self, event: &wire::Event<'_>) {
        let mut shared: Option<Arc<[u8]>> = None;
        let name = match event {
            wire::Event::Unknown { event_type } => event_type.as_str(),
            _ => event.kind().name(),
        };
        let is_end = matches!(event, wire::Event::Executing { node: None, .. });
        let urgency = match Urgency::of(event.kind(), is_end) {
            Urgency::End => Urgency::End,
            // What is in it isn't known, so none replaces another.
            _ => Urgency::Change,
        };
        for subscriber in &self.subscribers.all {
            let wanted = match &subscriber.wants {
                Wants::Events(_) => false,
                Wants::Messages => true,
                Wants::Type(wanted) => self.is_text && wanted == name,
            };
            if !wanted {
                continue;
            }
            if self.too_long {
                subscriber.mailbox.lose();
                continue;
            }
            let message = shared.get_or_insert_with(|| self.message.as_slice().into()).clone();
            let bytes = message.len();
            subscriber.mailbox.put(Waiting { letter: Letter::Message(message, self.is_text), urgency, bytes });
        }
    }

    /// The event at hand, owned; `None` where it is of no type that is told.
    fn owned(&mut self, event: &wire::Event<'_>) -> Option<Event> {
        Some(match event {
            wire::Event::Status { queue_remaining, sid } => {
                Status { queue_remaining: *queue_remaining, sid: some(sid.as_ref()) }.into()
            }
            wire::Event::ExecutionStart { prompt_id, timestamp } => {
                ExecutionStart { prompt_id: text(prompt_id), timestamp: *timestamp }.into()
            }
            wire::Event::ExecutionCached { prompt_id, .. } => {
                ExecutionCached { prompt_id: text(prompt_id), nodes: std::mem::take(&mut self.cached) }.into()
            }
            wire::Event::Executing { node, display_node, prompt_id } => Executing {
                node: some(node.as_ref()),
                display_node: some(display_node.as_ref()),
                prompt_id: some(prompt_id.as_ref()),
            }
            .into(),
            wire::Event::Progress { value, max, prompt_id, node } => Progress {
                value: super::units(*value),
                max: super::units(*max),
                prompt_id: some(prompt_id.as_ref()),
                node: some(node.as_ref()),
            }
            .into(),
            wire::Event::ProgressState { prompt_id, .. } => {
                ProgressState { prompt_id: text(prompt_id), nodes: std::mem::take(&mut self.nodes) }.into()
            }
            wire::Event::Executed { prompt_id, node, display_node } => Executed {
                prompt_id: text(prompt_id),
                node: text(node),
                display_node: some(display_node.as_ref()),
                message: (self.keeps_message && !self.too_long).then(|| self.message.as_slice().into()),
            }
            .into(),
            wire::Event::ExecutionSuccess { prompt_id, timestamp } => {
                ExecutionSuccess { prompt_id: text(prompt_id), timestamp: *timestamp }.into()
            }
            wire::Event::ExecutionError {
                prompt_id,
                node_id,
                node_type,
                exception_type,
                exception_message,
                timestamp,
            } => ExecutionError {
                prompt_id: text(prompt_id),
                node_id: some(node_id.as_ref()),
                node_type: some(node_type.as_ref()),
                exception_type: text(exception_type),
                exception_message: text(exception_message),
                truncated: exception_message.is_cut(),
                timestamp: *timestamp,
            }
            .into(),
            wire::Event::ExecutionInterrupted { prompt_id, node_id, node_type, timestamp } => ExecutionInterrupted {
                prompt_id: text(prompt_id),
                node_id: some(node_id.as_ref()),
                node_type: some(node_type.as_ref()),
                timestamp: *timestamp,
            }
            .into(),
            wire::Event::FeatureFlags { supports_preview_metadata } => {
                FeatureFlags { supports_preview_metadata: *supports_preview_metadata }.into()
            }
            wire::Event::Logs { entries } => Logs { entries: *entries, text: self.take_text() }.into(),
            wire::Event::PreviewImage { format, .. } => {
                let image = self.bytes.as_slice().into();
                PreviewImage { format: *format, image, prompt_id: None, node_id: None, display_node_id: None }.into()
            }
            wire::Event::PreviewImageWithMetadata { format, prompt_id, node_id, display_node_id, .. } => PreviewImage {
                format: *format,
                image: self.bytes.as_slice().into(),
                prompt_id: some(prompt_id.as_ref()),
                node_id: some(node_id.as_ref()),
                display_node_id: some(display_node_id.as_ref()),
            }
            .into(),
            wire::Event::ProgressText { node } => ProgressText { node: text(node), text: self.take_text() }.into(),
            wire::Event::Unknown { event_type } => Unknown { event_type: text(event_type) }.into(),
            _ => return None,
        })
    }

    fn take_text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The message at hand is over.
    fn forget(&mut self) {
        self.keeps_message = false;
        self.too_long = false;
        self.cached.clear();
        self.nodes.clear();
        for buffer in [&mut self.message, &mut self.bytes] {
            buffer.clear();
            buffer.shrink_to(SPARE);
        }
    }
}

/// Bytes of an event's own text or image, of which there may be many.
fn weight(event: &Event) -> usize {
    match event {
        Event::PreviewImage(preview) => preview.image.len(),
        Event::Logs(logs) => logs.text.len(),
        Event::ProgressText(shown) => shown.text.len(),
        Event::Executed(executed) => executed.message.as_ref().map_or(0, |message| message.len()),
        _ => 0,
    }
}

/// Adds a piece; whether it fitted.
fn keep(buffer: &mut Vec<u8>, piece: &[u8]) -> bool {
    let fits = buffer.len().saturating_add(piece.len()) <= MESSAGE_BYTES;
    if fits {
        buffer.extend_from_slice(piece);
    }
    fits
}

impl<C: Capacity> Observer<C> for Fanout {
    fn raw(&mut self, message: &Message<'_>) {
        if message.first {
            self.registry.refresh(&mut self.subscribers);
            self.forget();
            self.is_text = message.kind == MessageKind::Text;
            // Of binary messages only those who want all of it want it whole.
            self.keeps_message = if self.is_text { self.subscribers.texts } else { self.subscribers.messages };
        }
        if self.keeps_message {
            self.too_long |= !keep(&mut self.message, message.bytes);
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::CachedNode { node } if self.wants(EventKind::ExecutionCached) => self.cached.push(text(node)),
            Part::NodeState { node_id, value, max, state, display_node_id, .. }
                if self.wants(EventKind::ProgressState) =>
            {
                let (value, max) = (super::units(*value), super::units(*max));
                let state: NodeStatus = *state;
                let display_node_id = some(display_node_id.as_ref());
                self.nodes.push(NodeState { node_id: text(node_id), value, max, state, display_node_id });
            }
            Part::Log(piece) if self.wants(EventKind::Logs) => self.too_long |= !keep(&mut self.bytes, piece),
            Part::ProgressText(piece) if self.wants(EventKind::ProgressText) => {
                self.too_long |= !keep(&mut self.bytes, piece);
            }
            Part::Image(piece) if self.subscribers.want_previews() => self.too_long |= !keep(&mut self.bytes, piece),
            _ => {}
        }
    }

    fn event(&mut self, event: &wire::Event<'_>) {
        let kind = event.kind();
        if self.subscribers.whole {
            self.hand_on(event);
        }
        if self.wants(kind) {
            if self.too_long && !matches!(event, wire::Event::Executed { .. }) {
                self.lose(kind);
            } else if let Some(owned) = self.owned(event) {
                let is_end = matches!(event, wire::Event::Executing { node: None, .. });
                self.tell(&owned, kind, is_end);
            }
        }
        self.forget();
    }

    fn reduced(&mut self, now: Instant, action: &Action<'_>, changes: Changes, state: &state::State<C>) {
        let is_news = matches!(action, Action::Text(_) | Action::Binary(_) | Action::Response { .. });
        if is_news || changes.has(Changes::PROMPT) {
            self.finishes.applied(now, state);
            self.finish();
        }
    }
}

impl Fanout {
    fn lose(&self, kind: EventKind) {
        let wants = |wants: &Wants| matches!(wants, Wants::Events(topics) if topics.wire.contains(kind));
        for subscriber in self.subscribers.all.iter().filter(|subscriber| wants(&subscriber.wants)) {
            subscriber.mailbox.lose();
        }
    }
}

fn text(id: &Id<'_>) -> String {
    id.as_str().to_owned()
}

fn some(id: Option<&Id<'_>>) -> Option<String> {
    id.map(text)
}

/// Everything that the wire can say is to be read, as somebody may subscribe to it at any time.
pub(super) const INTEREST: Interest = Interest::ALL;

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::client::{event::Topics, mailbox::Taken};

    #[test]
    fn long_logs_and_texts_wait_within_a_budget() {
        let text = "a".repeat(MESSAGE_BYTES / 2);
        let logs = Logs { entries: 1, text: text.clone() };
        let shown = ProgressText { node: "1".to_owned(), text };
        for (event, kind) in [(Event::from(logs), EventKind::Logs), (shown.into(), EventKind::ProgressText)] {
            let registry = Arc::new(Registry::new());
            let mailbox = registry.subscribe(Wants::Events(Topics::ALL), 100);
            let fanout = Fanout::new(registry);
            for _ in 0..6 {
                fanout.tell(&event, kind, false);
            }
            let first = mailbox.poll_take(&Context::from_waker(Waker::noop()));
            assert!(matches!(first, Poll::Ready(Taken::Lost(2))), "32 MiB have room for four");
        }
    }
}
