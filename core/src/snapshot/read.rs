//! A snapshot's JSON, read back: what another program, or this one before a restart, wrote by
//! [`write_json`](super::Snapshot::write_json).

use core::fmt;

use heapless::String;
use serde::Deserialize;

use super::SCHEMA;
use crate::state::Messages;

/// A snapshot that was read. What is missing is `None`; fields that aren't known are passed over.
///
/// `ID` are the bytes that an id or type may have, `MESSAGE` those of an exception's message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReadSnapshot<const ID: usize, const MESSAGE: usize> {
    /// The version of the shape.
    pub schema: u32,
    /// Prompts queued and running.
    pub queue_remaining: Option<u32>,
    /// The prompt last seen to start.
    pub prompt: Option<ReadPrompt<ID, MESSAGE>>,
    /// Messages received whole.
    pub messages: Messages,
}

/// A prompt that was read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReadPrompt<const ID: usize, const MESSAGE: usize> {
    /// Its id.
    pub prompt_id: Option<String<ID>>,
    /// How it fared: `running`, `success`, `error`, `interrupted` or `ended`.
    pub state: String<16>,
    /// The node that ran.
    pub current_node: Option<String<ID>>,
    /// Steps done by that node.
    pub current_step: Option<f64>,
    /// Its steps in all.
    pub total_steps: Option<f64>,
    /// Of the whole workflow, 0..=100.
    pub percentage: Option<f64>,
    /// How long it was to run yet, in milliseconds.
    pub eta_ms: Option<u64>,
    /// How long it had run, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// Nodes of the graph.
    pub nodes_total: Option<u32>,
    /// Nodes whose results were still known.
    pub nodes_cached: Option<u32>,
    /// Nodes that had finished, the cached ones not among them.
    pub nodes_finished: u32,
    /// Messages of nodes that had output to show.
    pub outputs: u32,
    /// Preview images that had passed by.
    pub previews: u32,
    /// Texts of nodes that had passed by.
    pub text_updates: u32,
    /// Nodes that were blocked.
    pub warnings: u32,
    /// Why it failed.
    pub error: Option<ReadFailure<ID, MESSAGE>>,
}

/// Why a prompt failed that was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReadFailure<const ID: usize, const MESSAGE: usize> {
    /// The node that failed.
    pub node_id: Option<String<ID>>,
    /// Its class.
    pub node_type: Option<String<ID>>,
    /// The exception's full name.
    pub exception_type: String<ID>,
    /// Its message.
    pub exception_message: String<MESSAGE>,
}

/// Why a text is no snapshot that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadError {
    /// It isn't a snapshot's JSON, or a text in it is longer than the capacities.
    NoSnapshot,
    /// It is of another version of the shape.
    Schema(u32),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSnapshot => f.write_str("this is no snapshot, or one with longer texts than there is room for"),
            Self::Schema(schema) => write!(f, "the snapshot is of another version ({schema}, not {SCHEMA})"),
        }
    }
}

impl core::error::Error for ReadError {}

impl<const ID: usize, const MESSAGE: usize> ReadSnapshot<ID, MESSAGE> {
    /// Reads the snapshot `json`. A text with escapes is put together in `scratch`, which needs as many bytes as the
    /// longest.
    ///
    /// # Errors
    ///
    /// [`ReadError`] where it is none, or of another version.
    pub fn from_json(json: &[u8], scratch: &mut [u8]) -> Result<Self, ReadError> {
        let (read, _): (Self, usize) =
            serde_json_core::from_slice_escaped(json, scratch).map_err(|_| ReadError::NoSnapshot)?;
        if read.schema == SCHEMA { Ok(read) } else { Err(ReadError::Schema(read.schema)) }
    }
}

#[cfg(test)]
mod tests {
    use std::{string::String as Long, vec};

    use super::*;
    use crate::{
        event::Event,
        reducer::{Action, reduce},
        state::State,
        text::Id,
        time::Instant,
    };

    type Small = State<24, 32, 8, 64, 4>;

    fn written() -> Long {
        let mut state = Small::new();
        let prompt_id = Id::from("p \"quoted\"");
        let events = [
            (1, Event::ExecutionStart { prompt_id, timestamp: None }),
            (
                8,
                Event::ExecutionError {
                    prompt_id,
                    node_id: Some(Id::from("3")),
                    node_type: None,
                    exception_type: Id::from("ValueError"),
                    exception_message: Id::from("two\nlines"),
                    timestamp: None,
                },
            ),
        ];
        for (at, event) in events {
            reduce(&mut state, Instant::from_millis(at), Action::Text(&event));
        }
        let mut out = vec![0; 4_096];
        let len = state.snapshot(Instant::from_millis(9)).write_json(&mut out).unwrap();
        Long::from_utf8(out[..len].to_vec()).unwrap()
    }

    fn read(json: &str) -> Result<ReadSnapshot<24, 32>, ReadError> {
        ReadSnapshot::from_json(json.as_bytes(), &mut [0; 64])
    }

    #[test]
    fn what_was_written_is_read() {
        let snapshot = read(&written()).unwrap();
        assert_eq!((snapshot.queue_remaining, snapshot.messages.text), (None, 2));
        let prompt = snapshot.prompt.unwrap();
        assert_eq!(prompt.prompt_id.as_deref(), Some("p \"quoted\""));
        assert_eq!((prompt.state.as_str(), prompt.elapsed_ms, prompt.percentage), ("error", Some(7), None));
        let error = prompt.error.unwrap();
        assert_eq!((error.node_id.as_deref(), error.exception_message.as_str()), (Some("3"), "two\nlines"));
    }

    #[test]
    fn what_is_none_is_told() {
        let written = written();
        assert_eq!(read(""), Err(ReadError::NoSnapshot));
        assert_eq!(read("{}"), Err(ReadError::NoSnapshot));
        assert_eq!(read(&written[..written.len() / 2]), Err(ReadError::NoSnapshot));
        assert_eq!(read(&written.replacen("\"schema\":1", "\"schema\":2", 1)), Err(ReadError::Schema(2)));
        assert!(ReadSnapshot::<8, 32>::from_json(written.as_bytes(), &mut [0; 64]).is_err(), "the id is longer");
    }
}
