use super::Percentage;
use crate::time::Duration;

/// The time left if the rest takes as long per percent as `percentage` did, which took `elapsed`.
///
/// `None` at 0 %.
///
/// ```
/// use comfyglow_core::{progress::{Percentage, linear_eta}, time::Duration};
///
/// let quarter = Percentage::from_millionths(25_000_000);
/// assert_eq!(linear_eta(Duration::from_secs(10), quarter), Some(Duration::from_secs(30)));
/// ```
pub fn linear_eta(elapsed: Duration, percentage: Percentage) -> Option<Duration> {
    let (done, full) = (u64::from(percentage.millionths()), u64::from(Percentage::FULL.millionths()));
    // Split, so that the product of a long time and a small percentage does not overflow.
    let rest = full.saturating_sub(done);
    let (whole, fraction) = (elapsed.as_micros().checked_div(done)?, elapsed.as_micros().checked_rem(done)?);
    let micros = whole.saturating_mul(rest).saturating_add(fraction.saturating_mul(rest).checked_div(done)?);
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eta(elapsed_ms: u64, percent: u32) -> Option<u64> {
        let percentage = Percentage::from_millionths(percent * 1_000_000);
        linear_eta(Duration::from_millis(elapsed_ms), percentage).map(Duration::as_millis)
    }

    #[test]
    fn eta_extrapolates_linearly() {
        assert_eq!(eta(1_000, 0), None);
        assert_eq!(eta(1_000, 1), Some(99_000));
        assert_eq!(eta(1_000, 25), Some(3_000));
        assert_eq!(eta(30_000, 50), Some(30_000));
        assert_eq!(eta(1_000, 100), Some(0));
        assert_eq!(eta(0, 50), Some(0));
    }

    #[test]
    fn eta_of_longest_time_saturates() {
        let least = Percentage::from_millionths(1);
        assert_eq!(linear_eta(Duration::from_micros(u64::MAX), least), Some(Duration::from_micros(u64::MAX)));
        let year = Duration::from_secs(365 * 24 * 3_600);
        assert_eq!(linear_eta(year, Percentage::from_millionths(50_000_000)), Some(year));
    }
}
