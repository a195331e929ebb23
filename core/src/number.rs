//! Numbers as the server writes them, in thousandths, without floating point.

use core::fmt;

use crate::limits::STEP_MILLIS;

/// A number in thousandths, clamped to ± [`STEP_MILLIS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Milli(i64);

impl Milli {
    /// The number of `thousandths`, clamped.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        if thousandths > STEP_MILLIS {
            Self(STEP_MILLIS)
        } else if thousandths < -STEP_MILLIS {
            Self(-STEP_MILLIS)
        } else {
            Self(thousandths)
        }
    }

    /// The number in thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

/// As few digits as tell the number: `5`, `0.37`.
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

/// Reads a JSON number's literal in pieces, of any length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    negative: bool,
    /// The first significant digits.
    mantissa: u64,
    /// A digit didn't fit the mantissa any more; no later one may.
    full: bool,
    /// Powers of ten that the mantissa lacks: digits past it count up, digits of the fraction down.
    scale: i64,
    /// The exponent behind the e.
    exponent: i64,
    negative_exponent: bool,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Fraction,
    Exponent,
}

impl Literal {
    /// Nothing read yet.
    pub(crate) const ZERO: Self = Self {
        negative: false,
        mantissa: 0,
        full: false,
        scale: 0,
        exponent: 0,
        negative_exponent: false,
        part: Part::Whole,
    };

    /// Takes the literal's next piece; the lexer has checked it.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        for &byte in piece {
            match (byte, self.part) {
                (b'-', Part::Exponent) => self.negative_exponent = true,
                (b'-', _) => self.negative = true,
                (b'.', _) => self.part = Part::Fraction,
                (b'e' | b'E', _) => self.part = Part::Exponent,
                (b'0'..=b'9', Part::Exponent) => {
                    let digit = i64::from(byte.wrapping_sub(b'0'));
                    self.exponent = self.exponent.saturating_mul(10).saturating_add(digit);
                }
                (b'0'..=b'9', part) => self.digit(u64::from(byte.wrapping_sub(b'0')), part),
                _ => {}
            }
        }
    }

    fn digit(&mut self, digit: u64, part: Part) {
        let longer = self.mantissa.checked_mul(10).and_then(|m| m.checked_add(digit)).filter(|_| !self.full);
        self.full = longer.is_none();
        match (longer, part) {
            (Some(mantissa), Part::Whole) => self.mantissa = mantissa,
            (Some(mantissa), _) => {
                self.mantissa = mantissa;
                self.scale = self.scale.saturating_sub(1);
            }
            // Past 19 digits a digit of the whole part still makes the number ten times as large.
            (None, Part::Whole) => self.scale = self.scale.saturating_add(1),
            (None, _) => {}
        }
    }

    /// The number, rounded to the nearest thousandth, halves away from zero, and clamped.
    pub(crate) fn milli(&self) -> Milli {
        let exponent = if self.negative_exponent { self.exponent.saturating_neg() } else { self.exponent };
        let magnitude = scaled(self.mantissa, self.scale.saturating_add(exponent).saturating_add(3));
        let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
        Milli::from_thousandths(if self.negative { magnitude.saturating_neg() } else { magnitude })
    }

    /// The number where it is written without fraction and exponent and lies within 0..2^64.
    pub(crate) fn u64(&self) -> Option<u64> {
        let plain = self.part == Part::Whole && !self.full && (!self.negative || self.mantissa == 0);
        plain.then_some(self.mantissa)
    }
}

/// `mantissa` · 10^`power`, rounded, or the most there is.
fn scaled(mantissa: u64, power: i64) -> u64 {
    if mantissa == 0 {
        return 0;
    }
    let digits = u32::try_from(power.unsigned_abs()).unwrap_or(u32::MAX);
    let Some(factor) = 10_u64.checked_pow(digits) else {
        return if power > 0 { u64::MAX } else { 0 };
    };
    if power >= 0 {
        return mantissa.saturating_mul(factor);
    }
    let (quotient, rest) = (mantissa.checked_div(factor), mantissa.checked_rem(factor));
    let round_up = rest.is_some_and(|r| r >= factor.div_ceil(2));
    quotient.unwrap_or_default().saturating_add(u64::from(round_up))
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
    fn reads_literals_of_every_form() {
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
    fn clamps_at_and_above_two_to_the_forty() {
        assert_eq!(milli("1099511627775.999"), STEP_MILLIS - 1);
        assert_eq!(milli("1099511627776"), STEP_MILLIS);
        assert_eq!(milli("1099511627776.001"), STEP_MILLIS);
        assert_eq!(milli("-1099511627777"), -STEP_MILLIS);
    }

    #[test]
    fn an_unsigned_integer_has_no_fraction_no_exponent_and_64_bits() {
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
    fn is_written_with_as_few_digits_as_tell_it() {
        for (thousandths, text) in [(5_000, "5"), (370, "0.37"), (-1_500, "-1.5"), (-1, "-0.001"), (0, "0")] {
            assert_eq!(Milli::from_thousandths(thousandths).to_string(), text);
            assert_eq!(format!("{:?}", Milli(thousandths)), format!("Milli({thousandths})"));
        }
    }
}
