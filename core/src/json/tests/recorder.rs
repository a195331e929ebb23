//! A visitor that records.

use std::{string::String, vec::Vec};

use super::{Container, Visitor, Word};

use Token::{Begin, End, Key, Number, Text};

/// What the visitor was told, with consecutive pieces joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Begin(Container, u8),
    End(Container, u8),
    Key(String, u8),
    Text(String, u8),
    Number(String, u8),
    Word(Word, u8),
}

/// Records what it is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    pub(super) tokens: Vec<Token>,
    /// The pieces of the name, text or number at hand.
    pub(super) piece: Vec<u8>,
}

impl Recorder {
    fn take(&mut self) -> String {
        String::from_utf8(core::mem::take(&mut self.piece)).unwrap()
    }
}

impl Visitor for Recorder {
    fn begin(&mut self, container: Container, depth: u8) {
        self.tokens.push(Begin(container, depth));
    }

    fn end(&mut self, container: Container, depth: u8) {
        self.tokens.push(End(container, depth));
    }

    fn key(&mut self, piece: &[u8], _depth: u8) {
        assert!(!piece.is_empty());
        self.piece.extend_from_slice(piece);
    }

    fn end_key(&mut self, depth: u8) {
        let key = self.take();
        self.tokens.push(Key(key, depth));
    }

    fn text(&mut self, piece: &[u8]) {
        assert!(!piece.is_empty());
        self.piece.extend_from_slice(piece);
    }

    fn end_text(&mut self, depth: u8) {
        let text = self.take();
        self.tokens.push(Text(text, depth));
    }

    fn number(&mut self, piece: &[u8]) {
        assert!(!piece.is_empty());
        self.piece.extend_from_slice(piece);
    }

    fn end_number(&mut self, depth: u8) {
        let literal = self.take();
        self.tokens.push(Number(literal, depth));
    }

    fn word(&mut self, word: Word, depth: u8) {
        // The minus of `-Infinity` may have gone out as a number's.
        let before = self.take();
        assert!(before.is_empty() || (before == "-" && word == Word::NegInfinity), "{before} before {word:?}");
        self.tokens.push(Token::Word(word, depth));
    }
}
