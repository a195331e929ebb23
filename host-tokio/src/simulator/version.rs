//! Which ComfyUI the simulator is: what the wire looks like changed with the releases.

use std::{fmt, str::FromStr};

/// A ComfyUI release, such as 0.33.0. It decides what the simulator sends and answers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number.
    pub patch: u16,
}

impl Version {
    /// The release that the simulator was measured against, and the default.
    pub const REFERENCE: Self = Self::new(0, 33, 0);

    /// The release `major.minor.patch`.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// `progress_state`, `feature_flags`, previews with metadata and `GET /features` came together.
    pub(super) fn progress_state(self) -> bool {
        self >= Self::new(0, 3, 44)
    }

    /// These releases sent `progress_state` to every socket by mistake.
    pub(super) fn progress_state_to_everyone(self) -> bool {
        (Self::new(0, 3, 44)..=Self::new(0, 3, 56)).contains(&self)
    }

    /// The log can be subscribed to.
    pub(super) fn log_route(self) -> bool {
        self >= Self::new(0, 3, 0)
    }

    /// The log's lines have their level before them, and colours: since the end of May 2026.
    pub(super) fn coloured_log(self) -> bool {
        self >= Self::new(0, 23, 0)
    }

    /// A prompt that took more than ten minutes is told in hours, minutes and seconds.
    pub(super) fn tells_hours(self) -> bool {
        self >= Self::new(0, 3, 42)
    }

    /// The log tells in megabytes how much of a model is loaded.
    pub(super) fn tells_megabytes(self) -> bool {
        self >= Self::new(0, 3, 66)
    }

    /// Texts of nodes as binary messages of kind 3.
    pub(super) fn node_texts(self) -> bool {
        self >= Self::new(0, 3, 33)
    }

    /// `POST /interrupt` looks at `prompt_id`.
    pub(super) fn interrupt_by_id(self) -> bool {
        self >= Self::new(0, 3, 56)
    }

    /// `create_time` in the queue's and history's `extra_data`.
    pub(super) fn create_time(self) -> bool {
        self >= Self::new(0, 3, 69)
    }

    /// `/api/jobs`, and `preview_method` in a prompt's `extra_data`, which came the same week.
    pub(super) fn jobs(self) -> bool {
        self >= Self::new(0, 6, 0)
    }

    /// A progress bar drops updates that follow the last one within 100 ms.
    pub(super) fn throttled(self) -> bool {
        self > Self::new(0, 9, 1)
    }

    /// A submitted `prompt_id` must be a canonical UUID; `feature_flags` tells all it does today.
    pub(super) fn modern(self) -> bool {
        self >= Self::new(0, 10, 0)
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::REFERENCE
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    /// Reads `0.33` or `0.33.0`, with or without a `v` before it.
    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let error = || ParseVersionError(text.to_owned());
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.').map(|n| n.parse().map_err(|_| error()));
        let mut next = || numbers.next();
        let (major, minor, patch) = (next(), next(), next());
        if next().is_some() {
            return Err(error());
        }
        Ok(Self::new(major.ok_or_else(error)??, minor.ok_or_else(error)??, patch.unwrap_or(Ok(0))?))
    }
}

/// A text that names no release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseVersionError(String);

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no ComfyUI version; write one such as 0.33 or 0.3.64", self.0)
    }
}

impl std::error::Error for ParseVersionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        assert_eq!("0.33".parse(), Ok(Version::new(0, 33, 0)));
        assert_eq!("v0.3.43".parse(), Ok(Version::new(0, 3, 43)));
        assert!("".parse::<Version>().is_err() && "1.2.3.4".parse::<Version>().is_err());
        assert!(!Version::new(0, 3, 43).progress_state() && Version::new(0, 3, 44).progress_state());
        assert!(!Version::new(0, 3, 57).progress_state_to_everyone());
    }
}
