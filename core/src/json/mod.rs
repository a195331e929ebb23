//! A streaming JSON lexer for what the server writes.
//!
//! It reads pieces of any size in constant memory and without recursion. It accepts RFC 8259 and what Python's
//! `json.dumps` writes beyond it: the bare words `NaN`, `Infinity` and `-Infinity`, and lone surrogates, which become
//! U+FFFD. It does not check UTF-8: the WebSocket layer does so for text messages.

mod error;
mod lexer;
mod scan;

pub use error::{JsonError, JsonErrorKind};
pub use lexer::Lexer;
pub(crate) use scan::{behind, behind_spaces, find, plain_len};

pub(crate) use crate::text::same;

/// A value that is a bare word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// `NaN`, which Python writes and RFC 8259 does not allow.
    NaN,
    /// `Infinity`, as above.
    Infinity,
    /// `-Infinity`, as above.
    NegInfinity,
}

/// An object or an array.
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

/// A token, or a piece of one, in the text's order.
///
/// Names, strings and numbers come in pieces: cut where the input was cut, and around escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'p> {
    /// The lexer read bytes that make no token yet. Call [`Lexer::next`] again.
    Nothing,
    /// An object or array begins.
    Begin(Container),
    /// An object or array ends.
    End(Container),
    /// A piece of a member's name or of a string, without escapes, and whether it is the last. It may be empty.
    Text(&'p [u8], bool),
    /// An escaped character of a member's name or of a string.
    Character(char),
    /// A piece of a number's literal, and whether it is the last. It may be empty. [`Lexer::end`] ends a number that is
    /// the whole text. The minus of `-Infinity` may come as such a piece before its [`Word`](Self::Word).
    Number(&'p [u8], bool),
    /// A bare word.
    Word(Word),
}

#[cfg(test)]
mod tests;
