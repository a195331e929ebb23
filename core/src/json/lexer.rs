// Inlined, the parts of a token stay in registers, and a desktop reads twice as fast. On a microcontroller size counts.
#![allow(clippy::inline_always)]

use super::{
    Container, JsonError, JsonErrorKind as Kind, Token, Word,
    scan::{behind_spaces, plain_len},
};
use crate::limits::JSON_DEPTH;

/// What may come next outside of strings, numbers and words, one bit each.
const VALUE: u8 = 1;
const END: u8 = 1 << 1;
const KEY: u8 = 1 << 2;
const COLON: u8 = 1 << 3;
const COMMA: u8 = 1 << 4;

const FIRST_MEMBER: u8 = KEY | END;
const AFTER_VALUE: u8 = COMMA | END;

/// Deeper than any container.
const DEEPEST: u8 = u8::MAX;

/// Reads one JSON text in pieces.
///
/// For each piece call [`next`](Self::next) until it returns `None`, then [`count`](Self::count). After the last piece
/// call [`end`](Self::end). An error stays until [`reset`](Self::reset), which begins the next text.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::json::{Lexer, Token};
/// let mut lexer = Lexer::new();
/// let (mut name, mut number) = (Vec::new(), Vec::new());
/// for piece in [&b"{\"val"[..], b"ue\": 1", b"2}"] {
///     let mut rest = piece;
///     while let Some(token) = lexer.next(&mut rest) {
///         match token {
///             Token::Text(piece, _) if lexer.in_key() => name.extend_from_slice(piece),
///             Token::Number(piece, _) => number.extend_from_slice(piece),
///             _ => {}
///         }
///     }
///     lexer.count(piece, rest)?;
/// }
/// lexer.end()?;
/// assert_eq!((&name[..], &number[..]), (&b"value"[..], &b"12"[..]));
/// # Ok::<(), comfyglow_core::json::JsonError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lexer {
    state: State,
    /// The current text is a member's name.
    in_key: bool,
    /// Containers that are open.
    depth: u8,
    /// Tokens deeper than this are skipped.
    visible_depth: u8,
    /// A high surrogate whose low one may follow; 0 for none.
    high: u16,
    /// Value of the digits after `\u` so far.
    hex: u16,
    /// One bit a container, the innermost lowest: whether it is an object.
    objects: u64,
    /// Bytes read so far; after an error, those before it.
    fed: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// One of these must come next, after whitespace; 0 after the outermost value.
    Expect(u8),
    /// Inside a member's name or a string.
    Text,
    /// After a backslash.
    Escape,
    /// After `\u` and this many digits.
    Hex(u8),
    /// Inside a number.
    Number(NumberState),
    /// Inside a bare word: which, and how many of its bytes were read.
    Word(Word, u8),
    /// The text is not JSON.
    Failed(Kind),
}

/// The part of a number that was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberState {
    Minus,
    /// A leading zero: no digit may follow.
    Zero,
    /// A digit of the integer part.
    Whole,
    Point,
    /// A digit of the fraction.
    Fraction,
    /// `e` or `E`.
    E,
    /// The exponent's sign.
    Sign,
    /// A digit of the exponent.
    Exponent,
}

impl NumberState {
    /// The state after `byte`; `None` if the number can't continue with it.
    const fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus | Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    /// Whether the number may end here.
    const fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Whole | Self::Fraction | Self::Exponent)
    }
}

impl Default for Lexer {
    fn default() -> Self {
        Self::new()
    }
}

impl Lexer {
    /// Creates a lexer for the start of a text.
    pub const fn new() -> Self {
        Self {
            state: State::Expect(VALUE),
            in_key: false,
            depth: 0,
            visible_depth: DEEPEST,
            high: 0,
            hex: 0,
            objects: 0,
            fed: 0,
        }
    }

    /// Forgets everything: the next piece begins a text.
    pub const fn reset(&mut self) {
        self.state = State::Expect(VALUE);
        self.in_key = false;
        // Bits of `objects` past the depth mean nothing.
        self.depth = 0;
        self.visible_depth = DEEPEST;
        self.high = 0;
        self.fed = 0;
    }

    /// Bytes of the text that were read, up to the last [`count`](Self::count).
    pub const fn position(&self) -> u64 {
        self.fed
    }

    /// Ends the text. A number that is the whole text ends here, without a token.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the text was not JSON or ended too early.
    #[inline]
    pub fn end(&mut self) -> Result<(), JsonError> {
        if matches!(self.state, State::Expect(0)) { Ok(()) } else { self.end_slow() }
    }

    #[inline(never)]
    fn end_slow(&mut self) -> Result<(), JsonError> {
        let kind = match self.state {
            State::Number(digits) if self.depth == 0 && digits.may_end() => {
                self.state = State::Expect(0);
                return Ok(());
            }
            State::Failed(kind) => kind,
            _ => Kind::UnexpectedEnd,
        };
        self.state = State::Failed(kind);
        Err(JsonError { at: self.fed, kind })
    }

    /// Counts the bytes of `piece` that [`next`](Self::next) took; it left `rest`.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the text is not JSON; the same again until [`reset`](Self::reset).
    pub fn count(&mut self, piece: &[u8], rest: &[u8]) -> Result<(), JsonError> {
        self.fed = self.fed.wrapping_add(piece.len().wrapping_sub(rest.len()) as u64);
        if let State::Failed(kind) = self.state { Err(JsonError { at: self.fed, kind }) } else { Ok(()) }
    }

    /// Whether the last [`Token::Text`] or [`Token::Character`] belongs to a member's name.
    pub const fn in_key(&self) -> bool {
        self.in_key
    }

    /// Leaves out the tokens of the container that has just begun, its end included. The lexer still checks it.
    pub(crate) const fn skip(&mut self) {
        self.visible_depth = self.depth.saturating_sub(1);
    }

    /// Whether the current object has a member already, so that a comma comes before the next. `None` unless a member
    /// or the object's end comes next and is not skipped.
    #[inline]
    pub(crate) const fn behind_member(&self) -> Option<bool> {
        match self.state {
            State::Expect(AFTER_VALUE) if self.in_object() && self.visible_depth == DEEPEST => Some(true),
            State::Expect(FIRST_MEMBER) if self.visible_depth == DEEPEST => Some(false),
            _ => None,
        }
    }

    /// Whether no byte of the text was read.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.fed == 0 && matches!(self.state, State::Expect(VALUE))
    }

    /// The caller has read the beginnings of the text's first two containers itself: an object in an object.
    pub(crate) const fn take_opening(&mut self) {
        self.depth = 2;
        self.objects = 0b11;
        self.state = State::Expect(FIRST_MEMBER);
    }

    /// The caller has read the ends of all open containers itself; all are objects.
    pub(crate) const fn take_ending(&mut self) {
        self.depth = 0;
        self.objects = 0;
        self.state = State::Expect(0);
    }

    /// The caller has read a member itself.
    pub(crate) const fn take_member(&mut self) {
        self.state = State::Expect(AFTER_VALUE);
    }

    /// The caller has read a member's name and its colon itself.
    pub(crate) const fn take_name(&mut self) {
        self.state = State::Expect(VALUE);
    }

    /// The caller has read the beginning of an object itself, where a value may come and the depth allows it.
    pub(crate) fn take_begin(&mut self) {
        self.open(true);
    }

    /// The caller has read the end of the current container itself, which is not skipped.
    pub(crate) fn take_end(&mut self) {
        self.close();
    }

    /// Takes the next token, or a piece of one, from the front of `rest`. `None` if nothing is left, or if what is left
    /// is not JSON: then [`count`](Self::count) returns the error.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn next<'p>(&mut self, rest: &mut &'p [u8]) -> Option<Token<'p>> {
        loop {
            let (&byte, after) = rest.split_first()?;
            let token = match self.state {
                State::Text => {
                    if self.high != 0 && byte != b'\\' {
                        // No low surrogate follows the high one.
                        self.high = 0;
                        Token::Character(char::REPLACEMENT_CHARACTER)
                    } else {
                        self.in_text(rest)?
                    }
                }
                State::Expect(expected) => self.structure(expected, byte, after, rest)?,
                State::Number(digits) => self.in_number(digits, 0, rest)?,
                State::Escape => {
                    let decoded = match byte {
                        b'u' => {
                            self.state = State::Hex(0);
                            self.hex = 0;
                            *rest = after;
                            continue;
                        }
                        b'"' | b'\\' | b'/' => byte,
                        b'b' => 0x08,
                        b'f' => 0x0c,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        _ => return self.fail(Kind::InvalidEscape),
                    };
                    if let Some(lone) = self.lone_surrogate() {
                        lone
                    } else {
                        self.state = State::Text;
                        *rest = after;
                        Token::Character(char::from(decoded))
                    }
                }
                State::Hex(count) => self.in_hex(count, byte, after, rest)?,
                State::Word(word, read) => {
                    let spelled = word.spelling();
                    if spelled.get(usize::from(read)) != Some(&byte) {
                        return self.fail(Kind::UnexpectedByte);
                    }
                    *rest = after;
                    let read = read.saturating_add(1);
                    if usize::from(read) < spelled.len() {
                        self.state = State::Word(word, read);
                        continue;
                    }
                    self.end_value();
                    Token::Word(word)
                }
                State::Failed(_) => return None,
            };
            if self.depth <= self.visible_depth && !matches!(token, Token::Nothing) {
                return Some(token);
            }
        }
    }

    fn fail<T>(&mut self, kind: Kind) -> Option<T> {
        self.state = State::Failed(kind);
        None
    }

    /// Reads `byte` outside of strings, numbers and words, and as much of the value that it begins as is there.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn structure<'p>(&mut self, expected: u8, byte: u8, after: &'p [u8], rest: &mut &'p [u8]) -> Option<Token<'p>> {
        let may = |what| expected & what != 0;
        self.state = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                *rest = behind_spaces(after);
                return Some(Token::Nothing);
            }
            b'"' if may(KEY | VALUE) => {
                self.in_key = may(KEY);
                self.state = State::Text;
                *rest = after;
                return if after.is_empty() { Some(Token::Nothing) } else { self.in_text(rest) };
            }
            b',' | b':' if may(COMMA | COLON) && may(COMMA) == (byte == b',') => {
                let next = if byte == b',' && self.in_object() { KEY } else { VALUE };
                self.state = State::Expect(next);
                *rest = behind_spaces(after);
                return Some(Token::Nothing);
            }
            b'}' | b']' if may(END) && self.in_object() == (byte == b'}') => {
                *rest = after;
                return Some(self.close());
            }
            b'{' | b'[' if may(VALUE) => {
                if self.depth >= JSON_DEPTH {
                    return self.fail(Kind::TooDeep);
                }
                *rest = after;
                return Some(Token::Begin(self.open(byte == b'{')));
            }
            b'-' if may(VALUE) => return self.in_number(NumberState::Minus, 1, rest),
            b'0' if may(VALUE) => return self.in_number(NumberState::Zero, 1, rest),
            b'1'..=b'9' if may(VALUE) => return self.in_number(NumberState::Whole, 1, rest),
            b'n' if may(VALUE) => State::Word(Word::Null, 1),
            b't' if may(VALUE) => State::Word(Word::True, 1),
            b'f' if may(VALUE) => State::Word(Word::False, 1),
            b'N' if may(VALUE) => State::Word(Word::NaN, 1),
            b'I' if may(VALUE) => State::Word(Word::Infinity, 1),
            b'+' if may(VALUE) => return self.fail(Kind::InvalidNumber),
            _ => return self.fail(Kind::UnexpectedByte),
        };
        *rest = after;
        Some(Token::Nothing)
    }

    /// Begins a container.
    fn open(&mut self, is_object: bool) -> Container {
        self.objects = (self.objects << 1) | u64::from(is_object);
        self.depth = self.depth.saturating_add(1);
        self.state = State::Expect(if is_object { FIRST_MEMBER } else { VALUE | END });
        if is_object { Container::Object } else { Container::Array }
    }

    /// Ends the current container. The end of a skipped one makes no token.
    fn close<'p>(&mut self) -> Token<'p> {
        let container = if self.in_object() { Container::Object } else { Container::Array };
        self.objects >>= 1;
        self.depth = self.depth.saturating_sub(1);
        self.end_value();
        if self.depth == self.visible_depth {
            self.visible_depth = DEEPEST;
            return Token::Nothing;
        }
        Token::End(container)
    }

    const fn end_value(&mut self) {
        self.state = State::Expect(if self.depth == 0 { 0 } else { AFTER_VALUE });
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 != 0
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn in_text<'p>(&mut self, rest: &mut &'p [u8]) -> Option<Token<'p>> {
        let (plain, special) = rest.split_at_checked(plain_len(rest))?;
        *rest = special;
        let Some((&byte, after)) = special.split_first() else { return Some(Token::Text(plain, false)) };
        match byte {
            b'"' if self.in_key => self.state = State::Expect(COLON),
            b'"' => self.end_value(),
            b'\\' => self.state = State::Escape,
            // The bytes before it come first, as they do when a piece ends there.
            _ if !plain.is_empty() => return Some(Token::Text(plain, false)),
            _ => return self.fail(Kind::ControlCharacter),
        }
        *rest = after;
        Some(Token::Text(plain, byte == b'"'))
    }

    fn in_hex<'p>(&mut self, count: u8, byte: u8, after: &'p [u8], rest: &mut &'p [u8]) -> Option<Token<'p>> {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        let Some(digit) = digit else { return self.fail(Kind::InvalidEscape) };
        let value = (self.hex << 4) | digit;
        if count < 3 {
            self.hex = value;
            self.state = State::Hex(count.saturating_add(1));
            *rest = after;
            return Some(Token::Nothing);
        }
        let is_low = matches!(value, 0xdc00..=0xdfff);
        if !is_low && let Some(lone) = self.lone_surrogate() {
            // The next call reads this digit again.
            return Some(lone);
        }
        self.state = State::Text;
        *rest = after;
        let high = core::mem::take(&mut self.high);
        let code = match value {
            0xd800..=0xdbff => {
                self.high = value;
                return Some(Token::Nothing);
            }
            // Both halves carry ten bits.
            0xdc00..=0xdfff if high != 0 => {
                0x1_0000_u32.wrapping_add((u32::from(high) & 0x3ff) << 10 | u32::from(value) & 0x3ff)
            }
            // A lone low surrogate is not a character.
            _ => u32::from(value),
        };
        Some(Token::Character(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)))
    }

    /// The replacement of a high surrogate without a low one.
    fn lone_surrogate<'p>(&mut self) -> Option<Token<'p>> {
        (core::mem::take(&mut self.high) != 0).then_some(Token::Character(char::REPLACEMENT_CHARACTER))
    }

    /// Continues a number; `digits` is its state after the first `len` bytes of `rest`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn in_number<'p>(&mut self, mut digits: NumberState, mut len: usize, rest: &mut &'p [u8]) -> Option<Token<'p>> {
        let piece = *rest;
        let ends = loop {
            let Some(&byte) = piece.get(len) else { break false };
            match digits.next(byte) {
                Some(next) => digits = next,
                None if digits.may_end() && !byte.is_ascii_digit() => break true,
                None => {
                    let (number, after) = piece.split_at_checked(len)?;
                    *rest = after;
                    if digits != NumberState::Minus || byte != b'I' {
                        return self.fail(Kind::InvalidNumber);
                    }
                    // The minus was returned as a number's piece; the word that follows corrects it.
                    self.state = State::Word(Word::NegInfinity, 1);
                    return Some(Token::Number(number, false));
                }
            }
            len = len.saturating_add(1);
        };
        let (number, after) = piece.split_at_checked(len)?;
        *rest = after;
        if ends {
            self.end_value();
        } else {
            self.state = State::Number(digits);
        }
        Some(Token::Number(number, ends))
    }
}
