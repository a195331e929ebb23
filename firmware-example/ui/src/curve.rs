//! Motion that begins and ends softly, without floating point.

/// `share`, of 65,536, slower at both ends.
pub(crate) fn eased(share: u32) -> u32 {
    // x² (3 - 2x), monotone since nothing is rounded before the end.
    let x = u64::from(share.min(65_536));
    u32::try_from((x * x * (3 * 65_536 - 2 * x)) >> 32).unwrap_or(65_536)
}

#[cfg(test)]
mod tests {
    use super::eased;

    #[test]
    fn rises_from_end_to_end() {
        assert_eq!((eased(0), eased(32_768), eased(65_536), eased(u32::MAX)), (0, 32_768, 65_536, 65_536));
        assert!((0..65_536).step_by(64).all(|x| eased(x) <= eased(x + 64)));
    }
}
