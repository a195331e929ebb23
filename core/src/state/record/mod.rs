//! Saves the last prompt and the durations of nodes across a restart, as bytes for a file or a flash page.
//!
//! A record is a head of [`HEAD_BYTES`] and a body in [postcard](https://postcard.jamesmunns.com)'s format:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `CfyG` |
//! | 4..6 | the format's version, [`VERSION`], little endian as all that follow |
//! | 6..8 | 0 |
//! | 8..12 | the body's length in bytes |
//! | 12..16 | CRC-32 (ISO-HDLC, as zip and Ethernet) of the bytes 0..12 and the body |
//!
//! Bytes after the body are ignored: a flash page may be larger. A record is imported completely or not at all.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    capacity::{Bytes, Capacity, Length},
    number::Milli,
    progress::{Learned, LearnedNode},
    state::{ErrorRecord, Percentage, Prompt, PromptEnd, PromptState, Source, State, Steps},
    text::Text,
    time::{Duration, Instant},
};

/// The version of the format that this build writes, and the only one that it reads.
pub const VERSION: u16 = 1;

/// Bytes before the body.
pub const HEAD_BYTES: usize = 16;

const MAGIC: [u8; 4] = *b"CfyG";
const CRC: crc::Crc<u32, crc::Table<1>> = crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// The most bytes of a number in postcard's format.
const U16: usize = 3;
const U32: usize = 5;
const U64: usize = 10;

/// The most bytes that a record of a [`State`] with these capacities takes. A buffer or flash page of this size is
/// always enough.
const fn max_bytes(id: usize, message: usize, learned: usize) -> usize {
    // Each text has its length, its bytes and the hash of what was cut. A mark precedes what may be missing.
    let text = U32.saturating_add(U64).saturating_add(1);
    let texts = id.saturating_add(text).saturating_mul(5).saturating_add(message).saturating_add(text);
    // Eight counts, steps and time, and marks.
    let numbers = U32 * 8 + U64 * 3 + U16 + 8;
    let entry = U32 + U16 * 4;
    HEAD_BYTES.saturating_add(texts).saturating_add(numbers).saturating_add(entry.saturating_mul(learned))
}

/// The buffer is too small for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooSmall {
    /// This many bytes are always enough.
    pub needed: usize,
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small for the record: {} bytes are always enough", self.needed)
    }
}

impl core::error::Error for TooSmall {}

/// Why bytes can't be imported. Start without them: the next [`export`](State::export) replaces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RecordError {
    /// There are no bytes, or the flash was never written.
    Empty,
    /// The bytes are something else.
    Foreign,
    /// An older build wrote it, in a format that is no longer read.
    Older {
        /// The format's version.
        version: u16,
    },
    /// A newer build wrote it.
    Newer {
        /// The format's version.
        version: u16,
    },
    /// Its end is missing: it was cut off, or never completely written.
    Truncated,
    /// Its checksum does not match: some of its bytes changed.
    Damaged,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no record"),
            Self::Foreign => f.write_str("this is no record of comfyglow"),
            Self::Older { version } => write!(f, "the record is of an older version ({version}, not {VERSION})"),
            Self::Newer { version } => write!(f, "the record is of a newer version ({version}, not {VERSION})"),
            Self::Truncated => f.write_str("the record's end is missing"),
            Self::Damaged => f.write_str("the record is damaged"),
        }
    }
}

impl core::error::Error for RecordError {}

#[derive(Serialize, Deserialize)]
struct KeptText<'a> {
    kept: &'a [u8],
    past: u64,
}

#[derive(Serialize, Deserialize)]
struct KeptError<'a> {
    #[serde(borrow)]
    node_id: Option<KeptText<'a>>,
    #[serde(borrow)]
    node_type: Option<KeptText<'a>>,
    #[serde(borrow)]
    exception_type: KeptText<'a>,
    #[serde(borrow)]
    exception_message: KeptText<'a>,
}

#[derive(Serialize, Deserialize)]
struct KeptPrompt<'a> {
    #[serde(borrow)]
    id: Option<KeptText<'a>>,
    state: u8,
    #[serde(borrow)]
    current_node: Option<KeptText<'a>>,
    steps: Option<(i64, i64)>,
    elapsed_micros: Option<u64>,
    nodes_total: Option<u32>,
    nodes_cached: Option<u32>,
    nodes_finished: u32,
    truncated_nodes: bool,
    percentage: u32,
    outputs: u32,
    previews: u32,
    text_updates: u32,
    warnings: u32,
    #[serde(borrow)]
    error: Option<KeptError<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    prompt: Option<KeptPrompt<'a>>,
    /// The number of entries that follow.
    learned: u16,
}

const STATES: [PromptState; 5] =
    [PromptState::Running, PromptState::Success, PromptState::Error, PromptState::Interrupted, PromptState::Ended];

fn keep<B: Bytes>(text: &Text<B>) -> KeptText<'_> {
    let (kept, past) = text.parts();
    KeptText { kept, past }
}

impl KeptText<'_> {
    fn text<B: Bytes>(&self) -> Text<B> {
        Text::from_parts(self.kept, self.past)
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(head);
    digest.update(body);
    digest.finalize()
}

/// The bytes 0..12 of a record with a body of this length.
fn head(body: u32) -> [u8; 12] {
    let mut head = [0; 12];
    let bytes = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain([0, 0]).chain(body.to_le_bytes());
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = from;
    }
    head
}

/// Checks the record that `bytes` begin with, and returns its body.
fn body(bytes: &[u8]) -> Result<&[u8], RecordError> {
    let Some((magic, rest)) = bytes.split_first_chunk::<4>() else {
        // Shorter than a record's first word: the beginning of a record, or nothing.
        let begins = !bytes.is_empty() && MAGIC.starts_with(bytes);
        let erased = bytes.iter().all(|byte| *byte == 0xff);
        return Err(if begins {
            RecordError::Truncated
        } else if erased {
            RecordError::Empty
        } else {
            RecordError::Foreign
        });
    };
    match *magic {
        MAGIC => {}
        [0xff, 0xff, 0xff, 0xff] => return Err(RecordError::Empty),
        _ => return Err(RecordError::Foreign),
    }
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(RecordError::Truncated)?;
    match u16::from_le_bytes(*version) {
        VERSION => {}
        version if version < VERSION => return Err(RecordError::Older { version }),
        version => return Err(RecordError::Newer { version }),
    }
    let (_, rest) = rest.split_first_chunk::<2>().ok_or(RecordError::Truncated)?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::Truncated)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::Truncated)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| RecordError::Truncated)?;
    let body = rest.get(..len).ok_or(RecordError::Truncated)?;
    let head = bytes.get(..12).ok_or(RecordError::Truncated)?;
    if checksum(head, body) == u32::from_le_bytes(*crc) { Ok(body) } else { Err(RecordError::Damaged) }
}

impl<C: Capacity> State<C> {
    /// The most bytes that [`export`](Self::export) writes.
    pub const RECORD_BYTES: usize = max_bytes(C::Id::LEN, C::Message::LEN, C::Durations::MAX);

    /// Writes the last prompt, as it is at `now`, and the learned durations to the beginning of `out`. Returns the
    /// record's length in bytes.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] if `out` has no room for the record; then it holds none. [`RECORD_BYTES`](Self::RECORD_BYTES) are
    /// always enough.
    pub fn export(&self, now: Instant, out: &mut [u8]) -> Result<usize, TooSmall> {
        self.write_record(self.prompt.as_ref().map(|prompt| keep_prompt(prompt, now)), out)
    }

    /// As [`export`](Self::export), but writes the learned durations only, and nothing of the prompt.
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export).
    pub fn export_learned(&self, out: &mut [u8]) -> Result<usize, TooSmall> {
        self.write_record(None, out)
    }

    fn write_record(&self, prompt: Option<KeptPrompt<'_>>, out: &mut [u8]) -> Result<usize, TooSmall> {
        let too_small = TooSmall { needed: Self::RECORD_BYTES };
        // A part of a record must not look like a record.
        out.iter_mut().take(MAGIC.len()).for_each(|byte| *byte = 0xff);
        let (head_room, room) = out.split_at_mut_checked(HEAD_BYTES).ok_or(too_small)?;
        let kept = Kept { prompt, learned: u16::try_from(self.learned.len()).unwrap_or(u16::MAX) };
        let all = room.len();
        let used = postcard::to_slice(&kept, room).map_err(|_| too_small)?.len();
        let mut rest = room.get_mut(used..).ok_or(too_small)?;
        for entry in self.learned.entries().take(usize::from(kept.learned)) {
            let len = postcard::to_slice(entry, rest).map_err(|_| too_small)?.len();
            rest = rest.get_mut(len..).ok_or(too_small)?;
        }
        let len = all.saturating_sub(rest.len());
        let head = head(u32::try_from(len).map_err(|_| too_small)?);
        let crc = checksum(&head, room.get(..len).ok_or(too_small)?).to_le_bytes();
        for (to, from) in head_room.iter_mut().zip(head.into_iter().chain(crc)) {
            *to = from;
        }
        Ok(HEAD_BYTES.saturating_add(len))
    }

    /// Restores the last prompt and the learned durations from the record that `bytes` begin with.
    ///
    /// Call it before the first connection. Later, it would replace the current prompt, and subscribers would never see
    /// that prompt's end.
    ///
    /// If the prompt ran, or its outcome was not seen, its duration is unknown afterwards. Texts longer than this
    /// build's capacities are cut, and nodes past them left out.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the bytes are not a complete record of this version. The state is unchanged then.
    pub fn import(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let (kept, learned) = read(bytes)?;
        let prompt = match &kept.prompt {
            Some(prompt) => Some(restore_prompt(prompt).ok_or(RecordError::Foreign)?),
            None => None,
        };
        // It is old until the server confirms it.
        if prompt.is_some() {
            self.connection.source = Source::Restored;
            self.observation.expect_end();
        } else {
            self.observation.expect_no_end();
        }
        self.prompt.restore(prompt);
        self.nodes.clear();
        self.learned = learned;
        Ok(())
    }

    /// Restores the learned durations only, for hosts that do not show the last prompt after a restart.
    ///
    /// # Errors
    ///
    /// As [`import`](Self::import).
    pub fn import_learned(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.learned = read(bytes)?.1;
        Ok(())
    }
}

/// Decodes the prompt and the learned durations of the record that `bytes` begin with.
fn read<L: Length>(bytes: &[u8]) -> Result<(Kept<'_>, Learned<L>), RecordError> {
    // The checksum matches, so a body that does not fit the format was written that way.
    let odd = |_: postcard::Error| RecordError::Foreign;
    let (kept, mut rest) = postcard::take_from_bytes::<Kept<'_>>(body(bytes)?).map_err(odd)?;
    let mut learned = Learned::new();
    for _ in 0..kept.learned {
        let (entry, after) = postcard::take_from_bytes::<LearnedNode>(rest).map_err(odd)?;
        learned.restore(entry);
        rest = after;
    }
    if rest.is_empty() { Ok((kept, learned)) } else { Err(RecordError::Foreign) }
}

fn keep_prompt<C: Capacity>(prompt: &Prompt<C>, now: Instant) -> KeptPrompt<'_> {
    let state = STATES.iter().position(|state| *state == prompt.state()).unwrap_or_default();
    KeptPrompt {
        id: prompt.id.as_ref().map(keep),
        state: u8::try_from(state).unwrap_or_default(),
        current_node: prompt.current_node().map(keep),
        steps: prompt.steps.map(|steps| (steps.value.thousandths(), steps.max.thousandths())),
        elapsed_micros: prompt.elapsed(now).map(Duration::as_micros),
        nodes_total: prompt.nodes_total,
        nodes_cached: prompt.nodes_cached,
        nodes_finished: prompt.nodes_finished,
        truncated_nodes: prompt.truncated_nodes,
        percentage: prompt.percentage.millionths(),
        outputs: prompt.outputs,
        previews: prompt.previews,
        text_updates: prompt.text_updates,
        warnings: prompt.warnings,
        error: prompt.error().map(|error| KeptError {
            node_id: error.node_id.as_ref().map(keep),
            node_type: error.node_type.as_ref().map(keep),
            exception_type: keep(&error.exception_type),
            exception_message: keep(&error.exception_message),
        }),
    }
}

/// `None` if no prompt can have these values.
fn restore_prompt<C: Capacity>(kept: &KeptPrompt<'_>) -> Option<Prompt<C>> {
    let state = *STATES.get(usize::from(kept.state))?;
    let mut prompt = Prompt::new();
    prompt.id = kept.id.as_ref().map(KeptText::text);
    prompt.end = PromptEnd::restored(state);
    if let Some(shown) = &kept.current_node {
        prompt.shown = shown.text();
        prompt.current = Some(prompt.shown.as_id().key());
    }
    prompt.steps =
        kept.steps.and_then(|(value, max)| Steps::new(Milli::from_thousandths(value), Milli::from_thousandths(max)));
    if state.is_final() {
        // The duration of an ended prompt is still known. If it may still run, the time since the export is unknown.
        prompt.ended = kept.elapsed_micros.map(|micros| Instant::ZERO.saturating_add(Duration::from_micros(micros)));
        prompt.started = prompt.ended.map(|_| Instant::ZERO);
    }
    prompt.nodes_total = kept.nodes_total;
    prompt.weights.whole = kept.nodes_total.unwrap_or_default();
    prompt.nodes_cached = kept.nodes_cached;
    prompt.nodes_finished = kept.nodes_finished;
    prompt.truncated_nodes = kept.truncated_nodes;
    prompt.percentage = Percentage::from_millionths(kept.percentage);
    prompt.outputs = kept.outputs;
    prompt.previews = kept.previews;
    prompt.text_updates = kept.text_updates;
    prompt.warnings = kept.warnings;
    if let Some(error) = &kept.error {
        prompt.error = ErrorRecord {
            node_id: error.node_id.as_ref().map(KeptText::text),
            node_type: error.node_type.as_ref().map(KeptText::text),
            exception_type: error.exception_type.text(),
            exception_message: error.exception_message.text(),
        };
    }
    Some(prompt)
}

#[cfg(test)]
mod tests;
