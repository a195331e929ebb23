//! Bars that move by eighths of a character.

use super::line::{Colours, Ink, Line, Look, Rgb};

/// A bar's colours from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glow([Rgb; 3]);

/// The workflow's: from violet over pink to amber.
pub(super) const WARM: Glow = Glow([(124, 92, 255), (244, 82, 158), (255, 184, 92)]);
/// The node's: from blue to green.
pub(super) const COOL: Glow = Glow([(76, 141, 255), (46, 196, 220), (94, 226, 164)]);

/// How much a bar is filled: `part` of `whole`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) part: u64,
    pub(super) whole: u64,
}

impl Glow {
    /// The colour at column `at` of `width`.
    fn at(self, at: usize, width: usize) -> Rgb {
        let Self([first, middle, last]) = self;
        let (way, length) = (2 * at, width.saturating_sub(1).max(1));
        if way < length { mixed(first, middle, way, length) } else { mixed(middle, last, way - length, length) }
    }
}

fn mixed(from: Rgb, to: Rgb, way: usize, length: usize) -> Rgb {
    let way = way.min(length);
    let part = |from: u8, to: u8| {
        let sum = usize::from(from) * (length - way) + usize::from(to) * way;
        u8::try_from(sum / length).unwrap_or(u8::MAX)
    };
    (part(from.0, to.0), part(from.1, to.1), part(from.2, to.2))
}

/// A bar of `width` columns in the workflow's colours, filled to `part` of `whole`.
pub fn filled(part: u64, whole: u64, width: usize, look: Look) -> Line {
    bar(Share { part, whole }, width, WARM, look)
}

/// Blocks of one to seven eighths.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of `width` columns.
pub(super) fn bar(share: Share, width: usize, glow: Glow, look: Look) -> Line {
    let mut line = Line::new();
    if !look.unicode {
        let Some(inner) = width.checked_sub(2) else { return line };
        let full = eighths(share, inner) / 8;
        line.push(Ink::Plain, format!("[{}{}]", "#".repeat(full), "-".repeat(inner - full)));
        return line;
    }
    let filled = eighths(share, width);
    for column in 0..width {
        let cell = match filled.saturating_sub(8 * column) {
            0 => empty(look),
            eighths @ 1..8 => EIGHTHS[eighths - 1],
            _ => "█",
        };
        line.push(Ink::Bar(glow.at(column, width)), cell);
    }
    line
}

/// A bar of which nothing is known but that something goes on: a light that wanders.
pub(super) fn pulse(now_ms: u64, width: usize, glow: Glow, look: Look) -> Line {
    const LENGTH: usize = 8;
    let mut line = Line::new();
    let inner = if look.unicode { width } else { width.saturating_sub(2) };
    let cycle = u64::try_from(inner + LENGTH).unwrap_or(u64::MAX).max(1);
    // 30 columns a second.
    let head = usize::try_from(now_ms * 30 / 1_000 % cycle).unwrap_or_default();
    if !look.unicode {
        line.push(Ink::Plain, "[".repeat((width - inner) / 2));
    }
    for column in 0..inner {
        let lit = column < head && column + LENGTH >= head;
        let cell = match (look.unicode, lit) {
            (true, true) => "━",
            (true, false) => empty(look),
            (false, true) => "=",
            (false, false) => "-",
        };
        let ink = if look.unicode { Ink::Bar(glow.at(column, inner)) } else { Ink::Plain };
        line.push(ink, cell);
    }
    if !look.unicode {
        line.push(Ink::Plain, "]".repeat((width - inner) / 2));
    }
    line
}

/// Without colours the track isn't seen by itself.
fn empty(look: Look) -> &'static str {
    if look.colours == Colours::None { "░" } else { " " }
}

fn eighths(share: Share, width: usize) -> usize {
    let all = u128::try_from(8 * width).unwrap_or_default();
    let whole = u128::from(share.whole.max(1));
    let part = u128::from(share.part.min(share.whole));
    usize::try_from(all * part / whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: 80, colours: Colours::None, unicode: true };

    fn drawn(part: u64, whole: u64, width: usize, look: Look) -> String {
        bar(Share { part, whole }, width, WARM, look).text()
    }

    #[test]
    fn bars_move_by_eighths() {
        for (part, text) in
            [(0, "░░░░"), (1, "▏░░░"), (7, "▉░░░"), (8, "█░░░"), (19, "██▍░"), (31, "███▉"), (32, "████")]
        {
            assert_eq!(drawn(part, 32, 4, PLAIN), text);
        }
        assert_eq!(drawn(33, 32, 4, PLAIN), "████");
        assert_eq!(drawn(1, 0, 4, PLAIN), "░░░░");
        assert_eq!(drawn(1, 2, 0, PLAIN), "");
        assert_eq!(drawn(u64::MAX / 2, u64::MAX, 4, PLAIN), "█▉░░");
    }

    #[test]
    fn in_ascii() {
        let look = Look { unicode: false, ..PLAIN };
        assert_eq!(drawn(5, 10, 12, look), "[#####-----]");
        assert_eq!(drawn(5, 10, 1, look), "");
        assert_eq!(pulse(200, 12, COOL, look).text(), "[======----]");
    }

    #[test]
    fn a_pulse_wanders_and_keeps_its_width() {
        let look = Look { colours: Colours::True, ..PLAIN };
        for ms in 0..2_000 {
            assert_eq!(pulse(ms, 20, COOL, look).width(), 20);
        }
        assert_eq!(pulse(500, 20, COOL, PLAIN).text(), "░░░░░░░━━━━━━━━░░░░░");
    }

    #[test]
    fn a_glow_runs_from_its_first_colour_to_its_last() {
        let Glow([first, middle, last]) = WARM;
        assert_eq!([WARM.at(0, 21), WARM.at(10, 21), WARM.at(20, 21)], [first, middle, last]);
        assert_eq!(WARM.at(0, 1), first);
    }
}
