use core::fmt;

/// Where and why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JsonError {
    /// Offset of the wrong byte from the text's start, in bytes; the text's length if it ended too early.
    pub at: u64,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// A byte that is not allowed here.
    UnexpectedByte,
    /// An unescaped control character in a string.
    ControlCharacter,
    /// An unknown escape, or fewer than four hexadecimal digits after `\u`.
    InvalidEscape,
    /// A malformed number, such as `01`, `+1` or `1.`.
    InvalidNumber,
    /// More than [`JSON_DEPTH`](crate::limits::JSON_DEPTH) nested containers.
    TooDeep,
    /// The text ended inside a value.
    UnexpectedEnd,
}

impl JsonErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::UnexpectedByte => "unexpected byte",
            Self::ControlCharacter => "control character in a string",
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
