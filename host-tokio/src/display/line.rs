//! Lines in colour.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns that may be used.
    pub width: usize,
    /// Colours that may be used.
    pub colours: Colours,
    /// Characters beyond ASCII may be used.
    pub unicode: bool,
}

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// None, nor bold.
    None,
    /// The 16 that the user has chosen.
    Basic,
    /// 256.
    Indexed,
    /// 24 bits.
    True,
}

/// Red, green, blue.
pub(super) type Rgb = (u8, u8, u8);

/// What a piece of text is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As everything else.
    Plain,
    /// What matters.
    Bold,
    /// What matters less.
    Dim,
    /// What is well.
    Good,
    /// What is wrong.
    Bad,
    /// What may become wrong.
    Warn,
    /// A piece of a bar in its colour, on the bar's track.
    Bar(Rgb),
}

/// What is behind a bar.
const TRACK: Rgb = (44, 44, 56);

impl Ink {
    /// Writes the codes that lead from `before` to this ink.
    fn write(self, before: Self, colours: Colours, out: &mut String) {
        let on_track = matches!((before, self), (Self::Bar(_), Self::Bar(_)));
        if before != Self::Plain && !on_track {
            out.push_str("\x1b[m");
        }
        let code = match self {
            Self::Plain => return,
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warn => "33",
            Self::Bar(colour) => return bar(colour, on_track, colours, out),
        };
        // Writing to a string can't fail.
        let _ = write!(out, "\x1b[{code}m");
    }
}

/// The colour of a bar, and the track's behind it where that isn't there already.
fn bar((r, g, b): Rgb, on_track: bool, colours: Colours, out: &mut String) {
    if !on_track {
        let (tr, tg, tb) = TRACK;
        let _ = match colours {
            Colours::True => write!(out, "\x1b[48;2;{tr};{tg};{tb}m"),
            Colours::Indexed => write!(out, "\x1b[48;5;237m"),
            Colours::Basic | Colours::None => write!(out, "\x1b[35;100m"),
        };
    }
    let _ = match colours {
        Colours::True => write!(out, "\x1b[38;2;{r};{g};{b}m"),
        Colours::Indexed => write!(out, "\x1b[38;5;{}m", nearest((r, g, b))),
        Colours::Basic | Colours::None => Ok(()),
    };
}

/// The nearest of the 6 × 6 × 6 colours that 256 have among them.
fn nearest((r, g, b): Rgb) -> u8 {
    let step = |part: u8| if part < 48 { 0 } else { ((u16::from(part) - 35) / 40).min(5) as u8 };
    16 + 36 * step(r) + 6 * step(g) + step(b)
}

/// A line of text in colour. It never holds a control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(Vec<(Ink, String)>);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `text` in `ink`.
    pub fn push(&mut self, ink: Ink, text: impl AsRef<str>) {
        let text = text.as_ref();
        match self.0.last_mut() {
            Some((last, before)) if *last == ink => before.push_str(text),
            _ => self.0.push((ink, text.to_owned())),
        }
    }

    /// The line with `text` in `ink` behind it.
    #[must_use]
    pub fn with(mut self, ink: Ink, text: impl AsRef<str>) -> Self {
        self.push(ink, text);
        self
    }

    /// Adds another line's text.
    pub fn append(&mut self, other: &Self) {
        for (ink, text) in &other.0 {
            self.push(*ink, text);
        }
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// The text alone.
    pub fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text with the codes that colour it.
    pub fn ansi(&self, colours: Colours) -> String {
        if colours == Colours::None {
            return self.text();
        }
        let mut out = String::new();
        let mut before = Ink::Plain;
        for (ink, text) in &self.0 {
            ink.write(before, colours, &mut out);
            out.push_str(text);
            before = *ink;
        }
        Ink::Plain.write(before, colours, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_by_what_the_terminal_can() {
        let line = Line::new().with(Ink::Plain, "a ").with(Ink::Good, "b").with(Ink::Bar((255, 0, 128)), "c");
        assert_eq!(line.ansi(Colours::None), "a bc");
        assert_eq!(line.ansi(Colours::Basic), "a \x1b[32mb\x1b[m\x1b[35;100mc\x1b[m");
        assert_eq!(line.ansi(Colours::Indexed), "a \x1b[32mb\x1b[m\x1b[48;5;237m\x1b[38;5;198mc\x1b[m");
        let line = line.with(Ink::Bar((1, 2, 3)), "d");
        assert!(line.ansi(Colours::True).ends_with("\x1b[48;2;44;44;56m\x1b[38;2;255;0;128mc\x1b[38;2;1;2;3md\x1b[m"));
    }

    #[test]
    fn the_nearest_of_the_cube() {
        assert_eq!([nearest((0, 0, 0)), nearest((255, 255, 255)), nearest((95, 135, 175))], [16, 231, 67]);
    }

    #[test]
    fn width_is_in_columns() {
        assert_eq!(Line::new().with(Ink::Dim, "画像 ok").width(), 7);
    }
}
