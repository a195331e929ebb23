//! Reads the server's log, raw terminal text, for the progress of the running prompt. It streams in constant memory.
//!
//! ComfyUI sends its log to every subscriber (`PATCH /internal/logs/subscribe`), whoever submitted the prompt. The log
//! holds the bars that tqdm draws for samplers, the errors of nodes, and the ends of prompts. It is text for people, so
//! all of this is inferred: the socket and HTTP take precedence.
//!
//! Escape sequences are dropped. A carriage return, a line feed and a cursor movement each begin a line. A bar may have
//! other text before and after it. All other text is ignored.

mod bar;
mod escape;
mod follow;
mod phrase;

pub use bar::Bar;

use bar::BarReader;
use escape::{EscapeState, Visible};
use follow::FollowedBar;
use phrase::{LineItem, LineReader};

use crate::api::ErrorField;

/// An item of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Logged {
    /// The sampler's bar moved, or another one began.
    Bar {
        /// The bar.
        bar: Bar,
        /// Whether it is another bar than before.
        begins: bool,
        /// Whether the bar before it was full.
        behind_full: bool,
    },
    /// A node failed; the texts of its error follow.
    Failed,
    /// A byte of one of the error's texts, and whether it is the first.
    Error(ErrorField, u8, bool),
    /// The prompt was interrupted.
    Interrupted,
    /// The prompt ended; the log does not say how.
    Executed,
}

/// Reads the log byte by byte.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::log::{Log, Logged};
/// let mut log = Log::new();
/// let text = "\r 50%|\u{2588}\u{2588}   | 6/12 [00:06<00:04,  1.41it/s]\n";
/// let mut items = text.bytes().filter_map(|byte| log.next(byte));
/// let Some(Logged::Bar { bar, begins: true, .. }) = items.next() else { panic!("no bar") };
/// assert_eq!((bar.value, bar.max, bar.remaining), (6, 12, Some(4)));
/// ```
#[derive(Debug)]
pub struct Log {
    escapes: EscapeState,
    bar: BarReader,
    line: LineReader,
    followed: FollowedBar,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// Creates a reader for the start of a log.
    pub const fn new() -> Self {
        Self {
            escapes: EscapeState::new(),
            bar: BarReader::new(),
            line: LineReader::new(),
            followed: FollowedBar::new(),
        }
    }

    /// Reads the next byte. Returns the item that it completes, if any.
    #[inline(never)]
    pub fn next(&mut self, byte: u8) -> Option<Logged> {
        let visible = self.escapes.next(byte)?;
        let bar = match visible {
            Visible::Byte(byte) => self.bar.next(byte),
            Visible::NewLine => self.bar.end_line(),
        };
        if bar.is_some() || visible == Visible::NewLine {
            self.line.begin();
            return bar.and_then(|bar| self.followed.update(bar));
        }
        let Visible::Byte(byte) = visible else { return None };
        Some(match self.line.next(byte)? {
            LineItem::Failed => Logged::Failed,
            LineItem::Text(text, byte, first) => Logged::Error(text, byte, first),
            LineItem::Interrupted => Logged::Interrupted,
            LineItem::Executed => {
                self.followed = FollowedBar::new();
                Logged::Executed
            }
        })
    }

    /// The followed bar; `None` if it is full or there is none.
    pub(crate) fn bar(&self) -> Option<Bar> {
        self.followed.unfinished()
    }

    /// Begins anew, because part of the log may be missing before the next byte.
    pub(crate) const fn cut(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
