//! The log of a board, read by the texts that stand in its image.

use std::panic::{AssertUnwindSafe, catch_unwind};

use defmt_decoder::{Frame, Locations, Table};

use super::BoardError;

/// The texts of an image's log.
pub struct LogTable {
    table: Table,
    /// Where each is in the code, as far as the image tells.
    locations: Locations,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What happens, in each detail.
    Trace,
    /// What happens.
    Debug,
    /// What people want to know.
    Info,
    /// What may become wrong.
    Warn,
    /// What is wrong.
    Error,
}

impl Level {
    /// Its word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().find(|level| level.name() == name)
    }
}

/// A line of a board's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters; a plain print has no level.
    pub level: Option<Level>,
    /// When it was, as the board counts: since its start.
    pub time: Option<String>,
    /// The text.
    pub message: String,
    /// Where in the code it was said: `gadget.rs:12`.
    pub place: Option<String>,
}

impl LogTable {
    /// The texts in `elf`, the image that the board runs; `None` where it logs nothing.
    ///
    /// # Errors
    ///
    /// It is no image, or its log is of another version.
    pub fn read(elf: &[u8]) -> Result<Option<Self>, BoardError> {
        let image = |error: anyhow::Error| BoardError::Image(format!("{error:#}"));
        let Some(table) = Table::parse(elf).map_err(image)?.filter(|table| !table.is_empty()) else { return Ok(None) };
        // An image without places has texts all the same.
        let locations = table.get_locations(elf).unwrap_or_default();
        Ok(Some(Self { table, locations }))
    }

    /// Reads a frame, without the zero that ends it; `None`: it is none of this image's.
    pub fn line(&self, frame: &[u8]) -> Option<LogLine> {
        // What another image has written may be read as anything, and the decoder takes some of it for impossible.
        catch_unwind(AssertUnwindSafe(|| {
            let mut decoder = self.table.new_stream_decoder();
            decoder.received(frame);
            decoder.received(&[0]);
            decoder.decode().ok().map(|frame| self.told(&frame))
        }))
        .ok()
        .flatten()
    }

    fn told(&self, frame: &Frame<'_>) -> LogLine {
        let place = self.locations.get(&frame.index()).map(|location| {
            let file = location.file.file_name().map(|name| name.to_string_lossy().into_owned());
            format!("{}:{}", file.unwrap_or_default(), location.line)
        });
        LogLine {
            level: frame.level().and_then(|level| Level::named(level.as_str())),
            time: frame.display_timestamp().map(|time| time.to_string()),
            message: frame.display_message().to_string(),
            place,
        }
    }
}
