//! A strip of LEDs, which is seen from across the room.

use comfyglow_setup::limits;
use comfyglow_ui::leds::{RGB8, paint};
use embassy_time::{Instant, Ticker, Timer};

use crate::{
    gadget::{Gadget, now},
    log::{info, warning},
};

/// The most LEDs of a strip. Each takes three bytes.
pub const LEDS: usize = limits::LEDS as usize;

/// Between two pictures, in milliseconds: a breath is smooth at that.
const FRAME: u64 = 40;

/// Milliseconds after which a strip is told again what it shows: it has no memory of its own, and a spark in the room may
/// have flipped a bit.
const AGAIN: u64 = 1_000;

/// A strip of LEDs on a board.
#[expect(async_fn_in_trait, reason = "one executor of one thread runs it all")]
pub trait Strip {
    /// Why it can't be told its colours.
    type Error;

    /// Shows `colours`, the first LED's first.
    ///
    /// # Errors
    ///
    /// They could not be sent. The strip is told again a little later.
    async fn show(&mut self, colours: &[RGB8]) -> Result<(), Self::Error>;
}

impl Gadget {
    /// Lights as many LEDs of a strip as the settings say, and as brightly. To be run as a task.
    pub async fn light<S: Strip>(&self, strip: &mut S) -> ! {
        let (count, percent) = (usize::from(self.settings.leds()), self.settings.leds_brightness());
        if count == 0 {
            core::future::pending::<()>().await;
        }
        let brightness = u8::try_from(u32::from(percent) * 255 / 100).unwrap_or(u8::MAX);
        let (mut wanted, mut shown) = ([RGB8::default(); LEDS], [RGB8::default(); LEDS]);
        let wanted = wanted.get_mut(..count.min(LEDS)).unwrap_or_default();
        let shown = shown.get_mut(..wanted.len()).unwrap_or_default();
        let mut told: Option<Instant> = None;
        let mut frames = Ticker::every(embassy_time::Duration::from_millis(FRAME));
        info!("lights: {} LEDs", wanted.len());
        loop {
            self.scene(|scene, _| paint(scene, now(), wanted, brightness));
            if wanted != shown || told.is_none_or(|told| told.elapsed().as_millis() >= AGAIN) {
                if strip.show(wanted).await.is_ok() {
                    shown.copy_from_slice(wanted);
                    told = Some(Instant::now());
                } else {
                    warning!("lights: they could not be told");
                    told = None;
                    Timer::after_secs(1).await;
                }
            }
            frames.next().await;
        }
    }
}
