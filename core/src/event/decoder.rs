use super::{Handler, Interest, binary::Binary, entry::IN_ONE_GO, fields::Fields, reader::Reader};
use crate::{
    json::{Lexer, find},
    limits::ENTRY_BYTES,
};

/// Reads messages in pieces and tells a [`Handler`] what they say.
///
/// `ID` and `MESSAGE` are the bytes that are kept of an id and of an exception's message.
#[derive(Debug)]
// Its methods are not inlined: what one needs of a microcontroller's stack is free again for the next.
pub struct Decoder<const ID: usize, const MESSAGE: usize> {
    /// What is likely is not looked at token by token.
    predicts: bool,
    /// The last piece ended amid an entry of `nodes`, whose beginning is kept in the fields' `message`.
    cut: bool,
    lexer: Lexer,
    fields: Fields<ID, MESSAGE>,
    pub(super) binary: Binary,
}

impl<const ID: usize, const MESSAGE: usize> Decoder<ID, MESSAGE> {
    /// A decoder that tells the [parts](super::Part) of the kinds in `interest`; it checks and counts all.
    #[expect(clippy::inline_always, reason = "made in its place, not on the stack first")]
    #[inline(always)]
    pub const fn new(interest: Interest) -> Self {
        Self { predicts: true, lexer: Lexer::new(), fields: Fields::new(interest), cut: false, binary: Binary::new() }
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
        self.cut = false;
        self.binary = Binary::new();
    }

    /// Reads the next piece of a text message.
    #[inline(never)]
    pub fn text(&mut self, piece: &[u8], handler: &mut impl Handler) {
        let rest = if self.cut { self.complete(piece, handler) } else { piece };
        let predicts = self.predicts;
        let cut = self.reader(handler).read(predicts, rest);
        if !cut.is_empty() && !self.keep(cut) {
            self.reader(handler).read(false, cut);
        }
    }

    /// Ends a text message and tells the handler what it said.
    #[inline(never)]
    pub fn end_text(&mut self, handler: &mut impl Handler) {
        if self.cut {
            self.complete(b"", handler);
        }
        self.reader(handler).deviate();
        let whole = self.lexer.end();
        handler.event(self.fields.event(whole, self.lexer.position()));
        self.lexer.reset();
        self.fields.reset();
    }

    fn reader<'a, H: Handler>(&'a mut self, handler: &'a mut H) -> Reader<'a, H, ID, MESSAGE> {
        Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler }
    }

    /// Puts the entry that was cut together with what `piece` has of it, reads it, and returns what is left of `piece`. An
    /// empty one says that no more comes.
    #[inline(never)]
    fn complete<'p>(&mut self, piece: &'p [u8], handler: &mut impl Handler) -> &'p [u8] {
        if !IN_ONE_GO {
            return piece;
        }
        let end = find(piece, b'}').map(|at| at.saturating_add(1));
        let (end_of_entry, behind) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        let fits = self.keep(end_of_entry);
        if fits && end.is_none() && !piece.is_empty() {
            return behind;
        }
        let mut entry = [0; ENTRY_BYTES];
        let kept = self.fields.message.as_bytes();
        let entry = entry.get_mut(..kept.len()).unwrap_or_default();
        if entry.len() == kept.len() {
            entry.copy_from_slice(kept);
        }
        self.cut = false;
        let left = self.reader(handler).read(true, entry);
        // No more of it will come in one piece.
        self.reader(handler).read(false, left);
        if fits { behind } else { piece }
    }

    /// Keeps the next piece of an entry that is cut, where there is room.
    fn keep(&mut self, piece: &[u8]) -> bool {
        let kept = &mut self.fields.message;
        if !self.cut {
            kept.clear();
        }
        let fits = IN_ONE_GO && kept.as_bytes().len().saturating_add(piece.len()) <= MESSAGE.min(ENTRY_BYTES);
        if fits {
            kept.push(piece);
            self.cut = true;
        }
        fits
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
