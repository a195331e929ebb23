use comfyglow_core::{
    text::{Id, Key},
    time::Instant,
    view::PromptView,
};
use embedded_graphics_core::{
    draw_target::DrawTarget,
    geometry::{Point, Size},
    primitives::Rectangle,
};

use crate::{
    area::Area,
    frame::{COLUMNS, Drawn, Frame},
    ink::{Depth, Ink},
    layout::{self, Layout, Shape},
    left::TimeLeft,
    pen::Pen,
    scene::{Page, Scene},
    story::{Kind, Story},
    tile::Tile,
};

/// How a display is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Its outline.
    pub shape: Shape,
    /// What one rectangle more costs in bytes on the way to the display, besides its pixels: the commands that set its
    /// window. Rectangles are joined where that is cheaper.
    pub window_bytes: u16,
    /// After about so many pixels [`Ui::show`] returns before all is shown, so that whoever draws can do other things
    /// meanwhile; it is one widget at least.
    pub pixels_at_once: u32,
}

impl Options {
    /// A rectangular display that takes 6 bytes to set a window, drawn at once.
    pub const fn new() -> Self {
        Self { shape: Shape::Rectangle, window_bytes: 6, pixels_at_once: u32::MAX }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// A display's pixels and colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// How many columns and rows of pixels.
    pub size: Size,
    /// How it tells things apart.
    pub depth: Depth,
}

impl Surface {
    /// A display of these colours.
    pub const fn of<C: Ink>(size: Size) -> Self {
        Self { size, depth: C::DEPTH }
    }
}

/// What the display shows, and what it should.
#[derive(Debug)]
pub struct Ui {
    options: Options,
    shown: Frame,
    wanted: Frame,
    /// What texts wander in, and since when.
    topic: Option<(Topic, Instant)>,
    time_left: TimeLeft,
    /// Rows of the display that are known to show [`shown`](Self::shown); `None` once all of them do.
    painted: Option<i32>,
}

/// What a story is about: while that stays, texts that are too long go on wandering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Topic {
    kind: Kind,
    page: Page,
    text: Key,
}

impl Topic {
    fn of(kind: Kind, scene: &Scene<'_>) -> Self {
        let prompt = scene.view.as_ref().and_then(|view| view.prompt.as_ref());
        let fault = scene.view.as_ref().and_then(|view| view.connection.fault).map_or("", |fault| fault.message());
        let text = match (kind, prompt) {
            (Kind::Running, Some(PromptView { current_node, current_class, .. })) => current_class.or(*current_node),
            (Kind::Failed, Some(PromptView { error: Some(error), .. })) => Some(error.exception_message),
            _ => Some(fault),
        };
        Self { kind, page: scene.choices.page(), text: Id::from(text.unwrap_or_default()).key() }
    }
}

impl Ui {
    /// A display of which nothing is known.
    pub const fn new(options: Options) -> Self {
        Self {
            options,
            shown: Frame::new(),
            wanted: Frame::new(),
            topic: None,
            time_left: TimeLeft::new(),
            painted: Some(0),
        }
    }

    /// Works out what is to be seen of `scene` at `now`, and draws nothing.
    #[inline]
    pub fn compose(&mut self, scene: &Scene<'_>, now: Instant, surface: Surface) {
        let layout = Layout::of(surface.size, self.options.shape);
        self.lay_out(scene, now, layout, surface.size, surface.depth);
    }

    #[inline(never)]
    fn lay_out(&mut self, scene: &Scene<'_>, now: Instant, layout: Layout, size: Size, depth: Depth) {
        let mut scene = *scene;
        if let Some(prompt) = scene.view.as_mut().and_then(|view| view.prompt.as_mut()) {
            prompt.eta = self.time_left.of(prompt);
        }
        let story = Story::of(&scene);
        let topic = Topic::of(story.kind, &scene);
        let since = match self.topic {
            Some((known, since)) if known == topic => since,
            _ => now,
        };
        self.topic = Some((topic, since));
        layout::compose(&mut self.wanted, &story, layout, size, depth, now, now.saturating_since(since));
    }

    /// Sends what differs between what the display shows and what was composed last. The session may go on meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the display. What it shows is unknown then: the next call sends all of it.
    #[inline(never)]
    pub fn show<D: DrawTarget<Color: Ink>>(&mut self, target: &mut D) -> Result<Drawn, D::Error> {
        let Rectangle { top_left: origin, size } = target.bounding_box();
        let length = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX).min(i32::from(i16::MAX));
        let width = length(size.width).min(length(COLUMNS));
        let screen = Area::between(0, 0, width, length(size.height));
        // Of a display that is wider than any layout the middle is used.
        let align = i32::try_from(D::Color::ALIGN).unwrap_or(1).max(1);
        let margin = (length(size.width) - width) / 2 / align * align;
        let display = Rectangle { top_left: origin, size };
        let origin = Point::new(origin.x + margin, origin.y);
        let mut tiles = [const { Tile::new() }; 2];
        let mut pen = Pen::new(target, &mut tiles, origin, screen, self.options.window_bytes);
        let sent = self.clear_margins(&mut pen, display, margin).and_then(|()| self.send(&mut pen));
        let Pen { pixels, rectangles, around, .. } = pen;
        let finished = match sent {
            Ok(finished) => finished,
            Err(error) => {
                self.forget();
                return Err(error);
            }
        };
        let corner = Point::new(origin.x + around.left(), origin.y + around.top());
        let size = Size::new(u32::try_from(around.w).unwrap_or(0), u32::try_from(around.h).unwrap_or(0));
        Ok(Drawn { pixels, rectangles, area: Rectangle::new(corner, size), finished })
    }

    /// [`compose`](Self::compose) and [`show`](Self::show).
    ///
    /// # Errors
    ///
    /// As those of [`show`](Self::show).
    #[inline]
    pub fn draw<D>(&mut self, scene: &Scene<'_>, now: Instant, target: &mut D) -> Result<Drawn, D::Error>
    where
        D: DrawTarget<Color: Ink>,
    {
        self.compose(scene, now, Surface::of::<D::Color>(target.bounding_box().size));
        self.show(target)
    }

    /// What the display shows isn't known any more, as after a reset: the next [`show`](Self::show) sends all of it.
    pub const fn forget(&mut self) {
        self.painted = Some(0);
    }

    /// Clears what no layout reaches, where nothing is known of the display yet.
    fn clear_margins<D: DrawTarget<Color: Ink>>(
        &self,
        pen: &mut Pen<'_, D>,
        display: Rectangle,
        margin: i32,
    ) -> Result<(), D::Error> {
        let used = u32::try_from(pen.screen.w).unwrap_or(0);
        if self.painted != Some(0) || used == display.size.width || display.size.height == 0 {
            return Ok(());
        }
        let left = u32::try_from(margin).unwrap_or(0);
        let right = display.size.width.saturating_sub(left).saturating_sub(used);
        let corner = Point::new(pen.origin.x + i32::from(pen.screen.w), display.top_left.y);
        for (corner, width) in [(display.top_left, left), (corner, right)].into_iter().filter(|(_, width)| *width > 0) {
            let margin = Rectangle::new(corner, Size::new(width, display.size.height));
            pen.target.fill_solid(&margin, D::Color::ink(crate::Shade::NONE))?;
        }
        Ok(())
    }

    /// Sends until all is shown, or enough was sent for once; whether all is shown.
    fn send<D: DrawTarget<Color: Ink>>(&mut self, pen: &mut Pen<'_, D>) -> Result<bool, D::Error> {
        if let Some(mut row) = self.painted {
            if row == 0 {
                self.shown = self.wanted;
            }
            while row < pen.screen.bottom() {
                if pen.pixels >= self.options.pixels_at_once {
                    return Ok(false);
                }
                row = pen.band(&self.shown, row)?;
                self.painted = Some(row);
            }
            self.painted = None;
        }
        for place in 0..self.wanted.slots.len() {
            let (Some(old), Some(new)) = (self.shown.slots.get(place), self.wanted.slots.get(place)) else { break };
            if old == new {
                continue;
            }
            if pen.pixels >= self.options.pixels_at_once {
                return Ok(false);
            }
            for area in new.difference(old) {
                pen.change(&self.shown, &self.wanted, area)?;
            }
            // So that a later call goes on from here.
            if let Some(shown) = self.shown.slots.get_mut(place) {
                shown.clone_from(new);
            }
        }
        Ok(true)
    }
}
