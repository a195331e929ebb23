use super::{Container, JsonError, JsonErrorKind as Kind, Visitor, Word, scan::plain_len};
use crate::limits::JSON_DEPTH;

/// Reads one JSON text in pieces.
///
/// Feed it all pieces with [`feed`](Self::feed), then ask [`finish`](Self::finish) whether the text was whole. An error
/// stays until [`reset`](Self::reset), which begins the next text.
#[derive(Clone, Debug)]
pub struct Lexer {
    state: State,
    /// How many containers are open.
    depth: u8,
    /// Bit n tells whether the container of depth n + 1 is an object.
    objects: u64,
    /// Bytes of the pieces before this one.
    fed: u64,
    /// The pieces of the text or number at hand go to the visitor.
    wanted: bool,
    /// A high surrogate whose low one may follow; 0 for none.
    high: u16,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A value must begin.
    Value,
    /// Behind `[`: a value or the array's end.
    ValueOrEnd,
    /// Behind `{`: a key or the object's end.
    KeyOrEnd,
    /// Behind a comma in an object.
    Key,
    /// Behind a key.
    Colon,
    /// Behind a value inside a container.
    CommaOrEnd,
    /// Behind the outermost value.
    Done,
    /// Inside a text.
    Text(Role),
    /// Behind a backslash.
    Escape(Role),
    /// Behind `\u`: how many digits were read, and their value.
    Hex(Role, u8, u16),
    /// Inside a number.
    Number(Digits),
    /// Inside a bare word: which, and how many of its bytes were read.
    Word(Word, u8),
    /// The text is no JSON.
    Failed(JsonError),
}

/// Whether a text is a member's name or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

/// How much of a number was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digits {
    /// The minus.
    Minus,
    /// A zero that leads: no digit may follow.
    Zero,
    /// Digits of the whole part.
    Whole,
    /// The point.
    Point,
    /// Digits of the fraction.
    Fraction,
    /// The e.
    E,
    /// The exponent's sign.
    Sign,
    /// Digits of the exponent.
    Exponent,
}

impl Digits {
    /// Where `byte` leads; `None` where the number can't go on with it.
    const fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
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

const fn spelling(word: Word) -> &'static [u8] {
    match word {
        Word::Null => b"null",
        Word::True => b"true",
        Word::False => b"false",
        Word::NaN => b"NaN",
        Word::Infinity => b"Infinity",
        Word::NegInfinity => b"-Infinity",
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[inline]
fn behind_spaces(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|b| is_space(**b)).count();
    bytes.get(spaces..).unwrap_or_default()
}

impl Default for Lexer {
    fn default() -> Self {
        Self::new()
    }
}

impl Lexer {
    /// A lexer at a text's start.
    pub const fn new() -> Self {
        Self { state: State::Value, depth: 0, objects: 0, fed: 0, wanted: false, high: 0 }
    }

    /// Forgets everything: the next piece is a text's first.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// How many bytes the pieces so far had.
    pub const fn position(&self) -> u64 {
        self.fed
    }

    /// Reads the text's next piece.
    ///
    /// # Errors
    ///
    /// [`JsonError`] where the text is no JSON; it stays the answer until [`reset`](Self::reset).
    pub fn feed<V: Visitor>(&mut self, piece: &[u8], visitor: &mut V) -> Result<(), JsonError> {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = self.feed_some(rest, visitor)?;
        }
        self.check()
    }

    /// Reads the text's next piece up to where the visitor [predicts](Visitor::predicts) what comes, and returns the rest.
    pub(crate) fn feed_some<'a, V: Visitor>(
        &mut self,
        piece: &'a [u8],
        visitor: &mut V,
    ) -> Result<&'a [u8], JsonError> {
        self.check()?;
        let mut rest = piece;
        let result = loop {
            match self.step(rest, visitor) {
                Ok(left) => rest = left,
                Err((kind, left)) => {
                    let read = piece.len().saturating_sub(left.len());
                    break Err(JsonError { at: self.fed.saturating_add(read as u64), kind });
                }
            }
            let at_member = matches!(self.state, State::CommaOrEnd | State::KeyOrEnd);
            if rest.is_empty() || (at_member && visitor.predicts()) {
                break Ok(rest);
            }
        };
        self.fed = self.fed.saturating_add(piece.len().saturating_sub(rest.len()) as u64);
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    fn check(&self) -> Result<(), JsonError> {
        if let State::Failed(error) = self.state { Err(error) } else { Ok(()) }
    }

    /// Counts bytes that somebody else has read.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.fed = self.fed.saturating_add(bytes as u64);
    }

    /// Whether nothing was read yet.
    pub(crate) const fn is_at_start(&self) -> bool {
        self.depth == 0 && matches!(self.state, State::Value)
    }

    /// Whether an object's first member or its end comes.
    pub(crate) const fn is_before_first_member(&self) -> bool {
        matches!(self.state, State::KeyOrEnd)
    }

    /// Whether a comma or the end of an object comes.
    pub(crate) const fn is_behind_member(&self) -> bool {
        matches!(self.state, State::CommaOrEnd) && self.in_object()
    }

    /// Somebody else has read the beginning of an object where a value must stand; the depth is known to suffice.
    pub(crate) fn open_object(&mut self) {
        self.objects = (self.objects << 1) | 1;
        self.depth = self.depth.saturating_add(1);
        self.state = State::KeyOrEnd;
    }

    /// Somebody else has read the end of an object.
    pub(crate) fn close_object(&mut self) {
        self.objects >>= 1;
        self.depth = self.depth.saturating_sub(1);
        self.end_value();
    }

    /// Somebody else has read a member of an object.
    pub(crate) const fn take_member(&mut self) {
        self.state = State::CommaOrEnd;
    }

    /// Ends the text.
    ///
    /// # Errors
    ///
    /// [`JsonError`] where the text was no JSON, or ended too early.
    pub fn finish<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), JsonError> {
        match self.state {
            State::Done => Ok(()),
            State::Failed(error) => Err(error),
            State::Number(digits) if self.depth == 0 && digits.may_end() => {
                visitor.end_number(0);
                self.state = State::Done;
                Ok(())
            }
            _ => {
                let error = JsonError { at: self.fed, kind: Kind::UnexpectedEnd };
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// Reads as much of `rest` as belongs together. The error comes with the bytes from the offending one on.
    ///
    /// What comes next most often is gone on with at once, which spares asking for the state at each byte.
    #[inline]
    fn step<'a, V: Visitor>(&mut self, rest: &'a [u8], visitor: &mut V) -> Result<&'a [u8], (Kind, &'a [u8])> {
        let Some((&byte, behind)) = rest.split_first() else { return Ok(rest) };
        match self.state {
            State::Text(role) => return self.in_text(role, rest, visitor),
            State::Number(digits) => return self.in_number(digits, 0, rest, visitor),
            State::Escape(role) => self.escape(role, byte, visitor).ok_or((Kind::InvalidEscape, rest))?,
            State::Hex(role, count, value) => {
                self.hex(role, count, value, byte, visitor).ok_or((Kind::InvalidEscape, rest))?;
            }
            State::Word(word, read) => self.in_word(word, read, byte, visitor).ok_or((Kind::UnexpectedByte, rest))?,
            _ if is_space(byte) => return Ok(behind_spaces(behind)),
            State::ValueOrEnd if byte == b']' => self.close(Container::Array, visitor),
            State::Value | State::ValueOrEnd => return self.begin_value(rest, visitor),
            State::KeyOrEnd if byte == b'}' => self.close(Container::Object, visitor),
            State::KeyOrEnd | State::Key if byte == b'"' => return self.begin_member(behind, visitor),
            State::Colon if byte == b':' => {
                self.state = State::Value;
                return self.begin_value(behind_spaces(behind), visitor);
            }
            State::CommaOrEnd => match (self.in_object(), byte) {
                (true, b',') => {
                    self.state = State::Key;
                    return match behind_spaces(behind) {
                        [b'"', key @ ..] => self.begin_member(key, visitor),
                        other => Ok(other),
                    };
                }
                (false, b',') => self.state = State::Value,
                (true, b'}') => self.close(Container::Object, visitor),
                (false, b']') => self.close(Container::Array, visitor),
                _ => return Err((Kind::UnexpectedByte, rest)),
            },
            State::KeyOrEnd | State::Key | State::Colon | State::Done | State::Failed(_) => {
                return Err((Kind::UnexpectedByte, rest));
            }
        }
        Ok(behind)
    }

    /// Reads a member behind its name's opening quote, as far as it is there and simple.
    #[inline]
    fn begin_member<'a, V: Visitor>(&mut self, rest: &'a [u8], visitor: &mut V) -> Result<&'a [u8], (Kind, &'a [u8])> {
        self.wanted = visitor.wants_key();
        self.state = State::Text(Role::Key);
        let behind = self.in_text(Role::Key, rest, visitor)?;
        match (self.state, behind) {
            (State::Colon, [b':', value @ ..]) => {
                self.state = State::Value;
                self.begin_value(behind_spaces(value), visitor)
            }
            _ => Ok(behind),
        }
    }

    #[inline]
    fn begin_value<'a, V: Visitor>(&mut self, rest: &'a [u8], visitor: &mut V) -> Result<&'a [u8], (Kind, &'a [u8])> {
        let Some((&byte, behind)) = rest.split_first() else { return Ok(rest) };
        match byte {
            b'"' => {
                self.wanted = visitor.wants_value();
                self.state = State::Text(Role::Value);
                return self.in_text(Role::Value, behind, visitor);
            }
            b'{' | b'[' => {
                if self.depth >= JSON_DEPTH {
                    return Err((Kind::TooDeep, rest));
                }
                let container = if byte == b'{' { Container::Object } else { Container::Array };
                self.objects = (self.objects << 1) | u64::from(byte == b'{');
                self.depth = self.depth.saturating_add(1);
                self.state = if byte == b'{' { State::KeyOrEnd } else { State::ValueOrEnd };
                visitor.begin(container, self.depth);
            }
            b'-' => return self.begin_number(Digits::Minus, rest, visitor),
            b'0' => return self.begin_number(Digits::Zero, rest, visitor),
            b'1'..=b'9' => return self.begin_number(Digits::Whole, rest, visitor),
            b'n' => self.state = State::Word(Word::Null, 1),
            b't' => self.state = State::Word(Word::True, 1),
            b'f' => self.state = State::Word(Word::False, 1),
            b'N' => self.state = State::Word(Word::NaN, 1),
            b'I' => self.state = State::Word(Word::Infinity, 1),
            b'+' => return Err((Kind::InvalidNumber, rest)),
            _ => return Err((Kind::UnexpectedByte, rest)),
        }
        Ok(behind)
    }

    fn close<V: Visitor>(&mut self, container: Container, visitor: &mut V) {
        visitor.end(container, self.depth);
        self.objects >>= 1;
        self.depth = self.depth.saturating_sub(1);
        self.end_value();
    }

    fn end_value(&mut self) {
        self.state = if self.depth == 0 { State::Done } else { State::CommaOrEnd };
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 != 0
    }

    fn in_text<'a, V: Visitor>(
        &mut self,
        role: Role,
        rest: &'a [u8],
        visitor: &mut V,
    ) -> Result<&'a [u8], (Kind, &'a [u8])> {
        let (plain, special) = rest.split_at_checked(plain_len(rest)).unwrap_or((rest, &[]));
        if !plain.is_empty() {
            self.give_up_surrogate(role, visitor);
            self.piece(role, plain, visitor);
        }
        let Some((&byte, behind)) = special.split_first() else { return Ok(special) };
        match byte {
            b'"' => {
                self.give_up_surrogate(role, visitor);
                if role == Role::Key {
                    visitor.end_key(self.depth);
                    self.state = State::Colon;
                } else {
                    visitor.end_text(self.depth);
                    self.end_value();
                }
            }
            b'\\' => self.state = State::Escape(role),
            _ => return Err((Kind::ControlCharacter, special)),
        }
        Ok(behind)
    }

    fn escape<V: Visitor>(&mut self, role: Role, byte: u8, visitor: &mut V) -> Option<()> {
        let decoded: &[u8] = match byte {
            b'"' => b"\"",
            b'\\' => b"\\",
            b'/' => b"/",
            b'b' => b"\x08",
            b'f' => b"\x0c",
            b'n' => b"\n",
            b'r' => b"\r",
            b't' => b"\t",
            b'u' => {
                self.state = State::Hex(role, 0, 0);
                return Some(());
            }
            _ => return None,
        };
        self.give_up_surrogate(role, visitor);
        self.piece(role, decoded, visitor);
        self.state = State::Text(role);
        Some(())
    }

    fn hex<V: Visitor>(&mut self, role: Role, count: u8, value: u16, byte: u8, visitor: &mut V) -> Option<()> {
        let digit = char::from(byte).to_digit(16).and_then(|d| u16::try_from(d).ok())?;
        let value = (value << 4) | digit;
        if count < 3 {
            self.state = State::Hex(role, count.saturating_add(1), value);
            return Some(());
        }
        self.state = State::Text(role);
        match value {
            0xd800..=0xdbff => {
                self.give_up_surrogate(role, visitor);
                self.high = value;
            }
            0xdc00..=0xdfff if self.high != 0 => {
                let pair = [core::mem::take(&mut self.high), value];
                for decoded in char::decode_utf16(pair) {
                    self.character(role, decoded.unwrap_or(char::REPLACEMENT_CHARACTER), visitor);
                }
            }
            _ => {
                self.give_up_surrogate(role, visitor);
                // A low surrogate that stands alone is no character.
                let decoded = char::from_u32(u32::from(value)).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.character(role, decoded, visitor);
            }
        }
        Some(())
    }

    /// A high surrogate that no low one followed becomes U+FFFD.
    #[inline]
    fn give_up_surrogate<V: Visitor>(&mut self, role: Role, visitor: &mut V) {
        if self.high != 0 {
            self.high = 0;
            self.character(role, char::REPLACEMENT_CHARACTER, visitor);
        }
    }

    fn character<V: Visitor>(&self, role: Role, character: char, visitor: &mut V) {
        let mut utf8 = [0; 4];
        self.piece(role, character.encode_utf8(&mut utf8).as_bytes(), visitor);
    }

    #[inline]
    fn piece<V: Visitor>(&self, role: Role, piece: &[u8], visitor: &mut V) {
        if self.wanted {
            match role {
                Role::Key => visitor.key(piece, self.depth),
                Role::Value => visitor.text(piece),
            }
        }
    }

    #[inline]
    fn begin_number<'a, V: Visitor>(
        &mut self,
        digits: Digits,
        rest: &'a [u8],
        visitor: &mut V,
    ) -> Result<&'a [u8], (Kind, &'a [u8])> {
        self.wanted = visitor.wants_value();
        self.in_number(digits, 1, rest, visitor)
    }

    /// Reads on in a number, of which the first `len` bytes of `rest` have led to `digits`.
    fn in_number<'a, V: Visitor>(
        &mut self,
        mut digits: Digits,
        mut len: usize,
        rest: &'a [u8],
        visitor: &mut V,
    ) -> Result<&'a [u8], (Kind, &'a [u8])> {
        for &byte in rest.get(len..).unwrap_or_default() {
            match digits.next(byte) {
                Some(next) => digits = next,
                None if digits == Digits::Minus && byte == b'I' => {
                    // The minus may be out as a number's first piece; the word says what it really is.
                    self.state = State::Word(Word::NegInfinity, 2);
                    return Ok(rest.get(len.saturating_add(1)..).unwrap_or_default());
                }
                None if digits.may_end() && !byte.is_ascii_digit() => {
                    let (piece, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
                    if self.wanted && !piece.is_empty() {
                        visitor.number(piece);
                    }
                    visitor.end_number(self.depth);
                    self.end_value();
                    return Ok(behind);
                }
                None => return Err((Kind::InvalidNumber, rest.get(len..).unwrap_or_default())),
            }
            len = len.saturating_add(1);
        }
        if self.wanted {
            visitor.number(rest);
        }
        self.state = State::Number(digits);
        Ok(&[])
    }

    fn in_word<V: Visitor>(&mut self, word: Word, read: u8, byte: u8, visitor: &mut V) -> Option<()> {
        let spelled = spelling(word);
        if *spelled.get(usize::from(read))? != byte {
            return None;
        }
        let read = read.saturating_add(1);
        if usize::from(read) == spelled.len() {
            visitor.word(word, self.depth);
            self.end_value();
        } else {
            self.state = State::Word(word, read);
        }
        Some(())
    }
}
