//! A streaming JSON lexer for what the server writes.
//!
//! Pieces of any size, constant memory, no recursion. It reads RFC 8259 and, beyond it, what Python's `json.dumps`
//! writes: the bare words `NaN`, `Infinity` and `-Infinity`, and lone surrogates, which become U+FFFD. Whether the
//! bytes are UTF-8 is the transport's to check (the WebSocket layer does, for text messages).

mod error;
mod lexer;
mod scan;

pub use error::{JsonError, JsonErrorKind};
pub use lexer::Lexer;
pub(crate) use scan::{behind, behind_spaces, find, plain_len, same};

/// What a value is, where it isn't made of text, digits or other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// `NaN`, which Python writes and JSON doesn't know.
    NaN,
    /// `Infinity`
    Infinity,
    /// `-Infinity`
    NegInfinity,
}

/// The two kinds of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
}

impl Word {
    const fn spelling(self) -> &'static [u8] {
        match self {
            Self::Null => b"null",
            Self::True => b"true",
            Self::False => b"false",
            Self::NaN => b"NaN",
            Self::Infinity => b"Infinity",
            Self::NegInfinity => b"-Infinity",
        }
    }
}

/// What the lexer finds, in the text's order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'p> {
    /// Nothing yet; [`Lexer::next`] goes on.
    Nothing,
    Begin(Container),
    End(Container),
    /// A piece of a member's name or of a text, without escapes, and whether it is the last; it may be empty.
    Text(&'p [u8], bool),
    /// A character of a member's name or of a text that was escaped.
    Character(char),
    /// A piece of a number's literal, and whether it is the last; it may be empty.
    Number(&'p [u8], bool),
    Word(Word),
}

/// Is told what the [`Lexer`] reads, in the text's order.
///
/// Texts and numbers come in pieces, cut wherever the input was cut and around escapes; the pieces of a text are its
/// decoded UTF-8, those of a number its literal. `depth` counts the containers around a value: 0 for the outermost.
pub trait Visitor {
    /// A container begins; `depth` is that of its members.
    fn begin(&mut self, container: Container, depth: u8);
    /// A container ends; `depth` is that of its members.
    fn end(&mut self, container: Container, depth: u8);
    /// A piece of a member's name.
    fn key(&mut self, piece: &[u8], depth: u8);
    /// The end of a member's name.
    fn end_key(&mut self, depth: u8);
    /// A piece of a text value.
    fn text(&mut self, piece: &[u8]);
    /// The end of a text value.
    fn end_text(&mut self, depth: u8);
    /// A piece of a number's literal.
    fn number(&mut self, piece: &[u8]);
    /// The end of a number.
    fn end_number(&mut self, depth: u8);
    /// A value that is a bare word.
    fn word(&mut self, word: Word, depth: u8);
}

#[cfg(test)]
mod tests;
