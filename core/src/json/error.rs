use core::fmt;

/// Where and why a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JsonError {
    /// The offset of the offending byte from the text's start; the text's length where it ended too early.
    pub at: u64,
    /// What is wrong with it.
    pub kind: JsonErrorKind,
}

/// What makes a text no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// A byte that can't stand here.
    UnexpectedByte,
    /// A control character inside a text.
    ControlCharacter,
    /// An escape that JSON doesn't know, or fewer than four hexadecimal digits behind `\u`.
    InvalidEscape,
    /// A number that JSON doesn't know, such as `01`, `+1` or `1.`.
    InvalidNumber,
    /// Containers nested deeper than [`crate::limits::JSON_DEPTH`].
    TooDeep,
    /// The text ended inside a value.
    UnexpectedEnd,
}

impl JsonErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::UnexpectedByte => "unexpected byte",
            Self::ControlCharacter => "control character in a text",
            Self::InvalidEscape => "invalid escape",
            Self::InvalidNumber => "invalid number",
            Self::TooDeep => "nested too deep",
            Self::UnexpectedEnd => "unexpected end",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.describe(), self.at)
    }
}

impl core::error::Error for JsonError {}
