//! One value, many spellings.

use std::fmt::Write as _;

use proptest::{collection, prelude::*};

use crate::json::Json;

/// How a value is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As the server does, by Python's `json.dumps`: a space behind `:` and `,`, all in ASCII.
    Dumps,
    /// Without white space, letters as they are.
    Compact,
    /// With white space and escapes wherever they are allowed, as these choices, again and again, have it.
    Odd(Vec<u8>),
}

/// Any spelling; mostly the server's.
pub fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        3 => Just(Spelling::Dumps),
        1 => Just(Spelling::Compact),
        2 => collection::vec(any::<u8>(), 1..24).prop_map(Spelling::Odd),
    ]
}

/// Writes `value` down.
pub fn spell(value: &Json, spelling: &Spelling) -> String {
    let mut writer = Writer { out: String::new(), spelling, choices: 0 };
    writer.gap("");
    writer.value(value);
    writer.gap("");
    writer.out
}

struct Writer<'a> {
    out: String,
    spelling: &'a Spelling,
    choices: usize,
}

impl Writer<'_> {
    /// The next choice of an odd spelling.
    fn choice(&mut self) -> Option<u8> {
        let Spelling::Odd(choices) = self.spelling else { return None };
        self.choices += 1;
        Some(choices[self.choices % choices.len()])
    }

    /// White space, where `usual` is the server's.
    fn gap(&mut self, usual: &str) {
        let gap = match (self.choice(), self.spelling) {
            (Some(choice), _) => ["", "", " ", "\n", "\t ", "\r\n", "  "][usize::from(choice % 7)],
            (None, Spelling::Dumps) => usual,
            (None, _) => "",
        };
        self.out.push_str(gap);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => self.out.push_str("null"),
            Json::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Json::Number(literal) => self.out.push_str(literal),
            Json::Word(word) => self.out.push_str(word),
            Json::Text(text) => self.text(text),
            Json::Array(elements) => self.list(['[', ']'], elements, Self::value),
            Json::Object(members) => self.list(['{', '}'], members, |writer, (key, value)| {
                writer.text(key);
                writer.odd_gap();
                writer.out.push(':');
                writer.gap(" ");
                writer.value(value);
            }),
        }
    }

    fn list<T>(&mut self, brackets: [char; 2], items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push(brackets[0]);
        self.odd_gap();
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.odd_gap();
                self.out.push(',');
                self.gap(" ");
            }
            write(self, item);
        }
        self.odd_gap();
        self.out.push(brackets[1]);
    }

    /// White space where the server writes none.
    fn odd_gap(&mut self) {
        self.gap("");
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let choice = self.choice();
            self.letter(c, choice);
        }
        self.out.push('"');
    }

    fn letter(&mut self, c: char, choice: Option<u8>) {
        let short = match c {
            '"' | '\\' => Some(c),
            '/' => choice.is_some().then_some(c),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            _ => None,
        };
        let plain = c >= ' ' && !matches!(c, '"' | '\\') && (c.is_ascii() || *self.spelling != Spelling::Dumps);
        match (choice.map(|choice| choice % 4), short) {
            // A low half alone stands for U+FFFD, whatever was before: a high half is never written without its low.
            (Some(0), _) if c == char::REPLACEMENT_CHARACTER => self.out.push_str("\\udc00"),
            (Some(0), _) => self.units(c, true),
            (Some(1), _) => self.units(c, false),
            (_, Some(short)) => self.out.extend(['\\', short]),
            _ if plain => self.out.push(c),
            _ => self.units(c, false),
        }
    }

    fn units(&mut self, c: char, upper: bool) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let written = if upper { write!(self.out, "\\u{unit:04X}") } else { write!(self.out, "\\u{unit:04x}") };
            written.expect("a String takes all");
        }
    }
}
