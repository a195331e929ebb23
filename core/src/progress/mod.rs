//! What is made of progress: how long it will take, its history, and how it moves on a screen.

mod debounce;
mod eta;
mod history;
mod learned;
mod run;
mod smooth;

pub use debounce::Debounce;
pub use eta::linear_eta;
pub use history::{History, ProgressPoint};
pub use learned::Learned;
pub use smooth::Smooth;

#[cfg(feature = "record")]
pub(crate) use learned::LearnedEntry;
pub(crate) use learned::{NodeName, Short, Took};
pub(crate) use run::{Rest, Run};
