use crate::{
    event::{Event, Handler, Part, Raw},
    reducer::{Action, Changes, reduce},
    state::State,
    time::Instant,
};

/// Is told of each message while it is read, after the state has taken it in.
///
/// What it does takes time from reading the socket: hand things on and return.
pub trait Observer {
    /// A part of a message; see [`Part`].
    fn part(&mut self, part: &Part<'_>) {
        let _ = part;
    }
    /// A message ended.
    fn event(&mut self, event: &Event<'_>) {
        let _ = event;
    }
    /// A piece of a message as it came, malformed ones too; whether it is the message's first and last.
    fn raw(&mut self, piece: Raw<'_>, first: bool, last: bool) {
        let _ = (piece, first, last);
    }
}

/// Nobody.
impl Observer for () {}

/// Hands what a decoder reads to the reducer, then to the observer.
pub(super) struct Tee<'a, O, const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize> {
    pub(super) state: &'a mut State<ID, MESSAGE, NODES, NAMES>,
    pub(super) now: Instant,
    pub(super) binary: bool,
    pub(super) changes: &'a mut Changes,
    pub(super) observer: &'a mut O,
}

impl<O: Observer, const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize> Handler
    for Tee<'_, O, ID, MESSAGE, NODES, NAMES>
{
    fn part(&mut self, part: Part<'_>) {
        *self.changes = self.changes.and(reduce(self.state, self.now, Action::Part(part)));
        self.observer.part(&part);
    }

    fn event(&mut self, event: Event<'_>) {
        let action = if self.binary { Action::Binary(event) } else { Action::Text(event) };
        *self.changes = self.changes.and(reduce(self.state, self.now, action));
        self.observer.event(&event);
    }
}
