use heapless::Vec;

use super::{
    Handler, Interest,
    binary::Binary,
    entry::{PARTIAL_ENTRY_BYTES, READS_WHOLE_ENTRIES},
    fields::Fields,
    reader::Reader,
};
use crate::capacity::Capacity;
use crate::json::{Lexer, find};

/// Reads messages in pieces and reports to a [`Handler`] what they say.
///
/// It keeps ids and an exception's message as far as its [`Capacity`] has room for them.
///
/// ```
/// use comfyglow_core::{
///     capacity::GadgetCapacity,
///     event::{Decoder, Event, Handler, Interest, Part},
/// };
///
/// struct LastStep(i64);
///
/// impl Handler for LastStep {
///     fn part(&mut self, _: Part<'_>) {}
///
///     fn event(&mut self, event: Event<'_>) {
///         match event {
///             Event::Progress { value, .. } => self.0 = value.thousandths() / 1_000,
///             Event::Malformed(error) => println!("ignored a message: {error}"),
///             _ => {}
///         }
///     }
/// }
///
/// let mut decoder = Decoder::<GadgetCapacity>::new(Interest::STATE);
/// let mut step = LastStep(0);
/// // The pieces of a message may be cut anywhere.
/// decoder.text(br#"{"type": "progress", "data": {"val"#, &mut step);
/// decoder.text(br#"ue": 7, "max": 20, "prompt_id": "a", "node": "3"}}"#, &mut step);
/// decoder.end_text(&mut step);
/// assert_eq!(step.0, 7);
/// ```
#[derive(Debug)]
// Its methods are not inlined, so each frees its stack before the next one runs.
pub struct Decoder<C: Capacity> {
    /// Whether expected spellings are compared whole rather than read token by token.
    predicts: bool,
    /// The partial entry of `nodes` that the last piece ended with.
    partial_entry: Vec<u8, PARTIAL_ENTRY_BYTES>,
    lexer: Lexer,
    fields: Fields<C>,
    pub(super) binary: Binary,
}

impl<C: Capacity> Decoder<C> {
    /// Creates a decoder that reports the [parts](super::Part) of the kinds in `interest`.
    ///
    /// It checks messages of all kinds and reports their events.
    #[expect(clippy::inline_always, reason = "built in place, not on the stack first")]
    #[inline(always)]
    pub const fn new(interest: Interest) -> Self {
        Self {
            predicts: true,
            lexer: Lexer::new(),
            fields: Fields::new(interest),
            partial_entry: Vec::new(),
            binary: Binary::new(),
        }
    }

    /// Creates a decoder that reads every token by itself and predicts nothing.
    ///
    /// It is slower and reports the same as one made by [`new`](Self::new), which tests compare it with.
    pub const fn strict(interest: Interest) -> Self {
        let mut this = Self::new(interest);
        this.predicts = false;
        this
    }

    /// Forgets an unfinished message, such as one that a lost connection cut off.
    pub fn reset(&mut self) {
        self.lexer.reset();
        self.fields.reset();
        self.partial_entry.clear();
        self.binary = Binary::new();
    }

    /// Reads the next piece of a text message.
    #[inline(never)]
    pub fn text(&mut self, piece: &[u8], handler: &mut impl Handler) {
        let rest = if READS_WHOLE_ENTRIES && !self.partial_entry.is_empty() {
            self.complete_entry(piece, handler)
        } else {
            piece
        };
        let predicts = self.predicts;
        let partial = self.reader(handler).read(predicts, rest);
        if READS_WHOLE_ENTRIES && !partial.is_empty() && self.partial_entry.extend_from_slice(partial).is_err() {
            self.reader(handler).read(false, partial);
        }
    }

    /// Ends a text message and reports its event.
    #[inline(never)]
    pub fn end_text(&mut self, handler: &mut impl Handler) {
        if READS_WHOLE_ENTRIES && !self.partial_entry.is_empty() {
            self.complete_entry(b"", handler);
        }
        self.reader(handler).abandon_prediction();
        handler.event(self.fields.event(&mut self.lexer));
        self.lexer.reset();
        self.fields.reset();
    }

    fn reader<'a, H: Handler>(&'a mut self, handler: &'a mut H) -> Reader<'a, H, C> {
        Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler }
    }

    /// Completes the partial entry from the front of `piece`, reads it, and returns the rest of `piece`.
    ///
    /// An empty `piece` means that the message ended.
    #[inline(never)]
    fn complete_entry<'p>(&mut self, piece: &'p [u8], handler: &mut impl Handler) -> &'p [u8] {
        let end = find(piece, b'}').map(|at| at.saturating_add(1));
        let (end_of_entry, rest) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        let fits = self.partial_entry.extend_from_slice(end_of_entry).is_ok();
        if fits && end.is_none() && !piece.is_empty() {
            return rest;
        }
        let mut reader = Reader { lexer: &mut self.lexer, fields: &mut self.fields, handler };
        let left = reader.read(true, &self.partial_entry);
        // What the prediction left won't get longer: the lexer reads it.
        reader.read(false, left);
        self.partial_entry.clear();
        if fits { rest } else { piece }
    }

    /// Reads the next piece of a binary message.
    #[inline(never)]
    pub fn binary(&mut self, piece: &[u8], handler: &mut impl Handler) {
        self.binary.feed(piece, &mut self.lexer, &mut self.fields, handler);
    }

    /// Ends a binary message and reports its event.
    #[inline(never)]
    pub fn end_binary(&mut self, handler: &mut impl Handler) {
        // Metadata that is not one complete JSON value names nothing. The message is valid all the same.
        if self.lexer.end().is_err() {
            self.fields.found = super::field::FieldSet::NONE;
        }
        handler.event(self.binary.event(&mut self.fields));
        self.reset();
    }
}
