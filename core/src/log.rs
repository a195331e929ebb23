//! What the server's log says of the prompt that runs: raw terminal text, read as a stream in constant memory.
//!
//! ComfyUI tells its log to whoever subscribed (`PATCH /internal/logs/subscribe`), whoever submitted: tqdm's bars of
//! samplers, what failed, and that a prompt is over. It is text for people, so all of this is inferred; what the socket
//! or HTTP says stands above it.
//!
//! Escape sequences are left out; a carriage return, a line feed and a movement of the cursor each begin a line. A bar may
//! stand behind other text, and other text behind a bar; what is none of all this is noise.

mod bar;
mod escape;
mod follow;
mod phrase;

pub use bar::Bar;

use bar::BarReader;
use escape::{Escapes, Visible};
use follow::Follow;
use phrase::{Line, Said};

use crate::api::ErrorField;

/// What the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Logged {
    /// The sampler's bar moved, or another one began.
    Bar {
        /// The bar.
        bar: Bar,
        /// It is another one than before.
        begins: bool,
        /// The one before it was full.
        behind_full: bool,
    },
    /// A node failed; the texts of its error follow.
    Failed,
    /// A byte of a text of the error, and whether it is the first.
    Error(ErrorField, u8, bool),
    /// The prompt was interrupted.
    Interrupted,
    /// The prompt is over, however it ended.
    Executed,
}

/// Reads the log.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::log::{Log, Logged};
/// let mut log = Log::new();
/// let text = "\r 50%|\u{2588}\u{2588}   | 6/12 [00:06<00:04,  1.41it/s]\n";
/// let mut said = text.bytes().filter_map(|byte| log.next(byte));
/// let Some(Logged::Bar { bar, begins: true, .. }) = said.next() else { panic!("no bar") };
/// assert_eq!((bar.value, bar.max, bar.remaining), (6, 12, Some(4)));
/// ```
#[derive(Debug)]
pub struct Log {
    escapes: Escapes,
    bar: BarReader,
    line: Line,
    follow: Follow,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// Nothing was read.
    pub const fn new() -> Self {
        Self { escapes: Escapes::new(), bar: BarReader::new(), line: Line::new(), follow: Follow::new() }
    }

    /// Reads the text's next byte, and tells what is said by then.
    #[inline(never)]
    pub fn next(&mut self, byte: u8) -> Option<Logged> {
        let visible = self.escapes.next(byte)?;
        let bar = match visible {
            Visible::Byte(byte) => self.bar.next(byte),
            Visible::NewLine => self.bar.end_line(),
        };
        if bar.is_some() || visible == Visible::NewLine {
            self.line.begin();
            return bar.and_then(|bar| self.follow.bar(bar));
        }
        let Visible::Byte(byte) = visible else { return None };
        let said = self.line.next(byte)?;
        Some(match said {
            Said::Failed => Logged::Failed,
            Said::Text(text, byte, first) => Logged::Error(text, byte, first),
            Said::Interrupted => Logged::Interrupted,
            Said::Executed => {
                self.follow = Follow::new();
                Logged::Executed
            }
        })
    }

    /// The bar that is followed, where it isn't full.
    pub(crate) fn bar(&self) -> Option<Bar> {
        self.follow.unfinished()
    }

    /// The next text is another log's: a piece of this one may be missing.
    pub(crate) const fn cut(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
