//! Where things are on a display, by its size.

mod flow;
#[cfg(feature = "large")]
mod large;
mod small;

use comfyglow_core::time::{Duration, Instant};
use embedded_graphics_core::geometry::Size;

use crate::{
    font::Font,
    frame::{Frame, Slot, WIDTH},
    ink::{Depth, Tone},
    letters::letters,
    story::Story,
    widget::{Area, Line, PARTS, Track, Widget},
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

/// Fills `frame` with a story, for a display of `size`; `since` is how long the story has been told.
pub(crate) fn compose(
    frame: &mut Frame,
    story: &Story<'_>,
    (size, depth, shape): (Size, Depth, Shape),
    now: Instant,
    since: Duration,
) {
    frame.slots.clear();
    let mut sheet = Sheet { frame, depth, now, since, corner: (0, 0) };
    // What is larger than a layout has it in its middle.
    let mut room = |width: u32, height: u32| {
        let fits = size.width >= width && size.height >= height;
        let middle = |whole: u32, part: u32| i16::try_from(whole.saturating_sub(part) / 2).unwrap_or(0);
        let widest = u32::try_from(WIDTH).unwrap_or(width).min(size.width);
        sheet.corner = (middle(widest, width), middle(size.height, height));
        fits
    };
    #[cfg(feature = "large")]
    {
        if shape == Shape::Round && room(240, 240) {
            return large::round(&mut sheet, story);
        }
        if room(240, 240) {
            return large::square(&mut sheet, story);
        }
        if room(135, 240) {
            return large::portrait(&mut sheet, story);
        }
    }
    #[cfg(not(feature = "large"))]
    let _ = shape;
    if room(128, 96) {
        small::tall(&mut sheet, story);
    } else if room(128, 64) {
        small::card(&mut sheet, story);
    } else if room(128, 32) {
        small::strip(&mut sheet, story);
    } else {
        // Of a display smaller than any the upper left corner is better than nothing.
        room(72, 40);
        small::tiny(&mut sheet, story);
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
        // A test sees to it that there is room for all.
        let _ = self.frame.slots.push(Slot { area, widget });
    }

    /// A text of one line; where it is too long for its area it wanders.
    fn text(
        &mut self,
        area: Area,
        font: &'static Font,
        tone: Tone,
        align: Align,
        codes: impl Iterator<Item = u8> + Clone,
    ) {
        let (width, room) = (font.width(codes.clone()), i32::from(area.w));
        let mut offset = match align {
            _ if width > room => -scrolled_pixels(width - room, self.since),
            Align::Left => 0,
            #[cfg(feature = "large")]
            Align::Centre => (room - width) / 2,
            Align::Right => room - width,
        };
        let mut line = Line::new();
        for code in codes {
            let advance = font.advance(code);
            if line.is_empty() && offset + advance <= 0 {
                offset += advance;
            } else if line.push(code).is_err() {
                break;
            }
        }
        if !line.is_empty() {
            let offset = i16::try_from(offset).unwrap_or_default();
            self.put(area, Widget::Text { font, tone, offset, line });
        }
    }

    /// A text of as many lines as there are in its area; where it has more they follow one by one.
    fn paragraph(
        &mut self,
        area: Area,
        font: &'static Font,
        tone: Tone,
        align: Align,
        codes: impl Iterator<Item = u8> + Clone,
    ) {
        let pitch = i16::from(font.height).saturating_add(1);
        let rows = usize::try_from(area.h.saturating_add(1) / pitch).unwrap_or(0);
        let wrapped = Wrapped::new(codes, font, i32::from(area.w));
        let lines = wrapped.clone().count();
        let first = scrolled_lines(lines.saturating_sub(rows), self.since);
        let mut y = area.y;
        for line in wrapped.skip(first).take(rows) {
            let row = Area { y, h: i16::from(font.height), ..area };
            self.text(row, font, tone, align, line.iter().copied());
            y = y.saturating_add(pitch);
        }
    }

    /// A sign.
    fn icon(&mut self, x: i16, y: i16, font: &'static Font, tone: Tone, icon: u8) {
        let size = i16::from(font.height);
        self.text(Area::new(x, y, size, size), font, tone, Align::Left, [icon].into_iter());
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
            let part = i64::from(of) * i64::from(share.min(65_536)) / 65_536;
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

/// The codes of a story's lead and body.
impl Story<'_> {
    fn lead(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        self.lead.0.iter().flat_map(|text| letters(text))
    }

    fn body(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        let codes = self.body.iter().flat_map(|text| letters(text));
        codes.enumerate().map(|(place, code)| if place == 0 { code.to_ascii_uppercase() } else { code })
    }

    fn has_body(&self) -> bool {
        self.body.iter().any(|text| !text.is_empty())
    }

    /// `~ polling`, where not everything comes from the server's own messages.
    fn mark(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        letters(if self.mark.is_some() { "~" } else { "" }).chain(letters(self.mark.unwrap_or_default()))
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
