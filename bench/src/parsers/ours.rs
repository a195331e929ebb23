use comfyglow_core::{
    capacity::DesktopCapacity,
    event::{Decoder, Event, EventKind, Handler, Interest, NodeStatus, Part},
    text::Id,
};

use crate::{Summary, summary::digest};

/// The core's decoder, with a desktop's capacities and everything subscribed to.
pub struct Ours(Decoder<DesktopCapacity>);

impl Ours {
    /// A decoder before its first message.
    pub fn new() -> Self {
        Self(Decoder::new(Interest::ALL))
    }

    /// Reads `message` in pieces of `size` bytes.
    #[inline]
    pub fn read(&mut self, message: &str, size: usize) -> Summary {
        let mut told = Told(Summary::new(EventKind::Unknown));
        for piece in message.as_bytes().chunks(size) {
            self.0.text(piece, &mut told);
        }
        self.0.end_text(&mut told);
        told.0
    }
}

impl Default for Ours {
    fn default() -> Self {
        Self::new()
    }
}

struct Told(Summary);

impl Handler for Told {
    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::NodeState { value, max, state, .. } => {
                self.0.entry(value.thousandths(), max.thousandths(), state == NodeStatus::Finished);
            }
            Part::CachedNode { .. } => self.0.count += 1,
            _ => {}
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let id = |id: Option<Id<'_>>| id.map_or(0, |id| digest(id.as_str()));
        let told = &mut self.0;
        told.kind = event.kind();
        match event {
            Event::Status { queue_remaining, sid } => {
                told.max = i64::from(queue_remaining);
                told.node = id(sid);
            }
            Event::ExecutionStart { prompt_id, .. }
            | Event::ExecutionSuccess { prompt_id, .. }
            | Event::ExecutionCached { prompt_id, .. }
            | Event::ProgressState { prompt_id, .. } => told.prompt = id(Some(prompt_id)),
            Event::Executing { node, prompt_id, .. } => (told.node, told.prompt) = (id(node), id(prompt_id)),
            Event::Executed { prompt_id, node, .. } => (told.node, told.prompt) = (id(Some(node)), id(Some(prompt_id))),
            Event::Progress { value, max, prompt_id, node } => {
                (told.value, told.max) = (value.thousandths(), max.thousandths());
                (told.node, told.prompt) = (id(node), id(prompt_id));
            }
            Event::ExecutionError { prompt_id, node_id, exception_message, .. } => {
                (told.node, told.prompt) = (id(node_id), id(Some(prompt_id)));
                told.message = id(Some(exception_message));
            }
            _ => {}
        }
    }
}
