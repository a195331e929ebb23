//! A terminal's screen as a picture.
use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// A cell's size, and the text's, in pixels.
const CELL: (f64, f64) = (8.4, 19.0);
const FONT_SIZE: f64 = 14.0;
/// From a cell's top to the line that letters stand on.
const BASELINE: f64 = 14.2;
/// Around the screen.
const MARGIN: f64 = 18.0;
/// The window's bar with its three buttons.
const TITLE: f64 = 34.0;

const BACKGROUND: &str = "#16161e";
const FOREGROUND: &str = "#d5d6e0";
const DIM: &str = "#82849a";

/// The screen's rows, as far as they're filled, as SVG in a window.
pub(crate) fn drawn(screen: &Screen) -> String {
    let columns = screen.size().1.get();
    let rows = u16::try_from(screen.contents().trim_end().lines().count()).unwrap_or(u16::MAX);
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + TITLE + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"comfyglow demo in a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (n, colour) in (0_u8..).zip(["#ff5f57", "#febc2e", "#28c840"]) {
        line(&mut svg, &format!("<circle cx=\"{}\" cy=\"18\" r=\"5.5\" fill=\"{colour}\"/>", 20 + 18 * n));
    }
    line(
        &mut svg,
        &format!(
            "<g font-family=\"ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
             font-size=\"{FONT_SIZE}\" xml:space=\"preserve\">"
        ),
    );
    for row in 0..rows {
        let cells: Vec<&Cell> = (0..columns).filter_map(|column| screen.cell(row, column)).collect();
        let top = TITLE + f64::from(row) * CELL.1;
        blocks(&mut svg, &cells, top);
        texts(&mut svg, &cells, top);
    }
    svg += "</g>\n</svg>\n";
    svg
}

fn line(svg: &mut String, text: &str) {
    svg.push_str(text);
    svg.push('\n');
}

/// Backgrounds, and blocks, which fonts draw with gaps between.
fn blocks(svg: &mut String, cells: &[&Cell], top: f64) {
    // Line spacing leaves some room above and below.
    let (top, height) = (top + 2.0, CELL.1 - 4.0);
    let mut rect = |from: f64, width: f64, colour: &str| {
        let x = MARGIN + from * CELL.0;
        // Writing to a string can't fail.
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{height:.2}\" \
             fill=\"{colour}\" shape-rendering=\"crispEdges\"/>",
            width * CELL.0
        );
    };
    for run in runs(cells, Cell::bgcolor) {
        if let Color::Rgb(..) | Color::Idx(_) = cells[run.start].bgcolor() {
            rect(as_f64(run.start), as_f64(run.len()), &colour(cells[run.start].bgcolor(), BACKGROUND));
        }
    }
    for (column, cell) in cells.iter().enumerate() {
        if let Some(eighths) = eighths(cell) {
            rect(as_f64(column), f64::from(eighths) / 8.0, &colour(cell.fgcolor(), FOREGROUND));
        }
    }
}

fn texts(svg: &mut String, cells: &[&Cell], top: f64) {
    let style = |cell: &Cell| (cell.fgcolor(), cell.bold(), cell.dim(), eighths(cell).is_some());
    for run in runs(cells, style) {
        let cell = cells[run.start];
        let text: String =
            cells[run.clone()].iter().map(|cell| if cell.has_contents() { cell.contents() } else { " " }).collect();
        if text.trim().is_empty() || eighths(cell).is_some() {
            continue;
        }
        let skipped = text.chars().take_while(|c| *c == ' ').count();
        let text = text.trim();
        let x = MARGIN + as_f64(run.start + skipped) * CELL.0;
        let weight = if cell.bold() { " font-weight=\"bold\"" } else { "" };
        let fill = if cell.dim() { DIM.to_owned() } else { colour(cell.fgcolor(), FOREGROUND) };
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let width = as_f64(text.chars().count()) * CELL.0;
        let _ = writeln!(
            svg,
            "<text x=\"{x:.2}\" y=\"{:.2}\" textLength=\"{width:.2}\" fill=\"{fill}\"{weight}>{escaped}</text>",
            top + BASELINE
        );
    }
}

/// Neighbouring cells that are the same in what `key` tells.
fn runs<K: PartialEq>(cells: &[&Cell], key: impl Fn(&Cell) -> K) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (column, cell) in cells.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if key(cells[run.start]) == key(cell) => run.end = column + 1,
            _ => runs.push(column..column + 1),
        }
    }
    runs
}

/// How much of a cell a block fills from the left.
fn eighths(cell: &Cell) -> Option<u8> {
    let mut blocks = (1..).zip(["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]);
    blocks.find(|(_, block)| *block == cell.contents()).map(|(eighths, _)| eighths)
}

fn colour(colour: Color, default: &str) -> String {
    match colour {
        Color::Default => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Idx(index) => match index {
            1 | 9 => "#ff7a85",
            2 | 10 => "#6fdc8c",
            3 | 11 => "#f5c96a",
            4 | 12 => "#7aa2f7",
            5 | 13 => "#c79bf0",
            6 | 14 => "#6bd3e0",
            0 | 8 => DIM,
            _ => FOREGROUND,
        }
        .to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "columns are few")]
fn as_f64(columns: usize) -> f64 {
    columns as f64
}
