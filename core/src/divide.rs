//! Fast division for each message: a 32-bit core divides 32 bits in one instruction, and 64 bits in 200.

/// `dividend / divisor`, rounded down; `None` if `divisor` is 0.
#[inline(never)]
pub(crate) fn divide(dividend: u64, divisor: u64) -> Option<u64> {
    match (u32::try_from(dividend), u32::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => dividend.checked_div(divisor).map(u64::from),
        _ => dividend.checked_div(divisor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn divide_agrees_with_64_bit_division(dividend: u64, divisor: u64, fewer in (0_u32..64, 0_u32..64)) {
            let (dividend, divisor) = (dividend >> fewer.0, divisor >> fewer.1);
            prop_assert_eq!(divide(dividend, divisor), dividend.checked_div(divisor));
        }
    }
}
