//! What outlives a restart: the last prompt and how long nodes took, in flash that wears out.

use core::ops::Range;

use comfyglow_core::{
    capacity::GadgetCapacity,
    state::{Prompt, State},
};
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_storage_async::nor_flash::NorFlash;

use crate::{
    gadget::{Gadget, now},
    journal::{Journal, cell},
    log::{info, warning},
};

/// The most bytes that a record takes.
const RECORD: usize = State::<GadgetCapacity>::RECORD_BYTES;

/// Between two writes at least: of flash pages that stand 10,000 erasures, two that have room for three records each last
/// a year of prompts without a pause, and decades of a person's.
const PAUSE: Duration = Duration::from_secs(600);

/// How long leaving the server may take.
const GOODBYE: Duration = Duration::from_secs(3);

impl Gadget {
    /// Takes in what `flash` keeps in `range`, then keeps what is worth it, at most every ten minutes and when the gadget
    /// is turned off. The range is two of its pages or more, each of room for a record. To be run as a task.
    pub async fn keep<F: NorFlash>(&self, flash: F, range: Range<u32>) -> ! {
        let mut record = [0; RECORD];
        let mut journal = Journal::<F, { cell(RECORD) }>::new(flash, range);
        match &mut journal {
            Ok(journal) => match journal.newest().await {
                Ok(Some(kept)) => match self.session.borrow_mut().import(kept) {
                    Ok(()) => info!("kept: taken in, {} bytes", kept.len()),
                    Err(error) => warning!("kept: {}", error),
                },
                Ok(None) => info!("kept: nothing yet"),
                Err(error) => warning!("kept: {}", error),
            },
            Err(error) => warning!("kept: {}", *error),
        }
        self.restored.signal(());
        let mut written = None;
        loop {
            let leaving = matches!(select(self.worth_keeping(written), self.leaving.wait()).await, Either::Second(()));
            if leaving {
                _ = with_timeout(GOODBYE, self.gone()).await;
            }
            // What is kept is copied at once: the session goes on while the flash is written.
            let exported = self.session.borrow().state().export(now(), &mut record);
            if let (Ok(len), Ok(journal)) = (exported, &mut journal) {
                match journal.add(record.get(..len).unwrap_or_default()).await {
                    Ok(()) => info!("kept: {} bytes", len),
                    Err(error) => warning!("kept: {}", error),
                }
            }
            written = Some(Instant::now());
            if leaving {
                self.left.signal(());
            }
        }
    }

    /// Waits until something new is worth keeping, and may be written.
    async fn worth_keeping(&self, written: Option<Instant>) {
        if let Some(written) = written {
            Timer::at(written + PAUSE).await;
        }
        loop {
            self.worthy.wait().await;
            // Not while it runs: its end is what counts.
            if self.session.borrow().state().prompt().is_some_and(Prompt::is_settled) {
                return;
            }
        }
    }

    /// Waits until the session is over.
    async fn gone(&self) {
        while !self.session.borrow().is_over() {
            Timer::after_millis(20).await;
        }
    }
}
