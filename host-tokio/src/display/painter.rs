//! What the live display shows: a few lines, from a view and a width.

use comfyglow_core::{
    state::{Connection, ConnectionStatus, Percentage, PromptState, Source, Steps},
    time::{self, Instant},
    view::{PromptView, View},
};

use super::{
    bar::{COOL, Share, WARM, bar, pulse},
    line::{Ink, Line, Look},
    text::{about, clean, cut_end, cut_middle, follows, next_attempt, padded, short_id, span},
};
use crate::finish::{Failure, Finish};

/// Lines of an exception's message that are shown.
const MESSAGE_LINES: usize = 12;

/// What the workflow's bar is called.
const WORKFLOW: &str = "Workflow";

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What is known.
    pub view: View<'a>,
    /// The percentage to draw, where one is known.
    pub smooth: Option<Percentage>,
    /// What the server is called.
    pub server: &'a str,
    /// When.
    pub now: Instant,
}

/// The lines of the live display, each at most as wide as `look` says.
pub fn live(scene: &Scene<'_>, look: Look) -> Vec<Line> {
    let painter = Painter { look, indent: if look.width >= 40 { "  " } else { "" } };
    let mut lines = vec![painter.header(scene)];
    match scene.view.prompt.as_ref().filter(|prompt| prompt.state == PromptState::Running) {
        Some(prompt) => painter.prompt(scene, prompt, &mut lines),
        None if scene.view.is_connected() || scene.view.connection.source != Source::Websocket => {
            lines.push(painter.waiting(scene));
        }
        // The header tells what is the matter.
        None => {}
    }
    lines
}

/// The lines that stay when a prompt has ended.
pub fn finished(finish: &Finish, look: Look) -> Vec<Line> {
    let painter = Painter { look, indent: "  " };
    let place = finish.failure.as_ref().and_then(place).map(|place| (Ink::Plain, place));
    let (outcome, fits) = painter.outcome(finish, place.clone());
    let mut lines = vec![outcome];
    if let Some(place) = place.filter(|_| !fits) {
        lines.push(painter.joined(Line::new().with(Ink::Plain, painter.indent), &[place]));
    }
    if let Some(failure) = &finish.failure {
        lines.extend(painter.failure(failure));
    }
    lines
}

#[derive(Clone, Copy)]
pub(super) struct Painter {
    pub(super) look: Look,
    pub(super) indent: &'static str,
}

/// The columns that a label, a bar and a number share.
struct Columns {
    label: usize,
    bar: usize,
    number: usize,
}

impl Painter {
    pub(super) fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.look.unicode { unicode } else { ascii }
    }

    /// The first of `parts` that fit; the very first one is cut where even that doesn't.
    pub(super) fn joined(self, mut line: Line, parts: &[(Ink, String)]) -> Line {
        let dot = self.sign(" · ", " | ");
        for (n, (ink, text)) in parts.iter().enumerate() {
            let mut part = Line::new();
            if n > 0 {
                part.push(Ink::Dim, dot);
            }
            part.push(*ink, text);
            if line.width() + part.width() <= self.look.width {
                line.append(&part);
                continue;
            }
            if n == 0 {
                let room = self.look.width.saturating_sub(line.width());
                line.push(*ink, cut_end(text, room, self.look.unicode));
            }
            break;
        }
        line
    }

    fn header(self, scene: &Scene<'_>) -> Line {
        let connection = scene.view.connection;
        let (ink, says) = standing(connection);
        let line = Line::new().with(ink, self.sign("● ", "* "));
        let mut parts = vec![(Ink::Bold, clean(scene.server))];
        parts.extend(says.map(|(ink, text)| (ink, text.to_owned())));
        parts.extend(next_attempt(&scene.view).map(|text| (Ink::Warn, text)));
        if !scene.view.is_connected() && connection.source != Source::Websocket {
            parts.push((Ink::Dim, "polling".to_owned()));
        }
        let running = scene.view.prompt.is_some_and(|prompt| prompt.state == PromptState::Running);
        if let Some(queue) = scene.view.queue_remaining.filter(|_| running && says.is_none()) {
            parts.push((Ink::Dim, format!("queue: {queue}")));
        }
        self.joined(line, &parts)
    }

    fn waiting(self, scene: &Scene<'_>) -> Line {
        let line = Line::new().with(Ink::Plain, self.indent);
        let text = match scene.view.queue_remaining {
            Some(queue) => format!("waiting for a prompt (queue: {queue})"),
            None => "waiting for a prompt".to_owned(),
        };
        let way = scene.view.connection.way.map(|way| (Ink::Dim, follows(way).to_owned()));
        let parts: Vec<_> = [(Ink::Dim, text)].into_iter().chain(way).collect();
        self.joined(line, &parts)
    }

    /// `41.6 %`, and marked where that is `inferred`.
    pub(super) fn percent(self, percentage: Percentage, inferred: bool) -> String {
        let mark = if inferred { self.sign("\u{2248}", "~") } else { "" };
        format!("{mark}{}", percent(percentage))
    }

    fn prompt(self, scene: &Scene<'_>, prompt: &PromptView<'_>, lines: &mut Vec<Line>) {
        let steps = prompt.steps.map(steps_text);
        let number = steps.as_ref().map_or(0, String::len).max("100.0 %".len());
        let columns = self.columns(number);
        if let Some(percentage) = scene.smooth.or(prompt.percentage) {
            let share = Share { part: percentage.millionths().into(), whole: Percentage::FULL.millionths().into() };
            let unknown = is_unknown(percentage, scene.view.connection.source);
            let (drawn, number) = if unknown {
                (pulse(scene.now.as_micros() / 1_000, columns.bar, WARM, self.look), String::new())
            } else {
                let number = self.percent(percentage, scene.view.connection.source == Source::Logs);
                (bar(share, columns.bar, WARM, self.look), number)
            };
            lines.push(self.row(&columns, (WORKFLOW, ""), &drawn, &number));
        }
        // Between the bars, which would touch each other.
        lines.push(self.details(scene, prompt, &columns));
        if let Some(node) = prompt.current_node {
            let drawn = match prompt.steps {
                Some(steps) => bar(steps_share(steps), columns.bar, COOL, self.look),
                None => pulse(scene.now.as_micros() / 1_000, columns.bar, COOL, self.look),
            };
            let node = clean(node);
            let name = match prompt.current_class {
                Some(class) => (clean(class), format!(" #{node}")),
                None => (format!("Node {node}"), String::new()),
            };
            lines.push(self.row(&columns, (&name.0, &name.1), &drawn, &steps.unwrap_or_default()));
        }
    }

    fn columns(self, number: usize) -> Columns {
        let width = self.look.width;
        let label = match width {
            ..34 => 0,
            34..56 => 10,
            _ => (width / 4).clamp(16, 30),
        };
        let gaps = self.indent.len() + if label > 0 { 2 } else { 0 } + 2;
        Columns { label, bar: width.saturating_sub(label + gaps + number), number }
    }

    /// A label, a bar and a number; `label` is a name and what may be left out behind it.
    fn row(self, columns: &Columns, label: (&str, &str), bar: &Line, number: &str) -> Line {
        let mut line = Line::new().with(Ink::Plain, self.indent);
        if columns.label > 0 {
            let (name, more) = label;
            let name = cut_middle(name, columns.label, self.look.unicode);
            let width = Line::new().with(Ink::Bold, &name).with(Ink::Dim, more).width();
            let more = if width <= columns.label { more } else { "" };
            let used = Line::new().with(Ink::Bold, &name).with(Ink::Dim, more).width();
            line.push(Ink::Bold, &name);
            line.push(Ink::Dim, more);
            line.push(Ink::Plain, " ".repeat(columns.label.saturating_sub(used) + 2));
        }
        line.append(bar);
        // Numbers keep their place while they change.
        let number = format!("  {number:>width$}", width = columns.number);
        let room = self.look.width.saturating_sub(line.width());
        line.push(Ink::Plain, cut_end(&number, room, self.look.unicode));
        line
    }

    fn details(self, scene: &Scene<'_>, prompt: &PromptView<'_>, columns: &Columns) -> Line {
        let mut parts = Vec::new();
        match (prompt.elapsed, prompt.eta) {
            (Some(elapsed), Some(eta)) => {
                parts.push(format!("{}, about {} left", span(std(elapsed)), about(std(eta))));
            }
            (Some(elapsed), None) => parts.push(span(std(elapsed))),
            (None, Some(eta)) => parts.push(format!("about {} left", about(std(eta)))),
            (None, None) if scene.view.connection.source != Source::Websocket => {}
            (None, None) => parts.push("joined midway".to_owned()),
        }
        match scene.view.connection.source {
            // Which node runs and what has run by then isn't told.
            Source::Logs => parts.push("inferred from the log".to_owned()),
            // Its own client is told its steps, we are not.
            Source::Polling => parts.push("another client's".to_owned()),
            _ => {}
        }
        let cached = prompt.nodes_cached.unwrap_or_default();
        let done = prompt.nodes_finished.saturating_add(cached);
        parts.push(match prompt.nodes_total {
            Some(total) => format!("{} of {total} nodes", done.min(total)),
            None => format!("{} done", counted(done, "node")),
        });
        if cached > 0 {
            parts.push(format!("{cached} cached"));
        }
        if prompt.warnings > 0 {
            parts.push(format!("{} blocked", prompt.warnings));
        }
        if prompt.previews > 0 {
            parts.push(counted(prompt.previews, "preview"));
        }
        parts.extend(prompt.prompt_id.map(|id| short_id(id, self.look.unicode)));
        let parts: Vec<(Ink, String)> = parts.into_iter().map(|part| (Ink::Dim, part)).collect();
        let mut line = Line::new().with(Ink::Plain, self.indent);
        if columns.label > 0 {
            // Without a percentage there is no row above that says what this is about.
            let label = if prompt.percentage.is_none() { WORKFLOW } else { "" };
            line.push(Ink::Bold, padded(label, columns.label + 2));
        }
        self.joined(line, &parts)
    }

    /// How a prompt ended, and whether `place` fits behind it.
    fn outcome(self, finish: &Finish, place: Option<(Ink, String)>) -> (Line, bool) {
        let (ink, sign, verb) = match finish.state {
            PromptState::Success => (Ink::Good, self.sign("✔ ", "+ "), ""),
            PromptState::Error => (Ink::Bad, self.sign("✖ ", "x "), "failed"),
            PromptState::Interrupted => (Ink::Warn, self.sign("■ ", "! "), "interrupted"),
            PromptState::Running | PromptState::Ended => (Ink::Warn, "? ", "ended"),
        };
        let id = finish.prompt_id.as_deref().map_or_else(|| "prompt".to_owned(), |id| short_id(id, self.look.unicode));
        let line = Line::new().with(ink, sign);
        let mut parts = vec![(Ink::Bold, id)];
        match (verb, finish.elapsed.map(span)) {
            ("", Some(elapsed)) => parts.push((Ink::Plain, elapsed)),
            ("", None) => {}
            (verb, None) => parts.push((ink, verb.to_owned())),
            (verb, Some(elapsed)) => parts.push((ink, format!("{verb} after {elapsed}"))),
        }
        if matches!(finish.state, PromptState::Running | PromptState::Ended) {
            parts.push((Ink::Dim, "its outcome was not heard".to_owned()));
        }
        if let Some(place) = place {
            let without = self.joined(line.clone(), &parts);
            parts.push(place);
            let with = self.joined(line, &parts);
            return if with.width() > without.width() { (with, true) } else { (without, false) };
        }
        if let (Some(total), PromptState::Success) = (finish.nodes_total, finish.state) {
            let cached = finish.nodes_cached.filter(|cached| *cached > 0);
            let cached = cached.map(|cached| format!(", {cached} cached")).unwrap_or_default();
            parts.push((Ink::Dim, format!("{}{cached}", counted(total, "node"))));
        }
        if finish.warnings > 0 {
            parts.push((Ink::Warn, format!("{} blocked", finish.warnings)));
        }
        (self.joined(line, &parts), true)
    }

    fn failure(self, failure: &Failure) -> Vec<Line> {
        let message = failure.exception_message.trim_end();
        let cut = if failure.truncated { self.sign("…", "...") } else { "" };
        let text = if message.is_empty() {
            failure.exception_type.clone()
        } else {
            format!("{}: {message}{cut}", failure.exception_type)
        };
        let width = self.look.width.saturating_sub(self.indent.len()).max(1);
        let text: Vec<String> = text.lines().map(clean).collect();
        let wrapped: Vec<_> = text.iter().flat_map(|line| textwrap::wrap(line, width)).collect();
        let more = wrapped.len() > MESSAGE_LINES;
        let mut lines: Vec<Line> = wrapped
            .iter()
            .take(MESSAGE_LINES)
            .map(|line| Line::new().with(Ink::Plain, self.indent).with(Ink::Bad, line))
            .collect();
        if more {
            lines.push(Line::new().with(Ink::Plain, self.indent).with(Ink::Dim, self.sign("…", "...")));
        }
        lines
    }
}

/// How the connection fares: the colour of its sign, and what there is to say of it where it isn't well.
pub(super) fn standing(connection: &Connection) -> (Ink, Option<(Ink, &'static str)>) {
    match connection.status {
        ConnectionStatus::Connected => (Ink::Good, None),
        ConnectionStatus::Connecting => (Ink::Warn, Some((Ink::Warn, "connecting"))),
        // Of an attempt after others that failed, it is of more use to know why they did.
        ConnectionStatus::Disconnected | ConnectionStatus::Error => {
            let says = connection.fault.map_or("disconnected", |fault| fault.message());
            (Ink::Bad, Some((Ink::Bad, says)))
        }
    }
}

/// Whether nothing tells how far a prompt is, but that it runs.
pub(super) fn is_unknown(percentage: Percentage, source: Source) -> bool {
    percentage == Percentage::ZERO && source != Source::Websocket
}

/// `41.6 %`.
pub(super) fn percent(percentage: Percentage) -> String {
    let tenths = percentage.permille();
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// How much a node's bar is filled.
pub(super) fn steps_share(Steps { value, max }: Steps) -> Share {
    let whole = |milli: comfyglow_core::number::Milli| u64::try_from(milli.thousandths()).unwrap_or(0);
    Share { part: whole(value), whole: whole(max) }
}

/// Where a prompt failed.
fn place(failure: &Failure) -> Option<String> {
    let node = failure.node_id.as_deref().map(clean);
    match (failure.node_type.as_deref().map(clean), node) {
        (Some(class), Some(node)) => Some(format!("at {class} #{node}")),
        (Some(class), None) => Some(format!("at {class}")),
        (None, Some(node)) => Some(format!("at node {node}")),
        (None, None) => None,
    }
}

fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `5/20`, the first as wide as the second.
pub(super) fn steps_text(steps: Steps) -> String {
    let max = steps.max.to_string();
    format!("{:>width$}/{max}", steps.value.to_string(), width = max.len())
}

pub(super) fn std(span: time::Duration) -> std::time::Duration {
    std::time::Duration::from_micros(span.as_micros())
}

#[cfg(test)]
mod tests;
