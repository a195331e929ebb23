//! Texts that are longer than their place.

use comfyglow_core::time::Duration;

use crate::{font::Font, letters::Letters, widget::Line};

/// Milliseconds that the beginning and the end of a text stand still.
const HOLD: u64 = 2_000;
/// Milliseconds that a text takes to wander by a pixel.
const PIXEL: u64 = 40;
/// Milliseconds between two lines that follow.
const LINE: u64 = 1_600;

/// How far a text that is too long has wandered: to its end, and then from its beginning again.
pub(super) fn scrolled_pixels(over: i32, since: Duration) -> i32 {
    let over = u64::try_from(over).unwrap_or_default();
    i32::try_from(scrolled(over, PIXEL, since)).unwrap_or_default()
}

/// The first line that is seen, where `over` too many are there.
pub(super) fn scrolled_lines(over: usize, since: Duration) -> usize {
    usize::try_from(scrolled(u64::try_from(over).unwrap_or_default(), LINE, since)).unwrap_or_default()
}

fn scrolled(over: u64, each: u64, since: Duration) -> u64 {
    if over == 0 {
        return 0;
    }
    let phase = since.as_millis() % (2 * HOLD + over * each);
    (phase.saturating_sub(HOLD) / each).min(over)
}

/// A text in lines of at most a width, broken between words where that goes.
#[derive(Clone)]
pub(super) struct Wrapped<'a> {
    codes: Letters<'a>,
    font: &'static Font,
    width: i32,
}

impl<'a> Wrapped<'a> {
    pub(super) const fn new(codes: Letters<'a>, font: &'static Font, width: i32) -> Self {
        Self { codes, font, width }
    }
}

impl Iterator for Wrapped<'_> {
    type Item = Line;

    #[inline(never)]
    fn next(&mut self) -> Option<Line> {
        let mut line = Line::new();
        let mut used = 0;
        // Where the line can end: how much of it, and what comes then.
        let mut end: Option<(u8, Letters<'_>)> = None;
        loop {
            let before = self.codes.clone();
            let Some(code) = self.codes.next() else { break };
            if code == b' ' {
                if line.len() == 0 {
                    continue;
                }
                end = Some((line.len(), self.codes.clone()));
            }
            let advance = self.font.advance(code);
            // A first letter always has a place, or there would be no end of lines.
            let fits = line.len() == 0 || used + advance - i32::from(self.font.spacing) <= self.width;
            if fits && line.push(code) {
                used += advance;
                continue;
            }
            let (length, then) = end.unwrap_or((line.len(), before));
            line.truncate(length);
            self.codes = then;
            return Some(line);
        }
        while line.codes().last() == Some(&b' ') {
            line.truncate(line.len().saturating_sub(1));
        }
        (line.len() > 0).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{font::TEXT, letters::letters};
    use std::{string::String, vec::Vec};

    fn lines(text: &str, width: i32) -> Vec<String> {
        let pieces = [text];
        let lines = Wrapped::new(letters(&pieces), &TEXT, width);
        lines.map(|line| String::from_utf8(line.codes().to_vec()).unwrap()).collect()
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(
            lines("mat1 and mat2 shapes cannot be multiplied\n", 128),
            ["mat1 and mat2 shapes", "cannot be multiplied"]
        );
        assert_eq!(lines("  a  b  ", 128), ["a  b"]);
        assert_eq!(lines("", 128), [""; 0]);
        assert_eq!(lines("   ", 128), [""; 0]);
    }

    #[test]
    fn what_has_no_words_breaks_anywhere() {
        let text = "C:\\ComfyUI\\models\\checkpoints\\model.safetensors";
        let broken = lines(text, 60);
        assert!(broken.len() > 2);
        assert_eq!(broken.concat(), text);
        assert_eq!(lines("abc", 0), ["a", "b", "c"], "there is an end, however narrow");
    }

    #[test]
    fn every_line_fits() {
        for width in 20..140 {
            for line in lines("Allocation on device 0 would exceed allowed memory. (out of memory)", width) {
                assert!(TEXT.width(&[&line]) <= width, "{line:?} in {width}");
            }
        }
    }

    #[test]
    fn what_is_too_long_wanders_and_comes_back() {
        let at = |ms| scrolled_pixels(100, Duration::from_millis(ms));
        assert_eq!(
            [at(0), at(2_000), at(2_040), at(4_000), at(6_000), at(7_999), at(8_000)],
            [0, 0, 1, 50, 100, 100, 0]
        );
        assert_eq!(scrolled_pixels(0, Duration::from_secs(9)), 0);
        assert_eq!(scrolled_lines(2, Duration::from_millis(3_700)), 1);
    }
}
