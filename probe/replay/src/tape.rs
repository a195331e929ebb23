//! Tapes: what a connection of a recording heard, as bytes and times that a microcontroller can play. `xtask` compiles
//! this file too, writes the tapes, and plays them on its side of the comparison.
//!
//! A tape is the length of its name, the name, and steps: a [`Step`] as a byte, microseconds (`u64`), the length of what
//! follows (`u32`), and that. Numbers begin with their lowest byte.

use comfyglow_core::{
    capacity::Capacity,
    session::{Config, End, Host, Link},
    text::{Id, Text},
    time::Instant,
    wire::{Input, Output, Wire},
};

/// Bytes of the pieces that what is heard comes in: a byte, a cut amid everything, a small device's read, a segment's.
pub(crate) const PIECES: [usize; 4] = [1, 7, 64, 1_460];

/// Bytes that a snapshot may have.
pub(crate) const SNAPSHOT: usize = 16 * 1_024;

/// Bytes that a tape may have.
pub(crate) const LARGEST: usize = 8 * 1_024 * 1_024;

/// What happens next on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// The graph of a prompt is known: its nodes (`u32`) and the prompt's id. All of them come first.
    Graph,
    /// The socket is open.
    Open,
    /// The handshake was answered otherwise, by these bytes.
    Refused,
    /// A message, in its frame.
    Message,
    /// We leave.
    Leave,
    /// The server ended the connection.
    Eof,
    /// The connection broke.
    Broken,
    /// Nothing; the recording ends.
    End,
}

impl Step {
    const ALL: [Self; 8] =
        [Self::Graph, Self::Open, Self::Refused, Self::Message, Self::Leave, Self::Eof, Self::Broken, Self::End];
}

/// A tape.
pub(crate) struct Tape<'a> {
    name: &'a str,
    steps: &'a [u8],
}

impl<'a> Tape<'a> {
    /// The tape in `bytes`, none if they are none.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first()?;
        let (name, steps) = rest.split_at_checked(usize::from(*length))?;
        Some(Self { name: str::from_utf8(name).ok()?, steps })
    }

    /// The recording's name.
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    fn steps(&self) -> impl Iterator<Item = (Step, Instant, &'a [u8])> {
        let mut rest = self.steps;
        core::iter::from_fn(move || {
            let (step, after) = rest.split_first()?;
            let (micros, after) = after.split_first_chunk()?;
            let (length, after) = after.split_first_chunk()?;
            let (bytes, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            rest = after;
            let step = *Step::ALL.get(usize::from(*step))?;
            Some((step, Instant::from_micros(u64::from_le_bytes(*micros)), bytes))
        })
    }

    /// The graphs that the recording submits: prompt and nodes.
    fn graphs(&self) -> impl Iterator<Item = (&'a str, u32)> {
        self.steps().map_while(|(step, _, bytes)| {
            let (nodes, id) = bytes.split_first_chunk().filter(|_| step == Step::Graph)?;
            Some((str::from_utf8(id).ok()?, u32::from_le_bytes(*nodes)))
        })
    }
}

/// Plays tapes in sessions of either size: each writes the snapshot that it ends in, and returns its length.
pub(crate) mod play {
    use comfyglow_core::{
        capacity::{DesktopCapacity, GadgetCapacity},
        wire::Wire,
    };

    use super::{SNAPSHOT, Tape, config, play};

    #[inline(never)]
    pub(crate) fn gadget(tape: &Tape<'_>, pieces: usize, out: &mut [u8; SNAPSHOT]) -> usize {
        play(&mut Wire::<GadgetCapacity>::new(config(), 0), tape, pieces, out)
    }

    #[inline(never)]
    pub(crate) fn desktop(tape: &Tape<'_>, pieces: usize, out: &mut [u8; SNAPSHOT]) -> usize {
        play(&mut Wire::<DesktopCapacity>::new(config(), 0), tape, pieces, out)
    }
}

/// The recording says what was asked over HTTP.
const fn config() -> Config<'static> {
    Config::attached()
}

fn play<C: Capacity>(session: &mut Wire<'_, C>, tape: &Tape<'_>, pieces: usize, out: &mut [u8; SNAPSHOT]) -> usize {
    let mut last = Instant::ZERO;
    for (step, now, bytes) in tape.steps() {
        last = now;
        match step {
            Step::Graph | Step::End => continue,
            Step::Open => session.attach(now),
            Step::Refused => {
                drain(session, now);
                session.handle_input(now, Input::Opened(Link::Socket));
                drain(session, now);
                session.handle_input(now, Input::Sent(Link::Socket));
                session.handle_input(now, Input::Bytes(Link::Socket, bytes));
            }
            Step::Message => {
                for piece in bytes.chunks(pieces) {
                    session.handle_input(now, Input::Bytes(Link::Socket, piece));
                    drain(session, now);
                }
            }
            Step::Leave => session.handle_input(now, Input::Host(Host::Leave)),
            Step::Eof => session.handle_input(now, Input::Closed(Link::Socket, End::Eof)),
            Step::Broken => session.handle_input(now, Input::Closed(Link::Socket, End::Broken)),
        }
        drain(session, now);
        let prompt = session.state().prompt().filter(|prompt| prompt.nodes_total().is_none());
        let graph = prompt.and_then(|prompt| {
            tape.graphs().find(|(id, _)| prompt.prompt_id().is_some_and(|known| *known == Text::from(*id)))
        });
        if let Some((id, nodes)) = graph {
            session.handle_input(now, Input::Host(Host::Graph { prompt_id: Id::from(id), nodes }));
            drain(session, now);
        }
    }
    session.state().snapshot(last).write_json(out).unwrap_or_default()
}

/// Carries out nothing: what was sent, the recording tells.
fn drain<C: Capacity>(session: &mut Wire<'_, C>, now: Instant) {
    loop {
        match session.poll_output(now) {
            Output::Sleep(_) => break,
            Output::Send(link, _) => session.handle_input(now, Input::Sent(link)),
            _ => {}
        }
    }
}
