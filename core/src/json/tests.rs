//! Tables of texts, read whole, split at each byte, and byte by byte.

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::{JsonErrorKind as Kind, *};
use crate::limits::JSON_DEPTH;

mod recorder;

use recorder::{
    Item::{self, Begin, End, Key, Number, Text},
    Recorder,
};

type Outcome = (Result<(), JsonError>, Vec<Item>);

fn read_with<'a>(lexer: &mut Lexer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut recorder = Recorder::default();
    let mut fed = Ok(());
    for piece in pieces {
        let result = recorder.feed(lexer, piece);
        assert!(fed.is_ok() || fed == result, "an error stays");
        fed = result;
    }
    let result = recorder.end(lexer);
    assert!(fed.is_ok() || fed == result, "an error stays");
    (result, recorder.items)
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    read_with(&mut Lexer::new(), pieces)
}

/// Reads `text` whole, split at each byte, and byte by byte, and asserts that the outcome is the same.
#[track_caller]
fn outcome(text: &str) -> Outcome {
    let bytes = text.as_bytes();
    let whole = read([bytes]);
    assert_eq!(read(bytes.chunks(1)), whole, "{text} byte by byte");
    for at in 0..=bytes.len() {
        assert_eq!(read([&bytes[..at], &bytes[at..]]), whole, "{text} split at {at}");
    }
    whole
}

#[track_caller]
fn items(text: &str) -> Vec<Item> {
    let (result, items) = outcome(text);
    assert_eq!(result, Ok(()), "{text}");
    items
}

#[track_caller]
fn error(text: &str) -> (Kind, u64) {
    let error = outcome(text).0.expect_err(text);
    (error.kind, error.at)
}

/// `count` nested containers: objects or arrays.
fn nested(container: Container, count: usize) -> String {
    let (open, inner, close) = if container == Container::Object { ("{\"k\":", "1", "}") } else { ("[", "1", "]") };
    open.repeat(count) + inner + &close.repeat(count)
}

#[test]
fn scalar_of_every_kind_is_one_item() {
    for (text, item) in [
        ("null", Item::Word(Word::Null)),
        ("true", Item::Word(Word::True)),
        ("false", Item::Word(Word::False)),
        ("NaN", Item::Word(Word::NaN)),
        ("Infinity", Item::Word(Word::Infinity)),
        ("-Infinity", Item::Word(Word::NegInfinity)),
        ("\"\"", Text(String::new())),
        ("\"\u{7f}a \u{e9}\u{20ac}\u{1f600}\"", Text("\u{7f}a é€😀".to_string())),
    ] {
        assert_eq!(items(text), core::slice::from_ref(&item), "{text}");
        assert_eq!(items(&format!(" \t\r\n{text} \t\r\n")), [item], "whitespace around {text}");
    }
    for literal in
        ["0", "-0", "7", "-12", "0.5", "10.25", "1e5", "1E+5", "1e-05", "0e0", "-1.5E10", "123456789012345678"]
    {
        assert_eq!(items(literal), [Number(literal.to_string())]);
        let inside = format!("[{literal}]");
        assert_eq!(items(&inside)[1], Number(literal.to_string()), "{inside}");
    }
}

#[test]
fn nested_containers_come_in_order_with_and_without_spaces() {
    use Container::{Array, Object};
    let text = r#" { "a" : [ 1 , {} , [] , "x" ] , "b" : { "c" : null } , "" : -Infinity } "#;
    let read = items(text);
    let key = |key: &str| Key(key.to_string());
    let expected = vec![
        Begin(Object),
        key("a"),
        Begin(Array),
        Number("1".to_string()),
        Begin(Object),
        End(Object),
        Begin(Array),
        End(Array),
        Text("x".to_string()),
        End(Array),
        key("b"),
        Begin(Object),
        key("c"),
        Item::Word(Word::Null),
        End(Object),
        key(""),
        Item::Word(Word::NegInfinity),
        End(Object),
    ];
    assert_eq!(read, expected);
    let squeezed: String = text.chars().filter(|c| *c != ' ').collect();
    assert_eq!(items(&squeezed), expected);
}

#[test]
fn escapes_in_texts_and_names() {
    for (written, meant) in [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u20aC\u0000", "Aé€\0"),
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00x", "😀x"),
        (r"\udbff\udfff", "\u{10ffff}"),
        (r"\ud800\udc00", "\u{10000}"),
        // Lone surrogates, in each order and before anything else.
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud83d\ude00\ude00", "😀\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
        (r"\ud83dx\ude00", "\u{fffd}x\u{fffd}"),
    ] {
        assert_eq!(items(&format!("\"{written}\"")), [Text(meant.to_string())], "{written}");
        let named = items(&format!("{{\"{written}\":1}}"));
        assert_eq!(named[1], Key(meant.to_string()), "{written} as a name");
    }
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    use Kind::{ControlCharacter, InvalidEscape, InvalidNumber, TooDeep, UnexpectedByte, UnexpectedEnd};
    let cases = [
        // Nothing, or too little.
        ("", UnexpectedEnd, 0),
        (" \n", UnexpectedEnd, 2),
        ("{", UnexpectedEnd, 1),
        ("[1,", UnexpectedEnd, 3),
        ("{\"a\"", UnexpectedEnd, 4),
        ("{\"a\":", UnexpectedEnd, 5),
        ("{\"a\":1", UnexpectedEnd, 6),
        ("\"abc", UnexpectedEnd, 4),
        ("\"abc\\", UnexpectedEnd, 5),
        ("\"\\ud83", UnexpectedEnd, 6),
        ("\"\\ud83d", UnexpectedEnd, 7),
        ("nul", UnexpectedEnd, 3),
        ("-", UnexpectedEnd, 1),
        ("1.", UnexpectedEnd, 2),
        ("1e", UnexpectedEnd, 2),
        ("1e+", UnexpectedEnd, 3),
        ("-I", UnexpectedEnd, 2),
        ("-Inf", UnexpectedEnd, 4),
        // Too much.
        ("{}{}", UnexpectedByte, 2),
        ("1 2", UnexpectedByte, 2),
        ("null,", UnexpectedByte, 4),
        ("[]]", UnexpectedByte, 2),
        ("{} x", UnexpectedByte, 3),
        // Not allowed there.
        ("\u{feff}{}", UnexpectedByte, 0),
        ("'a'", UnexpectedByte, 0),
        (".5", UnexpectedByte, 0),
        ("\u{c}1", UnexpectedByte, 0),
        ("]", UnexpectedByte, 0),
        ("[,1]", UnexpectedByte, 1),
        ("[1,]", UnexpectedByte, 3),
        ("[1 2]", UnexpectedByte, 3),
        ("[1}", UnexpectedByte, 2),
        ("[1:2]", UnexpectedByte, 2),
        ("{1:2}", UnexpectedByte, 1),
        ("{]", UnexpectedByte, 1),
        ("{,}", UnexpectedByte, 1),
        ("{\"a\" 1}", UnexpectedByte, 5),
        ("{\"a\",1}", UnexpectedByte, 4),
        ("{\"a\"::1}", UnexpectedByte, 5),
        ("{\"a\":}", UnexpectedByte, 5),
        ("{\"a\":1,}", UnexpectedByte, 7),
        ("{\"a\":1]", UnexpectedByte, 6),
        ("{\"a\":1 \"b\":2}", UnexpectedByte, 7),
        // Words.
        ("nulL", UnexpectedByte, 3),
        ("nullx", UnexpectedByte, 4),
        ("True", UnexpectedByte, 0),
        ("nan", UnexpectedByte, 1),
        ("Nan", UnexpectedByte, 2),
        ("Inf ", UnexpectedByte, 3),
        ("-Inf]", UnexpectedByte, 4),
        ("-Ix", UnexpectedByte, 2),
        ("-NaN", InvalidNumber, 1),
        ("--Infinity", InvalidNumber, 1),
        // Numbers.
        ("+1", InvalidNumber, 0),
        ("01", InvalidNumber, 1),
        ("-01", InvalidNumber, 2),
        ("00", InvalidNumber, 1),
        ("[1.]", InvalidNumber, 3),
        ("1.e5", InvalidNumber, 2),
        ("1..2", InvalidNumber, 2),
        ("1e]", InvalidNumber, 2),
        ("1e+-1", InvalidNumber, 3),
        ("--1", InvalidNumber, 1),
        ("-x", InvalidNumber, 1),
        ("0x10", UnexpectedByte, 1),
        ("1a", UnexpectedByte, 1),
        ("1.5.2", UnexpectedByte, 3),
        ("1-2", UnexpectedByte, 1),
        // Strings.
        ("\"a\nb\"", ControlCharacter, 2),
        ("\"\0\"", ControlCharacter, 1),
        ("\"0123456\u{1f}89\"", ControlCharacter, 8),
        ("{\"a\tb\":1}", ControlCharacter, 3),
        ("\"\\x\"", InvalidEscape, 2),
        ("\"\\'\"", InvalidEscape, 2),
        ("\"\\u12g4\"", InvalidEscape, 5),
        ("\"\\u12\"", InvalidEscape, 5),
        ("\"\\u+123\"", InvalidEscape, 3),
        ("{\"\\U0041\":1}", InvalidEscape, 3),
    ];
    for (text, kind, at) in cases {
        assert_eq!(error(text), (kind, at), "{text:?}");
        let message = JsonError { at, kind }.to_string();
        assert!(message.ends_with(&format!(" at byte {at}")), "{message}");
    }
    let deep = usize::from(JSON_DEPTH) + 1;
    assert_eq!(error(&nested(Container::Array, deep)), (TooDeep, 64));
    assert_eq!(error(&nested(Container::Object, deep)), (TooDeep, 64 * 5));
}

#[test]
fn nesting_below_at_and_above_the_limit() {
    let limit = usize::from(JSON_DEPTH);
    for container in [Container::Object, Container::Array] {
        for depth in [limit - 1, limit] {
            let read = items(&nested(container, depth));
            let count = |wanted: Item| read.iter().filter(|item| **item == wanted).count();
            assert_eq!((count(Begin(container)), count(End(container))), (depth, depth));
        }
        assert!(read([nested(container, limit + 1).as_bytes()]).0.is_err());
        assert_eq!(read(["[".repeat(100_000).as_bytes()]).0.unwrap_err(), JsonError { at: 64, kind: Kind::TooDeep });
    }
    // Objects and arrays in turn: only its own bracket closes each, at every depth.
    let mixed = "[{\"k\":".repeat(limit / 2) + "0" + &"}]".repeat(limit / 2);
    items(&mixed);
    for depth in 1..limit / 2 {
        let wrong = "[{\"k\":".repeat(depth) + "0]";
        let at = u64::try_from(wrong.len() - 1).unwrap();
        assert_eq!(error(&wrong), (Kind::UnexpectedByte, at));
    }
}

#[test]
fn number_of_ten_thousand_digits_is_one_item_in_any_pieces() {
    let digits = "1234567890".repeat(1_000);
    for literal in [digits.clone(), format!("-{digits}.{digits}e-{digits}"), format!("0.{digits}")] {
        for size in [1, 7, 64, literal.len()] {
            let expected = (Ok(()), vec![Number(literal.clone())]);
            assert_eq!(read(literal.as_bytes().chunks(size)), expected);
        }
    }
}

#[test]
fn reset_after_an_error_reads_the_next_text_as_the_first() {
    let good = r#"{"a": [1, "\ud83d\ude00", -Infinity]}"#;
    let expected = items(good);
    let mut lexer = Lexer::new();
    for bad in ["{\"a\": [[[[", "\"\\ud83d", "-Inf", "{]", "1.5e", "[\"\\u00", "", "{\"a\":1} x"] {
        assert!(read_with(&mut lexer, [bad.as_bytes()]).0.is_err(), "{bad}");
        let (result, read) = read_with(&mut lexer, [good.as_bytes()]);
        assert!(result.is_err() && read.is_empty(), "the error stays: {bad}");
        lexer.reset();
        assert_eq!(lexer.position(), 0);
        assert_eq!(read_with(&mut lexer, [good.as_bytes()]), (Ok(()), expected.clone()));
        assert_eq!(lexer.position(), u64::try_from(good.len()).unwrap());
        lexer.reset();
    }
}

#[test]
fn error_position_counts_all_pieces() {
    let mut pieces = vec![&b"          "[..]; 1_000];
    pieces.push(b"  ?");
    assert_eq!(read(pieces).0, Err(JsonError { at: 10_002, kind: Kind::UnexpectedByte }));
}
