//! A ring around a round display.

use crate::{
    area::Area,
    font::SINE,
    ink::{Shade, Tone},
    tile::Tile,
    widget::PARTS,
};

/// What [`SINE`]'s parts are of.
const ONE: i32 = 16_384;
const QUARTER: u32 = 16_384;

/// The sine of an angle, of which 65,536 make a turn, in 16,384ths.
fn sine(angle: u32) -> i32 {
    let (quarter, within) = (angle / QUARTER % 4, angle % QUARTER);
    let within = if quarter % 2 == 1 { QUARTER - within } else { within };
    let place = |place: u32| {
        i32::from(usize::try_from(place).ok().and_then(|place| SINE.get(place)).copied().unwrap_or_default())
    };
    let (low, between) = (within / 256, i32::try_from(within % 256).unwrap_or_default());
    let value = place(low) + (place(low + 1) - place(low)) * between / 256;
    if quarter < 2 { value } else { -value }
}

/// Where a hand that shows `angle` clockwise from the top, `radius` long, points to from the middle.
fn hand(angle: u32, radius: i32) -> (i32, i32) {
    (sine(angle) * radius / ONE, -sine(angle + QUARTER) * radius / ONE)
}

/// The middle, and the middle of the ring itself, in [`PARTS`].
fn measures(width: i32, area: Area) -> (i32, i32, i32) {
    let middle = |from: i32, length: i16| from * PARTS + i32::from(length) * PARTS / 2;
    let radius = i32::from(area.w.min(area.h)) * PARTS / 2 - width * PARTS / 2;
    (middle(area.left(), area.w), middle(area.top(), area.h), radius)
}

/// How much of a pixel is within `reach` of where `distance` is measured from, in thirds; both in [`PARTS`].
fn within(squared: i32, reach: i32) -> u8 {
    // Only at the edge a root must be drawn.
    let (inner, outer) = ((reach - PARTS / 2).max(0), reach + PARTS / 2);
    if squared >= outer * outer {
        return 0;
    }
    if squared <= inner * inner {
        return Shade::FULL;
    }
    let distance = i32::try_from(u32::try_from(squared).unwrap_or_default().isqrt()).unwrap_or_default();
    let covered = (outer - distance).clamp(0, PARTS);
    u8::try_from((covered * i32::from(Shade::FULL) + PARTS / 2) / PARTS).unwrap_or_default()
}

/// Adds the ring to a tile, `width` wide and filled up to `to`, with round ends.
pub(crate) fn paint(tone: Tone, width: i32, to: u16, area: Area, tile: &mut Tile) {
    let (middle_x, middle_y, radius) = measures(width, area);
    let half = width * PARTS / 2;
    let (end_x, end_y) = hand(u32::from(to), radius);
    let filled = to != 0;
    let squared = |x: i32, y: i32| x * x + y * y;
    let seen = area.common(tile.area());
    for (y, pixels) in (seen.top()..).zip(tile.rows_of(seen)) {
        let down = y * PARTS + PARTS / 2 - middle_y;
        for (x, pixel) in (seen.left()..).zip(pixels) {
            let across = x * PARTS + PARTS / 2 - middle_x;
            let far = squared(across, down);
            let cover = within(far, radius + half).saturating_sub(within(far, radius - half));
            if cover == 0 {
                continue;
            }
            // Right of the hand up to the half turn, and left of it past that.
            let side = end_x * down - end_y * across;
            let swept = if to < 0x8000 { across >= 0 && side <= 0 } else { across >= 0 || side <= 0 };
            let cap =
                within(squared(across - end_x, down - end_y), half).max(within(squared(across, down + radius), half));
            let fill = if !filled {
                0
            } else if swept {
                cover
            } else {
                cap.min(cover)
            };
            *pixel = if fill == 0 { Shade::new(Tone::Track, cover) } else { Shade::new(tone, fill) };
        }
    }
}

/// Where a ring filled up to `from` looks different from one filled up to `to`.
pub(crate) fn difference(width: i32, from: u16, to: u16, area: Area) -> Area {
    if from == 0 {
        // The cap at the top appears with the first part.
        return area;
    }
    let (middle_x, middle_y, radius) = measures(width, area);
    let reach = width * PARTS / 2 + PARTS;
    let (from, to) = (u32::from(from), u32::from(to));
    // Both ends, and the quarters between them, where the ring reaches furthest.
    let turns =
        [from, to].into_iter().chain((1..4).map(|quarter| quarter * QUARTER).filter(|turn| (from..to).contains(turn)));
    let around = turns.fold(Area::default(), |around, turn| {
        let (x, y) = hand(turn, radius);
        let (x, y) = (middle_x + x, middle_y + y);
        around.around(Area::between(
            (x - reach).div_euclid(PARTS),
            (y - reach).div_euclid(PARTS),
            (x + reach).div_euclid(PARTS) + 1,
            (y + reach).div_euclid(PARTS) + 1,
        ))
    });
    around.common(area)
}
