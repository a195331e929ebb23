//! What a line asks for.

use core::fmt::{self, Write};

use heapless::String;

use crate::{
    limits::LINE_BYTES,
    setting::{Setting, SettingsError},
};

/// A line of the protocol, without its end. It may hold a password.
pub type Line = String<LINE_BYTES>;

/// What a line asks for. How it prints itself never tells a value, which may be a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// What lines there are.
    Help,
    /// What firmware this is, and which protocol it speaks.
    Version,
    /// What is set.
    Show,
    /// Something is to be set.
    Set(Setting, &'a str),
    /// Something is to be as when nothing is set.
    Unset(Setting),
    /// What is set is to outlive a restart.
    Save,
    /// Nothing is to be set any more, in flash neither.
    Forget,
    /// It is to restart.
    Restart,
    /// How the network, the server and the prompt are.
    Status,
    /// What is typed is to be sent back, or not.
    Echo(bool),
}

/// Why a line asks for nothing. As no value is to be shown, it doesn't repeat the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CommandError {
    /// It begins with none of the words, or has words too many.
    Unknown,
    /// It is longer than [`LINE_BYTES`].
    TooLong,
    /// It is not in UTF-8.
    NotText,
    /// It has control characters, of an arrow key for one.
    Control,
    /// Something can't be set so.
    Settings(SettingsError),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("this is no command; type help"),
            Self::TooLong => write!(f, "a line has {LINE_BYTES} bytes at most; nothing of it was taken"),
            Self::NotText => f.write_str("this is no UTF-8; set the terminal to it, and 115200 baud"),
            Self::Control => f.write_str("a line has no control characters; type it again"),
            Self::Settings(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommandError {}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl<'a> Command<'a> {
    /// Reads a line without its end. Words are apart by spaces; a value is the rest of the line, without the spaces around
    /// it, and without quotes around it where there are some: a value that begins or ends with either needs them.
    ///
    /// # Errors
    ///
    /// It asks for nothing.
    pub fn parse(line: &'a str) -> Result<Self, CommandError> {
        if line.chars().any(char::is_control) {
            return Err(CommandError::Control);
        }
        let (word, rest) = word(line);
        Ok(match (word, rest) {
            ("help" | "?", "") => Self::Help,
            ("version", "") => Self::Version,
            ("show", "") => Self::Show,
            ("save", "") => Self::Save,
            ("forget", "") => Self::Forget,
            ("restart", "") => Self::Restart,
            ("status", "") => Self::Status,
            ("echo", "on") => Self::Echo(true),
            ("echo", "off") => Self::Echo(false),
            ("set", rest) => {
                let (name, value) = self::word(rest);
                Self::Set(Setting::named(name).ok_or(SettingsError::Setting)?, unquoted(value))
            }
            ("unset", name) => Self::Unset(Setting::named(name).ok_or(SettingsError::Setting)?),
            _ => return Err(CommandError::Unknown),
        })
    }

    /// The line that asks for it, without its end: what a host sends. A line with a password must not be logged.
    ///
    /// # Errors
    ///
    /// A value is too long for a line, or has control characters.
    pub fn line(&self) -> Result<Line, CommandError> {
        let mut line = Line::new();
        let written = match self {
            Self::Help => line.write_str("help"),
            Self::Version => line.write_str("version"),
            Self::Show => line.write_str("show"),
            Self::Set(_, value) if value.chars().any(char::is_control) => return Err(CommandError::Control),
            Self::Set(setting, value) => {
                let quote = if needs_quotes(value) { "\"" } else { "" };
                write!(line, "set {} {quote}{value}{quote}", setting.name())
            }
            Self::Unset(setting) => write!(line, "unset {}", setting.name()),
            Self::Save => line.write_str("save"),
            Self::Forget => line.write_str("forget"),
            Self::Restart => line.write_str("restart"),
            Self::Status => line.write_str("status"),
            Self::Echo(on) => line.write_str(if *on { "echo on" } else { "echo off" }),
        };
        written.map(|()| line).map_err(|_| CommandError::TooLong)
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(setting, _) => write!(f, "Set({setting:?}, ..)"),
            Self::Unset(setting) => write!(f, "Unset({setting:?})"),
            Self::Echo(on) => write!(f, "Echo({on})"),
            Self::Help => f.write_str("Help"),
            Self::Version => f.write_str("Version"),
            Self::Show => f.write_str("Show"),
            Self::Save => f.write_str("Save"),
            Self::Forget => f.write_str("Forget"),
            Self::Restart => f.write_str("Restart"),
            Self::Status => f.write_str("Status"),
        }
    }
}

/// Whether what follows the line so far may be a password, and is not to be echoed, whatever stands before its name.
pub(crate) fn is_secret(line: &[u8]) -> bool {
    const NAME: &[u8] = Setting::Password.name().as_bytes();
    line.windows(NAME.len().saturating_add(1))
        .any(|words| words.split_last().is_some_and(|(space, name)| *space == b' ' && name.eq_ignore_ascii_case(NAME)))
}

/// The first word, and the rest without the spaces around it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_matches(' ');
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_matches(' '))
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn needs_quotes(value: &str) -> bool {
    value.starts_with([' ', '"']) || value.ends_with([' ', '"'])
}

#[cfg(test)]
mod tests;
