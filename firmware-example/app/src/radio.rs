//! Wi-Fi: joined, and joined again whenever it is lost.

use comfyglow_core::{
    backoff::{Backoff, BackoffConfig},
    state::NetworkDown,
};
use embassy_time::{Duration, Instant, Timer};

use crate::gadget::Gadget;

/// A network that was there for so long is worth an attempt at once.
const PROVEN: Duration = Duration::from_secs(10);

/// A radio that joins Wi-Fi networks; the board's, or a script of one.
#[expect(async_fn_in_trait, reason = "one executor of one thread runs it all")]
pub trait Radio {
    /// Joins the network of this name; `password` is empty where it has none.
    ///
    /// # Errors
    ///
    /// It can't be joined.
    async fn join(&mut self, ssid: &str, password: &str) -> Result<(), NetworkDown>;

    /// Ends once the network that was joined is lost, with the reason.
    async fn lost(&mut self) -> NetworkDown;
}

impl Gadget {
    /// Joins the network of the settings, and joins it again whenever it is lost: at once where it had been there for a
    /// while, else by the core's backoff. To be run as a task, on a board that [has a radio](crate::Start::has_radio).
    pub async fn stay_joined<R: Radio>(&self, mut radio: R) -> ! {
        if self.is_unset() {
            core::future::pending::<()>().await;
        }
        let (ssid, password) = (self.settings.ssid(), self.settings.password());
        let mut backoff = Backoff::new();
        let mut chance = self.start.seed;
        loop {
            let joined = radio.join(ssid, password).await;
            self.radio_is(joined);
            if joined.is_ok() {
                let since = Instant::now();
                let why = radio.lost().await;
                self.radio_is(Err(why));
                if since.elapsed() >= PROVEN {
                    backoff.reset();
                    continue;
                }
            }
            let wait = backoff.next(&BackoffConfig::DEFAULT, next(&mut chance));
            Timer::after(wait.into()).await;
        }
    }
}

/// The next of a row of numbers that look random, as Steele, Lea and Flood's `SplitMix` makes them.
fn next(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u32::try_from(mixed >> 32).unwrap_or_default()
}
