//! Drives a lexer and collects whole items.

use std::{string::String, vec::Vec};

use super::{Container, JsonError, Lexer, Token, Word};

/// A token whose pieces are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Begin(Container),
    End(Container),
    Key(String),
    Text(String),
    Number(String),
    Word(Word),
}

/// Collects the items of one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    pub(super) items: Vec<Item>,
    /// The pieces of the current name, string or number.
    pieces: Vec<u8>,
}

impl Recorder {
    /// Reads a piece of the text.
    pub(super) fn feed(&mut self, lexer: &mut Lexer, piece: &[u8]) -> Result<(), JsonError> {
        let mut rest = piece;
        while let Some(token) = lexer.next(&mut rest) {
            self.token(token, lexer.in_key());
        }
        lexer.count(piece, rest)
    }

    /// Ends the text, and with it a number that is the whole text.
    pub(super) fn end(&mut self, lexer: &mut Lexer) -> Result<(), JsonError> {
        lexer.end()?;
        if !self.pieces.is_empty() {
            let literal = self.take();
            self.items.push(Item::Number(literal));
        }
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, in_key: bool) {
        let item = match token {
            Token::Begin(container) => Item::Begin(container),
            Token::End(container) => Item::End(container),
            Token::Text(piece, last) => {
                self.pieces.extend_from_slice(piece);
                match (last, in_key) {
                    (false, _) => return,
                    (true, true) => Item::Key(self.take()),
                    (true, false) => Item::Text(self.take()),
                }
            }
            Token::Number(piece, last) => {
                self.pieces.extend_from_slice(piece);
                if !last {
                    return;
                }
                Item::Number(self.take())
            }
            Token::Word(word) => {
                // The minus of `-Infinity` may have come as a number's piece.
                let before = self.take();
                assert!(before.is_empty() || (before == "-" && word == Word::NegInfinity), "{before} before {word:?}");
                Item::Word(word)
            }
            Token::Character(character) => {
                return self.pieces.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Token::Nothing => return,
        };
        self.items.push(item);
    }

    fn take(&mut self) -> String {
        String::from_utf8(core::mem::take(&mut self.pieces)).unwrap()
    }
}
