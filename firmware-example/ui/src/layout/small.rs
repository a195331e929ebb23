//! Displays of 72×40 to 128×96, on which every row counts: one pixel font, a font for the word or number beside, and one
//! for the number that matters.

use super::{Align, Sheet};
use crate::{
    area::Area,
    font::{HEAD, ICONS, NUMBER, TEXT},
    ink::Tone,
    scene::Page,
    story::{Kind, Running, Said, Story, number, say},
};

/// Rows of a line of text.
const ROW: i16 = 11;
/// Rows of the word.
const WORD: i16 = 18;
/// Rows of the number.
const FIGURE: i16 = 19;
/// Columns and rows of the signs.
const ICON: i16 = 22;
/// From a sign's left to what is said beside it.
const BESIDE: i16 = ICON + 6;

/// A display of 128×64.
#[inline(never)]
pub(super) fn card(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    match &story.run {
        Some(run) if run.page == Page::Details => details(sheet, run, (128, 64), (5, 11)),
        Some(run) => {
            percent(sheet, story, run, 2);
            time_left(sheet, run, 0);
            sheet.bar(Area::new(0, 27, 128, 7), story.tone, run.bar);
            node(sheet, run, 37);
            steps_bar(sheet, run, Area::new(0, 49, 128, 2));
            foot(sheet, story, run, 53);
        }
        None => notice(sheet, story, 64),
    }
}

/// A display of 128×96.
#[inline(never)]
pub(super) fn tall(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    match &story.run {
        Some(run) if run.page == Page::Details => details(sheet, run, (128, 96), (6, 13)),
        Some(run) => {
            percent(sheet, story, run, 4);
            time_left(sheet, run, 2);
            sheet.bar(Area::new(0, 31, 128, 9), story.tone, run.bar);
            node(sheet, run, 47);
            steps_bar(sheet, run, Area::new(0, 60, 128, 3));
            pair(sheet, Area::new(0, 70, 128, ROW), "running for", &run.elapsed);
            foot(sheet, story, run, 85);
        }
        None => notice(sheet, story, 96),
    }
}

/// A display of 128×32.
#[inline(never)]
pub(super) fn strip(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    let Some(run) = &story.run else {
        let row = if story.busy { 17 } else { 20 };
        sheet.icon(0, if story.busy { 2 } else { 5 }, &ICONS, story.tone, story.icon);
        word(sheet, story, Area::new(BESIDE, if story.busy { -1 } else { 0 }, 128 - BESIDE, WORD));
        whole_story(sheet, story, Area::new(BESIDE, row, 128 - BESIDE, ROW));
        if story.busy {
            sheet.thin_bar(Area::new(0, 29, 128, 3), story.tone, None);
        }
        return;
    };
    if run.page == Page::Details {
        return details(sheet, run, (128, 32), (2, 11));
    }
    let beside = percent(sheet, story, run, 2).max(52);
    let right = Area::new(beside, 0, 128 - beside, ROW);
    sheet.text(right, &TEXT, Tone::Text, Align::Right, &[run.node]);
    second_line(sheet, story, run, Area { y: 12, ..right });
    sheet.bar(Area::new(0, 25, 128, 7), story.tone, run.bar);
}

/// A display of 72×40.
#[inline(never)]
pub(super) fn tiny(sheet: &mut Sheet<'_>, story: &Story<'_>) {
    let Some(run) = &story.run else {
        let beside = HEAD.width(&[story.kind.short_head()]) <= i32::from(72 - BESIDE);
        if beside {
            sheet.icon(0, 0, &ICONS, story.tone, story.icon);
        }
        let left = if beside { BESIDE } else { 0 };
        word(sheet, story, Area::new(left, if beside { 3 } else { 0 }, 72 - left, WORD));
        if story.busy {
            whole_story(sheet, story, Area::new(0, 23, 72, ROW));
            sheet.thin_bar(Area::new(0, 37, 72, 3), story.tone, None);
        } else {
            whole_story(sheet, story, Area::new(0, 27, 72, ROW));
        }
        return;
    };
    if run.page == Page::Details {
        return details(sheet, run, (72, 40), (2, 14));
    }
    let beside = percent(sheet, story, run, 1).max(44);
    let right = Area::new(beside, 1, 72 - beside, ROW);
    let time = if run.eta.is_empty() { &run.elapsed } else { &run.short_eta };
    // Half of a figure would be another one.
    if TEXT.width(&[time.as_str()]) <= i32::from(right.w) {
        sheet.text(right, &TEXT, Tone::Text, Align::Right, &[time.as_str()]);
    }
    if TEXT.width(&[run.steps.as_str()]) <= i32::from(right.w) {
        sheet.text(Area { y: 12, ..right }, &TEXT, Tone::Dim, Align::Right, &[run.steps.as_str()]);
    }
    sheet.bar(Area::new(0, 23, 72, 6), story.tone, run.bar);
    let bottom = Area::new(0, 29, 72, ROW);
    if story.mark.is_some() && sheet.since.as_millis() / 3_000 % 2 == 1 {
        sheet.text(bottom, &TEXT, Tone::Warn, Align::Left, &story.mark());
    } else {
        sheet.text(bottom, &TEXT, Tone::Text, Align::Left, &[run.node]);
    }
}

/// How far the workflow is, and how far right that reaches; a word where nobody knows.
fn percent(sheet: &mut Sheet<'_>, story: &Story<'_>, run: &Running<'_>, y: i16) -> i16 {
    let Some(percent) = run.percent else {
        let width = i16::try_from(HEAD.width(&[story.head])).unwrap_or(0);
        sheet.text(Area::new(0, y, width, WORD), &HEAD, Tone::Text, Align::Left, &[story.head]);
        return width + 4;
    };
    let mut figure = Said::new();
    number(&mut figure, percent);
    let width = i16::try_from(NUMBER.width(&[figure.as_str()])).unwrap_or(0);
    sheet.text(Area::new(0, y, width, FIGURE), &NUMBER, Tone::Text, Align::Left, &[figure.as_str()]);
    sheet.text(Area::new(width, y + 5, 12, WORD), &HEAD, Tone::Text, Align::Left, &["%"]);
    width + 16
}

/// How long it takes yet, or, where that isn't known, has taken, at the right.
fn time_left(sheet: &mut Sheet<'_>, run: &Running<'_>, y: i16) {
    let (time, label) = if run.eta.is_empty() { (&run.elapsed, "so far") } else { (&run.eta, "left") };
    if !time.is_empty() {
        sheet.text(Area::new(66, y - 1, 62, WORD), &HEAD, Tone::Text, Align::Right, &[time.as_str()]);
        sheet.text(Area::new(80, y + 14, 48, ROW), &TEXT, Tone::Dim, Align::Right, &[label]);
    }
}

/// The node, and its steps at the right.
fn node(sheet: &mut Sheet<'_>, run: &Running<'_>, y: i16) {
    let steps = i16::try_from(TEXT.width(&[run.steps.as_str()])).unwrap_or(0).min(64);
    let beside = if steps == 0 { 0 } else { steps + 6 };
    sheet.text(Area::new(0, y, 128 - beside, ROW), &TEXT, Tone::Text, Align::Left, &[run.node]);
    sheet.text(Area::new(128 - steps, y, steps, ROW), &TEXT, Tone::Text, Align::Right, &[run.steps.as_str()]);
}

fn steps_bar(sheet: &mut Sheet<'_>, run: &Running<'_>, area: Area) {
    if run.step_bar.is_some() {
        sheet.thin_bar(area, Tone::Text, run.step_bar);
    }
}

/// What waits behind it or how many nodes are done, and how that is known.
fn foot(sheet: &mut Sheet<'_>, story: &Story<'_>, run: &Running<'_>, y: i16) {
    let left = run.foot();
    sheet.text(Area::new(0, y, 70, ROW), &TEXT, Tone::Dim, Align::Left, &[left.as_str()]);
    sheet.text(Area::new(72, y, 56, ROW), &TEXT, Tone::Warn, Align::Right, &story.mark());
}

/// Steps and what is left of time where there is room for one line only; and by turns how they are known.
fn second_line(sheet: &mut Sheet<'_>, story: &Story<'_>, run: &Running<'_>, area: Area) {
    if story.mark.is_some() && (run.steps.is_empty() || sheet.since.as_millis() / 3_000 % 2 == 1) {
        sheet.text(area, &TEXT, Tone::Warn, Align::Right, &story.mark());
        return;
    }
    let time = if run.eta.is_empty() { &run.elapsed } else { &run.eta };
    let wide = i16::try_from(TEXT.width(&[time.as_str()])).unwrap_or(area.w).min(area.w);
    let left = Area { w: (area.w - wide - 6).max(0), ..area };
    // Half of a figure would be another one.
    if TEXT.width(&[run.steps.as_str()]) <= i32::from(left.w) {
        sheet.text(left, &TEXT, Tone::Dim, Align::Left, &[run.steps.as_str()]);
    }
    let right = Area { x: area.x + area.w - wide, w: wide, ..area };
    sheet.text(right, &TEXT, Tone::Text, Align::Right, &[time.as_str()]);
}

fn pair(sheet: &mut Sheet<'_>, area: Area, label: &str, value: &Said) {
    if value.is_empty() {
        return;
    }
    let width = i16::try_from(TEXT.width(&[value.as_str()])).unwrap_or(area.w).min(area.w);
    let left = Area { w: (area.w - width - 4).max(0), ..area };
    sheet.text(left, &TEXT, Tone::Dim, Align::Left, &[label]);
    let right = Area { x: area.x + area.w - width, w: width, ..area };
    sheet.text(right, &TEXT, Tone::Text, Align::Right, &[value.as_str()]);
}

/// The same in figures: so many rows, so far apart, and how the percentage rose below them.
fn details(sheet: &mut Sheet<'_>, run: &Running<'_>, (width, height): (i16, i16), (rows, pitch): (u8, i16)) {
    let mut waiting = Said::new();
    number(&mut waiting, run.waiting);
    let mut source = Said::new();
    say(&mut source, run.source);
    let all = [
        ("nodes", &run.nodes),
        ("running", &run.elapsed),
        ("queued", &waiting),
        ("source", &source),
        ("ping", &run.ping),
        ("left", &run.eta),
    ];
    let mut y = 0;
    for (label, value) in all.into_iter().filter(|(_, value)| !value.is_empty()).take(rows.into()) {
        pair(sheet, Area::new(0, y, width, ROW), label, value);
        y += pitch;
    }
    // It stays where it is while rows come and go.
    let top = i16::from(rows) * pitch + 1;
    sheet.sparkline(Area::new(0, top, width, height - top), run);
}

/// The word for it, and at its right a figure, where both have room.
fn word(sheet: &mut Sheet<'_>, story: &Story<'_>, area: Area) {
    let (wide, figure) = (HEAD.width(&[story.head]), TEXT.width(&[story.corner.as_str()]));
    let head = if wide <= i32::from(area.w) { story.head } else { story.kind.short_head() };
    sheet.text(area, &HEAD, story.word_tone(), Align::Left, &[head]);
    let left = i16::try_from(HEAD.width(&[head])).unwrap_or(area.w) + 5;
    if figure > 0 && figure <= i32::from(area.w - left) {
        let beside = Area { x: area.x + left, y: area.y + 5, w: area.w - left, h: ROW };
        sheet.text(beside, &TEXT, Tone::Text, Align::Right, &[story.corner.as_str()]);
    }
}

/// Everything else in a line.
fn whole_story(sheet: &mut Sheet<'_>, story: &Story<'_>, area: Area) {
    let [foot, beside] = &story.foot;
    // What the word says already, or what goes without saying, would only make it longer.
    let about = match story.kind {
        Kind::Failed => true,
        Kind::Done | Kind::Stopped | Kind::Ended => foot.is_empty(),
        _ => !story.has_body(),
    };
    let [class, mark, id] = if about { story.lead.0 } else { [""; 3] };
    let [what, then, more] = story.body;
    let foot = if story.kind == Kind::Idle && !story.is_queued { "" } else { foot.as_str() };
    let dot = |between: bool| if between { " · " } else { "" };
    let before =
        [dot(about && story.has_body()), dot(!foot.is_empty() && (about || story.has_body())), dot(!beside.is_empty())];
    let all = [class, mark, id, before[0], what, then, more, before[1], foot, before[2], beside.as_str()];
    sheet.text(area, &TEXT, Tone::Text, Align::Left, &all);
}

/// Anything but a prompt that runs.
fn notice(sheet: &mut Sheet<'_>, story: &Story<'_>, height: i16) {
    // What stands alone stands in the middle.
    let alone =
        matches!(story.kind, Kind::Starting | Kind::Joining | Kind::Idle | Kind::Done | Kind::Stopped | Kind::Ended);
    let top = if alone { (height - ROW - ICON) / 2 - 2 } else { 0 };
    sheet.icon(0, top, &ICONS, story.tone, story.icon);
    word(sheet, story, Area::new(BESIDE, top - 1, 128 - BESIDE, WORD));
    let [left, right] = &story.foot;
    let width = |line: &Said| i16::try_from(TEXT.width(&[line.as_str()])).unwrap_or(0).min(64);
    // Where a bar wanders at the bottom, what stood there else is beside the lead.
    let beside = if story.busy && !left.is_empty() { width(left) + 6 } else { 0 };
    let lead = Area::new(BESIDE, top + 15, 128 - BESIDE - beside, ROW);
    sheet.text(lead, &TEXT, story.lead_tone(), Align::Left, &story.lead.0);
    let mut bottom = height;
    if story.busy {
        bottom -= 6;
        let corner = Area { x: 128 - beside, w: beside, ..lead };
        sheet.text(corner, &TEXT, Tone::Dim, Align::Right, &[left.as_str()]);
        sheet.thin_bar(Area::new(0, height - 4, 128, 4), story.tone, None);
    // Of an error as much as there is room for.
    } else if (!left.is_empty() || !right.is_empty()) && (story.kind != Kind::Failed || height > 64) {
        bottom -= ROW + 1;
        let wide = width(right);
        let room = if wide == 0 { 128 } else { 128 - wide - 4 };
        sheet.text(Area::new(0, height - ROW, room, ROW), &TEXT, Tone::Dim, Align::Left, &[left.as_str()]);
        let corner = Area::new(128 - wide, height - ROW, wide, ROW);
        sheet.text(corner, &TEXT, Tone::Warn, Align::Right, &[right.as_str()]);
    }
    sheet.paragraph(Area::new(0, 29, 128, bottom - 29), &TEXT, Tone::Text, Align::Left, &story.body);
}
