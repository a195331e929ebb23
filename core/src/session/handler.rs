use crate::{
    capacity::Capacity,
    event::{Event, Handler, Part, Raw},
    reducer::{Action, Changes, reduce},
    state::State,
    time::Instant,
};

/// Is told of each message while it is read, after the state has taken it in.
///
/// What it does takes time from reading the socket: hand things on and return.
pub trait Observer<C: Capacity> {
    /// A part of a message; see [`Part`].
    fn part(&mut self, part: &Part<'_>) {
        let _ = part;
    }
    /// A message ended.
    fn event(&mut self, event: &Event<'_>) {
        let _ = event;
    }
    /// The reducer was told something, a message once more or anything else: with what that changed, and the state after
    /// it. What several messages in one read did to a prompt, only this tells apart.
    fn reduced(&mut self, now: Instant, action: &Action<'_>, changes: Changes, state: &State<C>) {
        let _ = (now, action, changes, state);
    }
    /// A piece of a message as it came, malformed ones too; whether it is the message's first and last.
    fn raw(&mut self, piece: Raw<'_>, first: bool, last: bool) {
        let _ = (piece, first, last);
    }
}

/// Nobody.
impl<C: Capacity> Observer<C> for () {}

/// Both, the first one first.
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

    fn raw(&mut self, piece: Raw<'_>, first: bool, last: bool) {
        self.0.raw(piece, first, last);
        self.1.raw(piece, first, last);
    }
}

/// Hands what a decoder reads to the reducer, then to the observer.
pub(super) struct Tee<'a, O, C: Capacity> {
    pub(super) state: &'a mut State<C>,
    pub(super) now: Instant,
    pub(super) binary: bool,
    pub(super) changes: &'a mut Changes,
    pub(super) observer: &'a mut O,
}

impl<O: Observer<C>, C: Capacity> Handler for Tee<'_, O, C> {
    fn part(&mut self, part: Part<'_>) {
        let action = Action::Part(&part);
        let changes = reduce(self.state, self.now, action);
        *self.changes = self.changes.and(changes);
        self.observer.part(&part);
        self.observer.reduced(self.now, &action, changes, self.state);
    }

    fn event(&mut self, event: Event<'_>) {
        let action = if self.binary { Action::Binary(&event) } else { Action::Text(&event) };
        let changes = reduce(self.state, self.now, action);
        *self.changes = self.changes.and(changes);
        self.observer.event(&event);
        self.observer.reduced(self.now, &action, changes, self.state);
    }
}
