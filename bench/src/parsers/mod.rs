//! Each parser as a function from a message to its [`Summary`].
use anyhow::{Result, ensure};

use crate::{Corpus, Summary, measure::Contender};

mod ours;
mod pico;
mod typed;
mod value;

pub use ours::Ours;
pub use typed::json;

/// A parser of whole messages.
pub type Parser = fn(&str) -> Result<Summary>;

/// The other parsers, the one that all are compared with first.
pub const OTHERS: [(&str, Parser); 6] = [
    ("sonic-rs", typed::sonic),
    ("serde_json", typed::json),
    ("Value", value::summary),
    ("simd-json", typed::simd),
    ("s-j-core", typed::core),
    ("picojson", pico::summary),
];

/// The parser that leaves escapes in texts as they are: an exception's message isn't compared.
const RAW: &str = "s-j-core";

/// Bytes of the pieces that our parser gets messages in.
pub const PIECES: [(&str, usize); 4] = [("whole", usize::MAX), ("1460", 1_460), ("64", 64), ("1", 1)];

/// All parsers over `corpus`, the one that all are compared with first.
pub fn contenders(corpus: &Corpus) -> Vec<Contender<'_>> {
    let ours = PIECES.map(|(name, size)| {
        let mut ours = Ours::new();
        Contender::new(name, move || {
            corpus.messages.iter().map(|message| ours.read(message, size)).fold(0, |sum, s| sum ^ weight(&s))
        })
    });
    let others = OTHERS.map(|(name, parser)| {
        Contender::new(name, move || {
            corpus.messages.iter().filter_map(|m| parser(m).ok()).fold(0, |sum, s| sum ^ weight(&s))
        })
    });
    let mut all: Vec<_> = others.into_iter().collect();
    all.splice(1..1, ours);
    all
}

/// So that nothing of a summary is left out as unused.
fn weight(s: &Summary) -> u64 {
    s.prompt ^ s.node ^ s.message ^ u64::from(s.count ^ s.finished) ^ (s.value ^ s.max ^ s.parts).cast_unsigned()
}

/// Checks that all parsers find the same in each message of `corpus`.
///
/// # Errors
///
/// One doesn't; which, and in what message.
pub fn check(corpus: &Corpus) -> Result<()> {
    let mut ours = Ours::new();
    for message in &corpus.messages {
        let expected = json(message)?;
        for (name, size) in PIECES {
            let found = ours.read(message, size);
            ensure!(found == expected, "comfyglow, {name}: {found:?} is not {expected:?} in {message}");
        }
        for (name, parser) in OTHERS {
            let mut found = parser(message);
            if let (RAW, Ok(found)) = (name, &mut found) {
                found.message = expected.message;
            }
            let same = found.as_ref().is_ok_and(|found| *found == expected);
            ensure!(same, "{name}: {found:?} is not {expected:?} in {message}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parsers_find_the_same() {
        let session = Corpus::session().unwrap();
        let respelled = session.respelled().unwrap();
        for corpus in Corpus::kinds().unwrap().iter().chain([&session]).chain(&respelled) {
            check(corpus).unwrap();
        }
    }
}
