//! Displays of 135×240 and 240×240, which have room for type of more than a size.

use super::{Align, Sheet};
use crate::{
    area::Area,
    font::{LARGE_HEAD, LARGE_ICONS, LARGE_NUMBER, LARGE_TEXT},
    ink::Tone,
    scene::Page,
    story::{Kind, Running, Said, Story, number, say},
    widget::Widget,
};

/// Rows of a line of text.
const ROW: i16 = 22;
/// Rows of the word.
const WORD: i16 = 32;
/// Rows of the number.
const FIGURE: i16 = 59;
/// Columns and rows of the signs.
const ICON: i16 = 60;
/// Columns of the ring of a round display.
const RING: i16 = 14;

/// A display of 240×240 with corners.
pub(super) fn square(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    let (x, w) = (18, 204);
    let Some(run) = &story.run else {
        return notice(sheet, story, (x, w), (if story.has_body() { 10 } else { 24 }, 228));
    };
    if run.page == Page::Details {
        return details(sheet, run, Area::new(x, 24, w, 200), Align::Left);
    }
    ends(sheet, Area::new(x, 12, w, ROW), Tone::Dim, &run.foot(), Tone::Warn, &story.mark());
    percent(sheet, story, run, Area::new(x, 44, w, FIGURE), Align::Left);
    sheet.bar(Area::new(x, 118, w, 14), story.tone, run.bar);
    let steps = i16::try_from(LARGE_TEXT.width(&[run.steps.as_str()])).unwrap_or(0).min(100);
    let room = if steps == 0 { w } else { w - steps - 10 };
    sheet.text(Area::new(x, 144, room, ROW), &LARGE_TEXT, Tone::Text, Align::Left, &[run.node]);
    sheet.text(Area::new(x + w - steps, 144, steps, ROW), &LARGE_TEXT, Tone::Text, Align::Right, &[run.steps.as_str()]);
    steps_bar(sheet, run, Area::new(x, 171, w, 6));
    time_left(sheet, run, Area::new(x, 193, w, WORD));
}

/// A display of 240×240 without corners.
pub(super) fn round(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    let ring = Area::new(0, 0, 240, 240);
    let Some(run) = &story.run else {
        let full = matches!(story.kind, Kind::Done | Kind::Failed | Kind::Stopped | Kind::Ended | Kind::Person);
        if full {
            sheet.put(ring, Widget::Ring { tone: story.tone, width: 6, to: u16::MAX });
        }
        return notice(sheet, story, (40, 160), (if story.has_body() { 14 } else { 24 }, 214));
    };
    if run.page == Page::Details {
        return details(sheet, run, Area::new(38, 54, 164, 140), Align::Left);
    }
    let share = run.bar.unwrap_or(0);
    // In steps of a pixel or so, which is a 700th of the way around.
    let to = u16::try_from(share / 64 * 64).unwrap_or(u16::MAX).max(u16::from(run.bar.is_some()));
    sheet.put(ring, Widget::Ring { tone: story.tone, width: RING, to });
    if story.mark.is_some() {
        sheet.text(Area::new(70, 30, 100, ROW), &LARGE_TEXT, Tone::Warn, Align::Centre, &story.mark());
    } else {
        sheet.text(Area::new(70, 30, 100, ROW), &LARGE_TEXT, Tone::Dim, Align::Centre, &[run.foot().as_str()]);
    }
    percent(sheet, story, run, Area::new(30, 60, 180, FIGURE), Align::Centre);
    sheet.text(Area::new(30, 128, 180, ROW), &LARGE_TEXT, Tone::Text, Align::Centre, &[run.node]);
    if run.bar.is_none() {
        sheet.thin_bar(Area::new(60, 155, 120, 5), story.tone, None);
    } else {
        steps_bar(sheet, run, Area::new(60, 155, 120, 5));
    }
    let time = if run.eta.is_empty() { &run.elapsed } else { &run.eta };
    sheet.text(Area::new(60, 166, 120, WORD), &LARGE_HEAD, Tone::Text, Align::Centre, &[time.as_str()]);
    sheet.text(Area::new(80, 195, 80, ROW), &LARGE_TEXT, Tone::Dim, Align::Centre, &[time_label(run)]);
}

/// A display of 135×240.
pub(super) fn portrait(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    let (x, w) = (8, 119);
    let Some(run) = &story.run else { return notice(sheet, story, (x, w), (16, 232)) };
    if run.page == Page::Details {
        return details(sheet, run, Area::new(x, 12, w, 220), Align::Right);
    }
    let foot = run.foot();
    if story.mark.is_some() {
        sheet.text(Area::new(x, 8, w, ROW), &LARGE_TEXT, Tone::Warn, Align::Left, &story.mark());
    } else {
        sheet.text(Area::new(x, 8, w, ROW), &LARGE_TEXT, Tone::Dim, Align::Left, &[foot.as_str()]);
    }
    percent(sheet, story, run, Area::new(x, 38, w, FIGURE), Align::Left);
    sheet.bar(Area::new(x, 110, w, 12), story.tone, run.bar);
    sheet.text(Area::new(x, 132, w, ROW), &LARGE_TEXT, Tone::Text, Align::Left, &[run.node]);
    sheet.text(Area::new(x, 154, w, ROW), &LARGE_TEXT, Tone::Dim, Align::Left, &[run.steps.as_str()]);
    steps_bar(sheet, run, Area::new(x, 180, w, 5));
    time_left(sheet, run, Area::new(x, 198, w, WORD));
}

/// How far the workflow is; a word where nobody knows.
fn percent(sheet: &mut Sheet<'_>, story: &Story<'_>, run: &Running<'_>, area: Area, align: Align) {
    let Some(percent) = run.percent else {
        let word = Area { y: area.y + 20, h: WORD, ..area };
        sheet.text(word, &LARGE_HEAD, Tone::Text, align, &[story.head]);
        return;
    };
    let mut figure = Said::new();
    number(&mut figure, percent);
    let wide = i16::try_from(LARGE_NUMBER.width(&[figure.as_str()])).unwrap_or(0);
    let sign = i16::try_from(LARGE_HEAD.width(&["%"])).unwrap_or(0);
    let left = if align == Align::Centre { area.x + (area.w - wide - sign - 3) / 2 } else { area.x - 3 };
    sheet.text(Area::new(left, area.y, wide, FIGURE), &LARGE_NUMBER, Tone::Text, Align::Left, &[figure.as_str()]);
    // Both stand on the same line.
    let sign = Area::new(left + wide + 3, area.y + 57 - 25, sign, WORD);
    sheet.text(sign, &LARGE_HEAD, Tone::Text, Align::Left, &["%"]);
}

fn steps_bar(sheet: &mut Sheet<'_>, run: &Running<'_>, area: Area) {
    if run.step_bar.is_some() {
        sheet.thin_bar(area, Tone::Text, run.step_bar);
    }
}

fn time_label(run: &Running<'_>) -> &'static str {
    match (run.eta.is_empty(), run.elapsed.is_empty()) {
        (false, _) => "left",
        (true, false) => "so far",
        (true, true) => "",
    }
}

/// How long it takes yet, or has taken.
fn time_left(sheet: &mut Sheet<'_>, run: &Running<'_>, area: Area) {
    let time = if run.eta.is_empty() { &run.elapsed } else { &run.eta };
    let wide = i16::try_from(LARGE_HEAD.width(&[time.as_str()])).unwrap_or(area.w).min(area.w);
    sheet.text(Area { w: wide, ..area }, &LARGE_HEAD, Tone::Text, Align::Left, &[time.as_str()]);
    let label = Area { x: area.x + wide + 6, y: area.y + 25 - 17, w: (area.w - wide - 6).max(0), h: ROW };
    if LARGE_TEXT.width(&[time_label(run)]) <= i32::from(label.w) {
        sheet.text(label, &LARGE_TEXT, Tone::Dim, Align::Left, &[time_label(run)]);
    }
}

/// A text at each end of a line.
fn ends(sheet: &mut Sheet<'_>, area: Area, tone: Tone, left: &Said, right_tone: Tone, right: &[&str]) {
    let wide = i16::try_from(LARGE_TEXT.width(right)).unwrap_or(area.w).min(area.w);
    sheet.text(Area { w: area.w - wide, ..area }, &LARGE_TEXT, tone, Align::Left, &[left.as_str()]);
    let beside = Area { x: area.x + area.w - wide, w: wide, ..area };
    sheet.text(beside, &LARGE_TEXT, right_tone, Align::Right, right);
}

/// The same in figures, and how the percentage rose below them.
fn details(sheet: &mut Sheet<'_>, run: &Running<'_>, area: Area, narrow: Align) {
    let mut waiting = Said::new();
    number(&mut waiting, run.waiting);
    let mut source = Said::new();
    say(&mut source, run.source);
    // A narrow display has the labels over the figures.
    let narrow = narrow == Align::Right;
    let pitch = if narrow { 2 * ROW - 4 } else { ROW + 6 };
    let chart = if narrow { 16 } else { 26 };
    let all = [
        ("nodes", &run.nodes),
        ("running", &run.elapsed),
        ("queued", &waiting),
        ("source", &source),
        ("ping", &run.ping),
        ("left", &run.eta),
    ];
    let mut y = area.y;
    for (label, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
        if y + pitch > area.y + area.h - chart {
            break;
        }
        let row = Area { y, h: ROW, ..area };
        let mut labelled = Said::new();
        say(&mut labelled, label);
        if narrow {
            sheet.text(row, &LARGE_TEXT, Tone::Dim, Align::Left, &[labelled.as_str()]);
            let below = Area { y: y + ROW - 4, ..row };
            sheet.text(below, &LARGE_TEXT, Tone::Text, Align::Left, &[value.as_str()]);
        } else {
            ends(sheet, row, Tone::Dim, &labelled, Tone::Text, &[value.as_str()]);
        }
        y += pitch;
    }
    sheet.sparkline(Area { y: area.y + area.h - chart, h: chart, ..area }, run);
}

/// Anything but a prompt that runs, between two rows.
fn notice(sheet: &mut Sheet<'_>, story: &Story<'_>, (x, w): (i16, i16), (top, bottom): (i16, i16)) {
    sheet.icon(x + (w - ICON) / 2, top, &LARGE_ICONS, story.tone, story.icon);
    let mut y = top + ICON + 4;
    let fits = LARGE_HEAD.width(&[story.head]) <= i32::from(w);
    let head = if fits { story.head } else { story.kind.short_head() };
    sheet.text(Area::new(x, y, w, WORD), &LARGE_HEAD, story.word_tone(), Align::Centre, &[head]);
    y += WORD;
    sheet.text(Area::new(x, y, w, ROW), &LARGE_TEXT, story.lead_tone(), Align::Centre, &story.lead.0);
    y += ROW + 2;
    let mut low = bottom;
    if story.busy {
        sheet.thin_bar(Area::new(x + w / 6, bottom - 6, w - w / 3, 6), story.tone, None);
        low -= 12;
    }
    // When it is tried again stands last; how long it took, where there is nothing else to say, in figures of some size.
    let lasts = story.kind.is_of_a_prompt();
    let mut last = Said::new();
    if !lasts && !story.corner.is_empty() {
        say(&mut last, "again in ");
        say(&mut last, &story.corner);
    }
    let [left, right] = &story.foot;
    let mut foot = left.clone();
    if !left.is_empty() && !right.is_empty() {
        say(&mut foot, " · ");
    }
    say(&mut foot, right);
    for line in [last, foot].into_iter().filter(|line| !line.is_empty()) {
        low -= ROW;
        sheet.text(Area::new(x, low, w, ROW), &LARGE_TEXT, Tone::Dim, Align::Centre, &[line.as_str()]);
    }
    if lasts && !story.has_body() {
        sheet.text(Area::new(x, y + 4, w, WORD), &LARGE_HEAD, Tone::Text, Align::Centre, &[story.corner.as_str()]);
    }
    sheet.paragraph(Area::new(x, y, w, low - y - 1), &LARGE_TEXT, Tone::Text, Align::Centre, &story.body);
}
