//! What ComfyUI's own lines say, by the words of its execution.py and main.py.

use crate::api::ErrorField;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Failed,
    /// A byte of a text of the error, and whether it is the first.
    Text(ErrorField, u8, bool),
    Interrupted,
    Executed,
}

/// Lines that say something, by their beginning behind the level (`[INFO] `).
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

/// Where in a line the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its beginning, or behind levels and spaces.
    Start,
    /// In a level.
    Level,
    /// In what may be a phrase, of which so many bytes were read.
    Phrase(u8),
    /// Behind `Prompt executed in `: a number makes it one.
    Executed,
    /// In the exception's message, and whether it has begun.
    Message(bool),
    /// In the exception's type.
    Type,
    /// In what says nothing, up to the line's end.
    Rest,
}

#[derive(Debug)]
pub(super) struct Line {
    place: Place,
    /// A node failed, and what follows may be its traceback.
    failed: bool,
    /// In the traceback of what failed: the first line that isn't indented has the exception's type.
    traceback: bool,
    /// Phrases that the line may still be, by their places in [`PHRASES`].
    phrases: u8,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { place: Place::Start, failed: false, traceback: false, phrases: 0 }
    }

    /// The line is over, or a bar that stood before.
    pub(super) const fn begin(&mut self) {
        self.place = Place::Start;
    }

    /// The line's next byte.
    pub(super) fn next(&mut self, byte: u8) -> Option<Said> {
        match self.place {
            Place::Rest => None,
            Place::Start if self.traceback && byte != b'[' => self.traceback_line(byte),
            Place::Start if byte == b'[' => {
                self.place = Place::Level;
                None
            }
            Place::Level => {
                self.place = match byte {
                    b']' => Place::Start,
                    // `[INFO]`, or a time.
                    b'A'..=b'Z' | b'0'..=b':' | b' ' | b'-' | b'.' => Place::Level,
                    _ => Place::Rest,
                };
                None
            }
            Place::Start if byte == b' ' => None,
            Place::Start => {
                self.phrases = u8::MAX;
                self.phrase(byte, 0)
            }
            Place::Phrase(read) => self.phrase(byte, read),
            Place::Executed => {
                self.place = Place::Rest;
                if !byte.is_ascii_digit() {
                    return None;
                }
                *self = Self { place: Place::Rest, ..Self::new() };
                Some(Said::Executed)
            }
            Place::Message(begun) => {
                self.place = Place::Message(true);
                Some(Said::Text(ErrorField::ExceptionMessage, byte, !begun))
            }
            Place::Type => self.of_type(byte, false),
        }
    }

    /// The first byte of a line of the traceback: indented ones are frames, the first other one tells the type.
    fn traceback_line(&mut self, byte: u8) -> Option<Said> {
        if byte == b' ' {
            self.place = Place::Rest;
            return None;
        }
        self.traceback = false;
        self.of_type(byte, true)
    }

    fn of_type(&mut self, byte: u8, first: bool) -> Option<Said> {
        let is_name = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || !byte.is_ascii();
        self.place = if is_name { Place::Type } else { Place::Rest };
        is_name.then_some(Said::Text(ErrorField::ExceptionType, byte, first))
    }

    /// The line's next byte, behind so many of a phrase.
    fn phrase(&mut self, byte: u8, read: u8) -> Option<Said> {
        let mut bit = 1_u8;
        for (words, phrase) in PHRASES {
            let is_it = self.phrases & bit != 0 && words.get(usize::from(read)) == Some(&byte);
            if is_it && words.len() == usize::from(read).saturating_add(1) {
                return self.said(phrase);
            }
            if !is_it {
                self.phrases &= !bit;
            }
            bit = bit.wrapping_shl(1);
        }
        let goes_on = self.phrases & 0b1111 != 0;
        self.place = if goes_on { Place::Phrase(read.saturating_add(1)) } else { Place::Rest };
        None
    }

    fn said(&mut self, phrase: Phrase) -> Option<Said> {
        self.place = Place::Rest;
        match phrase {
            Phrase::Failed => {
                self.place = Place::Message(false);
                self.failed = true;
                Some(Said::Failed)
            }
            Phrase::Interrupted => Some(Said::Interrupted),
            Phrase::Executed => {
                self.place = Place::Executed;
                None
            }
            Phrase::Traceback => {
                self.traceback = self.failed;
                None
            }
        }
    }
}
