//! A whole JSON text as a tree, in the dialect that Python's `json.dumps` writes.
//!
//! Small and recursive on purpose: it's easy to see that it's right, and it shares no idea with the streaming lexer
//! that it is compared with. Beyond strict JSON it takes the bare words `NaN`, `Infinity` and `-Infinity`, numbers of
//! any length, and lone surrogates, which become U+FFFD.

pub use comfyglow_proptest::json::Json;

/// Objects and arrays inside one another: the outermost counts as 1, deeper than this is malformed.
pub const DEPTH: usize = 64;

/// What came of reading a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The value, or `None` where the text is not one JSON value with white space around it.
    pub value: Option<Json>,
    /// An object had a key twice, so that either value may count.
    pub repeated_key: bool,
    /// A text "`progress_state`" was read, possibly before the text broke.
    pub passed_progress_state: bool,
}

/// Reads `text` to its last byte.
pub fn read(text: &str) -> Reading {
    let mut reader = Reader { text, at: 0, repeated_key: false, passed_progress_state: false };
    let value = reader.value(0).filter(|_| {
        reader.white_space();
        reader.at == text.len()
    });
    Reading { value, repeated_key: reader.repeated_key, passed_progress_state: reader.passed_progress_state }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    repeated_key: bool,
    passed_progress_state: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Steps over `word`, if it stands here.
    fn take(&mut self, word: &str) -> bool {
        let here = self.rest().starts_with(word);
        if here {
            self.at += word.len();
        }
        here
    }

    fn white_space(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.white_space();
        match self.peek()? {
            '{' if depth < DEPTH => self.object(depth + 1),
            '[' if depth < DEPTH => self.array(depth + 1),
            '"' => {
                let text = self.string()?;
                self.passed_progress_state |= text == "progress_state";
                Some(Json::Text(text))
            }
            _ => self.word().or_else(|| self.number()),
        }
    }

    fn word(&mut self) -> Option<Json> {
        let words = [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))];
        let not_finite = ["NaN", "Infinity", "-Infinity"].map(|word| (word, Json::Word(word)));
        words.into_iter().chain(not_finite).find(|(word, _)| self.take(word)).map(|(_, value)| value)
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.take("-");
        if !self.take("0") {
            self.digits()?;
        }
        if self.take(".") {
            self.digits()?;
        }
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            self.digits()?;
        }
        Some(Json::Number(self.text[start..self.at].to_owned()))
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        let mut elements = Vec::new();
        self.next();
        self.white_space();
        if self.take("]") {
            return Some(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.white_space();
            match self.next()? {
                ',' => {}
                ']' => return Some(Json::Array(elements)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut members = Vec::new();
        let mut keys = std::collections::HashSet::new();
        self.next();
        self.white_space();
        if self.take("}") {
            return Some(Json::Object(members));
        }
        loop {
            self.white_space();
            let key = (self.peek()? == '"').then(|| self.string())??;
            self.repeated_key |= !keys.insert(key.clone());
            self.white_space();
            if !self.take(":") {
                return None;
            }
            members.push((key, self.value(depth)?));
            self.white_space();
            match self.next()? {
                ',' => {}
                '}' => return Some(Json::Object(members)),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        self.next();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                '\0'..='\x1f' => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                let low = if (0xd800..0xdc00).contains(&unit) { self.low_surrogate() } else { None };
                let units = [unit, low.unwrap_or_default()];
                let units = &units[..if low.is_some() { 2 } else { 1 }];
                char::decode_utf16(units.iter().copied()).next()?.unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }

    /// Takes the low half of a pair, if it stands here; whatever else stands here is left to be read on its own.
    fn low_surrogate(&mut self) -> Option<u16> {
        let start = self.at;
        let low = if self.take("\\u") { self.unit().filter(|u| (0xdc00..0xe000).contains(u)) } else { None };
        if low.is_none() {
            self.at = start;
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spelled: &str) -> Option<String> {
        read(spelled).value.and_then(|v| v.text().map(str::to_owned))
    }

    #[test]
    fn surrogates_pair_or_are_replaced() {
        assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        assert_eq!(text(r#""\ud83d""#).as_deref(), Some("\u{fffd}"));
        assert_eq!(text(r#""\ude00\ud83d""#).as_deref(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(text(r#""\ud83d\ud83d\ude00\n""#).as_deref(), Some("\u{fffd}😀\n"));
        assert_eq!(text(r#""\ud83dA""#).as_deref(), Some("\u{fffd}A"));
        assert_eq!(text(r#""\ud83d\u00""#), None);
        assert_eq!(text(r#""\ud83d\u+041""#), None);
    }

    #[test]
    fn numbers_keep_their_text_and_words_are_values() {
        for literal in ["0", "-0", "12", "1.50", "1e999", "-1.0E+3", "123456789012345678901234567890"] {
            assert_eq!(read(literal).value, Some(Json::Number(literal.to_owned())));
        }
        for word in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(read(word).value, Some(Json::Word(word)));
        }
        for broken in ["01", "1.", ".5", "+1", "-", "1e", "-NaN", "nan", "--1", "0x1", "1_0", "- 1", "Infinit"] {
            assert_eq!(read(broken).value, None, "{broken}");
        }
    }

    #[test]
    fn strict_where_json_is() {
        for broken in [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{1:1}",
            "[1 2]",
            "[] []",
            "[}",
            "\"\t\"",
            "\"\\x\"",
            "\"\\",
            "\"",
            "tru",
            "\u{feff}[]",
            "[]\u{a0}",
            "[]\0",
            "//\n1",
        ] {
            assert_eq!(read(broken).value, None, "{broken:?}");
        }
        assert_eq!(read(" \t\r\n[ ] \t\r\n").value, Some(Json::Array(vec![])));
    }

    #[test]
    fn depth_64_is_read_and_65_is_not() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&nested(DEPTH)).value.is_some());
        assert!(read(&nested(DEPTH + 1)).value.is_none());
    }

    #[test]
    fn says_what_is_left_open() {
        assert!(read(r#"[{"a": 1, "\u0061": 2}]"#).repeated_key);
        assert!(!read(r#"[{"a": 1}, {"a": 2}]"#).repeated_key);
        assert!(read(r#"{"type": "progress\u005fstate", "#).passed_progress_state);
    }
}
