//! Plays a recording through the core under the recording's own clock, at once.

use std::collections::BTreeSet;

use anyhow::Result;
use comfyglow_core::{
    capacity::{Capacity, DesktopCapacity},
    session::{Config, End, Host, Link},
    text::{Id, Text},
    time::Instant,
    wire::{Input, Output, Wire},
};

use crate::recording::{Message, Recording, What, server_frame};

/// A close frame's opcode.
const CLOSE: u8 = 8;

/// What of a recording is played, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The connection whose messages are played.
    pub conn: i64,
    /// So many of the recording's first lines, those of other connections and of HTTP among them.
    pub rows: usize,
    /// Each message is fed in pieces of so many bytes; at least 1.
    pub pieces: usize,
}

impl Default for Replay {
    /// All that the first connection heard, each message whole.
    fn default() -> Self {
        Self { conn: 0, rows: usize::MAX, pieces: usize::MAX }
    }
}

/// A session that a recording was played to.
#[derive(Debug)]
pub struct Replayed {
    /// The session.
    pub session: Box<Wire<'static, DesktopCapacity>>,
    /// The recording's clock at the last line that was played.
    pub now: Instant,
}

impl Replay {
    /// Plays `recording` to a new session.
    ///
    /// # Errors
    ///
    /// Where the recording has no such connection, or a frame that can't be one; the message names the line.
    pub fn play(&self, recording: &Recording) -> Result<Replayed> {
        self.play_to(recording, |_, _| ())
    }

    /// As [`play`](Self::play), and tells `changed` of the session and its clock after each line of the connection.
    ///
    /// # Errors
    ///
    /// As [`play`](Self::play).
    pub fn play_to(
        &self,
        recording: &Recording,
        mut changed: impl FnMut(&Wire<'static, DesktopCapacity>, Instant),
    ) -> Result<Replayed> {
        if !recording.rows.iter().any(|row| row.conn == self.conn) {
            let all: BTreeSet<i64> = recording.rows.iter().map(|row| row.conn).filter(|conn| *conn >= 0).collect();
            let all: Vec<String> = all.iter().map(i64::to_string).collect();
            let all = if all.is_empty() { "it has none".to_owned() } else { format!("it has: {}", all.join(", ")) };
            anyhow::bail!("has no connection {}; {all}", self.conn);
        }
        let mut messages = recording.messages(self.conn)?.into_iter().peekable();
        let mut player = Player::new(recording, self.pieces.max(1));
        let (mut opened, mut left) = (false, false);
        for (line, row) in (1..=self.rows).zip(&recording.rows) {
            player.now = player.now.max(instant(row.t_ms));
            if row.conn != self.conn {
                continue;
            }
            match &row.what {
                What::Open { response, .. } => {
                    player.open(response);
                    opened = true;
                }
                What::Close(_) if left => player.input(Input::Host(Host::Leave)),
                What::Close(how) => player.close(how),
                // What the server still sends until it answers the close counts.
                What::Tx(frame) if frame.opcode == CLOSE => left = true,
                _ => {
                    // A recording that was begun amid a connection doesn't tell how that was opened.
                    if !std::mem::replace(&mut opened, true) {
                        player.open("HTTP/1.1 101");
                    }
                    while let Some(heard) = messages.next_if(|heard| heard.line <= line) {
                        player.message(&heard.wire);
                    }
                }
            }
            changed(&player.session, player.now);
        }
        Ok(Replayed { session: player.session, now: player.now })
    }
}

fn instant(t_ms: f64) -> Instant {
    // A recording's clock counts from its start; `as` saturates what is no time at all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates as wanted")]
    Instant::from_micros((t_ms * 1_000.0).round() as u64)
}

/// An id as the session keeps it.
type IdText = Text<<DesktopCapacity as Capacity>::Id>;

struct Player {
    session: Box<Wire<'static, DesktopCapacity>>,
    now: Instant,
    pieces: usize,
    /// The graphs that the recording submits, by their prompt's id.
    nodes_total: Vec<(IdText, u32)>,
}

impl Player {
    fn new(recording: &Recording, pieces: usize) -> Self {
        let nodes_total = recording.nodes_total().into_iter();
        let nodes_total = nodes_total.map(|(id, n)| (IdText::from(id.as_str()), u32::try_from(n).unwrap_or(u32::MAX)));
        // The recording says what was asked over HTTP.
        let config = Config::attached();
        Self {
            session: Box::new(Wire::<DesktopCapacity>::new(config, 0)),
            now: Instant::ZERO,
            pieces,
            nodes_total: nodes_total.collect(),
        }
    }

    /// The server's answer to the handshake. Where that was a WebSocket, the recorder has checked it.
    fn open(&mut self, response: &str) {
        if response.split_whitespace().nth(1) == Some("101") {
            self.session.attach(self.now);
            self.drain();
            return;
        }
        self.drain();
        self.input(Input::Opened(Link::Socket));
        self.input(Input::Sent(Link::Socket));
        self.input(Input::Bytes(Link::Socket, response.as_bytes()));
    }

    fn close(&mut self, how: &str) {
        match how {
            // We ended it ourselves.
            "abort" => self.input(Input::Host(Host::Leave)),
            "eof" | "http" => self.input(Input::Closed(Link::Socket, End::Eof)),
            _ => self.input(Input::Closed(Link::Socket, End::Broken)),
        }
    }

    /// A message, as a frame that is fed in pieces.
    fn message(&mut self, message: &Message) {
        let (opcode, payload) = match message {
            Message::Text(text) => (1_u8, text.as_bytes()),
            Message::Binary(bytes) => (2, bytes.as_slice()),
        };
        let frame = server_frame(opcode, payload);
        let (header, payload) = frame.split_at(frame.len() - payload.len());
        self.session.handle_input(self.now, Input::Bytes(Link::Socket, header));
        for piece in payload.chunks(self.pieces) {
            self.session.handle_input(self.now, Input::Bytes(Link::Socket, piece));
        }
        self.drain();
        self.tell_graph();
    }

    /// Tells the size of the graph of a prompt that has just begun.
    fn tell_graph(&mut self) {
        let Some(prompt) = self.session.state().prompt().filter(|prompt| prompt.nodes_total().is_none()) else {
            return;
        };
        let known = self.nodes_total.iter().find(|(id, _)| prompt.prompt_id() == Some(id));
        if let Some((id, nodes)) = known {
            let input = Input::Host(Host::Graph { prompt_id: Id::from(id), nodes: *nodes });
            self.session.handle_input(self.now, input);
            self.drain();
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle_input(self.now, input);
        self.drain();
    }

    /// Carries out nothing: what was sent, the recording tells.
    fn drain(&mut self) {
        loop {
            match self.session.poll_output(self.now) {
                Output::Sleep(_) => break,
                Output::Send(link, _) => self.session.handle_input(self.now, Input::Sent(link)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_may_begin_amid_a_connection() -> Result<()> {
        let row = r#"{"t_ms": 5, "conn": 3, "dir": "rx", "kind": "text", "text": "{\"type\": \"status\", \"data\": {\"status\": {\"exec_info\": {\"queue_remaining\": 2}}}}"}"#;
        let recording = Recording::parse(row).map_err(|(line, reason)| anyhow::anyhow!("line {line} {reason}"))?;
        let replayed = Replay { conn: 3, ..Replay::default() }.play(&recording)?;
        assert_eq!(replayed.session.state().queue_remaining(), Some(2));
        let error = Replay::default().play(&recording).expect_err("there is no connection 0");
        assert_eq!(error.to_string(), "has no connection 0; it has: 3");
        Ok(())
    }
}
