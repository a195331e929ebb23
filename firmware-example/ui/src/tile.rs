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

    /// The pixels of `area`, which is in it: a slice for each row.
    pub(crate) fn rows_of(&mut self, area: Area) -> impl Iterator<Item = &mut [Shade]> {
        let Part { first, columns, rows, pitch } = self.part(area);
        let from_first = self.shades.get_mut(first..).unwrap_or_default();
        from_first.chunks_mut(pitch.max(1)).take(rows).filter_map(move |row| row.get_mut(..columns))
    }

    /// The columns in which a row of it differs from that of another of the same area; shades that look the `same` don't.
    pub(crate) fn difference(&self, other: &Self, y: i32, same: fn(Shade, Shade) -> bool) -> Option<Range<i32>> {
        let row = self.part(Area::between(self.area.left(), y, self.area.right(), y + 1));
        let place = row.first..row.first + row.columns;
        let (ours, theirs) = (self.shades.get(place.clone())?, other.shades.get(place)?);
        let differs = |(ours, theirs): (&Shade, &Shade)| ours != theirs && !same(*ours, *theirs);
        let first = ours.iter().zip(theirs).position(differs)?;
        let last = ours.iter().zip(theirs).rposition(differs)?;
        let column = |place: usize| i32::try_from(place).unwrap_or_default() + self.area.left();
        Some(column(first)..column(last) + 1)
    }

    /// The pixels of `area`, which is in it, row by row.
    pub(crate) fn pixels(&self, area: Area) -> Pixels<'_> {
        let Part { first, columns, rows, pitch } = self.part(area);
        let end = if rows == 0 { first } else { first + (rows - 1) * pitch + columns };
        let shades = self.shades.get(..end).unwrap_or_default();
        Pixels { shades, next: first, row_end: first + columns, columns, pitch }
    }

    /// Where the pixels of `area`, which is in it, are in memory.
    fn part(&self, area: Area) -> Part {
        let size = |length: i16| usize::try_from(length).unwrap_or_default();
        let pitch = size(self.area.w);
        let first = size(area.y.saturating_sub(self.area.y)) * pitch + size(area.x.saturating_sub(self.area.x));
        Part { first, columns: size(area.w), rows: size(area.h), pitch }
    }
}

/// Pixels of a rectangle in memory.
struct Part {
    first: usize,
    columns: usize,
    rows: usize,
    /// From one row to the next.
    pitch: usize,
}

/// The shades of a rectangle.
pub(crate) struct Pixels<'t> {
    /// To the last one.
    shades: &'t [Shade],
    next: usize,
    row_end: usize,
    columns: usize,
    pitch: usize,
}

impl Iterator for Pixels<'_> {
    type Item = Shade;

    #[inline]
    fn next(&mut self) -> Option<Shade> {
        if self.next == self.row_end {
            self.row_end += self.pitch;
            self.next = self.row_end - self.columns;
        }
        let shade = self.shades.get(self.next)?;
        self.next += 1;
        Some(*shade)
    }
}
