//! A part of the display, painted in memory.

use core::ops::Range;

use crate::{area::Area, ink::Shade};

/// How many pixels a tile has: two digits of the largest number of a layout.
const PIXELS: usize = if cfg!(feature = "large") { 2_048 } else { 512 };

/// The pixels of a rectangle, row by row.
pub(crate) struct Tile {
    area: Area,
    shades: [Shade; PIXELS],
}

impl Tile {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self { area: Area::new(0, 0, 0, 0), shades: [Shade::NONE; PIXELS] }
    }

    /// How many rows one has that is so wide.
    pub(crate) fn rows(width: i16) -> i32 {
        let pixels = i32::try_from(PIXELS).unwrap_or(i32::MAX);
        pixels.checked_div(i32::from(width)).unwrap_or(pixels)
    }

    pub(crate) const fn area(&self) -> Area {
        self.area
    }

    /// Begins anew, with nothing to be seen in `area`, which has no more rows than there is room for.
    pub(crate) fn clear(&mut self, area: Area) {
        self.area = area;
        let count = usize::try_from(i32::from(area.w) * i32::from(area.h)).unwrap_or_default();
        self.shades.iter_mut().take(count).for_each(|shade| *shade = Shade::NONE);
    }

    /// Where some of its pixels are in memory: `columns`, which are in it, of a row that is in it.
    fn place(&self, y: i32, columns: Range<i32>) -> Option<Range<usize>> {
        let row = (y - self.area.top()) * i32::from(self.area.w) - self.area.left();
        Some(usize::try_from(row + columns.start).ok()?..usize::try_from(row + columns.end).ok()?)
    }

    /// Some pixels of a row: `columns`, which are in it.
    pub(crate) fn span(&mut self, y: i32, columns: Range<i32>) -> &mut [Shade] {
        let place = self.place(y, columns);
        place.and_then(|place| self.shades.get_mut(place)).unwrap_or_default()
    }

    /// All pixels of a row.
    pub(crate) fn row(&self, y: i32) -> &[Shade] {
        let place = self.place(y, self.area.left()..self.area.right());
        place.and_then(|place| self.shades.get(place)).unwrap_or_default()
    }

    /// The pixels of `area`, which is in it, row by row.
    pub(crate) fn pixels(&self, area: Area) -> Pixels<'_> {
        let first = self.place(area.top(), area.left()..area.right()).map_or(0, |place| place.start);
        let short = |length: i16| u16::try_from(length).unwrap_or_default();
        Pixels {
            shades: self.shades.get(first..).unwrap_or_default(),
            columns: short(area.w),
            left: short(area.w),
            rows: short(area.h),
            gap: usize::from(short(self.area.w.saturating_sub(area.w))),
        }
    }
}

/// Pixels of a part of a tile.
pub(crate) struct Pixels<'t> {
    /// What comes next is the first.
    shades: &'t [Shade],
    /// Of the part.
    columns: u16,
    /// What is left of the row.
    left: u16,
    /// The rows that are left, with this one.
    rows: u16,
    /// Pixels beside the part.
    gap: usize,
}

impl Iterator for Pixels<'_> {
    type Item = Shade;

    #[inline]
    fn next(&mut self) -> Option<Shade> {
        if self.left == 0 {
            self.left = self.columns;
            self.rows = self.rows.saturating_sub(1);
            self.shades = self.shades.get(self.gap..).unwrap_or_default();
        }
        if self.rows == 0 {
            return None;
        }
        let (first, rest) = self.shades.split_first()?;
        self.shades = rest;
        self.left = self.left.saturating_sub(1);
        Some(*first)
    }
}
