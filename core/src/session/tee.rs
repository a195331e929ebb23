//! Passes the decoder's output to the reducer and the observer.

use crate::{
    capacity::Capacity,
    event::{Event, Handler, Part},
    reducer::{Observer, apply_event, apply_part},
    state::{Changes, State},
    time::Instant,
};

/// Passes each part and event to the observer, then to the reducer.
pub(super) struct Tee<'a, O, C: Capacity> {
    pub(super) state: &'a mut State<C>,
    pub(super) now: Instant,
    pub(super) binary: bool,
    pub(super) changes: &'a mut Changes,
    pub(super) observer: &'a mut O,
}

impl<O: Observer<C>, C: Capacity> Handler for Tee<'_, O, C> {
    fn part(&mut self, part: Part<'_>) {
        self.observer.part(&part);
        let changes = apply_part(self.state, self.now, &part, self.observer);
        *self.changes = self.changes.union(changes);
    }

    fn event(&mut self, event: Event<'_>) {
        self.observer.event(&event);
        let changes = apply_event(self.state, self.now, &event, self.binary, self.observer);
        *self.changes = self.changes.union(changes);
    }
}
