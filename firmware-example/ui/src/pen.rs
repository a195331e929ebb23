//! How what a display shows becomes what it should, with few bytes.

use embedded_graphics_core::{
    draw_target::DrawTarget,
    geometry::{Point, Size},
    primitives::Rectangle,
};

use crate::{area::Area, frame::Frame, ink::Ink, tile::Tile};

/// Sends rectangles to a display.
pub(crate) struct Pen<'a, D> {
    pub(crate) target: &'a mut D,
    /// Where the display's pixels begin.
    pub(crate) origin: Point,
    /// The part of it that is used.
    pub(crate) screen: Area,
    /// What one more rectangle costs, in pixels.
    window: i32,
    /// What was sent.
    pub(crate) pixels: u32,
    pub(crate) rectangles: u32,
    pub(crate) around: Area,
    /// What is shown, and what is wanted instead.
    tiles: &'a mut [Tile; 2],
}

impl<'a, D: DrawTarget<Color: Ink>> Pen<'a, D> {
    /// A display, of which `screen` is used; its pixels begin at `origin`. One more rectangle costs so many bytes.
    pub(crate) fn new(
        target: &'a mut D,
        tiles: &'a mut [Tile; 2],
        origin: Point,
        screen: Area,
        window_bytes: u16,
    ) -> Self {
        let window = u32::from(window_bytes).saturating_mul(8) / D::Color::BITS.max(1);
        let window = i32::try_from(window).unwrap_or(i32::MAX).min(i32::from(i16::MAX));
        Self { target, tiles, origin, screen, window, pixels: 0, rectangles: 0, around: Area::default() }
    }

    /// `area` as far as it is on the display, widened to where rectangles may begin and end.
    fn aligned(&self, area: Area) -> Area {
        let align = i32::try_from(D::Color::ALIGN).unwrap_or(1).max(1);
        let area = area.common(self.screen);
        if area.is_empty() {
            return Area::default();
        }
        let left = area.left() / align * align;
        let right = (area.right() + align - 1) / align * align;
        // A display whose width is odd ends with what shares no byte.
        Area::between(left, area.top(), right.min(self.screen.right()), area.bottom())
    }

    /// Sends as many rows of `wanted` as a tile has, from `top` on; where the next one is.
    pub(crate) fn band(&mut self, wanted: &Frame, top: i32) -> Result<i32, D::Error> {
        let bottom = top + Tile::rows(self.screen.w);
        let area = Area::between(0, top, self.screen.right(), bottom).common(self.screen);
        wanted.paint(area, &mut self.tiles[1]);
        self.fill(area)?;
        Ok(bottom)
    }

    /// Sends what differs in `area` between what is `shown` and what is `wanted`.
    pub(crate) fn change(&mut self, shown: &Frame, wanted: &Frame, area: Area) -> Result<(), D::Error> {
        let area = self.aligned(area);
        let rows = Tile::rows(area.w);
        let mut top = area.top();
        while top < area.bottom() {
            let part = Area::between(area.left(), top, area.right(), top + rows).common(area);
            shown.paint(part, &mut self.tiles[0]);
            wanted.paint(part, &mut self.tiles[1]);
            self.differences(part)?;
            top = part.bottom();
        }
        Ok(())
    }

    /// Sends what differs between the tiles of `area`.
    fn differences(&mut self, area: Area) -> Result<(), D::Error> {
        let mut pending = Area::default();
        for y in area.top()..area.bottom() {
            let Some(columns) =
                self.tiles[0].difference(&self.tiles[1], y, |one, other| D::Color::ink(one) == D::Color::ink(other))
            else {
                continue;
            };
            let span = self.aligned(Area::between(columns.start, y, columns.end, y + 1));
            let joined = pending.around(span);
            let size = |area: Area| i32::from(area.w) * i32::from(area.h);
            if size(joined) <= size(pending) + size(span) + self.window {
                pending = joined;
            } else {
                self.fill(pending)?;
                pending = span;
            }
        }
        self.fill(pending)
    }

    /// Sends `area` of what is wanted.
    fn fill(&mut self, area: Area) -> Result<(), D::Error> {
        let (Ok(width), Ok(height)) = (u32::try_from(area.w), u32::try_from(area.h)) else { return Ok(()) };
        if width == 0 || height == 0 {
            return Ok(());
        }
        let corner = Point::new(self.origin.x + area.left(), self.origin.y + area.top());
        self.pixels = self.pixels.saturating_add(width.saturating_mul(height));
        self.rectangles = self.rectangles.saturating_add(1);
        self.around = self.around.around(area);
        let rectangle = Rectangle::new(corner, Size::new(width, height));
        self.target.fill_contiguous(&rectangle, self.tiles[1].pixels(area).map(D::Color::ink))
    }
}
