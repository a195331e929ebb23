//! How the percentage rose over time, as a small chart.

use comfyglow_core::progress::ProgressPoint;

use crate::{
    area::Area,
    ink::{Shade, Tone},
    tile::Tile,
    widget::Line,
};

/// Samples of a sparkline.
const COLUMNS: u8 = 40;

/// How the current prompt's percentage rose over the last progress events, for the page of figures.
///
/// It is the percentage and not the steps per second: those jump with each node, while the slope of a rising line is the
/// speed at any moment, and a flat part is a node that takes long.
#[derive(Clone, Copy, Debug)]
pub struct Sparkline(Line);

impl Sparkline {
    /// Samples the points of a [`History`](comfyglow_core::progress::History) at equal distances of time, scaled from
    /// the first percentage to the last. It is empty if the percentages of the current prompt span no time.
    ///
    /// ```
    /// use comfyglow_core::{capacity::GadgetCapacity, state::State};
    /// use comfyglow_ui::Sparkline;
    ///
    /// let state = State::<GadgetCapacity>::new();
    /// let sparkline = Sparkline::of(|| state.history().iter());
    /// ```
    pub fn of<I: DoubleEndedIterator<Item = ProgressPoint>>(history: impl Fn() -> I) -> Self {
        let mut heights = Line::new();
        let points = || history().filter_map(|point| Some((point.at_ms, point.permille?)));
        // Back to where the percentage fell: it does so only where another prompt begins.
        let mut next = u16::MAX;
        let is_current = |&(_, permille): &(u32, u16)| permille <= core::mem::replace(&mut next, permille);
        let current = points().rev().take_while(is_current).count();
        let mut current = points().skip(points().count().saturating_sub(current)).peekable();
        let (Some(first), Some(last)) = (current.peek().copied(), points().next_back()) else { return Self(heights) };
        let (time, rise) = (last.0.saturating_sub(first.0), last.1.saturating_sub(first.1));
        if time == 0 {
            return Self(heights);
        }
        let mut height = 0;
        for column in 1..=COLUMNS {
            let until = u64::from(time) * u64::from(column) / u64::from(COLUMNS);
            while let Some((_, permille)) = current.next_if(|(at, _)| u64::from(at.saturating_sub(first.0)) <= until) {
                let risen = u32::from(permille.saturating_sub(first.1)) * u32::from(u8::MAX);
                height = risen.checked_div(rise.into()).and_then(|height| u8::try_from(height).ok()).unwrap_or(0);
            }
            heights.push(height);
        }
        Self(heights)
    }

    /// The height of each column, in parts of 255.
    pub(crate) const fn heights(&self) -> Line {
        self.0
    }
}

/// Adds the chart to a tile. Each column is at least a pixel high.
pub(crate) fn paint(tone: Tone, heights: &[u8], area: Area, tile: &mut Tile) {
    let seen = area.common(tile.area());
    let columns = i32::try_from(heights.len()).unwrap_or_default();
    for (y, pixels) in (seen.top()..).zip(tile.rows_of(seen)) {
        for (x, pixel) in (seen.left() - area.left()..).zip(pixels) {
            let column = (x * columns).checked_div(i32::from(area.w)).and_then(|column| usize::try_from(column).ok());
            let height = column.and_then(|column| heights.get(column)).map_or(0, |&height| i32::from(height));
            let rows = 1 + (i32::from(area.h) - 1) * height / i32::from(u8::MAX);
            if area.bottom() - y <= rows {
                *pixel = Shade::new(tone, Shade::FULL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn heights(points: &[(u32, Option<u16>)]) -> Vec<u8> {
        let point = |&(at_ms, permille): &_| ProgressPoint { at_ms, permille, value: 0, max: 0 };
        Sparkline::of(|| points.iter().map(point)).heights().codes().to_vec()
    }

    #[test]
    fn sparkline_of_steady_progress_rises_steadily_to_its_top() {
        let points: Vec<_> = (0..=40).map(|n| (u32::from(n) * 1_000, Some(n * 20))).collect();
        let heights = heights(&points);
        assert_eq!((heights.len(), heights[19], heights[39]), (40, 127, 255));
        assert!(heights.is_sorted());
    }

    #[test]
    fn sparkline_of_a_slow_node_is_flat_there() {
        let heights = heights(&[(0, Some(100)), (1_000, Some(500)), (9_000, Some(500)), (10_000, Some(900))]);
        assert!(heights[4..39].iter().all(|height| *height == 127), "{heights:?}");
        assert_eq!(heights[39], 255);
    }

    #[test]
    fn sparkline_after_another_prompt_begins_shows_only_that() {
        let earlier = [(0, Some(0)), (500, Some(1_000))];
        let current = [(2_000, Some(0)), (3_000, None), (4_000, Some(200)), (6_000, Some(300))];
        assert_eq!(heights(&[&earlier[..], &current].concat()), heights(&current));
    }

    #[test]
    fn sparkline_without_time_or_percentage_is_empty() {
        assert!(heights(&[]).is_empty());
        assert!(heights(&[(5, None), (9, None)]).is_empty());
        assert!(heights(&[(5, Some(1)), (5, Some(9))]).is_empty());
        assert_eq!(heights(&[(5, Some(9)), (u32::MAX, Some(9))]), [0; 40]);
    }
}
