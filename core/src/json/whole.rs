//! Members and elements that stand whole in a piece, read in one go.

use super::{
    Container, Lexer, Word,
    scan::{behind_spaces, plain_len, same},
};

/// Why something was not read from a piece. It is all there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The piece ends amid it.
    Cut,
    /// It is out of the ordinary.
    Odd,
}

/// A member's name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'p> {
    /// An element of an array has none.
    None,
    /// The one that was likely.
    Likely,
    /// Any other.
    Other(&'p [u8]),
}

/// A value, as far as it can be told at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'p> {
    Text(&'p [u8]),
    Number(&'p [u8]),
    Word(Word),
    /// A container begins.
    Begin(Container),
    /// There is none: the container at hand ends.
    End,
}

impl Lexer {
    /// Takes the next member or element, or the end of the container at hand, from the front of `rest`. `likely` is how
    /// a likely member goes on behind its name's opening quote.
    ///
    /// It means what [`next`](Self::next) would say of the same bytes, and leaves to that what is spelled with escapes or
    /// exponents, or isn't whole.
    #[inline]
    pub(crate) fn whole<'p>(&mut self, rest: &mut &'p [u8], likely: &[u8]) -> Result<(Name<'p>, Value<'p>), Miss> {
        let behind_value = self.behind_value().ok_or(Miss::Odd)?;
        let mut cursor = Cursor(rest);
        let first = cursor.peek()?;
        if matches!(first, b'}' | b']') {
            if self.in_object() != (first == b'}') {
                return Err(Miss::Odd);
            }
            *rest = cursor.0.get(1..).unwrap_or_default();
            self.close();
            return Ok((Name::None, Value::End));
        }
        if behind_value {
            cursor.byte(b',')?;
        }
        let mut name = Name::None;
        if self.in_object() {
            cursor.expect(b"\"")?;
            name = Name::Likely;
            if cursor.expect(likely).is_err() {
                name = Name::Other(cursor.text()?);
                cursor.byte(b':')?;
            }
        }
        let value = match cursor.peek()? {
            b'"' => {
                cursor.expect(b"\"")?;
                Value::Text(cursor.text()?)
            }
            b'0'..=b'9' => Value::Number(cursor.number()?),
            b'n' => cursor.word(Word::Null)?,
            b't' => cursor.word(Word::True)?,
            b'f' => cursor.word(Word::False)?,
            open @ (b'{' | b'[') if !self.is_deep() => {
                *rest = cursor.0.get(1..).unwrap_or_default();
                return Ok((name, Value::Begin(self.open(open == b'{'))));
            }
            _ => return Err(Miss::Odd),
        };
        *rest = cursor.0;
        self.take_value();
        Ok((name, value))
    }
}

/// What is left of a piece. Each method takes what it names from the front, or says why it can't.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'p>(pub(crate) &'p [u8]);

impl<'p> Cursor<'p> {
    #[inline]
    pub(crate) fn expect(&mut self, literal: &[u8]) -> Result<(), Miss> {
        let (front, behind) = self.0.split_at_checked(literal.len()).ok_or(Miss::Cut)?;
        if !same(front, literal) {
            return Err(Miss::Odd);
        }
        self.0 = behind;
        Ok(())
    }

    /// A text without escapes, behind its opening quote.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'p [u8], Miss> {
        let (text, behind) = self.0.split_at_checked(plain_len(self.0)).ok_or(Miss::Cut)?;
        match behind {
            [b'"', behind @ ..] => {
                self.0 = behind;
                Ok(text)
            }
            [] => Err(Miss::Cut),
            _ => Err(Miss::Odd),
        }
    }

    /// A number without minus and exponent, and the byte behind it that ends it, which stays.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'p [u8], Miss> {
        let digits = |from: usize| self.0.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(0);
        let mut len = whole;
        if self.0.get(whole) == Some(&b'.') {
            let fraction = digits(whole.saturating_add(1));
            if fraction == 0 {
                return Err(Miss::Odd);
            }
            len = whole.saturating_add(fraction).saturating_add(1);
        }
        let (number, behind) = self.0.split_at_checked(len).ok_or(Miss::Cut)?;
        let leads_with_zero = whole > 1 && number.first() == Some(&b'0');
        match behind.first().ok_or(Miss::Cut)? {
            b',' | b'}' | b']' | b' ' if whole > 0 && !leads_with_zero => {}
            _ => return Err(Miss::Odd),
        }
        self.0 = behind;
        Ok(number)
    }

    /// The next byte behind spaces, which stays.
    #[inline]
    fn peek(&mut self) -> Result<u8, Miss> {
        self.0 = behind_spaces(self.0);
        self.0.first().copied().ok_or(Miss::Cut)
    }

    /// `byte` amid spaces.
    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), Miss> {
        if self.peek()? != byte {
            return Err(Miss::Odd);
        }
        self.0 = behind_spaces(self.0.get(1..).unwrap_or_default());
        Ok(())
    }

    fn word(&mut self, word: Word) -> Result<Value<'p>, Miss> {
        self.expect(word.spelling())?;
        Ok(Value::Word(word))
    }
}
