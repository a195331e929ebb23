//! Steps as people read them: a mark, a name, what came of it, and what to do.

use comfyglow::{
    display::{Ink, Line, Look, clean, is_interactive, look},
    doctor::Mark,
};

/// Columns of a step's name.
const NAME: usize = 11;
/// The least width at which names have columns of their own.
const ROOMY: usize = 60;

/// The lines of a step.
pub(super) fn step(mark: Mark, name: &str, ink: Ink, message: &str, advice: Option<&str>) -> Vec<String> {
    let look = look();
    let sign = |unicode, ascii| if look.unicode { unicode } else { ascii };
    let (mark_ink, sign_of_mark) = match mark {
        Mark::Ok => (Ink::Good, sign("✔ ", "+ ")),
        Mark::Better => (Ink::Warn, sign("▲ ", "! ")),
        Mark::Wrong => (Ink::Bad, sign("✖ ", "x ")),
        Mark::Skipped => (Ink::Dim, sign("– ", "- ")),
    };
    // Programs that read a pipe want a line to be whole.
    let width = if is_interactive() { look.width } else { usize::MAX };
    let (indent, name) = if width < ROOMY { (2, format!("{name}: ")) } else { (2 + NAME, format!("{name:NAME$}")) };
    let mut lines = Vec::new();
    let mut line = Line::new().with(mark_ink, sign_of_mark);
    line.push(Ink::Dim, &name);
    let first = width.saturating_sub(line.width());
    wrap(&mut lines, line, ink, &clean(message), first, (width, indent, look));
    if let Some(advice) = advice {
        let mut line = Line::new().with(Ink::Plain, " ".repeat(indent));
        line.push(mark_ink, sign("→ ", "> "));
        let first = width.saturating_sub(line.width());
        wrap(&mut lines, line, Ink::Plain, &clean(advice), first, (width, indent + 2, look));
    }
    lines
}

/// Adds `text` behind `line`, where `first` columns are left, and in further lines below.
fn wrap(
    lines: &mut Vec<String>,
    mut line: Line,
    ink: Ink,
    text: &str,
    first: usize,
    (width, indent, look): (usize, usize, Look),
) {
    let gap = " ".repeat(line.width().saturating_sub(indent));
    let room = width.saturating_sub(indent).max(1);
    let options = textwrap::Options::new(room).initial_indent(if first < room { &gap } else { "" });
    for (n, part) in textwrap::wrap(text, options).iter().enumerate() {
        if n > 0 {
            line = Line::new().with(Ink::Plain, " ".repeat(indent));
        }
        line.push(ink, part.trim_start());
        lines.push(line.ansi(look.colours));
    }
}
