//! What a frame is made of: each can tell any row of itself, so nothing is drawn before it is known to have changed.

use crate::{
    font::{Font, Glyph},
    ink::{Shade, Tone},
};

/// Parts of a pixel that ends of bars and rings are reckoned in.
pub(crate) const PARTS: i32 = 8;

/// A rectangle on the display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) w: i16,
    pub(crate) h: i16,
}

impl Area {
    pub(crate) const fn new(x: i16, y: i16, w: i16, h: i16) -> Self {
        Self { x, y, w, h }
    }

    /// The rectangle between two corners, the second of them outside.
    pub(crate) fn between(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        let short =
            |value: i32| i16::try_from(value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))).unwrap_or_default();
        Self::new(short(left), short(top), short((right - left).max(0)), short((bottom - top).max(0)))
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.w <= 0 || self.h <= 0
    }

    pub(crate) fn left(self) -> i32 {
        i32::from(self.x)
    }

    pub(crate) fn top(self) -> i32 {
        i32::from(self.y)
    }

    pub(crate) fn right(self) -> i32 {
        i32::from(self.x) + i32::from(self.w)
    }

    pub(crate) fn bottom(self) -> i32 {
        i32::from(self.y) + i32::from(self.h)
    }

    /// What is in both.
    pub(crate) fn common(self, other: Self) -> Self {
        Self::between(
            self.left().max(other.left()),
            self.top().max(other.top()),
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        )
    }

    /// What is around both.
    pub(crate) fn around(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self::between(
            self.left().min(other.left()),
            self.top().min(other.top()),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }
}

/// Codes of a text that is seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    codes: [u8; LINE],
    used: u8,
}

/// How many: a display of 240 columns has no more, unless all of them are thin.
const LINE: usize = 40;

impl Line {
    pub(crate) const fn new() -> Self {
        Self { codes: [0; LINE], used: 0 }
    }

    /// Adds a code; whether there was room.
    pub(crate) fn push(&mut self, code: u8) -> bool {
        let free = self.codes.get_mut(usize::from(self.used));
        free.is_some_and(|free| {
            *free = code;
            self.used += 1;
            true
        })
    }

    /// Forgets all but the first `length`.
    pub(crate) fn truncate(&mut self, length: u8) {
        self.used = self.used.min(length);
    }

    pub(crate) const fn len(&self) -> u8 {
        self.used
    }

    pub(crate) fn codes(&self) -> &[u8] {
        self.codes.get(..usize::from(self.used)).unwrap_or_default()
    }

    /// Begins with a capital.
    pub(crate) fn capitalize(&mut self) {
        self.codes[0].make_ascii_uppercase();
    }
}

/// What is seen in an area.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Widget {
    /// Nothing.
    Nothing,
    /// A text's visible part. Its first letter starts `offset` columns right of the area's left, or left of it.
    Text { font: &'static Font, tone: Tone, offset: i16, line: Line },
    /// A bar with round ends, filled between two columns in [`PARTS`] of a pixel.
    Bar { tone: Tone, track: Track, from: i16, to: i16 },
    /// A ring, filled clockwise from its top; of a whole turn in 65,536ths.
    #[cfg(feature = "large")]
    Ring { tone: Tone, width: i16, to: u16 },
}

/// What of a bar is seen where it isn't filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Track {
    /// Its place, in a tone that recedes.
    Faint,
    /// The same; but what fills it ends straight, so that few pixels change where it grows.
    Plain,
    /// A line around it.
    Outline,
    /// A line along it.
    Thread,
}

impl PartialEq for Widget {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Text { font, tone, offset, line },
                Self::Text { font: other_font, tone: other_tone, offset: other_offset, line: other_line },
            ) => {
                core::ptr::eq(*font, *other_font)
                    && tone == other_tone
                    && offset == other_offset
                    && line.codes() == other_line.codes()
            }
            (
                Self::Bar { tone, track, from, to },
                Self::Bar { tone: other_tone, track: other_track, from: other_from, to: other_to },
            ) => tone == other_tone && track == other_track && from == other_from && to == other_to,
            #[cfg(feature = "large")]
            (Self::Ring { tone, width, to }, Self::Ring { tone: other_tone, width: other_width, to: other_to }) => {
                tone == other_tone && width == other_width && to == other_to
            }
            (Self::Nothing, Self::Nothing) => true,
            _ => false,
        }
    }
}

/// A row of pixels of a display, from a column on.
pub(crate) struct Row<'a> {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) pixels: &'a mut [Shade],
}

impl Row<'_> {
    /// Puts a shade at a column; what isn't covered stays as it is.
    pub(crate) fn put(&mut self, x: i32, shade: Shade) {
        if shade == Shade::NONE {
            return;
        }
        if let Some(pixel) = usize::try_from(x - self.x).ok().and_then(|place| self.pixels.get_mut(place)) {
            *pixel = shade;
        }
    }

    /// The columns of `area` that are in the row.
    fn columns(&self, area: Area) -> core::ops::Range<i32> {
        let end = self.x + i32::try_from(self.pixels.len()).unwrap_or(i32::MAX - i32::from(i16::MAX));
        area.left().max(self.x)..area.right().min(end)
    }
}

impl Widget {
    /// Adds what is seen of it, in `area`, in a row.
    pub(crate) fn paint(&self, area: Area, row: &mut Row<'_>) {
        let y = row.y - area.top();
        if y < 0 || y >= i32::from(area.h) || row.columns(area).is_empty() {
            return;
        }
        match self {
            Self::Nothing => {}
            Self::Text { font, tone, offset, line } => text(font, *tone, i32::from(*offset), line.codes(), area, row),
            Self::Bar { tone, track, from, to } => bar(*tone, *track, (i32::from(*from), i32::from(*to)), area, row),
            #[cfg(feature = "large")]
            Self::Ring { tone, width, to } => crate::ring::paint(*tone, i32::from(*width), *to, area, row),
        }
    }

    /// Where it may look different from `other`, which is in the same area.
    pub(crate) fn difference(&self, other: &Self, area: Area) -> Area {
        match (self, other) {
            (Self::Bar { tone, track, from, to }, Self::Bar { tone: tone2, track: track2, from: from2, to: to2 })
                if tone == tone2 && track == track2 && from == from2 && to.min(to2) > from =>
            {
                // A round end reaches back by half its height.
                let back = if *track == Track::Plain { 0 } else { i32::from(area.h) / 2 + 1 };
                let column = |to: i16| area.left() + i32::from(to) / PARTS;
                Area::between(column(*to.min(to2)) - back, area.top(), column(*to.max(to2)) + 1, area.bottom())
                    .common(area)
            }
            (
                Self::Text { font, tone, line, offset },
                Self::Text { font: font2, tone: tone2, line: line2, offset: offset2 },
            ) if core::ptr::eq(*font, *font2) && tone == tone2 && offset == offset2 => {
                let same = line.codes().iter().zip(line2.codes()).take_while(|(one, other)| one == other);
                let kept: i32 = same.map(|(&code, _)| font.advance(code)).sum();
                Area::between(area.left() + i32::from(*offset) + kept, area.top(), area.right(), area.bottom())
                    .common(area)
            }
            #[cfg(feature = "large")]
            (Self::Ring { tone, width, to }, Self::Ring { tone: tone2, width: width2, to: to2 })
                if tone == tone2 && width == width2 =>
            {
                crate::ring::difference(i32::from(*width), *to.min(to2), *to.max(to2), area)
            }
            _ => area,
        }
    }
}

fn text(font: &Font, tone: Tone, offset: i32, line: &[u8], area: Area, row: &mut Row<'_>) {
    let Ok(y) = u8::try_from(row.y - area.top()) else { return };
    if y >= font.height {
        return;
    }
    let seen = row.columns(area);
    let mut x = area.left() + offset;
    for &code in line {
        if x >= seen.end {
            return;
        }
        let Some(glyph @ Glyph { width, .. }) = font.glyph(code) else { continue };
        if x + i32::from(width) > seen.start {
            for (column, cover) in (x..).zip(font.row(glyph, y)) {
                if seen.contains(&column) {
                    row.put(column, Shade::new(tone, cover));
                }
            }
        }
        x += font.after(glyph);
    }
}

/// How far the round end of a bar of `height` rows is inside it in row `y`, in [`PARTS`].
fn inset(height: i32, y: i32) -> i32 {
    // Reckoned from the middle, in half parts.
    let radius = height * PARTS;
    let down = ((2 * y + 1) - height) * PARTS;
    let across = u32::try_from(radius * radius - down * down).unwrap_or_default().isqrt();
    (radius - i32::try_from(across).unwrap_or_default()) / 2
}

/// How much of the pixel in column `x` is between two ends, in thirds.
fn cover(x: i32, from: i32, to: i32) -> u8 {
    let covered = (to.min((x + 1) * PARTS) - from.max(x * PARTS)).clamp(0, PARTS);
    u8::try_from((covered * i32::from(Shade::FULL) + PARTS / 2) / PARTS).unwrap_or_default()
}

fn bar(tone: Tone, track: Track, (from, to): (i32, i32), area: Area, row: &mut Row<'_>) {
    let (height, y, width) = (i32::from(area.h), row.y - area.top(), i32::from(area.w) * PARTS);
    let ends = inset(height, y);
    // An outline stands a pixel clear of what fills it.
    let clear = if track == Track::Outline { 2 } else { 0 };
    let filled = (clear..height - clear).contains(&y).then(|| {
        let ends = inset(height - 2 * clear, y - clear);
        let (start, end) = (clear * PARTS + ends, width - clear * PARTS - ends);
        match track {
            Track::Plain => (from.max(start), to.min(end)),
            _ => (from.max(clear * PARTS) + ends, to.min(width - clear * PARTS) - ends),
        }
    });
    for x in row.columns(area) {
        let at = x - area.left();
        let place = match track {
            Track::Faint | Track::Plain => Shade::new(Tone::Track, cover(at, ends, width - ends)),
            Track::Outline => {
                let hollow = (1..height - 1).contains(&y).then(|| inset(height - 2, y - 1) + PARTS);
                let hollow = hollow.map_or(0, |inner| cover(at, inner, width - inner));
                Shade::new(tone, cover(at, ends, width - ends).saturating_sub(hollow))
            }
            Track::Thread if y == height / 2 && at % 2 == 0 => Shade::new(tone, Shade::FULL),
            Track::Thread => Shade::NONE,
        };
        let fill = filled.map_or(0, |(start, end)| cover(at, start, end));
        row.put(x, if fill == 0 { place } else { Shade::new(tone, fill) });
    }
}
