//! What is seen at a moment, and how what the display shows becomes that with few bytes.

use embedded_graphics_core::{
    draw_target::DrawTarget,
    geometry::{Point, Size},
    primitives::Rectangle,
};

use crate::{
    ink::{Ink, Shade},
    widget::{Area, Row, Widget},
};

/// The widest display; what is wider is used as far as this.
pub(crate) const COLUMNS: u32 = if cfg!(feature = "large") { 240 } else { 128 };
const WIDTH: usize = COLUMNS as usize;

/// A widget and where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) area: Area,
    pub(crate) widget: Widget,
}

impl Slot {
    const EMPTY: Self = Self { area: Area::new(0, 0, 0, 0), widget: Widget::Nothing };
}

/// The most widgets of a screen.
const SLOTS: usize = 14;

/// All that is seen; later ones lie over earlier ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) slots: [Slot; SLOTS],
    used: u8,
}

impl Frame {
    pub(crate) const fn new() -> Self {
        Self { slots: [Slot::EMPTY; SLOTS], used: 0 }
    }

    /// Adds what lies over the others; no layout has more than there is room for.
    pub(crate) fn put(&mut self, slot: Slot) {
        let free = self.slots.get_mut(usize::from(self.used));
        debug_assert!(free.is_some(), "a layout has too many widgets");
        if let Some(free) = free {
            *free = slot;
            self.used += 1;
        }
    }

    fn paint(&self, x: i32, y: i32, pixels: &mut [Shade]) {
        pixels.fill(Shade::NONE);
        for slot in &self.slots {
            slot.widget.paint(slot.area, &mut Row { x, y, pixels });
        }
    }

    /// The pixels of `area`, row by row.
    fn pixels(&self, area: Area) -> Pixels<'_> {
        Pixels { frame: self, area, row: [Shade::NONE; WIDTH], x: i32::from(area.w), y: area.top() }
    }
}

struct Pixels<'a> {
    frame: &'a Frame,
    area: Area,
    row: [Shade; WIDTH],
    /// The next pixel of the row.
    x: i32,
    /// The next row.
    y: i32,
}

impl Iterator for Pixels<'_> {
    type Item = Shade;

    fn next(&mut self) -> Option<Shade> {
        let width = usize::try_from(self.area.w).ok()?;
        if self.x >= i32::from(self.area.w) {
            if self.y >= self.area.bottom() {
                return None;
            }
            self.frame.paint(self.area.left(), self.y, self.row.get_mut(..width)?);
            self.y += 1;
            self.x = 0;
        }
        let pixel = self.row.get(usize::try_from(self.x).ok()?)?;
        self.x += 1;
        Some(*pixel)
    }
}

/// What a call of [`Ui::show`](crate::Ui::show) sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How many pixels.
    pub pixels: u32,
    /// How many rectangles they were in.
    pub rectangles: u32,
    /// What is around all of them: what a target with a frame buffer has to flush. Of no size where nothing was sent.
    pub area: Rectangle,
    /// Whether all is shown now; else [`Options::pixels_at_once`](crate::Options::pixels_at_once) were sent, and another
    /// call goes on.
    pub finished: bool,
}

/// Sends rectangles to a display.
pub(crate) struct Pen<'a, D> {
    pub(crate) target: &'a mut D,
    /// Where the display's pixels begin.
    pub(crate) origin: Point,
    /// The part of it that is used.
    pub(crate) screen: Area,
    /// What one more rectangle costs, in pixels.
    pub(crate) window: i32,
    pub(crate) pixels: u32,
    pub(crate) rectangles: u32,
    pub(crate) around: Area,
}

impl<D: DrawTarget<Color: Ink>> Pen<'_, D> {
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

    /// Sends all of `area`.
    pub(crate) fn fill(&mut self, frame: &Frame, area: Area) -> Result<(), D::Error> {
        let area = self.aligned(area);
        let (Ok(width), Ok(height)) = (u32::try_from(area.w), u32::try_from(area.h)) else { return Ok(()) };
        if width == 0 || height == 0 {
            return Ok(());
        }
        let corner = Point::new(self.origin.x + area.left(), self.origin.y + area.top());
        self.pixels = self.pixels.saturating_add(width.saturating_mul(height));
        self.rectangles = self.rectangles.saturating_add(1);
        self.around = self.around.around(area);
        let rectangle = Rectangle::new(corner, Size::new(width, height));
        self.target.fill_contiguous(&rectangle, frame.pixels(area).map(D::Color::ink))
    }

    /// Sends what differs in `area` between what is `shown` and what is `wanted`.
    pub(crate) fn change(&mut self, shown: &Frame, wanted: &Frame, area: Area) -> Result<(), D::Error> {
        let area = self.aligned(area);
        let mut pending = Area::default();
        let (mut old, mut new) = ([Shade::NONE; WIDTH], [Shade::NONE; WIDTH]);
        let width = usize::try_from(area.w).unwrap_or_default();
        let (Some(old), Some(new)) = (old.get_mut(..width), new.get_mut(..width)) else { return Ok(()) };
        for y in area.top()..area.bottom() {
            shown.paint(area.left(), y, old);
            wanted.paint(area.left(), y, new);
            let (mut first, mut last) = (None, 0);
            for (x, (old, new)) in (area.left()..).zip(old.iter().zip(&*new)) {
                if old != new && D::Color::ink(*old) != D::Color::ink(*new) {
                    first = first.or(Some(x));
                    last = x + 1;
                }
            }
            let Some(first) = first else { continue };
            let span = self.aligned(Area::between(first, y, last, y + 1));
            let joined = pending.around(span);
            let size = |area: Area| i32::from(area.w) * i32::from(area.h);
            if size(joined) <= size(pending) + size(span) + self.window {
                pending = joined;
            } else {
                self.fill(wanted, pending)?;
                pending = span;
            }
        }
        self.fill(wanted, pending)
    }
}
