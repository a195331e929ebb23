//! What every parser must have found in a message.
use comfyglow_core::event::EventKind;

/// What a message says, as far as all parsers are asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The message's type.
    pub kind: EventKind,
    /// Stands for the prompt's id; 0 for none.
    pub prompt: u64,
    /// Stands for the node's id, or the socket's in a `status`; 0 for none.
    pub node: u64,
    /// Stands for an exception's message; 0 for none.
    pub message: u64,
    /// Steps done, in thousandths.
    pub value: i64,
    /// Steps in all, in thousandths; in a `status` the prompts queued.
    pub max: i64,
    /// Nodes of a `progress_state` or an `execution_cached`.
    pub count: u32,
    /// Those that have finished.
    pub finished: u32,
    /// The sum of their parts done, in thousandths.
    pub parts: i64,
}

impl Summary {
    /// Of a message of this kind, which says nothing yet.
    pub const fn new(kind: EventKind) -> Self {
        Self { kind, prompt: 0, node: 0, message: 0, value: 0, max: 0, count: 0, finished: 0, parts: 0 }
    }

    /// Takes in an entry of `nodes`: its numbers, in thousandths, and whether it has finished.
    #[inline]
    pub const fn entry(&mut self, value: i64, max: i64, finished: bool) {
        self.count += 1;
        self.finished += finished as u32;
        self.parts += if value == max { 1_000 } else { value * 1_000 / max };
    }
}

/// Stands for a text: cheap, and different for all texts of the corpus that differ.
#[inline]
pub fn digest(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |word| u64::from_le_bytes(*word));
    let short = || bytes.iter().fold(1, |sum, byte| sum << 8 | u64::from(*byte));
    let ends =
        if bytes.len() < 8 { short() } else { word(bytes.first_chunk()) ^ word(bytes.last_chunk()).rotate_left(8) };
    ends ^ (bytes.len() as u64) << 32
}

/// A number in thousandths.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the corpus holds no number that large")]
pub fn milli(number: f64) -> i64 {
    (number * 1_000.0).round() as i64
}
