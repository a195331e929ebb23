//! Observers see what the reducer does.

use super::Action;
use crate::{
    capacity::Capacity,
    event::{Event, Message, Part},
    state::{Changes, State},
    time::Instant,
};

/// Sees each message while it is read, after the state was updated.
///
/// The socket is not read meanwhile: pass things on and return.
pub trait Observer<C: Capacity> {
    /// A part of a message; see [`Part`].
    fn part(&mut self, part: &Part<'_>) {
        let _ = part;
    }
    /// A message ended.
    fn event(&mut self, event: &Event<'_>) {
        let _ = event;
    }
    /// The reducer applied `action`, a message or anything else. `changes` is what it changed, `state` is the
    /// state after it. Only here can you tell apart what several messages of one read did to a prompt.
    fn reduced(&mut self, now: Instant, action: &Action<'_>, changes: Changes, state: &State<C>) {
        let _ = (now, action, changes, state);
    }
    /// A message or a piece of one arrived, perhaps malformed.
    fn raw(&mut self, message: &Message<'_>) {
        let _ = message;
    }
}

/// Observes nothing.
impl<C: Capacity> Observer<C> for () {}

/// Both observe, the first one first.
impl<C: Capacity, A: Observer<C>, B: Observer<C>> Observer<C> for (&mut A, &mut B) {
    fn part(&mut self, part: &Part<'_>) {
        self.0.part(part);
        self.1.part(part);
    }

    fn event(&mut self, event: &Event<'_>) {
        self.0.event(event);
        self.1.event(event);
    }

    fn reduced(&mut self, now: Instant, action: &Action<'_>, changes: Changes, state: &State<C>) {
        self.0.reduced(now, action, changes, state);
        self.1.reduced(now, action, changes, state);
    }

    fn raw(&mut self, message: &Message<'_>) {
        self.0.raw(message);
        self.1.raw(message);
    }
}
