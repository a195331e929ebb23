use heapless::Vec;

use super::{
    Handler, Interest,
    binary::Binary,
    entry::{CUT_BYTES, IN_ONE_GO},
    fields::Fields,
    reader::Reader,
};
use crate::capacity::Capacity;
use crate::json::{Lexer, find};

/// Reads messages in pieces and tells a [`Handler`] what they say.
///
/// `ID` and `MESSAGE` are the bytes that are kept of an id and of an exception's message.
#[derive(Debug)]
// Its methods are not inlined: what one needs of a microcontroller's stack is free again for the next.
pub struct Decoder<C: Capacity> {
    /// What is likely is not looked at token by token.
    predicts: bool,
    /// The beginning of an entry of `nodes` that the last piece ended with.
    cut: Vec<u8, CUT_BYTES>,
    lexer: Lexer,
    fields: Fields<C>,
    pub(super) binary: Binary,
}

impl<C: Capacity> Decoder<C> {
    /// A decoder that tells the [parts](super::Part) of the kinds in `interest`; it checks and counts all.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub const fn new(interest: Interest) -> Self {
        Self {
            predicts: true,
            lexer: Lexer::new(),
            fields: Fields::new(interest),
            cut: Vec::new(),
            binary: Binary::new(),
        }
    }

    /// As [`new`](Self::new), but every token is looked at by itself: slower, and the same in all else. Tests compare the
    /// two.
    pub const fn strict(interest: Interest) -> Self {
        let mut this = Self::new(interest);
        this.predicts = false;
        this
    }

    /// Forgets a message that was begun, such as one that a lost link cut off.
    pub fn reset(&mut self) {
        self.lexer.reset();
        self.fields.reset();
        self.cut.clear();
        self.binary = Binary::new();
    }

    /// Reads the next piece of a text message.
    #[inline(never)]
    pub fn text(&mut self, piece: &[u8], handler: &mut impl Handler) {
        let rest = if IN_ONE_GO && !self.cut.is_empty() { self.complete(piece, handler) } else { piece };
        let predicts = self.predicts;
        let cut = self.reader(handler).read(predicts, rest);
        if IN_ONE_GO && !cut.is_empty() && self.cut.extend_from_slice(cut).is_err() {
            self.reader(handler).read(false, cut);
        }
    }

    /// Ends a text message and tells the handler what it said.
    #[inline(never)]
    pub fn end_text(&mut self, handler: &mut impl Handler) {
        if IN_ONE_GO && !self.cut.is_empty() {
            self.complete(b"", handler);
        }
        self.reader(handler).deviate();
        handler.event(self.fields.event(&mut self.lexer));
        self.lexer.reset();
        self.fields.reset();
    }

    fn reader<'a, H: Handler>(&'a mut self, handler: &'a mut H) -> Reader<'a, H, C> {
        Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler }
    }

    /// Puts the entry that was cut together with what `piece` has of it, reads it, and returns what is left of `piece`. An
    /// empty one says that no more comes.
    #[inline(never)]
    fn complete<'p>(&mut self, piece: &'p [u8], handler: &mut impl Handler) -> &'p [u8] {
        let end = find(piece, b'}').map(|at| at.saturating_add(1));
        let (end_of_entry, behind) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        let fits = self.cut.extend_from_slice(end_of_entry).is_ok();
        if fits && end.is_none() && !piece.is_empty() {
            return behind;
        }
        let mut reader = Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler };
        let left = reader.read(true, &self.cut);
        // No more of it will come in one piece.
        reader.read(false, left);
        self.cut.clear();
        if fits { behind } else { piece }
    }

    /// Reads the next piece of a binary message.
    #[inline(never)]
    pub fn binary(&mut self, piece: &[u8], handler: &mut impl Handler) {
        self.binary.feed(piece, &mut self.lexer, &mut self.fields, handler);
    }

    /// Ends a binary message and tells the handler what it was.
    #[inline(never)]
    pub fn end_binary(&mut self, handler: &mut impl Handler) {
        // Metadata that is no JSON, or no whole one, names nothing; the message counts all the same.
        if self.lexer.end().is_err() {
            self.fields.found = super::field::Found::NONE;
        }
        handler.event(self.binary.event(&mut self.fields));
        self.reset();
    }
}
