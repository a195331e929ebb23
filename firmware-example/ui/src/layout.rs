//! Where things are on a display, by its size.

mod flow;
#[cfg(feature = "large")]
mod large;
mod small;

use comfyglow_core::time::{Duration, Instant};
use embedded_graphics_core::geometry::Size;

use crate::{
    area::Area,
    font::Font,
    frame::{COLUMNS, Frame},
    ink::{Depth, Tone},
    letters::{Letters, letters},
    slot::Slot,
    sparkline::Sparkline,
    story::{Running, Story},
    widget::{Line, PARTS, Track, Widget},
};
use flow::{Wrapped, scrolled_lines, scrolled_pixels};

/// The outline of a display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// It has corners.
    #[default]
    Rectangle,
    /// It is round: nothing is shown in the corners, and progress is a ring. On displays of less than 240×240 the same as
    /// [`Rectangle`](Self::Rectangle).
    Round,
}

/// Where a text stands in its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    #[cfg(feature = "large")]
    Centre,
    Right,
}

/// Where things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Tiny,
    Strip,
    Card,
    Tall,
    #[cfg(feature = "large")]
    Portrait,
    #[cfg(feature = "large")]
    Square,
    #[cfg(feature = "large")]
    Round,
}

impl Layout {
    /// The largest that a display has room for; of one smaller than any the upper left corner is better than nothing.
    ///
    /// In line, so that of a display whose size the compiler knows it leaves the other layouts out.
    #[inline]
    pub(crate) const fn of(size: Size, shape: Shape) -> Self {
        #[cfg(feature = "large")]
        match (size.width, size.height, shape) {
            (240.., 240.., Shape::Round) => return Self::Round,
            (240.., 240.., Shape::Rectangle) => return Self::Square,
            (135.., 240.., _) => return Self::Portrait,
            _ => {}
        }
        #[cfg(not(feature = "large"))]
        let _ = shape;
        match (size.width, size.height) {
            (128.., 96..) => Self::Tall,
            (128.., 64..) => Self::Card,
            (128.., 32..) => Self::Strip,
            _ => Self::Tiny,
        }
    }

    /// Where its upper left corner is on a display of `size`: what is larger than a layout has it in its middle.
    const fn corner(self, size: Size) -> (i16, i16) {
        let (width, height) = match self {
            Self::Tiny => (72, 40),
            Self::Strip => (128, 32),
            Self::Card => (128, 64),
            Self::Tall => (128, 96),
            #[cfg(feature = "large")]
            Self::Portrait => (135, 240),
            #[cfg(feature = "large")]
            Self::Square | Self::Round => (240, 240),
        };
        let widest = if size.width < COLUMNS { size.width } else { COLUMNS };
        (middle(widest, width), middle(size.height, height))
    }
}

/// What is left of `whole` before `part`, which stands in its middle.
#[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
const fn middle(whole: u32, part: u32) -> i16 {
    let before = whole.saturating_sub(part) / 2;
    if before > i16::MAX as u32 { i16::MAX } else { before as i16 }
}

/// Fills `frame` with a story; `since` is how long it has been told.
#[inline(never)]
pub(crate) fn compose(
    frame: &mut Frame,
    story: &Story<'_>,
    layout: Layout,
    size: Size,
    depth: Depth,
    now: Instant,
    since: Duration,
) {
    frame.clear();
    let sheet = &mut Sheet { frame, depth, now, since, corner: layout.corner(size) };
    match layout {
        Layout::Tiny => small::tiny(sheet, story),
        Layout::Strip => small::strip(sheet, story),
        Layout::Card => small::card(sheet, story),
        Layout::Tall => small::tall(sheet, story),
        #[cfg(feature = "large")]
        Layout::Portrait => large::portrait(sheet, story),
        #[cfg(feature = "large")]
        Layout::Square => large::square(sheet, story),
        #[cfg(feature = "large")]
        Layout::Round => large::round(sheet, story),
    }
}

/// What a layout puts things on.
struct Sheet<'f> {
    frame: &'f mut Frame,
    depth: Depth,
    now: Instant,
    since: Duration,
    /// Where the layout's own upper left corner is.
    corner: (i16, i16),
}

impl Sheet<'_> {
    fn put(&mut self, area: Area, widget: Widget) {
        let (x, y) = self.corner;
        let area = Area { x: area.x.saturating_add(x), y: area.y.saturating_add(y), ..area };
        self.frame.put(Slot { area, widget });
    }

    /// A text of one line; where it is too long for its area it wanders.
    fn text(&mut self, area: Area, font: &'static Font, tone: Tone, align: Align, text: &[&str]) {
        self.codes(area, font, tone, align, letters(text));
    }

    #[inline(never)]
    fn codes(&mut self, area: Area, font: &'static Font, tone: Tone, align: Align, codes: Letters<'_>) {
        let (mut line, mut width, room) = (Line::new(), 0, i32::from(area.w));
        for code in codes.clone() {
            width += font.advance(code);
            line.push(code);
        }
        width -= i32::from(font.spacing);
        let mut offset = match align {
            _ if width > room => -scrolled_pixels(width - room, self.since),
            Align::Left => 0,
            #[cfg(feature = "large")]
            Align::Centre => (room - width) / 2,
            Align::Right => room - width,
        };
        if width > room {
            line = Line::new();
            for code in codes {
                let advance = font.advance(code);
                if line.len() == 0 && offset + advance <= 0 {
                    offset += advance;
                } else if !line.push(code) {
                    break;
                }
            }
        }
        if line.len() > 0 {
            let offset = i16::try_from(offset).unwrap_or_default();
            self.put(area, Widget::Text { font, tone, offset, line });
        }
    }

    /// A text of as many lines as there are in its area; where it has more they follow one by one.
    #[inline(never)]
    fn paragraph(&mut self, area: Area, font: &'static Font, tone: Tone, align: Align, text: &[&str]) {
        let pitch = i16::from(font.height).saturating_add(1);
        let rows = usize::try_from(area.h.saturating_add(1) / pitch).unwrap_or(0);
        let wrapped = Wrapped::new(letters(text), font, i32::from(area.w));
        let lines = wrapped.clone().count();
        let first = scrolled_lines(lines.saturating_sub(rows), self.since);
        let mut y = area.y;
        for (place, line) in wrapped.enumerate() {
            if place < first {
                continue;
            }
            if place >= first.saturating_add(rows) {
                break;
            }
            let row = Area { y, h: i16::from(font.height), ..area };
            self.line(row, font, tone, align, line, place == 0);
            y = y.saturating_add(pitch);
        }
    }

    /// A line that fits.
    fn line(&mut self, area: Area, font: &'static Font, tone: Tone, align: Align, mut line: Line, first: bool) {
        if first {
            line.capitalize();
        }
        let width = line.codes().iter().map(|&code| font.advance(code)).sum::<i32>() - i32::from(font.spacing);
        let offset = match align {
            #[cfg(feature = "large")]
            Align::Centre => (i32::from(area.w) - width) / 2,
            Align::Left => 0,
            Align::Right => i32::from(area.w) - width,
        };
        self.put(area, Widget::Text { font, tone, offset: i16::try_from(offset).unwrap_or_default(), line });
    }

    /// A sign.
    fn icon(&mut self, x: i16, y: i16, font: &'static Font, tone: Tone, icon: &str) {
        let size = i16::from(font.height);
        self.text(Area::new(x, y, size, size), font, tone, Align::Left, &[icon]);
    }

    /// How the percentage rose.
    fn sparkline(&mut self, area: Area, run: &Running<'_>) {
        let heights = run.sparkline.map_or(Line::new(), Sparkline::heights);
        if heights.len() > 0 {
            self.put(area, Widget::Sparkline { tone: Tone::Accent, heights });
        }
    }

    /// The bar of the workflow; without a share it wanders.
    fn bar(&mut self, area: Area, tone: Tone, share: Option<u32>) {
        let track = match self.depth {
            Depth::Mono => Track::Outline,
            Depth::Grey => Track::Plain,
            Depth::Colour => Track::Faint,
        };
        self.any_bar(area, tone, track, share);
    }

    /// A thin bar.
    fn thin_bar(&mut self, area: Area, tone: Tone, share: Option<u32>) {
        let track = match self.depth {
            Depth::Mono => Track::Thread,
            Depth::Grey => Track::Plain,
            Depth::Colour => Track::Faint,
        };
        self.any_bar(area, tone, track, share);
    }

    fn any_bar(&mut self, area: Area, tone: Tone, track: Track, share: Option<u32>) {
        let clear = if track == Track::Outline { 2 * PARTS } else { 0 };
        // A bar begins as a dot, which is as wide as it is high.
        let (room, dot) = (i32::from(area.w) * PARTS - 2 * clear, i32::from(area.h) * PARTS - 2 * clear);
        let dot = if track == Track::Plain { 2 * PARTS } else { dot };
        let part = |of: i32, share: u32| {
            // Not more than 15 bits of parts, and 16 of the share.
            let part = u32::try_from(of).unwrap_or(0).min(0x7fff) * share.min(65_536) / 65_536;
            let part = i32::try_from(part).unwrap_or_default();
            // Whole pixels where they aren't shaded, and whole bytes of them on the slow buses of greys.
            match self.depth {
                Depth::Mono => part / PARTS * PARTS,
                Depth::Grey => part / (2 * PARTS) * (2 * PARTS),
                Depth::Colour => part,
            }
        };
        let (from, to) = if let Some(share) = share {
            (0, dot + part(room - dot, share))
        } else {
            let long = (room / 4).max(dot);
            let start = part(room - long, to_and_fro(self.now));
            (start, start + long)
        };
        let short = |value: i32| i16::try_from(value + clear).unwrap_or(i16::MAX);
        self.put(area, Widget::Bar { tone, track, from: short(from), to: short(to) });
    }
}

/// Where something is that goes to and fro every 3 s, slower at the ends; in parts of 65,536.
fn to_and_fro(now: Instant) -> u32 {
    let phase = u32::try_from(now.as_micros() / 1_000 % 3_000).unwrap_or_default();
    let way = if phase < 1_500 { phase } else { 3_000 - phase };
    crate::curve::eased(way * 65_536 / 1_500)
}

impl Story<'_> {
    fn has_body(&self) -> bool {
        self.body.iter().any(|text| !text.is_empty())
    }

    /// `~polling`, where not everything comes from the server's own messages.
    fn mark(&self) -> [&str; 2] {
        self.mark.map_or([""; 2], |source| ["~", source])
    }
}

/// What of a story is bright.
impl Story<'_> {
    const fn word_tone(&self) -> Tone {
        match self.tone {
            Tone::Accent | Tone::Dim => Tone::Text,
            tone => tone,
        }
    }

    fn lead_tone(&self) -> Tone {
        if self.has_body() && self.tone != Tone::Bad { Tone::Dim } else { Tone::Text }
    }
}
