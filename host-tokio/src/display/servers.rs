//! What the live display of several servers shows: a line each, in columns, and a total.

use std::time::Duration;

use comfyglow_core::{
    state::{Percentage, PromptState, Source, Steps},
    view::PromptView,
};
use unicode_width::UnicodeWidthStr as _;

use super::{
    bar::{COOL, Share, WARM, bar, pulse},
    line::{Ink, Line, Look},
    painter::{Painter, Scene, finished, is_unknown, percent, standing, std, steps_share, steps_text},
    text::{about, clean, cut_end, cut_middle, padded},
};
use crate::finish::Finish;

/// Columns of `● `, or of nothing before the total.
const SIGN: usize = 2;
/// Columns between columns.
const GAP: &str = "  ";
/// Room for `1 min 05 s left`.
const LEFT: usize = 15;
/// The least of a bar that a further column may leave.
const BAR: usize = 12;
/// The least of a bar beside a node's name, and of the name.
const BAR_AND_NODE: (usize, usize) = (24, 20);
/// The most that a node's name takes.
const NODE: usize = 36;

/// One of several servers at a moment: what its line is made of.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    ink: Ink,
    says: Says,
    queue: Option<u32>,
    /// Whether it can be asked anything.
    is_away: bool,
}

/// What a line tells.
#[derive(Clone, Debug)]
enum Says {
    /// How far a prompt is.
    Running(Running),
    /// How the last prompt ended.
    Ended(Finish),
    /// What else there is to say.
    Text(Vec<(Ink, String)>),
}

/// A prompt that runs.
#[derive(Clone, Debug)]
struct Running {
    /// Of the workflow, where that is known.
    percentage: Option<Percentage>,
    /// Of the node.
    steps: Option<Steps>,
    eta: Option<Duration>,
    /// The node's class and id, or what is wrong with the connection.
    node: Option<String>,
}

impl Row {
    /// A server's line before anything is known of it.
    pub fn new(name: &str) -> Self {
        let says = Says::Text(vec![(Ink::Warn, "connecting".to_owned())]);
        Self { name: clean(name), ink: Ink::Warn, says, queue: None, is_away: true }
    }

    /// What is known of a server, and how the prompt before ended, where one did.
    pub fn of(scene: &Scene<'_>, last: Option<&Finish>) -> Self {
        let view = &scene.view;
        let (ink, wrong) = standing(view.connection);
        let is_away = !view.is_connected();
        let is_polled = view.connection.source == Source::Polling;
        let prompt = view.prompt.as_ref().filter(|prompt| prompt.state == PromptState::Running);
        let says = match (prompt, last) {
            (Some(prompt), _) if !is_away || is_polled => Says::Running(Running::of(scene, prompt, wrong)),
            _ if is_away => {
                let wrong = wrong.map(|(ink, text)| (ink, text.to_owned()));
                let next = view.next_attempt.map(|wait| (Ink::Warn, format!("next try in {}", about(std(wait)))));
                Says::Text(wrong.into_iter().chain(next).collect())
            }
            (_, Some(last)) => Says::Ended(last.clone()),
            _ => Says::Text(vec![(Ink::Dim, "waiting for a prompt".to_owned())]),
        };
        Self { name: clean(scene.server), ink, says, queue: view.queue_remaining.filter(|_| !is_away), is_away }
    }

    /// Of a server that isn't watched any longer: how its last prompt ended, where one was waited for, or else what was known
    /// last.
    pub fn over(&mut self, end: Option<&Finish>) {
        self.queue = None;
        self.is_away = end.is_none();
        if let Some(end) = end {
            (self.ink, self.says) = (Ink::Dim, Says::Ended(end.clone()));
        }
    }

    /// What the server is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells most comes first where there is no room for all.
    fn rank(&self) -> u8 {
        match (&self.says, self.is_away) {
            (Says::Running(_), _) => 0,
            (_, true) => 1,
            _ => 2,
        }
    }
}

impl Running {
    fn of(scene: &Scene<'_>, prompt: &PromptView<'_>, wrong: Option<(Ink, &'static str)>) -> Self {
        let percentage = scene.smooth.or(prompt.percentage);
        let node = prompt.current_node.map(clean).map(|node| match prompt.current_class {
            Some(class) => format!("{} #{node}", clean(class)),
            None => format!("Node {node}"),
        });
        Self {
            percentage: percentage.filter(|percentage| !is_unknown(*percentage, scene.view.connection.source)),
            steps: prompt.steps,
            eta: prompt.eta.map(std),
            node: wrong.map(|(_, text)| text.to_owned()).or(node),
        }
    }

    /// The node, and its steps where they fit.
    fn doing(&self, width: usize, unicode: bool) -> String {
        let Some(node) = &self.node else { return String::new() };
        // Where the workflow's percentage isn't known, the steps stand beside the bar.
        let steps = self.steps.filter(|_| self.percentage.is_some()).map(|steps| format!(" {}", steps_text(steps)));
        let steps = steps.unwrap_or_default();
        cut_middle(node, width.saturating_sub(steps.len()), unicode) + &steps
    }
}

/// All servers at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Servers<'a> {
    /// A line each.
    pub rows: &'a [Row],
    /// When, on any clock.
    pub now_ms: u64,
}

impl Servers<'_> {
    /// The lines of the live display, each at most as wide as `look` says, and at most so many; the last ones are the total.
    /// Where there is no room for all servers, those that run stay.
    pub fn lines(&self, look: Look, most: usize) -> Vec<Line> {
        let total = Total::of(self.rows);
        let columns = Columns::of(self.rows, &total, look);
        let painter = RowPainter { painter: Painter { look, indent: "" }, columns, now_ms: self.now_ms };
        let totals = painter.total(&total);
        let room = most.max(2 + totals.len()) - totals.len();
        let mut shown: Vec<usize> = (0..self.rows.len()).collect();
        if shown.len() > room {
            shown.sort_by_key(|row| self.rows.get(*row).map(Row::rank));
            shown.truncate(room - 1);
            shown.sort_unstable();
        }
        let mut lines: Vec<Line> =
            shown.iter().filter_map(|row| self.rows.get(*row)).map(|row| painter.row(row)).collect();
        let hidden = self.rows.len() - shown.len();
        if hidden > 0 {
            let text = format!("{}{hidden} more", painter.painter.sign("… ", ".. "));
            lines.push(painter.painter.joined(Line::new(), &[(Ink::Dim, text)]));
        }
        lines.extend(totals);
        lines
    }
}

/// What is so of all servers together.
struct Total {
    /// Servers whose prompts run, and servers.
    run: (usize, usize),
    away: usize,
    /// Prompts queued and running, where any server told.
    queue: Option<u32>,
    /// Of the prompts that run and whose percentages are known.
    percentage: Option<Percentage>,
    /// The longest that is known.
    eta: Option<Duration>,
    /// There are some that aren't known.
    more: bool,
}

impl Total {
    fn of(rows: &[Row]) -> Self {
        let running =
            || rows.iter().filter_map(|row| if let Says::Running(running) = &row.says { Some(running) } else { None });
        let known: Vec<u64> = running().filter_map(|one| one.percentage).map(|one| one.millionths().into()).collect();
        let mean = known.iter().sum::<u64>().checked_div(u64::try_from(known.len()).unwrap_or(u64::MAX));
        Self {
            run: (running().count(), rows.len()),
            away: rows.iter().filter(|row| row.is_away).count(),
            queue: rows.iter().filter_map(|row| row.queue).reduce(u32::saturating_add),
            percentage: mean.and_then(|mean| u32::try_from(mean).ok()).map(Percentage::from_millionths),
            eta: running().filter_map(|one| one.eta).max(),
            more: running().any(|one| one.eta.is_none()),
        }
    }

    fn name(&self) -> String {
        format!("{} of {} run", self.run.0, self.run.1)
    }
}

/// The columns that all lines share; one of width 0 isn't there.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    bar: usize,
    number: usize,
    left: usize,
    queue: usize,
    node: usize,
}

impl Columns {
    fn of(rows: &[Row], total: &Total, look: Look) -> Self {
        let widest = rows.iter().map(|row| row.name.width()).chain([total.name().width()]).max().unwrap_or_default();
        let most = (look.width / 3).max(17).min(look.width / 2).min(look.width.saturating_sub(SIGN + GAP.len()));
        let name = widest.min(most);
        let numbers = rows.iter().filter_map(|row| if let Says::Running(one) = &row.says { one.steps } else { None });
        let number = numbers.map(|steps| steps_text(steps).len()).chain(["100.0 %".len()]).max().unwrap_or_default();
        let queue = queue_text(total.queue).map_or(0, |text| text.len());
        let mut columns = Self { name, bar: 0, number, left: 0, queue: 0, node: 0 };
        // Of what is left, the bar takes all that no other column does; they come as there is room for them.
        let mut room = look.width.saturating_sub(SIGN + name + 2 * GAP.len() + number);
        for (column, width) in [(&mut columns.left, LEFT), (&mut columns.queue, queue)] {
            if let Some(rest) = room.checked_sub(width + GAP.len()).filter(|rest| width > 0 && *rest >= BAR) {
                *column = width;
                room = rest;
            }
        }
        if room >= BAR_AND_NODE.0 + GAP.len() + BAR_AND_NODE.1 {
            columns.node = (room / 2).clamp(BAR_AND_NODE.1, NODE);
            room -= columns.node + GAP.len();
        }
        columns.bar = if room < 4 { 0 } else { room };
        columns
    }

    /// The columns of a bar and of what stands beside it.
    fn text(self) -> usize {
        let Self { bar, number, left, .. } = self;
        [bar, number, left].iter().filter(|width| **width > 0).map(|width| width + GAP.len()).sum::<usize>() - GAP.len()
    }
}

#[derive(Clone, Copy)]
struct RowPainter {
    painter: Painter,
    columns: Columns,
    now_ms: u64,
}

impl RowPainter {
    fn row(self, row: &Row) -> Line {
        let look = self.painter.look;
        let sign = Line::new().with(row.ink, self.painter.sign("● ", "* "));
        let mut line = self.named(sign, &row.name);
        match &row.says {
            Says::Running(running) => {
                let number = match (running.percentage, running.steps) {
                    (Some(percentage), _) => percent(percentage),
                    (None, steps) => steps.map(steps_text).unwrap_or_default(),
                };
                let left = running.eta.map(|eta| (Ink::Plain, time_left(eta, "")));
                self.bar(&mut line, &self.drawn(running), (Ink::Plain, &number), left);
                self.queue(&mut line, row.queue);
                let doing = running.doing(self.columns.node, look.unicode);
                self.last(&mut line, &[(Ink::Dim, doing)]);
            }
            Says::Ended(finish) => {
                let text = finished(finish, Look { width: self.room(&line), ..look });
                self.wide(&mut line, &text.into_iter().next().unwrap_or_default());
                self.queue(&mut line, row.queue);
            }
            Says::Text(parts) if row.queue.is_none() => line = self.painter.joined(line, parts),
            Says::Text(parts) => {
                let text = self.text(&line, parts);
                self.wide(&mut line, &text);
                self.queue(&mut line, row.queue);
            }
        }
        line
    }

    /// The line of the total, and one more where there are no columns for all that it tells.
    fn total(self, total: &Total) -> Vec<Line> {
        let Columns { left: left_room, queue: queue_room, node: node_room, .. } = self.columns;
        let mut line = self.named(Line::new().with(Ink::Plain, " ".repeat(SIGN)), &total.name());
        let left = total.eta.map(|eta| (Ink::Bold, time_left(eta, if total.more { "over " } else { "" })));
        let queue = queue_text(total.queue).map(|queue| (Ink::Dim, queue));
        let away = (total.away > 0).then(|| (Ink::Warn, format!("{} not connected", total.away)));
        if total.run.0 == 0 {
            let queue = queue.filter(|_| queue_room == 0);
            let text = self.text(&line, &queue.into_iter().chain(away).collect::<Vec<_>>());
            self.wide(&mut line, &text);
            self.queue(&mut line, total.queue);
            return vec![line];
        }
        let (drawn, number) = match total.percentage {
            Some(percentage) => (self.filled(percentage), percent(percentage)),
            None => (pulse(self.now_ms, self.columns.bar, WARM, self.painter.look), String::new()),
        };
        self.bar(&mut line, &drawn, (Ink::Bold, &number), left.clone());
        self.queue(&mut line, total.queue);
        if node_room > 0 {
            self.last(&mut line, &Vec::from_iter(away));
            return vec![line];
        }
        if left_room > 0 && queue_room > 0 {
            return vec![line];
        }
        let without_column = [left.filter(|_| left_room == 0), queue.filter(|_| queue_room == 0), away];
        let parts: Vec<(Ink, String)> = without_column.into_iter().flatten().collect();
        let sign = Line::new().with(Ink::Plain, " ".repeat(SIGN));
        // Below the bar, where there is one.
        let more = if self.columns.bar > 0 { self.named(sign, "") } else { sign };
        let more = if parts.is_empty() { None } else { Some(self.painter.joined(more, &parts)) };
        [line].into_iter().chain(more).collect()
    }

    fn named(self, mut line: Line, name: &str) -> Line {
        let name = cut_middle(name, self.columns.name, self.painter.look.unicode);
        line.push(Ink::Bold, &name);
        line.push(Ink::Plain, " ".repeat(self.columns.name.saturating_sub(name.width())) + GAP);
        line
    }

    fn filled(self, percentage: Percentage) -> Line {
        let share = Share { part: percentage.millionths().into(), whole: Percentage::FULL.millionths().into() };
        bar(share, self.columns.bar, WARM, self.painter.look)
    }

    /// The workflow's bar, or the node's where nothing is known of the workflow.
    fn drawn(self, running: &Running) -> Line {
        let (width, look) = (self.columns.bar, self.painter.look);
        match (running.percentage, running.steps) {
            (Some(percentage), _) => self.filled(percentage),
            (None, Some(steps)) => bar(steps_share(steps), width, COOL, look),
            (None, None) => pulse(self.now_ms, width, WARM, look),
        }
    }

    /// A bar, its number, and how long it will take.
    fn bar(self, line: &mut Line, bar: &Line, number: (Ink, &str), left: Option<(Ink, String)>) {
        let Columns { bar: width, number: room, left: left_room, .. } = self.columns;
        if width > 0 {
            line.append(bar);
            line.push(Ink::Plain, GAP);
        }
        let room = room.min(self.painter.look.width.saturating_sub(line.width()));
        // Numbers keep their place while they change.
        let text = cut_end(number.1, room, self.painter.look.unicode);
        line.push(number.0, format!("{text:>room$}"));
        if left_room > 0 {
            let (ink, text) = left.unwrap_or((Ink::Plain, String::new()));
            let text = cut_end(&text, left_room, self.painter.look.unicode);
            line.push(ink, format!("{GAP}{text:>left_room$}"));
        }
    }

    /// Columns behind `line` for what takes the place of a bar and its numbers.
    fn room(self, line: &Line) -> usize {
        self.columns.text().min(self.painter.look.width.saturating_sub(line.width()))
    }

    fn text(self, line: &Line, parts: &[(Ink, String)]) -> Line {
        let look = Look { width: self.room(line), ..self.painter.look };
        Painter { look, ..self.painter }.joined(Line::new(), parts)
    }

    /// Text in the place of a bar and its numbers.
    fn wide(self, line: &mut Line, text: &Line) {
        let room = self.room(line);
        if text.width() <= room {
            line.append(text);
            line.push(Ink::Plain, " ".repeat(room - text.width()));
        }
    }

    fn queue(self, line: &mut Line, queue: Option<u32>) {
        let width = self.columns.queue;
        if width > 0 {
            let text = queue_text(queue).unwrap_or_default();
            line.push(Ink::Dim, format!("{GAP}{}", padded(&text, width)));
        }
    }

    /// What stands in the last column, where there is one.
    fn last(self, line: &mut Line, parts: &[(Ink, String)]) {
        if self.columns.node > 0 && !parts.is_empty() {
            line.push(Ink::Plain, GAP);
            let with = self.painter.joined(line.clone(), parts);
            *line = with;
        }
    }
}

fn queue_text(queue: Option<u32>) -> Option<String> {
    queue.map(|queue| format!("queue: {queue}"))
}

/// `about 9 s` in a column: ` left` goes where there is no room for it.
fn time_left(eta: Duration, over: &str) -> String {
    let text = format!("{over}{}", about(eta));
    if text.len() + " left".len() <= LEFT { text + " left" } else { text }
}

#[cfg(test)]
mod tests;
