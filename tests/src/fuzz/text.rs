//! Messages.

use comfyglow_core::{
    capacity::GadgetCapacity,
    event::{Decoder, Interest},
    json::{Container, Token},
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

/// The lexer accepts what `serde_json` accepts, with the same values. Bytes that are not UTF-8 give the same tokens whole
/// and in pieces.
///
/// # Panics
///
/// If that does not hold.
pub fn lexer(data: &[u8]) {
    let (sizes, rest) = cut(data);
    if let Ok(text) = std::str::from_utf8(rest) {
        oracle::check(text, sizes[0]);
    }
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut items = Items::default();
        let result = oracle::tokens(pieces, |token, in_key| items.token(token, in_key));
        if result.is_ok() {
            // A number that is the whole text ends with it.
            items.done.append(&mut items.open);
        }
        (result, items.done)
    };
    assert_eq!(read(&mut pieces(&sizes, rest)), read(&mut std::iter::once(rest)), "in pieces of {sizes:?}");
}

/// What a lexer read, as bytes. A string or number counts once it is complete: of a broken one, pieces give more or less
/// before the error.
#[derive(Debug, Default)]
struct Items {
    done: Vec<u8>,
    open: Vec<u8>,
}

impl Items {
    fn end(&mut self, kind: u8) {
        self.done.append(&mut self.open);
        self.done.push(kind);
    }

    fn token(&mut self, token: Token<'_>, in_key: bool) {
        match token {
            Token::Nothing => {}
            Token::Begin(container) => self.done.extend([1, u8::from(container == Container::Object)]),
            Token::End(container) => self.done.extend([2, u8::from(container == Container::Object)]),
            Token::Character(character) => self.open.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            Token::Text(piece, last) => {
                self.open.extend(piece);
                if last {
                    self.end(if in_key { 3 } else { 4 });
                }
            }
            Token::Number(piece, last) => {
                self.open.extend(piece);
                if last {
                    self.end(5);
                }
            }
            Token::Word(word) => {
                // The minus of `-Infinity` may have come as a number's piece.
                self.open = format!("{word:?}").into_bytes();
                self.end(6);
            }
        }
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
