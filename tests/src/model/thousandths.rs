//! Numbers of the wire in thousandths, worked out on the digits as they are written.

/// The largest step shown, 2^40, in thousandths.
const LARGEST: i64 = (1 << 40) * 1000;

/// A JSON number's literal rounded to the nearest thousandth (a tie away from 0) and clamped to ±2^40, in thousandths.
pub fn thousandths(literal: &str) -> i64 {
    let (sign, unsigned) = literal.strip_prefix('-').map_or((1, literal), |rest| (-1, rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let zeros = digits.bytes().take_while(|d| *d == b'0').count();
    let digits = &digits[zeros..];
    if digits.is_empty() {
        return 0;
    }
    // The magnitude is 0.DIGITS · 10^point, its first digit not 0.
    let point = exponent_of(exponent) + whole.len() as i128 - zeros as i128;
    let magnitude = match point + 3 {
        ..0 => 0,
        0 => i64::from(digits.as_bytes()[0] >= b'5'),
        places @ 1..=16 => {
            let mut digits = digits.bytes().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
            let kept = (0..places).fold(0, |kept, _| kept * 10 + digits.next().unwrap_or(0));
            kept + i64::from(digits.next() >= Some(5))
        }
        _ => LARGEST,
    };
    sign * magnitude.min(LARGEST)
}

/// An exponent of any length, so far as it matters.
fn exponent_of(text: &str) -> i128 {
    let beyond = if text.starts_with('-') { -(1 << 100) } else { 1 << 100 };
    text.parse::<i128>().map_or(beyond, |e| e.clamp(-(1 << 100), 1 << 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_and_clamped() {
        for (literal, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e999", 0),
            ("5", 5000),
            ("0.37", 370),
            ("2.2199999999999998", 2220),
            ("0.0005", 1),
            ("0.00049999999999999999", 0),
            ("-0.0005", -1),
            ("0.00005", 0),
            ("1.2345", 1235),
            ("12e-1", 1200),
            ("0.0012e3", 1200),
            ("1.0E+2", 100_000),
            ("1e999", LARGEST),
            ("-1e99999999999999999999999999999999999999999999", -LARGEST),
            ("1e-99999999999999999999999999999999999999999999", 0),
            ("1099511627776", LARGEST),
            ("1099511627775.9996", LARGEST),
            ("1099511627775.999", LARGEST - 1),
            ("9999999999999", LARGEST),
            ("123456789012345678901234567890", LARGEST),
            ("0.000000000000000000001e24", 1_000_000),
        ] {
            assert_eq!(thousandths(literal), expected, "{literal}");
        }
    }
}
