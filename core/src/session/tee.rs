//! Passes the decoder's output to the reducer and the observer.

use crate::{
    capacity::Capacity,
    event::{Event, Handler, Part},
    reducer::{Action, Observer, apply},
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
        let changes = apply(self.state, self.now, Action::Part(&part), self.observer);
        *self.changes = self.changes.union(changes);
    }

    fn event(&mut self, event: Event<'_>) {
        let action = if self.binary { Action::Binary(&event) } else { Action::Text(&event) };
        self.observer.event(&event);
        let changes = apply(self.state, self.now, action, self.observer);
        *self.changes = self.changes.union(changes);
    }
}
