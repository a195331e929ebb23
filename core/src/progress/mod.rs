//! What is made of progress: how long it will take, its history, and how it moves on a screen.

mod debounce;
mod eta;
mod history;
mod learned;
mod run;
mod smooth;

pub use debounce::Debounce;
pub use eta::linear_eta;
pub use history::{History, Point, ProgressPoint};
pub use learned::{Learned, LearnedNode};
pub use smooth::Smooth;

pub(crate) use learned::{NodeName, Short, Took};
pub(crate) use run::{Rest, Run};

use crate::divide::divide;

/// `number` times `times`, divided by `by`; at most the greatest number, and `None` where it can't be divided.
#[inline(never)] // It is asked for at many places.
fn part(number: u32, times: u32, by: u32) -> Option<u32> {
    let part = divide(u64::from(number).saturating_mul(u64::from(times)), u64::from(by))?;
    Some(u32::try_from(part).unwrap_or(u32::MAX))
}
