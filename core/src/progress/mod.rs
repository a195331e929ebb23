//! What follows from progress: the time left, the history, and how changes move on a screen.

mod debounce;
mod eta;
mod history;
mod learned;
mod measure;
mod run;
mod smooth;

pub use debounce::Debounce;
pub use eta::linear_eta;
pub use history::{History, ProgressPoint};
pub use learned::Learned;
pub use measure::{Percentage, Steps};
pub use smooth::Smooth;

#[cfg(feature = "record")]
pub(crate) use learned::LearnedNode;
pub(crate) use learned::{CompactU32, NodeDuration, NodeName};
pub(crate) use run::{RemainingWork, RunTiming};

use crate::divide::divide;

/// `number * times / by`, at most `u32::MAX`; `None` if `by` is 0.
#[inline(never)] // Called in many places.
fn mul_div(number: u32, times: u32, by: u32) -> Option<u32> {
    let quotient = divide(u64::from(number).saturating_mul(u64::from(times)), u64::from(by))?;
    Some(u32::try_from(quotient).unwrap_or(u32::MAX))
}
