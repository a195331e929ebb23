//! Lines of servers and their total, drawn in the columns that they share.

use std::time::Duration;

use comfyglow_core::state::Percentage;
use unicode_width::UnicodeWidthStr as _;

use super::{
    super::{
        bar::{COOL, Share, WARM, bar, pulse},
        line::{Ink, Line, Look},
        painter::{Painter, finished, percent, steps_share, steps_text},
        text::{about, cut_end, cut_middle, padded},
    },
    Columns, GAP, LEFT, Row, Running, SIGN, Says, Total, queue_text,
};

#[derive(Clone, Copy)]
pub(super) struct RowPainter {
    pub(super) painter: Painter,
    pub(super) columns: Columns,
    pub(super) now_ms: u64,
}

impl RowPainter {
    pub(super) fn row(self, row: &Row) -> Line {
        let look = self.painter.look;
        let sign = Line::new().with(row.ink, self.painter.sign("● ", "* "));
        let mut line = self.named(sign, &row.name);
        match &row.says {
            Says::Running(running) => {
                let number = match (running.percentage, running.steps) {
                    (Some(percentage), _) => self.painter.percent(percentage, running.is_inferred),
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
    pub(super) fn total(self, total: &Total) -> Vec<Line> {
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

/// `about 9 s` in a column: ` left` goes where there is no room for it.
fn time_left(eta: Duration, over: &str) -> String {
    let text = format!("{over}{}", about(eta));
    if text.len() + " left".len() <= LEFT { text + " left" } else { text }
}
