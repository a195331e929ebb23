//! Division where it is asked for at each message: cores of 32 bits divide 32 bits in one instruction, 64 in 200.

/// `dividend / divisor`, rounded down; `None` by 0.
#[inline(never)]
pub(crate) fn divide(dividend: u64, divisor: u64) -> Option<u64> {
    match (u32::try_from(dividend), u32::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => dividend.checked_div(divisor).map(u64::from),
        _ => dividend.checked_div(divisor),
    }
}

/// `value / whole` in parts of 2^`bits`, rounded down: for a `value` less than `whole`, and 1 to 32 bits.
pub(crate) fn fraction(value: u32, whole: u32, mut bits: u32) -> Option<u32> {
    let (mut rest, mut parts) = (value, 0_u32);
    // A long division, as many bits at a time as the rest has room for.
    while bits > 0 {
        let step = whole.leading_zeros().min(bits);
        if step == 0 || rest >= whole {
            return None;
        }
        rest = rest.wrapping_shl(step);
        parts = parts.wrapping_shl(step) | rest.checked_div(whole)?;
        rest = rest.checked_rem(whole)?;
        bits = bits.wrapping_sub(step);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn divides_as_64_bits_do(dividend: u64, divisor: u64, fewer in (0_u32..64, 0_u32..64)) {
            let (dividend, divisor) = (dividend >> fewer.0, divisor >> fewer.1);
            prop_assert_eq!(divide(dividend, divisor), dividend.checked_div(divisor));
        }

        #[test]
        fn a_fraction_is_the_same_as_with_64_bits(value: u32, whole: u32, fewer in 0_u32..32, bits in 1_u32..=32) {
            let (value, whole) = (value >> fewer, whole >> fewer);
            match fraction(value, whole, bits) {
                Some(parts) => prop_assert_eq!(u64::from(parts), (u64::from(value) << bits) / u64::from(whole)),
                None => prop_assert!(value >= whole || whole > u32::MAX / 2, "it is told where it can be"),
            }
        }
    }
}
