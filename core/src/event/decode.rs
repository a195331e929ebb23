use core::fmt;

use serde::{Deserialize, de::DeserializeOwned};

use crate::limits::DECODED_TEXT_BYTES;

/// A message's `data`, whatever stands beside it.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// Why a message is no `T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The message didn't fit the collector's buffer; its length so far in bytes.
    TooLong(usize),
    /// Its `data` isn't what `T` needs.
    Mismatch,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => write!(f, "the message has more than the buffer's room: {len} bytes so far"),
            Self::Mismatch => f.write_str("the message's `data` is not of the type asked for"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Decodes the `data` of a whole text message into a type of the user's own, by `serde-json-core`.
///
/// That library's limits hold: `T` has no texts with surrogate pairs, no text of more than 512 bytes with its escapes
/// decoded, and no borrowed fields.
///
/// # Errors
///
/// [`DecodeError::Mismatch`] where the message is no JSON, has no `data`, or its `data` is no `T`.
pub fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, DecodeError> {
    let mut scratch = [0; DECODED_TEXT_BYTES];
    serde_json_core::from_slice_escaped::<Envelope<T>>(message, &mut scratch)
        .map(|(envelope, _)| envelope.data)
        .map_err(|_| DecodeError::Mismatch)
}

/// Collects a message of at most `N` bytes from its pieces, for [`decode`].
#[derive(Clone, Debug)]
pub struct Collector<const N: usize> {
    buffer: heapless::Vec<u8, N>,
    len: usize,
}

impl<const N: usize> Default for Collector<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Collector<N> {
    /// An empty collector.
    pub const fn new() -> Self {
        Self { buffer: heapless::Vec::new(), len: 0 }
    }

    /// Takes the message's next piece; past `N` bytes it only counts.
    pub fn push(&mut self, piece: &[u8]) {
        self.len = self.len.saturating_add(piece.len());
        let _ = self.buffer.extend_from_slice(piece);
    }

    /// Decodes the message's `data` and empties the collector for the next message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] where the message was too long, or its `data` is no `T`.
    pub fn decode<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let result = if self.len > N { Err(DecodeError::TooLong(self.len)) } else { decode(&self.buffer) };
        self.clear();
        result
    }

    /// Forgets the message.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.len = 0;
    }
}
