//! Recognizes lines that ComfyUI's execution.py and main.py write.

use crate::api::ErrorField;

/// An item of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineItem {
    Failed,
    /// A byte of one of the error's texts, and whether it is the first.
    Text(ErrorField, u8, bool),
    Interrupted,
    Executed,
}

/// The beginnings of lines that count, after the level (`[INFO] `).
const PHRASES: [(&[u8], Phrase); 4] = [
    (b"!!! Exception during processing !!! ", Phrase::Failed),
    (b"Processing interrupted", Phrase::Interrupted),
    (b"Prompt executed in ", Phrase::Executed),
    (b"Traceback (most recent call last):", Phrase::Traceback),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phrase {
    Failed,
    Interrupted,
    Executed,
    Traceback,
}

/// The position in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineState {
    /// At the line's start, or after levels and spaces.
    Start,
    /// In a level.
    Level,
    /// After this many bytes of what may be a phrase.
    Phrase(u8),
    /// After `Prompt executed in `, which counts only before a number.
    Executed,
    /// In the exception's message, and whether it has begun.
    Message(bool),
    /// In the exception's type.
    Type,
    /// In the rest of the line, which is ignored.
    Rest,
}

#[derive(Debug)]
pub(super) struct LineReader {
    state: LineState,
    /// A node failed, so a traceback is its own.
    failed: bool,
    /// In that traceback, whose first line without an indent begins with the exception's type.
    traceback: bool,
    /// One bit for each of [`PHRASES`]: whether the line may still be it.
    phrases: u8,
}

impl LineReader {
    pub(super) const fn new() -> Self {
        Self { state: LineState::Start, failed: false, traceback: false, phrases: 0 }
    }

    /// Begins a line, or the text after a bar.
    pub(super) const fn begin(&mut self) {
        self.state = LineState::Start;
    }

    /// Reads the line's next byte. Returns the item that it completes, if any.
    pub(super) fn next(&mut self, byte: u8) -> Option<LineItem> {
        match self.state {
            LineState::Rest => None,
            LineState::Start if self.traceback && byte != b'[' => self.traceback_line(byte),
            LineState::Start if byte == b'[' => {
                self.state = LineState::Level;
                None
            }
            LineState::Level => {
                self.state = match byte {
                    b']' => LineState::Start,
                    // `[INFO]` or a time.
                    b'A'..=b'Z' | b'0'..=b':' | b' ' | b'-' | b'.' => LineState::Level,
                    _ => LineState::Rest,
                };
                None
            }
            LineState::Start if byte == b' ' => None,
            LineState::Start => {
                self.phrases = u8::MAX;
                self.phrase(byte, 0)
            }
            LineState::Phrase(read) => self.phrase(byte, read),
            LineState::Executed => {
                self.state = LineState::Rest;
                if !byte.is_ascii_digit() {
                    return None;
                }
                *self = Self { state: LineState::Rest, ..Self::new() };
                Some(LineItem::Executed)
            }
            LineState::Message(begun) => {
                self.state = LineState::Message(true);
                Some(LineItem::Text(ErrorField::ExceptionMessage, byte, !begun))
            }
            LineState::Type => self.exception_type(byte, false),
        }
    }

    /// Reads the first byte of a traceback's line. Indented lines are frames; the first other one begins with the type.
    fn traceback_line(&mut self, byte: u8) -> Option<LineItem> {
        if byte == b' ' {
            self.state = LineState::Rest;
            return None;
        }
        self.traceback = false;
        self.exception_type(byte, true)
    }

    fn exception_type(&mut self, byte: u8, first: bool) -> Option<LineItem> {
        let is_name = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || !byte.is_ascii();
        self.state = if is_name { LineState::Type } else { LineState::Rest };
        is_name.then_some(LineItem::Text(ErrorField::ExceptionType, byte, first))
    }

    /// Reads the line's next byte, after `read` bytes of a phrase.
    fn phrase(&mut self, byte: u8, read: u8) -> Option<LineItem> {
        let mut bit = 1_u8;
        for (words, phrase) in PHRASES {
            let is_it = self.phrases & bit != 0 && words.get(usize::from(read)) == Some(&byte);
            if is_it && words.len() == usize::from(read).saturating_add(1) {
                return self.end_phrase(phrase);
            }
            if !is_it {
                self.phrases &= !bit;
            }
            bit = bit.wrapping_shl(1);
        }
        let goes_on = self.phrases & 0b1111 != 0;
        self.state = if goes_on { LineState::Phrase(read.saturating_add(1)) } else { LineState::Rest };
        None
    }

    fn end_phrase(&mut self, phrase: Phrase) -> Option<LineItem> {
        self.state = LineState::Rest;
        match phrase {
            Phrase::Failed => {
                self.state = LineState::Message(false);
                self.failed = true;
                Some(LineItem::Failed)
            }
            Phrase::Interrupted => Some(LineItem::Interrupted),
            Phrase::Executed => {
                self.state = LineState::Executed;
                None
            }
            Phrase::Traceback => {
                self.traceback = self.failed;
                None
            }
        }
    }
}
