//! The server's numbers in thousandths, without floating point.

use core::fmt;

use crate::limits::STEP_MILLIS;

/// A number in thousandths, clamped to ± [`STEP_MILLIS`].
///
/// [`Display`](fmt::Display) writes it with as few digits as possible: `5`, `0.37`.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{limits::STEP_MILLIS, number::Milli};
/// let number = Milli::from_thousandths(370);
/// assert_eq!((number.thousandths(), number.to_string()), (370, "0.37".to_owned()));
/// assert_eq!(Milli::from_thousandths(i64::MAX).thousandths(), STEP_MILLIS);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Milli(i64);

/// The most digits that [`take_whole`] reads.
const FEW_DIGITS: u32 = 6;

impl Milli {
    /// The number `thousandths` / 1000, clamped.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        if thousandths > STEP_MILLIS {
            Self(STEP_MILLIS)
        } else if thousandths < -STEP_MILLIS {
            Self(-STEP_MILLIS)
        } else {
            Self(thousandths)
        }
    }

    /// A whole number, as [`take_whole`] returns it.
    #[inline]
    pub(crate) const fn whole(number: u32) -> Self {
        Self(number.wrapping_mul(1_000) as i64)
    }

    /// The number in thousandths, ± [`STEP_MILLIS`].
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

/// The whole number at the front of `piece` and the bytes after it. `None` without a digit, after a leading zero, or
/// with more than [`FEW_DIGITS`].
#[inline]
pub(crate) fn take_whole(piece: &[u8]) -> Option<(u32, &[u8])> {
    let (mut number, mut digits, mut after) = (0_u32, 0_u32, piece);
    while let [byte, rest @ ..] = after {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        let leads_with_zero = number == 0 && digits != 0;
        if leads_with_zero || digits == FEW_DIGITS {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u32::from(digit));
        digits = digits.wrapping_add(1);
        after = rest;
    }
    (digits != 0).then_some((number, after))
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        let sign = if self.0 < 0 { "-" } else { "" };
        match fraction {
            0 => write!(f, "{sign}{whole}"),
            _ if fraction % 100 == 0 => write!(f, "{sign}{whole}.{}", fraction / 100),
            _ if fraction % 10 == 0 => write!(f, "{sign}{whole}.{:02}", fraction / 10),
            _ => write!(f, "{sign}{whole}.{fraction:03}"),
        }
    }
}

/// Reads the literal of a JSON number in pieces, of any length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    /// The first significant digits.
    mantissa: u64,
    /// The power of ten that the mantissa lacks: digits past it add one, digits of the fraction take one away.
    scale: i32,
    /// The digits after the `e`, without their sign.
    exponent: i32,
    negative: bool,
    negative_exponent: bool,
    /// A digit did not fit into the mantissa, so no later one may.
    full: bool,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Fraction,
    Exponent,
}

impl Literal {
    /// A literal before its first byte.
    pub(crate) const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
        exponent: 0,
        negative: false,
        negative_exponent: false,
        full: false,
        part: Part::Whole,
    };

    /// Reads the next piece, which the lexer has checked.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        for &byte in piece {
            let digit = byte.wrapping_sub(b'0');
            match byte {
                b'-' if self.part == Part::Exponent => self.negative_exponent = true,
                b'-' => self.negative = true,
                b'.' => self.part = Part::Fraction,
                b'e' | b'E' => self.part = Part::Exponent,
                _ if digit > 9 => {}
                _ if self.part == Part::Exponent => {
                    self.exponent = self.exponent.saturating_mul(10).saturating_add(i32::from(digit));
                }
                _ => self.digit(digit),
            }
        }
    }

    #[inline]
    fn digit(&mut self, digit: u8) {
        const MOST: u64 = u64::MAX / 10;
        self.full |= self.mantissa > MOST || (self.mantissa == MOST && digit > 5);
        if !self.full {
            self.mantissa = self.mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        // Past the mantissa, each digit of the whole part multiplies the number by ten.
        let power = i32::from(self.full).wrapping_sub(i32::from(self.part == Part::Fraction));
        self.scale = self.scale.saturating_add(power);
    }

    /// The number, rounded to the nearest thousandth (halves away from zero) and clamped.
    pub(crate) fn milli(&self) -> Milli {
        let exponent = if self.negative_exponent { self.exponent.saturating_neg() } else { self.exponent };
        let mut power = self.scale.saturating_add(exponent).saturating_add(3);
        let mut magnitude = self.mantissa;
        while power > 0 && (1..=STEP_MILLIS.unsigned_abs()).contains(&magnitude) {
            magnitude = magnitude.wrapping_mul(10);
            power = power.wrapping_sub(1);
        }
        let mut round_up = false;
        while power < 0 && (magnitude != 0 || round_up) {
            round_up = magnitude % 10 >= 5;
            magnitude /= 10;
            power = power.wrapping_add(1);
        }
        let magnitude = i64::try_from(magnitude.saturating_add(u64::from(round_up))).unwrap_or(i64::MAX);
        Milli::from_thousandths(if self.negative { magnitude.saturating_neg() } else { magnitude })
    }

    /// The number; `None` with a fraction or exponent, or outside of `0..2^64`.
    pub(crate) fn u64(&self) -> Option<u64> {
        let plain = self.part == Part::Whole && !self.full && (!self.negative || self.mantissa == 0);
        plain.then_some(self.mantissa)
    }
}

/// The number that the digits spell; `None` if they are empty, not digits only, or above `u64::MAX`.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    let mut number = None;
    for byte in digits {
        let digit = u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        number = Some(number.unwrap_or(0_u64).checked_mul(10)?.checked_add(digit)?);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::ToString};

    fn milli(literal: &str) -> i64 {
        let (mut whole, mut pieces) = (Literal::ZERO, Literal::ZERO);
        whole.push(literal.as_bytes());
        literal.as_bytes().chunks(1).for_each(|p| pieces.push(p));
        assert_eq!(whole.milli(), pieces.milli(), "{literal}");
        whole.milli().0
    }

    #[test]
    fn milli_literal_of_every_form_is_rounded() {
        for (literal, thousandths) in [
            ("0", 0),
            ("-0", 0),
            ("0.0", 0),
            ("20", 20_000),
            ("-3", -3_000),
            ("0.37", 370),
            ("2.2199999999999998", 2_220),
            ("1e3", 1_000_000),
            ("1E+3", 1_000_000),
            ("12345e-3", 12_345),
            ("12345e-7", 1),
            ("0.0004", 0),
            ("0.0005", 1),
            ("-0.0005", -1),
            ("0.9995", 1_000),
            ("1e-9999999999999999999999", 0),
            ("0e99999999999999999999999", 0),
            ("1e999", STEP_MILLIS),
            ("-1e999", -STEP_MILLIS),
            ("123456789012345678901234567890", STEP_MILLIS),
            ("123456789012345678901234567890e-28", 12_346),
            ("0.00000000000000000000000000000000123e32", 123),
        ] {
            assert_eq!(milli(literal), thousandths, "{literal}");
        }
    }

    #[test]
    fn milli_at_and_above_the_limit_is_clamped() {
        assert_eq!(milli("1099511627775.999"), STEP_MILLIS - 1);
        assert_eq!(milli("1099511627776"), STEP_MILLIS);
        assert_eq!(milli("1099511627776.001"), STEP_MILLIS);
        assert_eq!(milli("-1099511627777"), -STEP_MILLIS);
    }

    #[test]
    fn u64_fraction_exponent_sign_or_overflow_is_none() {
        let read = |literal: &str| {
            let mut l = Literal::ZERO;
            l.push(literal.as_bytes());
            l.u64()
        };
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("-0"), Some(0));
        assert_eq!(read("18446744073709551615"), Some(u64::MAX));
        for refused in
            ["18446744073709551616", "184467440737095516190", "-1", "1.0", "1e0", "1e2", "99999999999999999999999999"]
        {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn milli_display_has_as_few_digits_as_possible() {
        for (thousandths, text) in [(5_000, "5"), (370, "0.37"), (-1_500, "-1.5"), (-1, "-0.001"), (0, "0")] {
            assert_eq!(Milli::from_thousandths(thousandths).to_string(), text);
            assert_eq!(format!("{:?}", Milli(thousandths)), format!("Milli({thousandths})"));
        }
    }
}
