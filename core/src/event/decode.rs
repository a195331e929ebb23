use core::fmt;

use serde::{Deserialize, de::DeserializeOwned};

use crate::limits::DECODED_TEXT_BYTES;

/// A message's `data`; its other members are ignored.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// Why a message could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is larger than the collector's buffer. Has the message's length so far, in bytes.
    TooLong(usize),
    /// The message is not valid JSON, or its `data` does not match the requested type.
    Mismatch,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => write!(f, "the message is larger than the buffer: {len} bytes so far"),
            Self::Mismatch => f.write_str("the message's `data` does not match the requested type"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Decodes the `data` of a complete text message into your own type, by [`serde_json_core`].
///
/// Use it for messages that [`Event`](super::Event) reports as `Unknown`: those of custom nodes and extensions.
///
/// `serde_json_core` limits what `T` can be. `T` must own its texts, for example as [`heapless::String`]. A text must
/// have no surrogate pairs (`\ud83d\ude00`) and at most [`DECODED_TEXT_BYTES`] bytes after its escapes are decoded.
///
/// # Errors
///
/// [`DecodeError::Mismatch`] if the message is not valid JSON, lacks `data`, or its `data` does not match `T`.
///
/// # Example
///
/// ```
/// use comfyglow_core::event::decode;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Monitor {
///     cpu_utilization: f32,
///     device_type: heapless::String<8>,
/// }
///
/// let message = br#"{"type": "crystools.monitor", "data": {"cpu_utilization": 12.5, "device_type": "cuda"}}"#;
/// let monitor: Monitor = decode(message)?;
/// assert_eq!((monitor.cpu_utilization, monitor.device_type.as_str()), (12.5, "cuda"));
/// # Ok::<(), comfyglow_core::event::DecodeError>(())
/// ```
pub fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, DecodeError> {
    let mut scratch = [0; DECODED_TEXT_BYTES];
    serde_json_core::from_slice_escaped::<Envelope<T>>(message, &mut scratch)
        .map(|(envelope, _)| envelope.data)
        .map_err(|_| DecodeError::Mismatch)
}

/// Collects a text message of at most `N` bytes from its pieces, then decodes it as [`decode`] does.
///
/// ```
/// use comfyglow_core::event::Collector;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Greeting {
///     from: heapless::String<16>,
/// }
///
/// let mut collector = Collector::<256>::new();
/// for piece in [r#"{"type": "my_node.greeting", "da"#, r#"ta": {"from": "node 7"}}"#] {
///     collector.push(piece.as_bytes());
/// }
/// let greeting: Greeting = collector.decode()?;
/// assert_eq!(greeting.from, "node 7");
/// # Ok::<(), comfyglow_core::event::DecodeError>(())
/// ```
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
    /// Creates an empty collector.
    pub const fn new() -> Self {
        Self { buffer: heapless::Vec::new(), len: 0 }
    }

    /// Adds the message's next piece. A piece that doesn't fit is not kept, but counted.
    pub fn push(&mut self, piece: &[u8]) {
        self.len = self.len.saturating_add(piece.len());
        let _ = self.buffer.extend_from_slice(piece);
    }

    /// Decodes the message's `data` into `T` and clears the collector for the next message.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLong`] if the message has more than `N` bytes, or any error of [`decode`].
    pub fn decode<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let result = if self.len > N { Err(DecodeError::TooLong(self.len)) } else { decode(&self.buffer) };
        self.clear();
        result
    }

    /// Forgets the message, for example one that a lost connection cut off.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.len = 0;
    }
}
