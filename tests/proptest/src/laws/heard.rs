//! What holds of who hears a server: frames, decoder and reducer in a row.

use comfyglow_core::{
    capacity::Capacity,
    event::MessageKind,
    event::{Decoder, Event, Handler, Interest, Part},
    reducer::{Action, apply},
    state::{Fault, FaultKind, State},
    text::Text,
    time::Instant,
    wire::websocket::{Received, Receiver},
};

use super::shown::{Shown, counts};
use crate::{
    faults::{FaultSchedule, Step},
    frame,
    sessions::{End, Run, Session},
};

/// The state does not depend on how the bytes are cut: fed at once, byte by byte, and in pieces of `sizes`, again and
/// again, they end in the same state. An id must hold the longest type of a message, 21 bytes.
///
/// # Panics
///
/// Where it does, or the messages are not counted.
pub fn check_pieces<C: Capacity>(session: &Session, sizes: &[usize]) {
    let bytes: Vec<u8> = session.wire.iter().flat_map(frame).collect();
    let heard = |sizes: &[usize]| {
        let mut listener = Listener::<C>::new();
        let mut rest = bytes.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).clamp(1, rest.len()));
            listener.hear(piece);
            rest = behind;
        }
        (listener.shown(), listener.counts())
    };
    let (whole, counted) = heard(&[usize::MAX]);
    let [text, binary, malformed, unknown] = counted;
    assert_eq!((text + binary) as usize, session.wire.len(), "all messages are counted");
    assert!(malformed + unknown <= text + binary, "of no more than there are");
    for sizes in [sizes, &[1]] {
        assert_eq!(heard(sizes), (whole.clone(), counted), "in pieces of {sizes:?}");
    }
}

/// The state heals: whatever was cut, lost, doubled, exchanged or damaged before, once a new connection hears a prompt
/// whole, it says of it what one says that never heard anything else. Until then each message that is received whole is
/// counted. An id must hold the longest type of a message, 21 bytes.
///
/// # Panics
///
/// Where it does not.
pub fn check_healing<C: Capacity>(session: &Session, faults: &FaultSchedule) {
    let mut listener = Listener::<C>::new();
    let mut heard = 0;
    for step in faults.apply(&session.wire) {
        match step {
            Step::Message(wire) => {
                listener.hear(&frame(&wire));
                heard += 1;
                listener.tell_graphs(&session.nodes_total);
            }
            Step::Wait(wait) => listener.now = listener.now.saturating_add(wait),
            Step::Cut(bytes) => {
                listener.hear(&bytes);
                heard += u32::from(is_whole(&bytes));
                listener.reconnect();
            }
        }
        let [text, binary, ..] = listener.counts();
        assert_eq!(text + binary, heard, "each message received whole is counted");
    }
    listener.reconnect();

    let run = next_run();
    let mut fresh = Listener::<C>::new();
    for wire in run.wire() {
        for listener in [&mut listener, &mut fresh] {
            listener.hear(&frame(&wire));
            listener.tell_graphs(&[(run.prompt.clone(), 5)]);
        }
        let (healed, fresh) = (listener.shown(), fresh.shown());
        // What was queued before stands until a status comes.
        assert_eq!((healed.prompt, healed.connection), (fresh.prompt, fresh.connection), "after {wire:?}");
    }
    assert_eq!(listener.shown(), fresh.shown());
}

/// A prompt that no session has had, with nodes that other sessions have had too.
fn next_run() -> Run {
    Run {
        prompt: "the next".to_owned(),
        cached: 2,
        steps: vec![3, 0, 2],
        end: End::Success,
        states: true,
        counted: true,
        expands: None,
    }
}

/// Whether a message's frame is there to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut take = |n: usize| rest.split_off(..n);
    let Some(&[_, short]) = take(2) else { return false };
    let long = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(long) = take(long) else { return false };
    let length = long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    take(if long.is_empty() { short.into() } else { length }).is_some()
}

/// The core's parts in a row, from a connection's bytes to the state.
struct Listener<C: Capacity> {
    receiver: Receiver,
    decoder: Box<Decoder<C>>,
    state: Box<State<C>>,
    now: Instant,
}

impl<C: Capacity> Listener<C> {
    /// One with a connection.
    fn new() -> Self {
        let mut listener = Self {
            receiver: Receiver::new(),
            decoder: Box::new(Decoder::new(Interest::STATE)),
            state: Box::new(State::new()),
            now: Instant::ZERO,
        };
        apply(&mut listener.state, listener.now, Action::Established, &mut ());
        listener
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        while let Some(received) = self.receiver.next(&mut bytes).expect("a server's frames are valid") {
            let Received::Data { kind, bytes, last, .. } = received else { continue };
            let binary = kind == MessageKind::Binary;
            let mut reducer = ToReducer { state: &mut self.state, now: self.now, binary };
            match (binary, last) {
                (true, _) => self.decoder.binary(bytes, &mut reducer),
                (false, _) => self.decoder.text(bytes, &mut reducer),
            }
            match (binary, last) {
                (true, true) => self.decoder.end_binary(&mut reducer),
                (false, true) => self.decoder.end_text(&mut reducer),
                (_, false) => {}
            }
        }
    }

    /// The connection ends, and another one is made.
    fn reconnect(&mut self) {
        self.receiver = Receiver::new();
        self.decoder.reset();
        for action in [Action::Lost(Some(Fault::new(FaultKind::Closed))), Action::Dialling, Action::Established] {
            apply(&mut self.state, self.now, action, &mut ());
        }
    }

    /// Tells the size of the running prompt's graph, where it is among these.
    fn tell_graphs(&mut self, known: &[(String, usize)]) {
        for (id, nodes) in known {
            let (id, nodes) = (Text::<C::Id>::from(id.as_str()), u32::try_from(*nodes).unwrap_or(u32::MAX));
            apply(&mut self.state, self.now, Action::Graph { prompt_id: id.as_id(), nodes }, &mut ());
        }
    }

    fn shown(&self) -> Shown {
        Shown::of(&self.state)
    }

    fn counts(&self) -> [u32; 4] {
        counts(self.state.messages())
    }
}

/// Hands what the decoder reads to the reducer.
struct ToReducer<'a, C: Capacity> {
    state: &'a mut State<C>,
    now: Instant,
    binary: bool,
}

impl<C: Capacity> Handler for ToReducer<'_, C> {
    fn part(&mut self, part: Part<'_>) {
        apply(self.state, self.now, Action::Part(&part), &mut ());
    }

    fn event(&mut self, event: Event<'_>) {
        let action = if self.binary { Action::Binary(&event) } else { Action::Text(&event) };
        apply(self.state, self.now, action, &mut ());
    }
}
