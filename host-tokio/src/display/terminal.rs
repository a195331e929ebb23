//! The terminal: what it can do, and frames drawn in place.

use std::{
    env,
    io::{self, IsTerminal as _, Write},
};

use crossterm::{
    cursor::{Hide, MoveToColumn, MoveUp, Show},
    queue,
    style::Print,
    terminal::{self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use unicode_width::UnicodeWidthStr as _;

use super::line::{Colours, Look};
use crate::sink::Draw;

/// Columns where a terminal doesn't tell.
const WIDTH: usize = 80;
/// And lines.
const HEIGHT: usize = 24;

/// Whether frames can be drawn in place on stdout.
pub fn is_interactive() -> bool {
    io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What stdout can do now; the width may change at any time.
pub fn look() -> Look {
    let interactive = is_interactive();
    let width = if interactive { terminal::size().map_or(WIDTH, |(columns, _)| columns.into()) } else { WIDTH };
    let colours = if interactive { colours(|name| env::var(name).ok()) } else { Colours::None };
    // The last column stays free: some terminals go to the next line as soon as it is written.
    Look { width: width.saturating_sub(1), colours, unicode: unicode(|name| env::var(name).ok()) }
}

/// Lines that a frame may have on stdout.
pub fn height() -> usize {
    // The last line that was told stays in sight.
    terminal::size().map_or(HEIGHT, |(_, rows)| rows.into()).saturating_sub(1)
}

fn colours(var: impl Fn(&str) -> Option<String>) -> Colours {
    // no-color.org and bixense.com/clicolors
    if var("NO_COLOR").is_some_and(|value| !value.is_empty()) || var("CLICOLOR").as_deref() == Some("0") {
        return Colours::None;
    }
    let term = var("TERM").unwrap_or_default();
    match var("COLORTERM").as_deref() {
        Some("truecolor" | "24bit") => Colours::True,
        // Windows' own terminals set neither.
        _ if cfg!(windows) => Colours::True,
        _ if term.contains("256") => Colours::Indexed,
        _ => Colours::Basic,
    }
}

fn unicode(var: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(var).find(|value| !value.is_empty());
    match locale {
        Some(locale) => ["utf-8", "utf8"].iter().any(|name| locale.to_ascii_lowercase().contains(name)),
        None => cfg!(windows),
    }
}

/// Draws frames in place, lines above them.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    /// The frame that stands.
    drawn: Vec<String>,
    /// The terminal's columns when it was drawn.
    width: usize,
    hidden: bool,
}

impl<W: Write> Terminal<W> {
    /// A terminal that `out` writes to.
    pub fn new(out: W) -> Self {
        Self { out, drawn: Vec::new(), width: 0, hidden: false }
    }

    /// To the frame's first line. A terminal that has become narrower has broken its lines.
    fn rewind(&mut self, width: usize) -> io::Result<()> {
        let rows: usize = self.drawn.iter().map(|line| columns(line).div_ceil(width).max(1)).sum();
        let up = u16::try_from(rows.saturating_sub(1)).unwrap_or(u16::MAX);
        queue!(self.out, MoveToColumn(0))?;
        if up > 0 {
            queue!(self.out, MoveUp(up))?;
        }
        Ok(())
    }
}

fn width() -> usize {
    terminal::size().map_or(WIDTH, |(columns, _)| columns.into()).max(1)
}

impl<W: Write + Send> Draw for Terminal<W> {
    fn draw(&mut self, lines: &[String], frame: Option<Vec<String>>) -> io::Result<()> {
        queue!(self.out, BeginSynchronizedUpdate)?;
        if !self.hidden {
            queue!(self.out, Hide)?;
            self.hidden = true;
        }
        let width = width();
        self.rewind(width)?;
        let frame = frame.unwrap_or_default();
        let stands = lines.is_empty() && width == self.width && frame.len() == self.drawn.len();
        for line in lines {
            queue!(self.out, Print(line), Clear(ClearType::UntilNewLine), Print("\r\n"))?;
        }
        for (n, line) in frame.iter().enumerate() {
            if n > 0 {
                queue!(self.out, Print("\r\n"))?;
            }
            // What stands already isn't sent again: the way to the terminal may be a slow one.
            if !stands || self.drawn.get(n) != Some(line) {
                queue!(self.out, Print(line), Clear(ClearType::UntilNewLine))?;
            }
        }
        if !stands {
            queue!(self.out, Clear(ClearType::FromCursorDown))?;
        }
        // What is typed then changes no rows.
        queue!(self.out, MoveToColumn(0), EndSynchronizedUpdate)?;
        self.drawn = frame;
        self.width = width;
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.rewind(width())?;
        queue!(self.out, Clear(ClearType::FromCursorDown), Show)?;
        self.hidden = false;
        self.out.flush()
    }
}

/// The columns of a line, its colours left out.
fn columns(line: &str) -> usize {
    let mut rest = line;
    let mut sum = 0;
    while let Some((text, code)) = rest.split_once('\x1b') {
        sum += text.width();
        rest = code.split_once('m').map_or("", |(_, rest)| rest);
    }
    sum + rest.width()
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    #[test]
    fn colours_as_the_user_wants_them() {
        let given = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let cases: [(&'static [(&str, &str)], Colours); 6] = [
            (&[("TERM", "xterm-256color")], Colours::Indexed),
            (&[("TERM", "xterm")], Colours::Basic),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Colours::True),
            (&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Colours::None),
            (&[("NO_COLOR", ""), ("COLORTERM", "24bit")], Colours::True),
            (&[("CLICOLOR", "0"), ("TERM", "xterm-256color")], Colours::None),
        ];
        for (vars, expected) in cases {
            let expected = if cfg!(windows) && expected != Colours::None { Colours::True } else { expected };
            assert_eq!(colours(given(vars)), expected, "{vars:?}");
        }
    }

    #[test]
    fn unicode_where_the_locale_says_so() {
        for (locale, expected) in [("en_US.UTF-8", true), ("C.utf8", true), ("C", false), ("de_DE.ISO-8859-1", false)] {
            assert_eq!(unicode(|name| (name == "LANG").then(|| locale.to_owned())), expected);
        }
        let overruled = |name: &str| match name {
            "LC_ALL" => Some("C".to_owned()),
            "LANG" => Some("C.UTF-8".to_owned()),
            _ => None,
        };
        assert!(!unicode(overruled));
    }

    #[test]
    fn columns_leave_colours_out() {
        assert_eq!(columns("\x1b[1mab\x1b[m \x1b[38;2;1;2;3mé画\x1b[m"), 6);
    }

    fn screen_of(bytes: &[u8]) -> vt100::Parser {
        let (rows, columns) = (NonZero::new(6), NonZero::new(20));
        let mut parser = vt100::Parser::new(rows.expect("not 0"), columns.expect("not 0"), 0);
        parser.process(bytes);
        parser
    }

    #[test]
    fn a_frame_takes_the_place_of_the_one_before() {
        let mut screen = Terminal::new(Vec::new());
        let frame = |lines: &[&str]| Some(lines.iter().map(|line| (*line).to_owned()).collect());
        assert!(screen.draw(&[], frame(&["one", "two", "three"])).is_ok());
        assert!(screen.draw(&["told".to_owned()], frame(&["four", "five"])).is_ok());
        let seen = screen_of(&screen.out);
        assert_eq!(seen.screen().contents(), "told\nfour\nfive");
        assert!(seen.screen().hide_cursor());
        assert!(screen.draw(&[], frame(&["four", "six", "seven"])).is_ok());
        assert!(screen.draw(&[], frame(&["eight", "six"])).is_ok());
        assert_eq!(screen_of(&screen.out).screen().contents(), "told\neight\nsix");
        assert!(screen.draw(&[], frame(&["eight"])).is_ok());
        assert_eq!(screen_of(&screen.out).screen().contents(), "told\neight");
        assert!(screen.draw(&["last".to_owned()], None).is_ok());
        assert!(screen.end().is_ok());
        let seen = screen_of(&screen.out);
        assert_eq!(seen.screen().contents(), "told\nlast");
        assert_eq!(seen.screen().cursor_position(), (2, 0));
        assert!(!seen.screen().hide_cursor());
    }
}
