//! What the display should show: drawn here by the same code, for comparison.
use std::marker::PhantomData;

use comfyglow_core::{
    capacity::GadgetCapacity,
    number::Milli,
    state::{ConnectionStatus, Fault, FaultKind, Percentage, PromptState, State, Steps},
    time::Instant,
    view::{ErrorView, PromptView, View},
};
use comfyglow_ui::{Choices, Network, Options, Scene, Ui};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::{BinaryColor, Gray4, GrayColor as _, PixelColor},
    primitives::{PointsIter as _, Rectangle},
};

use super::picture::{Picture, WIDTH};

/// Where the percentage stands: left, top, width, height.
const PERCENT: (usize, usize, usize, usize) = (0, 0, 40, 22);

/// Where a sign and a title stand.
const TITLE: (usize, usize, usize, usize) = (0, 0, 88, 16);

/// Where steps are told as numbers.
const STEPS: (usize, usize, usize, usize) = (80, 38, 48, 12);

/// Below the title: whose fault it was, and what.
const STORY: (usize, usize, usize, usize) = (0, 16, 128, 48);

/// The server, and the first line of what is wrong with it.
const REASON: (usize, usize, usize, usize) = (0, 16, 128, 24);

/// A connection without a fault.
const WELL: (ConnectionStatus, Option<FaultKind>) = (ConnectionStatus::Connected, None);

/// A screen that can be told by its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Title {
    Ready,
    Done,
    Failed,
}

impl Picture {
    /// The percentage that is shown, if one is.
    pub(crate) fn percent(&self) -> Option<u32> {
        (0..100).find(|percent| {
            let running = PromptView { percentage: Some(Percentage::from_millionths(percent * 1_000_000)), ..prompt() };
            self.agrees(&self.drawn(Some(running)), PERCENT)
        })
    }

    /// Whether the screen shows these steps of a node without a class.
    pub(crate) fn steps_are(&self, value: u64, max: u64) -> bool {
        let thousandths = |steps: u64| Milli::from_thousandths(i64::try_from(steps * 1_000).unwrap_or(i64::MAX));
        let steps = Steps::new(thousandths(value), thousandths(max));
        let running = PromptView { current_node: Some("1"), steps, percentage: None, ..prompt() };
        self.agrees(&self.drawn(Some(running)), STEPS)
    }

    /// Whether the screen has this title.
    pub(crate) fn has_title(&self, title: Title) -> bool {
        let state = match title {
            Title::Ready => None,
            Title::Done => Some(PromptState::Success),
            Title::Failed => Some(PromptState::Error),
        };
        self.agrees(&self.drawn(state.map(|state| PromptView { state, ..prompt() })), TITLE)
    }

    /// Whether the screen tells this error.
    pub(crate) fn tells(&self, error: ErrorView<'_>) -> bool {
        let failed = PromptView { state: PromptState::Error, error: Some(error), ..prompt() };
        self.has_title(Title::Failed) && self.agrees(&self.drawn(Some(failed)), STORY)
    }

    /// Whether the screen tells that there is no network, and why.
    pub(crate) fn tells_network(&self, network: Network<'_>) -> bool {
        let told = self.told(network, "", WELL, None);
        self.agrees(&told, TITLE) && self.agrees(&told, STORY)
    }

    /// Whether the screen tells what is wrong with the connection to `server`.
    pub(crate) fn tells_fault(&self, server: &str, fault: FaultKind) -> bool {
        // It waits for the next attempt, or has to be set up otherwise.
        [ConnectionStatus::Disconnected, ConnectionStatus::Error].into_iter().any(|status| {
            let told = self.told(Network::Up, server, (status, Some(fault)), None);
            self.agrees(&told, TITLE) && self.agrees(&told, REASON)
        })
    }

    /// The screen that tells of `prompt`, on the same display.
    fn drawn(&self, prompt: Option<PromptView<'_>>) -> Self {
        self.told(Network::Up, "", WELL, prompt)
    }

    fn told(
        &self,
        network: Network<'_>,
        server: &str,
        (status, fault): (ConnectionStatus, Option<FaultKind>),
        prompt: Option<PromptView<'_>>,
    ) -> Self {
        let state = State::<GadgetCapacity>::new();
        let mut connection = *state.connection();
        connection.status = status;
        connection.fault = fault.map(Fault::new);
        let view =
            View { connection: &connection, latency: None, next_attempt: None, queue_remaining: Some(0), prompt };
        let mut choices = Choices::new();
        choices.follow(Some(&view), Instant::ZERO);
        let scene = Scene {
            network,
            server,
            view: Some(view),
            percentage: None,
            sparkline: None,
            choices: &choices,
            notice: None,
        };
        let (mut ui, black) = (Ui::new(Options::new()), Self::black(self.is_mono));
        // Nothing can go wrong in memory.
        if self.is_mono {
            let mut canvas = Canvas(black, PhantomData::<BinaryColor>);
            _ = ui.draw(&scene, Instant::ZERO, &mut canvas);
            canvas.0
        } else {
            let mut canvas = Canvas(black, PhantomData::<Gray4>);
            _ = ui.draw(&scene, Instant::ZERO, &mut canvas);
            canvas.0
        }
    }
}

fn prompt() -> PromptView<'static> {
    PromptView { prompt_id: Some("1"), percentage: Some(Percentage::ZERO), ..PromptView::new(PromptState::Running) }
}

/// A display in memory.
struct Canvas<C>(Picture, PhantomData<C>);

impl<C> OriginDimensions for Canvas<C> {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl<C: PixelColor + Into<Gray4>> DrawTarget for Canvas<C> {
    type Color = C;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) {
                self.0.greys[y * WIDTH + x] = color.into().luma();
            }
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = C>>(&mut self, area: &Rectangle, colors: I) -> Result<(), Self::Error> {
        self.draw_iter(area.points().zip(colors).map(|(at, color)| Pixel(at, color)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_told_apart() {
        for is_mono in [false, true] {
            let display = Picture::black(is_mono);
            let ready = display.drawn(None);
            assert!(ready.has_title(Title::Ready) && !ready.has_title(Title::Done) && ready.percent().is_none());
            for percent in 0..100 {
                let percentage = Some(Percentage::from_millionths(percent * 1_000_000 + 500_000));
                let running = display.drawn(Some(PromptView { percentage, ..prompt() }));
                assert_eq!(running.percent(), Some(percent));
                assert!(!running.has_title(Title::Ready));
            }
            let unset = display.told(Network::Unset, "", WELL, None);
            assert!(unset.tells_network(Network::Unset) && !unset.has_title(Title::Ready));
        }
    }
}
