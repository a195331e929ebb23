//! A widget at its place, and where it differs from what was there.

use crate::{
    area::Area,
    font::Font,
    widget::{PARTS, Track, Widget},
};

/// A widget and where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) area: Area,
    pub(crate) widget: Widget,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self { area: Area::new(0, 0, 0, 0), widget: Widget::Nothing };

    /// Where it may look different from `old`, which was there before: one area, or two that are apart.
    pub(crate) fn difference(&self, old: &Self) -> [Area; 2] {
        let nothing = Area::default();
        if let Some(area) = self.known_difference(old) {
            return [area.common(self.area.around(old.area)), nothing];
        }
        if self.area.meets(old.area) { [self.area.around(old.area), nothing] } else { [old.area, self.area] }
    }

    /// The same of two widgets of a kind that have much in common.
    fn known_difference(&self, old: &Self) -> Option<Area> {
        let area = self.area;
        match (&self.widget, &old.widget) {
            (
                Widget::Bar { tone, track, from, to },
                Widget::Bar { tone: tone2, track: track2, from: from2, to: to2 },
            ) if (tone, track, from, area) == (tone2, track2, from2, old.area) && to.min(to2) > from => {
                // A round end reaches back by half its height.
                let back = if *track == Track::Plain { 0 } else { i32::from(area.h) / 2 + 1 };
                let column = |to: i16| area.left() + i32::from(to) / PARTS;
                Some(Area::between(column(*to.min(to2)) - back, area.top(), column(*to.max(to2)) + 1, area.bottom()))
            }
            (
                Widget::Text { font, tone, line, offset },
                Widget::Text { font: font2, tone: tone2, line: line2, offset: offset2 },
            ) if core::ptr::eq(*font, *font2) && (tone, area.y, area.h) == (tone2, old.area.y, old.area.h) => {
                let new = Text { font, codes: line.codes(), start: area.left() + i32::from(*offset), area };
                let old =
                    Text { font, codes: line2.codes(), start: old.area.left() + i32::from(*offset2), area: old.area };
                let (left, right) = new.difference(&old)?;
                Some(Area::between(left, area.top(), right, area.bottom()))
            }
            #[cfg(feature = "large")]
            (Widget::Ring { tone, width, to }, Widget::Ring { tone: tone2, width: width2, to: to2 })
                if (tone, width, area) == (tone2, width2, old.area) =>
            {
                Some(crate::ring::difference(i32::from(*width), *to.min(to2), *to.max(to2), area))
            }
            _ => None,
        }
    }
}

/// A text on the display.
struct Text<'t> {
    font: &'t Font,
    codes: &'t [u8],
    /// Where its first letter starts.
    start: i32,
    /// Where it is seen.
    area: Area,
}

impl Text<'_> {
    /// Behind its last letter.
    fn end(&self) -> i32 {
        self.start + self.codes.iter().map(|&code| self.font.advance(code)).sum::<i32>()
    }

    /// Between which columns it looks different from `old`, in the same rows.
    fn difference(&self, old: &Self) -> Option<(i32, i32)> {
        if (self.start, self.area.x) == (old.start, old.area.x) {
            let (from, to) = self.letters_between(old);
            // What follows is the same, but may be seen further.
            let [seen, seen_further] =
                [self.area.right().min(old.area.right()), self.area.right().max(old.area.right())];
            let end = to.unwrap_or_else(|| self.end().max(old.end()));
            return Some(if seen == seen_further || self.end() <= seen {
                (from, end)
            } else {
                (from.min(seen), seen_further)
            });
        }
        let whole = self.start >= self.area.left() && old.start >= old.area.left();
        if whole && self.area.right() == old.area.right() && self.end() == old.end() {
            let same = self.codes.iter().rev().zip(old.codes.iter().rev()).take_while(|(one, other)| one == other);
            let kept: i32 = same.map(|(&code, _)| self.font.advance(code)).sum();
            return Some((self.start.min(old.start), self.end() - kept));
        }
        None
    }

    /// Of two that start at the same place: where the first different letter starts; and where the last one ends, if what
    /// follows it stands at the same place.
    fn letters_between(&self, old: &Self) -> (i32, Option<i32>) {
        let (mut at, mut from, mut to) = (self.start, None, self.start);
        for (&code, &other) in self.codes.iter().zip(old.codes) {
            let advance = self.font.advance(code);
            if code != other {
                from = from.or(Some(at));
                to = at + advance;
                if advance != self.font.advance(other) {
                    return (from.unwrap_or(at), None);
                }
            }
            at += advance;
        }
        (from.unwrap_or(at), (self.codes.len() == old.codes.len()).then_some(to))
    }
}
