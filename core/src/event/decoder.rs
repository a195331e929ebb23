use super::{Handler, Interest, binary::Binary, field::Field, fields::Fields, reader::Reader};
use crate::{
    json::{Lexer, find},
    limits::CARRY_BYTES,
};

/// Reads messages in pieces and tells a [`Handler`] what they say.
///
/// `ID` and `MESSAGE` are the bytes that are kept of an id and of an exception's message.
#[derive(Debug)]
// Its methods are not inlined: what one needs of a microcontroller's stack is free again for the next.
pub struct Decoder<const ID: usize, const MESSAGE: usize> {
    /// What stands whole in a piece is not looked at token by token.
    in_one_go: bool,
    lexer: Lexer,
    fields: Fields<ID, MESSAGE>,
    /// The last piece ended amid a member, whose beginning is kept in the fields' `message`.
    cut: bool,
    pub(super) binary: Binary,
}

impl<const ID: usize, const MESSAGE: usize> Decoder<ID, MESSAGE> {
    /// A decoder that tells the [parts](super::Part) of the kinds in `interest`; it checks and counts all.
    pub const fn new(interest: Interest) -> Self {
        Self { in_one_go: true, lexer: Lexer::new(), fields: Fields::new(interest), cut: false, binary: Binary::new() }
    }

    /// As [`new`](Self::new), but every token is looked at by itself: slower, and the same in all else. Tests compare the
    /// two.
    pub const fn strict(interest: Interest) -> Self {
        let mut this = Self::new(interest);
        this.in_one_go = false;
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
        let in_one_go = self.in_one_go;
        let cut = self.reader(handler).read(in_one_go, rest);
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
        let whole = self.lexer.end();
        handler.event(self.fields.event(whole, self.lexer.position()));
        self.lexer.reset();
        self.fields.reset();
    }

    fn reader<'a, H: Handler>(&'a mut self, handler: &'a mut H) -> Reader<'a, H, ID, MESSAGE> {
        Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler }
    }

    /// Puts the member that was cut together with `piece`, reads it, and returns what is left of `piece`. An empty one
    /// says that no more comes.
    #[inline(never)]
    fn complete<'p>(&mut self, piece: &'p [u8], handler: &mut impl Handler) -> &'p [u8] {
        // An entry ends with a brace.
        if self.fields.level == Field::Nodes && find(piece, b'}').is_none() && !piece.is_empty() && self.keep(piece) {
            return b"";
        }
        let mut joined = [0; CARRY_BYTES];
        let kept = self.fields.message.as_bytes();
        let taken = piece.get(..CARRY_BYTES.saturating_sub(kept.len())).unwrap_or(piece);
        joined.iter_mut().zip(kept.iter().chain(taken)).for_each(|(to, from)| *to = *from);
        let joined = joined.get(..kept.len().saturating_add(taken.len())).unwrap_or_default();
        self.cut = false;
        let cut = self.reader(handler).read(true, joined);
        if cut.len() <= taken.len() {
            return piece.get(taken.len().saturating_sub(cut.len())..).unwrap_or_default();
        }
        // Still amid the same member: more may come, or there is no room for more.
        if taken.len() < piece.len() || piece.is_empty() || !self.keep(cut) {
            self.reader(handler).read(false, cut);
        }
        piece.get(taken.len()..).unwrap_or_default()
    }

    /// Keeps the next piece of a member that is cut, where there is room.
    fn keep(&mut self, piece: &[u8]) -> bool {
        let kept = &mut self.fields.message;
        if !self.cut {
            // The place may be taken by the message of an error.
            if self.fields.found.has(Field::ExceptionMessage) || self.fields.field == Field::ExceptionMessage {
                return false;
            }
            kept.clear();
        }
        let fits = kept.as_bytes().len().saturating_add(piece.len()) <= MESSAGE.min(CARRY_BYTES);
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
