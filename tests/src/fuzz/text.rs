//! Messages.

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::{Decoder, Interest},
    json::{Container, Lexer, Visitor, Word},
};

use super::{cut, pieces, seed};
use crate::{
    ServerMessage, bench_messages, bench_session, lockstep,
    model::message::{Judged, binary as judge},
    oracle,
    prediction::assert_same,
    strategies::sessions::{End, Run},
    told::Told,
    vectors,
};

/// The lexer takes what `serde_json` takes, and tells the same values; of what is no UTF-8, pieces tell what the whole does.
///
/// # Panics
///
/// Where it doesn't.
pub fn lexer(data: &[u8]) {
    let (sizes, rest) = cut(data);
    if let Ok(text) = std::str::from_utf8(rest) {
        oracle::check(text, sizes[0]);
    }
    let read = |mut pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut lexer, mut calls) = (Lexer::new(), Calls::default());
        let fed = Iterator::try_for_each(&mut pieces, |piece| lexer.feed(piece, &mut calls));
        (fed.and_then(|()| lexer.finish(&mut calls)), calls)
    };
    assert_eq!(read(&mut pieces(&sizes, rest)), read(&mut std::iter::once(rest)), "in pieces of {sizes:?}");
}

/// What a lexer called, without the pieces' ends: a text or number counts once it is whole, since of one that is broken
/// more or less is told before that is seen.
#[derive(Debug, Default)]
struct Calls {
    done: Vec<u8>,
    open: Vec<u8>,
}

impl PartialEq for Calls {
    fn eq(&self, other: &Self) -> bool {
        self.done == other.done
    }
}

impl Calls {
    fn whole(&mut self, call: [u8; 2]) {
        self.done.append(&mut self.open);
        self.done.extend(call);
    }
}

impl Visitor for Calls {
    fn begin(&mut self, container: Container, depth: u8) {
        self.done.extend([1, u8::from(container == Container::Object), depth]);
    }
    fn end(&mut self, container: Container, depth: u8) {
        self.done.extend([2, u8::from(container == Container::Object), depth]);
    }
    fn key(&mut self, piece: &[u8], _depth: u8) {
        self.open.extend(piece);
    }
    fn end_key(&mut self, depth: u8) {
        self.whole([3, depth]);
    }
    fn text(&mut self, piece: &[u8]) {
        self.open.extend(piece);
    }
    fn end_text(&mut self, depth: u8) {
        self.whole([4, depth]);
    }
    fn number(&mut self, piece: &[u8]) {
        self.open.extend(piece);
    }
    fn end_number(&mut self, depth: u8) {
        self.whole([5, depth]);
    }
    fn word(&mut self, word: Word, depth: u8) {
        // A minus may have been told as a number's first piece.
        self.open = format!("{word:?}").into_bytes();
        self.whole([6, depth]);
    }
}

/// Messages, one a line: predicting the server's spelling and looking at every byte tell the same, in pieces too.
///
/// # Panics
///
/// Where they don't.
pub fn prediction(data: &[u8]) {
    let (sizes, rest) = cut(data);
    let messages: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').take(4).collect();
    assert_same(&messages, &sizes);
    assert_same(&messages, &[]);
}

/// Text messages, one a line; one that begins with a `#` is a binary one: after each the core says what the model says.
///
/// # Panics
///
/// Where it doesn't.
pub fn model(data: &[u8]) {
    let (sizes, rest) = cut(data);
    let wire: Vec<ServerMessage> = rest
        .split(|byte| *byte == b'\n')
        .take(40)
        .map(|line| match line {
            [b'#', binary @ ..] => ServerMessage::Binary(binary.to_vec()),
            text => ServerMessage::Text(String::from_utf8_lossy(text).into_owned()),
        })
        .collect();
    lockstep::compare_all(&[("p".to_owned(), 4)], &wire, &sizes);
}

/// A binary message: in pieces the decoder tells what it tells of the whole, and judges it as the model does.
///
/// # Panics
///
/// Where it doesn't.
pub fn binary(data: &[u8]) {
    let (sizes, rest) = cut(data);
    let read = |decoder: &mut Decoder<GadgetCapacity>, pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut told = Told::default();
        pieces.for_each(|piece| decoder.binary(piece, &mut told));
        decoder.end_binary(&mut told);
        told
    };
    let mut decoder = Decoder::new(Interest::ALL);
    let whole = read(&mut decoder, &mut std::iter::once(rest));
    // The same decoder, so that nothing of a message is left for the next.
    assert_eq!(read(&mut decoder, &mut pieces(&sizes, rest)), whole, "in pieces of {sizes:?}");
    let [event] = whole.events.as_slice() else { panic!("one message, and {:?}", whole.events) };
    let is = |name: &str| event.starts_with(name);
    let agree = match judge(rest) {
        Judged::Malformed => is("Malformed"),
        Judged::Unknown => is("UnknownBinary"),
        Judged::Used(_) => is("PreviewImage") || is("ProgressText"),
    };
    assert!(agree, "{event}");
}

/// Each message of the benchmarks and the worked examples.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let texts = vectors().into_iter().flat_map(|vector| vector.wire).filter_map(|wire| match wire {
        ServerMessage::Text(text) => Some(text),
        ServerMessage::Binary(_) => None,
    });
    // A long one is too slow to change.
    let all = bench_messages().into_values().chain(bench_session()).chain(texts).filter(|text| text.len() < 3_000);
    all.map(seed).collect()
}

/// Each worked example, and runs of prompts.
pub(super) fn sessions() -> Vec<Vec<u8>> {
    let lines = |wire: &[ServerMessage]| {
        let line = |wire: &ServerMessage| match wire {
            ServerMessage::Text(text) => text.clone().into_bytes(),
            ServerMessage::Binary(bytes) => [b"#", bytes.as_slice()].concat(),
        };
        seed(wire.iter().map(line).collect::<Vec<_>>().join(&b'\n'))
    };
    let run = |states, end| Run {
        prompt: "p".to_owned(),
        cached: 1,
        steps: vec![0, 2],
        end,
        states,
        counted: true,
        expands: None,
    };
    let runs = [run(true, End::Success), run(false, End::Success), run(true, End::Error), run(true, End::Interrupted)];
    let examples = vectors().into_iter().map(|vector| lines(&vector.wire));
    examples.chain(runs.iter().map(|run| lines(&run.wire()))).filter(|seed| seed.len() < 8_000).collect()
}

/// One message of each kind, and those of the worked examples.
pub(super) fn binaries() -> Vec<Vec<u8>> {
    let number = |number: u32| number.to_be_bytes();
    let metadata = br#"{"node_id": "2", "display_node_id": "2", "prompt_id": "p", "image_type": "image/png"}"#;
    let length = u32::try_from(metadata.len()).expect("it is short");
    let kinds = [
        [&number(1)[..], &number(2), b"PNG"].concat(),
        [&number(3)[..], &number(1), b"7a text"].concat(),
        [&number(4)[..], &number(length), metadata, b"PNG"].concat(),
        [&number(9)[..], b"whatever"].concat(),
    ];
    let examples = vectors().into_iter().flat_map(|vector| vector.wire).filter_map(|wire| match wire {
        ServerMessage::Binary(bytes) => Some(bytes),
        ServerMessage::Text(_) => None,
    });
    kinds.into_iter().chain(examples).map(seed).collect()
}
