//! Fonts as tables, read row by row.

use crate::{
    ink::Shade,
    letters::{Letters, letters},
};

include!(concat!(env!("OUT_DIR"), "/fonts.rs"));

/// What stands for the rest of a cut text.
pub(crate) const ELLIPSIS: u8 = 0x80;
/// What stands for characters that no font here has.
pub(crate) const UNKNOWN: u8 = 0x81;
/// What stands between two things said.
pub(crate) const DOT: u8 = 0x82;

/// Pictures of the same height, found by a code: ASCII's, or one of the above.
#[derive(Debug)]
pub(crate) struct Font {
    /// Rows of each.
    pub(crate) height: u8,
    /// Bits of each pixel: 1 is all or nothing, 2 are thirds.
    depth: u8,
    /// Columns between two of them.
    pub(crate) spacing: u8,
    /// Which there are, in order.
    codes: &'static [u8],
    /// Where their columns begin, counted through all of them, in the same order; and where the last one's end.
    starts: &'static [u16],
    /// Their pixels, row by row, one behind the other, the first in a byte's highest bits.
    bits: &'static [u8],
}

/// A picture of a [`Font`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glyph {
    pub(crate) width: u8,
    /// Pixels that stand before it.
    start: usize,
}

impl Font {
    /// The picture for `code`, or what stands for those that are not there; none where that isn't there either.
    pub(crate) fn glyph(&self, code: u8) -> Option<Glyph> {
        let place = self.place(code).or_else(|| self.place(UNKNOWN))?;
        let (start, end) = (*self.starts.get(place)?, *self.starts.get(place + 1)?);
        let width = u8::try_from(end.saturating_sub(start)).ok()?;
        Some(Glyph { width, start: usize::from(start) * usize::from(self.height) })
    }

    fn place(&self, code: u8) -> Option<usize> {
        // In a font of all of ASCII the place follows from the code.
        let guess = usize::from(code.checked_sub(*self.codes.first()?)?);
        match self.codes.get(guess) {
            Some(&found) if found == code => Some(guess),
            _ => self.codes.binary_search(&code).ok(),
        }
    }

    /// Columns from the start of `code` to the start of what follows.
    pub(crate) fn advance(&self, code: u8) -> i32 {
        self.glyph(code).map_or(0, |glyph| self.after(glyph))
    }

    /// The same of its picture.
    pub(crate) fn after(&self, glyph: Glyph) -> i32 {
        i32::from(glyph.width) + i32::from(self.spacing)
    }

    /// Columns that a text takes.
    pub(crate) fn width(&self, text: &[&str]) -> i32 {
        self.width_of(letters(text))
    }

    /// Columns that these codes take.
    #[inline(never)]
    pub(crate) fn width_of(&self, codes: Letters<'_>) -> i32 {
        codes.map(|code| self.advance(code)).sum::<i32>().saturating_sub(i32::from(self.spacing)).max(0)
    }

    /// Adds a part of a row of a picture, from a column on. `tones` are shades by how much, in thirds, is covered.
    pub(crate) fn paint(&self, glyph: Glyph, (column, y): (i32, i32), tones: [Shade; 4], pixels: &mut [Shade]) {
        let place = |at: i32| usize::try_from(at).unwrap_or_default();
        let (depth, full) = (usize::from(self.depth), if self.depth == 1 { Shade::FULL } else { 1 });
        let mut at = (glyph.start + place(y) * usize::from(glyph.width) + place(column)) * depth;
        for pixel in pixels {
            let byte = self.bits.get(at / 8).copied().unwrap_or_default();
            let cover = (byte << (at % 8) >> (8 - depth)) * full;
            at += depth;
            if cover != 0 {
                *pixel = tones.get(usize::from(cover)).copied().unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Kind;

    #[test]
    fn every_word_has_its_letters_and_every_kind_its_sign() {
        for head in ["No access", "Not found", "Refused", "No address", "No line", "Crashed"] {
            #[cfg(feature = "large")]
            assert!(letters(&[head]).all(|code| LARGE_HEAD.codes.contains(&code)), "{head}");
            assert!(letters(&[head]).all(|code| HEAD.codes.contains(&code)), "{head}");
        }
        for kind in Kind::ALL {
            for head in [kind.head(), kind.short_head()] {
                #[cfg(feature = "large")]
                assert!(letters(&[head]).all(|code| LARGE_HEAD.codes.contains(&code)), "{head}");
                assert!(letters(&[head]).all(|code| HEAD.codes.contains(&code)), "{head}");
            }
            #[cfg(feature = "large")]
            assert!(LARGE_ICONS.codes.contains(&kind.icon().as_bytes()[0]), "{kind:?}");
            assert!(ICONS.codes.contains(&kind.icon().as_bytes()[0]), "{kind:?}");
        }
    }

    #[test]
    fn digits_are_as_wide_as_each_other() {
        #[cfg(feature = "large")]
        let large = [&LARGE_TEXT, &LARGE_HEAD, &LARGE_NUMBER];
        #[cfg(not(feature = "large"))]
        let large: [&Font; 0] = [];
        for font in [&TEXT, &HEAD, &NUMBER].into_iter().chain(large) {
            assert!((b'0'..=b'9').all(|digit| font.advance(digit) == font.advance(b'0')), "they would jump");
        }
    }

    #[test]
    fn text_fonts_have_all_of_ascii() {
        assert!((b' '..=b'~').chain([ELLIPSIS, UNKNOWN, DOT]).all(|code| TEXT.codes.contains(&code)));
        #[cfg(feature = "large")]
        assert!((b' '..=b'~').chain([ELLIPSIS, UNKNOWN, DOT]).all(|code| LARGE_TEXT.codes.contains(&code)));
    }
}
