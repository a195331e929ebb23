//! The decoder that predicts the server's spelling beside the one that looks at every byte.

use comfyglow_core::capacity::GadgetCapacity;
use comfyglow_core::event::{Decoder, Interest};

use crate::told::Told;

/// Reads the messages one behind the other, each cut at the sizes that `pieces` cycles through, and at its end where
/// they run out.
fn told(mut decoder: Decoder<GadgetCapacity>, messages: &[&[u8]], pieces: &[usize]) -> Told {
    let mut told = Told::default();
    let mut sizes = pieces.iter().copied().cycle();
    for message in messages {
        let mut rest = *message;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
            decoder.text(piece, &mut told);
            rest = behind;
        }
        decoder.end_text(&mut told);
    }
    told
}

/// Both decoders tell the same of the text messages, cut in pieces of these sizes, again and again, as the strict one
/// tells of the whole.
///
/// # Panics
///
/// Where they don't.
pub fn assert_same(messages: &[&[u8]], pieces: &[usize]) {
    let strict = told(Decoder::strict(Interest::ALL), messages, &[]);
    for (decoder, name) in [(Decoder::new(Interest::ALL), "predicted"), (Decoder::strict(Interest::ALL), "strict")] {
        let told = told(decoder, messages, pieces);
        let shown = || messages.iter().map(|m| String::from_utf8_lossy(m)).collect::<Vec<_>>();
        assert_eq!(told, strict, "{name}, in pieces of {pieces:?}: {:#?}", shown());
    }
}
