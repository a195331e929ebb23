//! How what a display shows becomes what it should, with few bytes.

use embedded_graphics_core::{
    draw_target::DrawTarget,
    geometry::{Point, Size},
    primitives::Rectangle,
};

use crate::{
    area::Area,
    frame::Frame,
    ink::{Ink, Shade},
    tile::Tile,
};

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
    old: Tile,
    new: Tile,
}

impl<'a, D: DrawTarget<Color: Ink>> Pen<'a, D> {
    /// A display, of which `screen` is used; its pixels begin at `origin`. One more rectangle costs so many bytes.
    pub(crate) fn new(target: &'a mut D, origin: Point, screen: Area, window_bytes: u16) -> Self {
        let window = u32::from(window_bytes).saturating_mul(8) / D::Color::BITS.max(1);
        let window = i32::try_from(window).unwrap_or(i32::MAX).min(i32::from(i16::MAX));
        let (old, new) = (Tile::new(), Tile::new());
        Self { target, origin, screen, window, pixels: 0, rectangles: 0, around: Area::default(), old, new }
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
        wanted.paint(area, &mut self.new);
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
            shown.paint(part, &mut self.old);
            wanted.paint(part, &mut self.new);
            self.differences(part)?;
            top = part.bottom();
        }
        Ok(())
    }

    /// Sends what differs between the tiles of `area`.
    fn differences(&mut self, area: Area) -> Result<(), D::Error> {
        let mut pending = Area::default();
        for y in area.top()..area.bottom() {
            let Some(span) = self.difference(y) else { continue };
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

    /// Where a row differs.
    fn difference(&self, y: i32) -> Option<Area> {
        let (old, new) = (self.old.row(y), self.new.row(y));
        let differs = |(old, new): (&Shade, &Shade)| old != new && D::Color::ink(*old) != D::Color::ink(*new);
        let first = old.iter().zip(new).position(differs)?;
        let last = old.iter().zip(new).rposition(differs)?;
        let column = |place: usize| i32::try_from(place).unwrap_or_default() + self.new.area().left();
        Some(self.aligned(Area::between(column(first), y, column(last) + 1, y + 1)))
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
        self.target.fill_contiguous(&rectangle, self.new.pixels(area).map(D::Color::ink))
    }
}
