use super::{Handler, Interest, binary::Binary, fields::Fields, reader::Reader};
use crate::json::Lexer;

/// Reads messages in pieces and tells a [`Handler`] what they say.
///
/// `ID` and `MESSAGE` are the bytes that are kept of an id and of an exception's message.
#[derive(Debug)]
// Its methods are not inlined: what one needs of a microcontroller's stack is free again for the next.
pub struct Decoder<const ID: usize, const MESSAGE: usize> {
    /// What is likely is not looked at token by token.
    predicts: bool,
    lexer: Lexer,
    fields: Fields<ID, MESSAGE>,
    pub(super) binary: Binary,
}

impl<const ID: usize, const MESSAGE: usize> Decoder<ID, MESSAGE> {
    /// A decoder that tells the [parts](super::Part) of the kinds in `interest`; it checks and counts all.
    pub const fn new(interest: Interest) -> Self {
        Self { predicts: true, lexer: Lexer::new(), fields: Fields::new(interest), binary: Binary::new() }
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
        self.binary = Binary::new();
    }

    /// Reads the next piece of a text message.
    #[inline(never)]
    pub fn text(&mut self, piece: &[u8], handler: &mut impl Handler) {
        let predicts = self.predicts;
        self.reader(handler).read(predicts, piece);
    }

    /// Ends a text message and tells the handler what it said.
    #[inline(never)]
    pub fn end_text(&mut self, handler: &mut impl Handler) {
        self.reader(handler).deviate();
        let whole = self.lexer.end();
        handler.event(self.fields.event(whole, self.lexer.position()));
        self.lexer.reset();
        self.fields.reset();
    }

    fn reader<'a, H: Handler>(&'a mut self, handler: &'a mut H) -> Reader<'a, H, ID, MESSAGE> {
        Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler }
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
