//! Bytes of the serial line, into lines.

use heapless::Vec;

use crate::{
    command::{self, Command, CommandError},
    limits::LINE_BYTES,
};

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;
const CONTROL_C: u8 = 0x03;
const CONTROL_U: u8 = 0x15;

/// Takes in the bytes of the serial line, one by one, and tells what each line asks for. Nothing that comes harms the line
/// behind it.
///
/// Lines end with CR, LF or both; an empty one asks for nothing. Backspace takes a character back, control-U and control-C
/// the whole line: a host that doesn't know what was sent before begins with either.
#[derive(Clone)]
pub struct Console {
    line: Vec<u8, LINE_BYTES>,
    stage: Stage,
    /// The last byte was a CR: a LF behind it ends nothing more.
    returned: bool,
    echo: bool,
}

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// All that came of it is there.
    Open,
    /// It is longer than there is room for.
    TooLong,
    /// It was told of: the next byte begins another.
    Told,
}

/// What a byte of the serial line led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// To be sent back, before the answer. Of a password stars.
    pub echo: &'a [u8],
    /// What the line asks for that it ended.
    pub line: Option<Result<Command<'a>, CommandError>>,
}

impl Console {
    /// Nothing has come, and nothing is echoed.
    pub const fn new() -> Self {
        Self { line: Vec::new(), stage: Stage::Open, returned: false, echo: false }
    }

    /// Takes in a byte.
    pub fn hear(&mut self, byte: u8) -> Heard<'_> {
        if self.stage == Stage::Told {
            self.forget();
        }
        let returned = core::mem::replace(&mut self.returned, byte == b'\r');
        let echo: &[u8] = match byte {
            b'\n' if returned => b"",
            b'\r' | b'\n' => return self.end(),
            CONTROL_C | CONTROL_U => {
                self.forget();
                b"\r\n"
            }
            BACKSPACE | DELETE => {
                if self.take_back() {
                    b"\x08 \x08"
                } else {
                    b""
                }
            }
            _ => {
                let secret = command::is_secret(&self.line);
                if self.line.push(byte).is_err() {
                    self.stage = Stage::TooLong;
                }
                match (byte, self.line.last_chunk::<1>()) {
                    _ if self.stage == Stage::TooLong => b"",
                    // A character is one star, by its first byte.
                    (0x20..=0x7E | 0xC0..=0xF7, _) if secret => b"*",
                    // What is in no text might be taken for a log's frame.
                    (0x20..=0x7E | 0x80..=0xF7, Some(last)) if !secret => last,
                    _ => b"",
                }
            }
        };
        Heard { echo: if self.echo { echo } else { b"" }, line: None }
    }

    /// What has come of the line is forgotten.
    fn forget(&mut self) {
        self.line.clear();
        self.stage = Stage::Open;
    }

    /// Takes a character back; whether there was one.
    fn take_back(&mut self) -> bool {
        while let Some(byte) = self.line.pop() {
            // The bytes of a character behind its first.
            if !matches!(byte, 0x80..=0xBF) {
                return self.stage == Stage::Open;
            }
        }
        false
    }

    fn end(&mut self) -> Heard<'_> {
        let text = if core::mem::replace(&mut self.stage, Stage::Told) == Stage::TooLong {
            Err(CommandError::TooLong)
        } else {
            core::str::from_utf8(&self.line).map_err(|_| CommandError::NotText)
        };
        let line = match text {
            Ok(text) if text.trim_matches(' ').is_empty() => None,
            text => Some(text.and_then(Command::parse)),
        };
        let echo: &[u8] = if self.echo { b"\r\n" } else { b"" };
        if let Some(Ok(Command::Echo(on))) = line {
            self.echo = on;
        }
        Heard { echo, line }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
