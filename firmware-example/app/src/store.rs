//! The settings in flash.

use core::{fmt, ops::Range};

use comfyglow_setup::{RECORD_BYTES, RecordError, Settings};
use embedded_storage_async::nor_flash::NorFlash;

use crate::{
    journal::{FlashError, Journal, cell},
    log::warning,
};

/// Bytes of a record at most, with some to spare: what a later version writes is found, and told to be of a later one.
const ROOM: usize = {
    assert!(RECORD_BYTES <= 480, "there is room for it");
    480
};

/// The settings in flash: the old ones or the new ones, whenever power stops.
pub struct Store<F> {
    journal: Result<Journal<F, { cell(ROOM) }>, FlashError>,
}

/// Why there are no settings out of flash, or why they can't be put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StoreError {
    /// The flash fails.
    Flash(FlashError),
    /// What is there can't be taken in.
    Record(RecordError),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StoreError {}

impl From<FlashError> for StoreError {
    fn from(error: FlashError) -> Self {
        Self::Flash(error)
    }
}

impl<F: NorFlash> Store<F> {
    /// In this part of `flash`, which is two pages or more, and nobody else's.
    pub fn new(flash: F, range: Range<u32>) -> Self {
        Self { journal: Journal::new(flash, range) }
    }

    /// The settings that are saved; where there are none, none is set.
    ///
    /// # Errors
    ///
    /// What is saved can't be read, or taken in. It stays until something else is saved.
    pub async fn load(&mut self) -> Result<Settings, StoreError> {
        match self.journal()?.newest().await? {
            Some(record) => Settings::read(record).map_err(|error| {
                warning!("settings: {}", error);
                StoreError::Record(error)
            }),
            None => Ok(Settings::new()),
        }
    }

    /// Saves the settings. Of those before nothing can be read any more.
    ///
    /// # Errors
    ///
    /// The flash fails; what was saved before still is, or this is.
    pub async fn save(&mut self, settings: &Settings) -> Result<(), StoreError> {
        let mut record = [0; RECORD_BYTES];
        let record = settings.write(&mut record).ok_or(FlashError::NoRoom)?;
        Ok(self.journal()?.replace(record).await?)
    }

    /// Erases the settings.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub async fn forget(&mut self) -> Result<(), StoreError> {
        self.save(&Settings::new()).await
    }

    fn journal(&mut self) -> Result<&mut Journal<F, { cell(ROOM) }>, FlashError> {
        self.journal.as_mut().map_err(|error| *error)
    }
}
