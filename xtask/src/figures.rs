//! Figures beside their targets.
use std::fmt;

use anyhow::{Result, bail};

/// A target that isn't reached yet.
struct NotYet {
    figure: &'static str,
    /// What it must not exceed until then.
    ceiling: f64,
    reason: &'static str,
}

/// All of them.
const NOT_YET: &[NotYet] = &[
    NotYet {
        figure: "flash, with json out too",
        ceiling: 74_600.0,
        reason: "state, reducer, learning, time left and view 20 KB, events and json 9.5, http with requests and responses 7, the session and its policies 13, websocket 4, the log 2, the queue 1.5, JSON out 4, texts of faults and constants 7, divisions and copies 1, the rest 3; tried: opt-level z (3 KB less, and 900 instructions a progress more), faults in one table (0.5), no memmove (0.8), one way to write requests (1.7), texts that begin as zeros (0.8), saturating sums called (0.5)",
    },
    NotYet {
        figure: "firmware, flash",
        ceiling: 152_000.0,
        reason: "about, counted at 143 KB, before settings, the network's states and a journal in place of sequential-storage: the core 39 KB (as above), smoltcp with DHCP and DNS 24, the display 18, storage 13, the tasks with what is inlined of the session 9, the board 6, constants 13, the rest 13; tried: no texts of panics (29 KB less), opt-level z (8), no logs of the network and of panics' words (1)",
    },
    NotYet {
        figure: "firmware, interrupt to display, most",
        ceiling: 14_000.0,
        reason: "5.1 to 5.4 ms where a step changes two digits of the percentage or the time left too; up to 12 where a frame of the bar is under way, or an answer over HTTP comes with the step, and both are finished first",
    },
    NotYet {
        figure: "answers worse than linear, recorded, same workflow",
        ceiling: 20.0,
        reason: "the recordings' runs last 0.5 to 3.4 s, and the run before each is another recording's, some of another version; over the simulated workflows it is never worse where the next run is the same",
    },
];

/// The unit of multiples of something else.
const TIMES: &str = "×";
/// The unit of parts of something else.
const PERCENT: &str = "%";

/// One figure.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// The most it should be.
    target: Option<f64>,
}

/// A table of figures.
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a figure.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: u64, unit: &'static str, target: Option<u64>) {
        self.0.push(Figure { name: name.into(), value: float(value), unit, target: target.map(float) });
    }

    /// Adds a figure that is a multiple of something else.
    pub(crate) fn add_multiple(&mut self, name: impl Into<String>, value: f64, target: Option<f64>) {
        self.0.push(Figure { name: name.into(), value, unit: TIMES, target });
    }

    /// Adds a figure in percent of something else.
    pub(crate) fn add_share(&mut self, name: impl Into<String>, value: f64, target: Option<f64>) {
        self.0.push(Figure { name: name.into(), value, unit: PERCENT, target });
    }

    /// Adds all figures of another table.
    pub(crate) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Prints the table.
    ///
    /// # Errors
    /// A figure is past its target, and not one of those that aren't reached yet.
    pub(crate) fn finish(self) -> Result<()> {
        print!("{self}");
        let past: Vec<_> = self.0.iter().filter(|figure| figure.is_past()).map(|figure| figure.name.as_str()).collect();
        if !past.is_empty() {
            bail!("more than it may be: {}", past.join(", "));
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no figure is that large")]
fn float(value: u64) -> f64 {
    value as f64
}

impl Figure {
    fn misses(&self) -> bool {
        self.target.is_some_and(|target| self.value > target)
    }

    fn excuse(&self) -> Option<&'static NotYet> {
        NOT_YET.iter().find(|not_yet| not_yet.figure == self.name)
    }

    fn is_past(&self) -> bool {
        self.misses() && self.excuse().is_none_or(|excuse| self.value > excuse.ceiling)
    }

    /// A value as it is printed.
    fn shown(&self, value: f64) -> String {
        match self.unit {
            TIMES => format!("{value:.2}"),
            PERCENT => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }

    fn verdict(&self) -> String {
        match (self.misses(), self.excuse()) {
            (false, None) if self.target.is_none() => String::new(),
            (false, None) => "OK".to_owned(),
            (false, Some(_)) => "OK, and no longer to be excused".to_owned(),
            (true, Some(excuse)) if self.value <= excuse.ceiling => format!("not yet: {}", excuse.reason),
            (true, Some(excuse)) => format!("PAST {} (not yet: {})", self.shown(excuse.ceiling), excuse.reason),
            (true, None) => "PAST IT".to_owned(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        for figure in &self.0 {
            let Figure { name, value, unit, target } = figure;
            let target = target.map(|target| format!("of {}", figure.shown(target))).unwrap_or_default();
            let value = figure.shown(*value);
            let line = format!("{name:width$} {value:>8} {unit:12} {target:9} {}", figure.verdict());
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_past_its_target_is_told() {
        let mut figures = Figures::new();
        figures.add("flash", 16_384, "B", Some(16_384));
        figures.add("a count", 7, "instructions", None);
        assert_eq!(figures.to_string(), "flash      16384 B            of 16384  OK\na count        7 instructions\n");
        figures.add_multiple("parsing", 0.349_9, Some(0.35));
        assert!(figures.to_string().ends_with("parsing     0.35 ×            of 0.35   OK\n"), "{figures}");
        figures.add("stack", 4_097, "B", Some(4_096));
        assert_eq!(figures.finish().unwrap_err().to_string(), "more than it may be: stack");
    }
}
