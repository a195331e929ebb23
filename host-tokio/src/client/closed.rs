use std::fmt;

use comfyglow_core::state::Fault;

/// Why a client has ended: what every call of its handles returns from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// It was closed, or its last handle was dropped.
    Left,
    /// The connection can't be made, or not be made again, without a person's help; and what the system said of it.
    Fault(Fault, Option<String>),
    /// Its task was ended from outside: the runtime that it ran in was shut down.
    Aborted,
}

/// Who has to act on the fault, and what to do about it.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("the client was closed"),
            Self::Fault(fault, reason) => fmt_fault(f, *fault, reason.as_deref()),
            Self::Aborted => {
                f.write_str("the client's runtime was shut down. Keep the runtime for as long as the client is used.")
            }
        }
    }
}

impl std::error::Error for Closed {}

/// A fault in a person's words, with what the system said, and what to do.
pub(super) fn fmt_fault(f: &mut fmt::Formatter<'_>, fault: Fault, detail: Option<&str>) -> fmt::Result {
    f.write_str(fault.message())?;
    if let Some(detail) = detail {
        write!(f, " ({detail})")?;
    }
    write!(f, ". {}", fault.advice())
}
