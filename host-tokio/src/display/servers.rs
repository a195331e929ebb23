//! What the live display of several servers shows: a line each, in columns, and a total.

mod lines;

use std::time::Duration;

use comfyglow_core::{
    state::{Percentage, PromptState, Source, Steps},
    view::PromptView,
};
use unicode_width::UnicodeWidthStr as _;

use super::{
    line::{Ink, Line, Look},
    painter::{Painter, Scene, is_unknown, standing, std, steps_text},
    text::{about, clean, cut_middle},
};
use crate::finish::Finish;
use lines::RowPainter;

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
    /// It is inferred from the server's log.
    is_inferred: bool,
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
        let is_polled = view.connection.source != Source::Websocket;
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
            is_inferred: scene.view.connection.source == Source::Logs,
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

fn queue_text(queue: Option<u32>) -> Option<String> {
    queue.map(|queue| format!("queue: {queue}"))
}

#[cfg(test)]
mod tests;
