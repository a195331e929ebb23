//! The display: painted at its own rate, a slice at a time, whatever the server does.

use comfyglow_core::{session::Host, state::NetworkDown, wire::Input};
use comfyglow_ui::{Drawn, Ink, Network as Seen, Notice, Options, Page, Scene, Shape, Sparkline, Surface, Ui};
use embassy_futures::{select::select, yield_now};
use embassy_time::{Instant, Timer};
use embedded_graphics_core::{draw_target::DrawTarget, primitives::Rectangle};

use crate::{
    gadget::{Gadget, now},
    log::{info, warning},
    network::Network,
    start::Reset,
};

/// Pixels that are drawn before others have their turn: 512 of 4 bits take 1 ms on a bus of 2 MHz.
const AT_ONCE: u32 = 512;

/// Between two frames, in milliseconds, where nothing but a bar moves.
const FRAME: u64 = 40;

/// Until when it is told why the gadget started again: 8 s.
const NOTICE: comfyglow_core::time::Instant = comfyglow_core::time::Instant::from_millis(8_000);

/// A display on a board.
#[expect(async_fn_in_trait, reason = "one executor of one thread runs it all")]
pub trait Panel: DrawTarget<Color: Ink> {
    /// Begins anew, as after power was given: what the display showed is lost.
    ///
    /// # Errors
    ///
    /// The display doesn't answer.
    async fn start(&mut self, brightness: u8) -> Result<(), Self::Error>;

    /// Sends what was drawn in `area`, where drawing didn't.
    ///
    /// # Errors
    ///
    /// The display doesn't answer.
    async fn flush(&mut self, area: Rectangle) -> Result<(), Self::Error> {
        let _ = area;
        Ok(())
    }

    /// Told at the display's rate while nothing was drawn for so many seconds: what wears out can be dimmed until something
    /// is.
    ///
    /// # Errors
    ///
    /// The display doesn't answer.
    async fn rest(&mut self, seconds: u64) -> Result<(), Self::Error> {
        let _ = seconds;
        Ok(())
    }
}

impl Gadget {
    /// Paints what there is to see. A display that fails is tried again each second. To be run as a task.
    pub async fn paint<P: Panel>(&self, panel: &mut P) -> ! {
        let mut options = Options::new();
        options.shape = if self.settings.is_round() { Shape::Round } else { Shape::Rectangle };
        options.pixels_at_once = AT_ONCE;
        let mut ui = Ui::new(options);
        loop {
            if panel.start(self.settings.brightness()).await.is_ok() {
                info!("display: started");
                ui.forget();
                while self.frames(&mut ui, panel).await.is_ok() {}
            }
            warning!("display: it doesn't answer");
            Timer::after_secs(1).await;
        }
    }

    /// Paints frame after frame; ends only by a fault of the display.
    async fn frames<P: Panel>(&self, ui: &mut Ui, panel: &mut P) -> Result<(), P::Error> {
        let mut drawn = Instant::now();
        loop {
            let next = Timer::after_millis(FRAME);
            self.compose(ui, Surface::of::<P::Color>(panel.bounding_box().size));
            let begun = Instant::now();
            let mut pixels = 0_u32;
            loop {
                let Drawn { pixels: some, area, finished, .. } = ui.show(panel)?;
                if some > 0 {
                    panel.flush(area).await?;
                }
                pixels = pixels.saturating_add(some);
                if finished {
                    break;
                }
                yield_now().await;
            }
            if pixels > 0 {
                drawn = Instant::now();
                self.tell(Input::Host(Host::Painted { took: begun.elapsed().into() }));
            } else {
                panel.rest(drawn.elapsed().as_secs()).await?;
            }
            // What changed is shown at once: the session doesn't tell of it more often than a display can follow.
            select(self.repaint.wait(), next).await;
        }
    }

    fn compose(&self, ui: &mut Ui, surface: Surface) {
        self.scene(|scene, now| ui.compose(scene, now, surface));
    }

    /// What is to be seen at this moment.
    pub(crate) fn scene(&self, see: impl FnOnce(&Scene<'_>, comfyglow_core::time::Instant)) {
        let (session, now) = (self.session.borrow(), now());
        let ssid = self.settings.ssid();
        let name = (!ssid.is_empty()).then_some(ssid);
        let network = match self.network.get() {
            _ if self.is_unset() => Seen::Unset,
            Network::Starting => Seen::Starting,
            Network::Absent(NetworkDown::Joining) => Seen::Joining { name },
            Network::Absent(why) => Seen::Lost { name, why },
            Network::Up => Seen::Up,
        };
        let view = session.view(now);
        let mut choices = self.choices.borrow_mut();
        choices.follow(Some(&view), now);
        let percentage = session.smooth_percentage(now);
        let sparkline = (choices.page() == Page::Details).then(|| Sparkline::of(|| session.state().history().iter()));
        let server = self.settings.server();
        let notice = self.notice(now);
        see(
            &Scene {
                network,
                server,
                view: Some(view),
                percentage,
                sparkline: sparkline.as_ref(),
                choices: &choices,
                notice,
            },
            now,
        );
    }

    /// What is told of the last start: for a while, or until somebody has read it.
    fn notice(&self, now: comfyglow_core::time::Instant) -> Option<Notice<'static>> {
        if self.has_read.get() || now >= NOTICE {
            return None;
        }
        match self.start.reset {
            Reset::Panic(place) => Some(Notice::Panic(place)),
            Reset::BrownOut => Some(Notice::BrownOut),
            Reset::Watchdog => Some(Notice::Watchdog),
            Reset::PowerOn | Reset::Software => None,
        }
    }
}
