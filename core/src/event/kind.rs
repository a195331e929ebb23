use super::Event;
use crate::json;

/// The kind of an [`Event`], without its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EventKind {
    /// `status`
    Status,
    /// `execution_start`
    ExecutionStart,
    /// `execution_cached`
    ExecutionCached,
    /// `executing`
    Executing,
    /// `progress`
    Progress,
    /// `progress_state`
    ProgressState,
    /// `executed`
    Executed,
    /// `execution_success`
    ExecutionSuccess,
    /// `execution_error`
    ExecutionError,
    /// `execution_interrupted`
    ExecutionInterrupted,
    /// `feature_flags`
    FeatureFlags,
    /// `logs`
    Logs,
    /// Binary kind 1.
    PreviewImage,
    /// Binary kind 3.
    ProgressText,
    /// Binary kind 4.
    PreviewImageWithMetadata,
    /// Any other `type`.
    Unknown,
    /// Any other binary kind.
    UnknownBinary,
    /// A malformed message, text or binary.
    Malformed,
}

/// The server's spelling between the name in `type` and the first member of `data`.
const AFTER_TYPE: &str = "\", \"data\": {";

macro_rules! opening {
    ($name:literal) => {
        concat!($name, "\", \"data\": {")
    };
}

impl EventKind {
    /// The kinds of known text messages, the most frequent first.
    const TEXT_KINDS: [Self; 12] = [
        Self::Progress,
        Self::ProgressState,
        Self::Executing,
        Self::Executed,
        Self::Status,
        Self::ExecutionStart,
        Self::ExecutionCached,
        Self::ExecutionSuccess,
        Self::ExecutionError,
        Self::ExecutionInterrupted,
        Self::FeatureFlags,
        Self::Logs,
    ];

    /// The `type` on the wire, such as `execution_start`.
    ///
    /// For a binary kind it is the server's constant in lower case, such as `preview_image`; the last three are
    /// comfyglow's own: `unknown`, `unknown_binary` and `malformed`.
    pub const fn name(self) -> &'static str {
        let opening = self.opening();
        match opening.split_at_checked(opening.len().saturating_sub(AFTER_TYPE.len())) {
            Some((name, _)) => name,
            None => opening,
        }
    }

    /// The server's spelling from the name in `type` up to the first member of `data`.
    const fn opening(self) -> &'static str {
        match self {
            Self::Status => opening!("status"),
            Self::ExecutionStart => opening!("execution_start"),
            Self::ExecutionCached => opening!("execution_cached"),
            Self::Executing => opening!("executing"),
            Self::Progress => opening!("progress"),
            Self::ProgressState => opening!("progress_state"),
            Self::Executed => opening!("executed"),
            Self::ExecutionSuccess => opening!("execution_success"),
            Self::ExecutionError => opening!("execution_error"),
            Self::ExecutionInterrupted => opening!("execution_interrupted"),
            Self::FeatureFlags => opening!("feature_flags"),
            Self::Logs => opening!("logs"),
            Self::PreviewImage => opening!("preview_image"),
            Self::ProgressText => opening!("text"),
            Self::PreviewImageWithMetadata => opening!("preview_image_with_metadata"),
            Self::Unknown => opening!("unknown"),
            Self::UnknownBinary => opening!("unknown_binary"),
            Self::Malformed => opening!("malformed"),
        }
    }

    /// The kind of a text message whose `type` is `name`; `None` if this list lacks it.
    pub(super) fn from_type(name: &[u8]) -> Option<Self> {
        Self::TEXT_KINDS.into_iter().find(|kind| kind.name().as_bytes() == name)
    }

    /// The kind of the message that `piece` begins, and the rest of `piece` after the `{` of its `data`.
    ///
    /// `None` unless the server's spelling of a known `type` is complete in `piece`.
    pub(super) fn from_opening(piece: &[u8]) -> Option<(Self, &[u8])> {
        let (begin, rest) = piece.split_first_chunk()?;
        let [b' ', b'"', rest @ ..] = rest else { return None };
        if u64::from_ne_bytes(*begin) != u64::from_ne_bytes(*b"{\"type\":") {
            return None;
        }
        Self::TEXT_KINDS.into_iter().find_map(|kind| Some((kind, json::behind(rest, kind.opening().as_bytes())?)))
    }
}

impl Event<'_> {
    /// The kind of this event.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Status { .. } => EventKind::Status,
            Self::ExecutionStart { .. } => EventKind::ExecutionStart,
            Self::ExecutionCached { .. } => EventKind::ExecutionCached,
            Self::Executing { .. } => EventKind::Executing,
            Self::Progress { .. } => EventKind::Progress,
            Self::ProgressState { .. } => EventKind::ProgressState,
            Self::Executed { .. } => EventKind::Executed,
            Self::ExecutionSuccess { .. } => EventKind::ExecutionSuccess,
            Self::ExecutionError { .. } => EventKind::ExecutionError,
            Self::ExecutionInterrupted { .. } => EventKind::ExecutionInterrupted,
            Self::FeatureFlags { .. } => EventKind::FeatureFlags,
            Self::Logs { .. } => EventKind::Logs,
            Self::PreviewImage { .. } => EventKind::PreviewImage,
            Self::ProgressText { .. } => EventKind::ProgressText,
            Self::PreviewImageWithMetadata { .. } => EventKind::PreviewImageWithMetadata,
            Self::Unknown { .. } => EventKind::Unknown,
            Self::UnknownBinary { .. } => EventKind::UnknownBinary,
            Self::Malformed(_) => EventKind::Malformed,
        }
    }
}

/// A set of [`EventKind`]s that a [`Decoder`](super::Decoder) reports in full.
///
/// The decoder still checks other messages and reports their events. It does not report their [parts](super::Part) or
/// read a preview's metadata.
///
/// ```
/// use comfyglow_core::event::{EventKind, Interest};
///
/// let interest = Interest::STATE.with(EventKind::PreviewImage);
/// assert!(interest.contains(EventKind::Progress) && interest.contains(EventKind::PreviewImage));
/// assert!(!interest.contains(EventKind::ProgressText));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interest(u32);

impl Interest {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All kinds.
    pub const ALL: Self = Self(u32::MAX);
    /// The kinds that the [`State`](crate::state::State) is built from.
    ///
    /// Feature flags and the contents of binary messages are not among them.
    pub const STATE: Self = Self::NONE
        .with(EventKind::Status)
        .with(EventKind::ExecutionStart)
        .with(EventKind::ExecutionCached)
        .with(EventKind::Executing)
        .with(EventKind::Progress)
        .with(EventKind::ProgressState)
        .with(EventKind::Executed)
        .with(EventKind::ExecutionSuccess)
        .with(EventKind::ExecutionError)
        .with(EventKind::ExecutionInterrupted)
        .with(EventKind::Logs);

    /// This set plus `kind`.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// The union of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether `kind` is in the set.
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}
