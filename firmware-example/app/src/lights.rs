//! A strip of LEDs, which is seen from across the room.

use comfyglow_core::{
    capacity::GadgetCapacity,
    queue::NoteKind,
    reducer::{Action, Observer},
    state::{Changes, PromptState, State},
    subscription::{Subscription, Topics},
    time,
    view::{PromptView, View},
};
use comfyglow_setup::limits;
use comfyglow_ui::{
    Scene,
    leds::{RGB8, paint},
};
use embassy_time::{Instant, Ticker, Timer};

use crate::{
    gadget::Gadget,
    log::{info, warning},
};

/// The most LEDs of a strip. Each takes three bytes.
pub const LEDS: usize = limits::LEDS as usize;

/// Between two pictures, in milliseconds: a breath is smooth at that.
const FRAME: u64 = 40;

/// Milliseconds after which a strip is told again what it shows: it has no memory of its own, and a spark in the room may
/// have flipped a bit.
const AGAIN: u64 = 1_000;

/// How long a strip shows an end even if another prompt has begun.
const END_STAYS: time::Duration = time::Duration::from_secs(1);

/// Ends that wait for a strip. If more come, the oldest ones are not shown, so a strip is at most 4 s late.
const ENDS: usize = 4;

/// The ends of prompts, each shown long enough to be seen. The view alone would not do: the next prompt can replace an
/// end between two pictures. All else that a strip shows lasts, and depends on the network and the person as well, so it
/// comes from the scene.
pub(crate) struct Ends {
    notes: Subscription<ENDS>,
    /// The end last taken out: its prompt's generation, its state, and since when it is shown.
    taken: Option<(u32, PromptState, time::Instant)>,
}

impl Default for Ends {
    fn default() -> Self {
        Self { notes: Subscription::new(Topics::END), taken: None }
    }
}

impl Observer<GadgetCapacity> for Ends {
    fn reduced(&mut self, now: time::Instant, action: &Action<'_>, changes: Changes, state: &State<GadgetCapacity>) {
        self.notes.reduced(now, action, changes, state);
    }
}

impl Ends {
    /// The end to show at `now` instead of the prompt `generation`, which is the view's; `None` if the view is right.
    fn earlier_than(&mut self, generation: u32, now: time::Instant) -> Option<PromptState> {
        if self.taken.is_none_or(|(.., since)| now.saturating_since(since) >= END_STAYS) {
            self.taken = core::iter::from_fn(|| self.notes.next()).find_map(|note| match note.kind() {
                NoteKind::End(state) => Some((note.generation(), state, now)),
                _ => None,
            });
        }
        self.taken.filter(|(of, ..)| *of != generation).map(|(_, state, _)| state)
    }
}

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
            self.scene(|scene, now| {
                let generation = self.session.borrow().state().generation();
                let end = self.ends.borrow_mut().earlier_than(generation, now);
                let view = scene.view.map(|view| View { prompt: end.map(PromptView::new).or(view.prompt), ..view });
                paint(&Scene { view, ..*scene }, now, wanted, brightness);
            });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Start};
    use comfyglow_core::{session::Link, wire::Input};
    use core::{cell::Cell, pin::pin};
    use embassy_futures::poll_once;
    use embassy_time::{Duration, MockDriver};
    use std::{boxed::Box, format};

    /// A strip that keeps its first LED's colour.
    struct First<'a>(&'a Cell<RGB8>);

    impl Strip for First<'_> {
        type Error = ();

        async fn show(&mut self, colours: &[RGB8]) -> Result<(), ()> {
            self.0.set(colours[0]);
            Ok(())
        }
    }

    fn receive(gadget: &Gadget, event: &str, prompt: &str) {
        let message = format!(r#"{{"type":"{event}","data":{{"prompt_id":"{prompt}","timestamp":1}}}}"#);
        let mut frame = std::vec![0x81, u8::try_from(message.len()).unwrap()];
        frame.extend(message.as_bytes());
        gadget.tell(Input::Bytes(Link::Socket, &frame));
    }

    #[test]
    fn strip_with_end_and_start_between_two_pictures_shows_the_end() {
        let settings = Box::leak(Box::new(Settings::parse("server=desk leds=3").unwrap()));
        let gadget = Gadget::new(settings, Box::leak(Box::new(Gadget::session(settings, 1))), Start::default());
        gadget.network.set(crate::network::Network::Up);
        gadget.session.borrow_mut().attach(crate::gadget::now());
        let colour = Cell::new(RGB8::default());
        let mut strip = First(&colour);
        let mut light = pin!(gadget.light(&mut strip));
        let mut picture = |millis| {
            MockDriver::get().advance(Duration::from_millis(millis));
            assert!(poll_once(light.as_mut()).is_pending());
            colour.get()
        };
        let is_green = |led: RGB8| led.g > led.b && led.r == 0;
        receive(&gadget, "execution_start", "a");
        assert!(!is_green(picture(40)));
        receive(&gadget, "execution_success", "a");
        receive(&gadget, "execution_start", "b");
        assert!(is_green(picture(40)), "prompt a ended well");
        assert!(is_green(picture(900)));
        assert!(!is_green(picture(200)), "prompt b runs");
        // An end that no other prompt follows stays, as before.
        receive(&gadget, "execution_success", "b");
        assert!(is_green(picture(40)));
        assert!(is_green(picture(5_000)));
    }
}
