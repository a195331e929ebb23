use super::Event;
use crate::json;

/// The kind of an [`Event`], without what it says.
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
    /// What can't be used.
    Malformed,
}

/// What is behind a message's `type` up to the first member of its `data`.
const BEHIND_NAME: &str = "\", \"data\": {";

macro_rules! opening {
    ($name:literal) => {
        concat!($name, "\", \"data\": {")
    };
}

impl EventKind {
    /// The kinds of text messages, the most frequent first.
    const TEXTS: [Self; 12] = [
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

    /// The wire's word for it; for the binary kinds the server's name of the constant in lower case.
    pub const fn name(self) -> &'static str {
        let opening = self.opening();
        match opening.split_at_checked(opening.len().saturating_sub(BEHIND_NAME.len())) {
            Some((name, _)) => name,
            None => opening,
        }
    }

    /// How the server spells what is between the quote before its name and the first member of a message's `data`.
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

    /// The kind of a text message whose `type` is `name`.
    pub(super) fn of_type(name: &[u8]) -> Option<Self> {
        Self::TEXTS.into_iter().find(|kind| kind.name().as_bytes() == name)
    }

    /// The kind of the message that `piece` begins, where it is spelled as the server does, and the members of its `data`.
    pub(super) fn of_opening(piece: &[u8]) -> Option<(Self, &[u8])> {
        let (begin, behind) = piece.split_first_chunk()?;
        let [b' ', b'"', behind @ ..] = behind else { return None };
        if u64::from_ne_bytes(*begin) != u64::from_ne_bytes(*b"{\"type\":") {
            return None;
        }
        Self::TEXTS.into_iter().find_map(|kind| Some((kind, json::behind(behind, kind.opening().as_bytes())?)))
    }
}

impl Event<'_> {
    /// The event's kind.
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

/// A set of [`EventKind`]s: what somebody subscribed to.
///
/// Of kinds outside the set no values are extracted; they are checked and counted all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interest(u32);

impl Interest {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(u32::MAX);
    /// What the state is made of: everything but flags and the contents of binary messages.
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

    /// The set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind` is in the set.
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}
