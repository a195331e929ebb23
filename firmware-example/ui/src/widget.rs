//! What a frame is made of: each can paint any part of itself, so nothing is sent before it is known to have changed.

use crate::{
    area::Area,
    font::Font,
    ink::{Shade, Tone},
    tile::Tile,
};

/// Parts of a pixel that ends of bars and rings are reckoned in.
pub(crate) const PARTS: i32 = 8;

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
    /// A chart: the height of each column, in parts of 255.
    Sparkline { tone: Tone, heights: Line },
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
            (Self::Sparkline { tone, heights }, Self::Sparkline { tone: other_tone, heights: other_heights }) => {
                tone == other_tone && heights.codes() == other_heights.codes()
            }
            #[cfg(feature = "large")]
            (Self::Ring { tone, width, to }, Self::Ring { tone: other_tone, width: other_width, to: other_to }) => {
                tone == other_tone && width == other_width && to == other_to
            }
            (Self::Nothing, Self::Nothing) => true,
            _ => false,
        }
    }
}

impl Widget {
    /// Adds what is seen of it, in `area`, to a tile.
    pub(crate) fn paint(&self, area: Area, tile: &mut Tile) {
        match self {
            Self::Nothing => {}
            Self::Text { font, tone, offset, line } => text(font, *tone, i32::from(*offset), line.codes(), area, tile),
            Self::Bar { tone, track, from, to } => bar(*tone, *track, (i32::from(*from), i32::from(*to)), area, tile),
            Self::Sparkline { tone, heights } => crate::sparkline::paint(*tone, heights.codes(), area, tile),
            #[cfg(feature = "large")]
            Self::Ring { tone, width, to } => crate::ring::paint(*tone, i32::from(*width), *to, area, tile),
        }
    }
}

fn text(font: &Font, tone: Tone, offset: i32, line: &[u8], area: Area, tile: &mut Tile) {
    let seen = area.common(tile.area());
    let tones = [Shade::NONE, Shade::new(tone, 1), Shade::new(tone, 2), Shade::new(tone, 3)];
    let rows = seen.top()..seen.bottom().min(area.top() + i32::from(font.height));
    let mut x = area.left() + offset;
    for &code in line {
        if x >= seen.right() {
            return;
        }
        let Some(glyph) = font.glyph(code) else { continue };
        let columns = x.max(seen.left())..seen.right().min(x + i32::from(glyph.width));
        if !columns.is_empty() {
            let part = Area::between(columns.start, rows.start, columns.end, rows.end);
            for (y, pixels) in (rows.start - area.top()..).zip(tile.rows_of(part)) {
                font.paint(glyph, (columns.start - x, y), tones, pixels);
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

fn bar(tone: Tone, track: Track, (from, to): (i32, i32), area: Area, tile: &mut Tile) {
    let seen = area.common(tile.area());
    let (height, width) = (i32::from(area.h), i32::from(area.w) * PARTS);
    // An outline stands a pixel clear of what fills it.
    let clear = if track == Track::Outline { 2 } else { 0 };
    for (y, pixels) in (seen.top() - area.top()..).zip(tile.rows_of(seen)) {
        let ends = inset(height, y);
        let filled = (clear..height - clear).contains(&y).then(|| {
            let ends = inset(height - 2 * clear, y - clear);
            let (start, end) = (clear * PARTS + ends, width - clear * PARTS - ends);
            match track {
                Track::Plain => (from.max(start), to.min(end)),
                _ => (from.max(clear * PARTS) + ends, to.min(width - clear * PARTS) - ends),
            }
        });
        let hollow =
            (track == Track::Outline && (1..height - 1).contains(&y)).then(|| inset(height - 2, y - 1) + PARTS);
        for (at, pixel) in (seen.left() - area.left()..).zip(pixels) {
            let place = match track {
                Track::Faint | Track::Plain => Shade::new(Tone::Track, cover(at, ends, width - ends)),
                Track::Outline => {
                    let hollow = hollow.map_or(0, |inner| cover(at, inner, width - inner));
                    Shade::new(tone, cover(at, ends, width - ends).saturating_sub(hollow))
                }
                Track::Thread if y == height / 2 && at % 2 == 0 => Shade::new(tone, Shade::FULL),
                Track::Thread => Shade::NONE,
            };
            let fill = filled.map_or(0, |(start, end)| cover(at, start, end));
            let shade = if fill == 0 { place } else { Shade::new(tone, fill) };
            if shade != Shade::NONE {
                *pixel = shade;
            }
        }
    }
}
