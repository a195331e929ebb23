//! The lexer compared with `serde_json`.
//!
//! They differ on purpose in some texts, which are changed before `serde_json` reads them. The words `NaN`, `Infinity` and
//! `-Infinity` become `null`, and lone surrogates become U+FFFD. `serde_json` refuses numbers that are too large for an
//! f64, so exponents become 0 and digits past `DIGITS` are dropped. Only the core refuses a text deeper than 64.

use comfyglow_core::{
    json::{Container, JsonError, JsonErrorKind, Lexer, Token, Word},
    limits::JSON_DEPTH,
};
use serde_json::{Map, Value};

/// Digits of an integer that an f64 surely holds.
const DIGITS: usize = 300;

/// Reads a text in pieces and hands over each token, with whether it belongs to a member's name.
///
/// # Errors
///
/// Those of the lexer.
pub fn tokens<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    mut handle: impl FnMut(Token<'p>, bool),
) -> Result<(), JsonError> {
    let mut lexer = Lexer::new();
    for piece in pieces {
        let mut rest = piece;
        while let Some(token) = lexer.next(&mut rest) {
            handle(token, lexer.in_key());
        }
        lexer.count(piece, rest)?;
    }
    lexer.end()
}

/// Builds a value from the lexer's tokens; words beyond RFC 8259 become null.
#[derive(Debug, Default)]
struct Builder {
    open: Vec<(Value, String)>,
    pieces: Vec<u8>,
    done: Option<Value>,
}

impl Builder {
    fn take(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.pieces)).expect("pieces add up to UTF-8")
    }

    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.done = Some(value),
            Some((Value::Object(members), key)) => drop(members.insert(std::mem::take(key), value)),
            Some((Value::Array(elements), _)) => elements.push(value),
            Some(_) => unreachable!("only containers are open"),
        }
    }

    fn token(&mut self, token: Token<'_>, in_key: bool) {
        match token {
            Token::Nothing => {}
            Token::Begin(container) => {
                let is_object = container == Container::Object;
                let empty = if is_object { Value::Object(Map::new()) } else { Value::Array(vec![]) };
                self.open.push((empty, String::new()));
            }
            Token::End(container) => {
                let (value, _) = self.open.pop().expect("it has begun");
                assert_eq!(value.is_object(), container == Container::Object);
                self.value(value);
            }
            Token::Character(character) => {
                self.pieces.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Token::Text(piece, last) => {
                self.pieces.extend_from_slice(piece);
                if last && in_key {
                    let key = self.take();
                    self.open.last_mut().expect("an object has names").1 = key;
                } else if last {
                    let text = self.take();
                    self.value(Value::String(text));
                }
            }
            Token::Number(piece, last) => {
                self.pieces.extend_from_slice(piece);
                if last {
                    self.end_number();
                }
            }
            Token::Word(word) => {
                // The minus of `-Infinity` may have come as a number's piece.
                self.pieces.clear();
                self.value(match word {
                    Word::True => Value::Bool(true),
                    Word::False => Value::Bool(false),
                    Word::Null | Word::NaN | Word::Infinity | Word::NegInfinity => Value::Null,
                });
            }
        }
    }

    fn end_number(&mut self) {
        let literal = harmless(&self.take());
        self.value(Value::from(literal.parse::<f64>().expect("Rust parses every JSON number")));
    }
}

/// The value that the core reads in `text`, in pieces of `size` bytes.
///
/// # Errors
///
/// Those of the lexer.
///
/// # Panics
///
/// If the lexer accepts the text without a value.
pub fn core(text: &str, size: usize) -> Result<Value, JsonError> {
    let mut builder = Builder::default();
    tokens(text.as_bytes().chunks(size), |token, in_key| builder.token(token, in_key))?;
    if !builder.pieces.is_empty() {
        // A number that is the whole text ends with it.
        builder.end_number();
    }
    Ok(builder.done.expect("a complete text has a value"))
}

/// The text without what `serde_json` refuses on purpose; whatever else is wrong with it stays wrong.
fn harmless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        out.push_str(&harmless_outside(&rest[..quote]));
        let inside = &rest[quote + 1..];
        let end = end_of_text(inside);
        out.push('"');
        out.push_str(&harmless_inside(&inside[..end]));
        rest = &inside[end..];
        if let Some(behind) = rest.strip_prefix('"') {
            out.push('"');
            rest = behind;
        }
    }
    out + &harmless_outside(rest)
}

/// Where the text ends that begins here: at its quote, or at the end of all.
fn end_of_text(inside: &str) -> usize {
    let mut escaped = false;
    let ends = |byte: u8| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    };
    inside.bytes().position(ends).unwrap_or(inside.len())
}

fn harmless_outside(text: &str) -> String {
    // With spaces, so that no two words become one; null can't be a name either.
    let words = ["-Infinity", "Infinity", "NaN"];
    let text = words.into_iter().fold(text.to_owned(), |text, word| text.replace(word, " null "));
    let mut bytes = text.into_bytes();
    for at in 1..bytes.len() {
        if !matches!(bytes[at], b'e' | b'E') || !bytes[at - 1].is_ascii_digit() {
            continue;
        }
        let sign = usize::from(bytes.get(at + 1).is_some_and(|byte| matches!(byte, b'+' | b'-')));
        bytes[at + 1 + sign..].iter_mut().take_while(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'0');
    }
    let mut digits = 0;
    bytes.retain(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits <= DIGITS
    });
    String::from_utf8(bytes).expect("digits took the place of digits")
}

fn harmless_inside(text: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u").and_then(|rest| rest.get(..4))?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).expect("they are hex"))
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let second = escape.get(6..).and_then(unit).filter(|low| (0xdc00..=0xdfff).contains(low));
        let len = match (unit(escape), second) {
            (Some(0xd800..=0xdbff), Some(_)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        out.push_str(&escape[..len]);
        rest = &escape[len..];
    }
    out + rest
}

/// How deep objects and arrays stand inside one another.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether the values are the same; numbers may differ in the last bits, which `serde_json` rounds in haste.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("it is finite"), b.as_f64().expect("it is finite"));
            (a - b).abs() <= a.abs() * 1e-14
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Compares the core, which reads in pieces of `size` bytes, with the oracle; returns whether the text was JSON.
///
/// # Panics
///
/// Where one takes what the other refuses, or their values differ.
#[track_caller]
pub fn check(text: &str, size: usize) -> bool {
    let harmless = harmless(text);
    let oracle = serde_json::from_str::<Value>(&harmless);
    match (core(text, size), oracle) {
        (Ok(told), Ok(expected)) => {
            assert!(same(&told, &expected), "{text}\ntold     {told}\nexpected {expected}");
            true
        }
        (Err(error), Ok(value)) => {
            let too_deep = error.kind == JsonErrorKind::TooDeep && depth(&value) > usize::from(JSON_DEPTH);
            assert!(too_deep, "{error}, but serde_json takes it: {text}");
            false
        }
        (Ok(_), Err(error)) => panic!("{error}, but the core takes it: {text}\nas {harmless}"),
        (Err(_), Err(_)) => false,
    }
}
