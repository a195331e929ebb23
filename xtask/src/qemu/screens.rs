//! What the display should show: drawn here by the same code, for comparison.
use comfyglow_core::{
    number::Milli,
    state::{ConnectionStatus, Percentage, PromptState, State, Steps},
    time::Instant,
    view::{ErrorView, PromptView, View},
};
use comfyglow_ui::{Choices, Network, Options, Scene, Ui};
use embedded_graphics_core::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::{Gray4, GrayColor as _},
    primitives::{PointsIter as _, Rectangle},
};

use super::picture::{HEIGHT, Picture, WIDTH};

/// Where the percentage stands: left, top, width, height.
const PERCENT: (usize, usize, usize, usize) = (0, 0, 40, 22);

/// Where a sign and a title stand.
const TITLE: (usize, usize, usize, usize) = (0, 0, 88, 16);

/// Where steps are told as numbers.
const STEPS: (usize, usize, usize, usize) = (80, 38, 48, 12);

/// Below the title: whose fault it was, and what.
const STORY: (usize, usize, usize, usize) = (0, 16, 128, 48);

/// A screen that can be told by its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Title {
    Ready,
    Done,
    Failed,
}

impl Picture {
    /// The percentage that is shown, if one is.
    pub(super) fn percent(&self) -> Option<u32> {
        (0..100).find(|percent| {
            let running = PromptView { percentage: Some(Percentage::from_millionths(percent * 1_000_000)), ..prompt() };
            self.agrees(&drawn(Some(running)), PERCENT)
        })
    }

    /// Whether the screen shows these steps of a node without a class.
    pub(super) fn steps_are(&self, value: u64, max: u64) -> bool {
        let thousandths = |steps: u64| Milli::from_thousandths(i64::try_from(steps * 1_000).unwrap_or(i64::MAX));
        let steps = Steps::new(thousandths(value), thousandths(max));
        let running = PromptView { current_node: Some("1"), steps, percentage: None, ..prompt() };
        self.agrees(&drawn(Some(running)), STEPS)
    }

    /// Whether the screen has this title.
    pub(super) fn has_title(&self, title: Title) -> bool {
        let state = match title {
            Title::Ready => None,
            Title::Done => Some(PromptState::Success),
            Title::Failed => Some(PromptState::Error),
        };
        self.agrees(&drawn(state.map(|state| PromptView { state, ..prompt() })), TITLE)
    }

    /// Whether the screen tells this error.
    pub(super) fn tells(&self, error: ErrorView<'_>) -> bool {
        let failed = PromptView { state: PromptState::Error, error: Some(error), ..prompt() };
        self.has_title(Title::Failed) && self.agrees(&drawn(Some(failed)), STORY)
    }
}

fn prompt() -> PromptView<'static> {
    PromptView { prompt_id: Some("1"), percentage: Some(Percentage::ZERO), ..PromptView::new(PromptState::Running) }
}

/// The screen that tells of `prompt`.
fn drawn(prompt: Option<PromptView<'_>>) -> Picture {
    let state = State::<8, 8, 4, 8, 1>::new();
    let mut connection = *state.connection();
    connection.status = ConnectionStatus::Connected;
    let view = View { connection: &connection, latency: None, next_attempt: None, queue_remaining: Some(0), prompt };
    let mut choices = Choices::new();
    choices.follow(Some(&view), Instant::ZERO);
    let scene =
        Scene { network: Network::Up, server: "", view: Some(view), percentage: None, choices: &choices, notice: None };
    let mut canvas = Canvas(Picture { greys: vec![0; WIDTH * HEIGHT] });
    // Nothing can go wrong in memory.
    _ = Ui::new(Options::new()).draw(&scene, Instant::ZERO, &mut canvas);
    canvas.0
}

/// A display in memory.
struct Canvas(Picture);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(128, 64)
    }
}

impl DrawTarget for Canvas {
    type Color = Gray4;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Gray4>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) {
                self.0.greys[y * WIDTH + x] = color.luma();
            }
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = Gray4>>(
        &mut self,
        area: &Rectangle,
        colors: I,
    ) -> Result<(), Self::Error> {
        self.draw_iter(area.points().zip(colors).map(|(at, color)| Pixel(at, color)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_told_apart() {
        let ready = drawn(None);
        assert!(ready.has_title(Title::Ready) && !ready.has_title(Title::Done) && ready.percent().is_none());
        for percent in 0..100 {
            let percentage = Some(Percentage::from_millionths(percent * 1_000_000 + 500_000));
            let running = drawn(Some(PromptView { percentage, ..prompt() }));
            assert_eq!(running.percent(), Some(percent));
            assert!(!running.has_title(Title::Ready));
        }
    }
}
