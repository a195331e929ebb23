//! tqdm's progress bars, as it writes them to the terminal, under the simulated clock.

use super::Logs;

/// tqdm's least interval between two drawings.
const INTERVAL_MS: f64 = 100.0;
/// How much the newest rate counts.
const SMOOTHING: f64 = 0.3;
/// How wide a bar is where there is no terminal to fill.
const WIDTH: usize = 10;
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// What a bar counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::simulator) enum Unit {
    Steps,
    Bytes,
}

/// tqdm's moving average: biased towards what's newest, and in the beginning towards nothing.
#[derive(Debug, Default)]
struct Average {
    last: f64,
    calls: i32,
}

impl Average {
    fn add(&mut self, value: f64) {
        self.last = SMOOTHING * value + (1.0 - SMOOTHING) * self.last;
        self.calls += 1;
    }

    fn value(&self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.last / (1.0 - (1.0 - SMOOTHING).powi(self.calls)) }
    }
}

/// A progress bar. Dropped without being closed it leaves its line unended, as one whose program was killed.
#[derive(Debug)]
pub(in crate::simulator) struct Bar {
    description: Option<String>,
    unit: Unit,
    total: u64,
    done: u64,
    /// How many lines below the cursor's it is drawn.
    row: usize,
    elapsed_ms: f64,
    drawn_done: u64,
    drawn_ms: f64,
    /// How far it must get until tqdm looks at the clock.
    least: f64,
    steps: Average,
    seconds: Average,
    drawn_chars: usize,
    is_cut: bool,
}

impl Bar {
    /// A bar of `total` steps, which is drawn when it is [started](Self::start).
    pub(in crate::simulator) fn new(total: u64) -> Self {
        Self {
            description: None,
            unit: Unit::Steps,
            total,
            done: 0,
            row: 0,
            elapsed_ms: 0.0,
            drawn_done: 0,
            drawn_ms: 0.0,
            least: 0.0,
            steps: Average::default(),
            seconds: Average::default(),
            drawn_chars: 0,
            is_cut: false,
        }
    }

    /// With `description` before it.
    pub(in crate::simulator) fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Counting `unit`.
    pub(in crate::simulator) fn counting(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Below another one.
    pub(in crate::simulator) fn nested(mut self) -> Self {
        self.row = 1;
        self
    }

    /// Whether it's written in two pieces, as by a terminal that is shared.
    pub(in crate::simulator) fn cut(mut self, is_cut: bool) -> Self {
        self.is_cut = is_cut;
        self
    }

    /// Draws it for the first time.
    pub(in crate::simulator) fn start(mut self, logs: &Logs) -> Self {
        self.draw(logs, None);
        self
    }

    /// Lets `ms` milliseconds pass.
    pub(in crate::simulator) fn pass(&mut self, ms: f64) {
        self.elapsed_ms += ms;
    }

    /// It has got to `done`; it's drawn where tqdm would.
    #[expect(clippy::cast_precision_loss, reason = "steps are few, and of bytes nobody sees the last one")]
    pub(in crate::simulator) fn advance(&mut self, done: u64, logs: &Logs) {
        self.done = done;
        let steps = done.saturating_sub(self.drawn_done) as f64;
        let ms = self.elapsed_ms - self.drawn_ms;
        if steps < self.least || ms < INTERVAL_MS {
            return;
        }
        self.steps.add(steps);
        self.seconds.add(ms / 1000.0);
        let rate = self.steps.value() / self.seconds.value();
        self.draw(logs, Some(rate));
        self.least = SMOOTHING * steps * (INTERVAL_MS / ms) + (1.0 - SMOOTHING) * self.least;
        (self.drawn_done, self.drawn_ms) = (done, self.elapsed_ms);
    }

    /// Ends it, finished or not: it's drawn once more, with its overall rate, and its line ends; a nested one goes away.
    pub(in crate::simulator) fn close(mut self, logs: &Logs) {
        logs.write("");
        if self.row > 0 {
            self.put(logs, "");
        } else {
            self.draw(logs, None);
            // Not flushed: it goes out with what is written next.
            logs.write("\n");
        }
    }

    fn draw(&mut self, logs: &Logs, rate: Option<f64>) {
        let text = self.meter(rate, logs.columns());
        self.put(logs, &text);
    }

    /// Writes `text` in its place, over what was there.
    fn put(&mut self, logs: &Logs, text: &str) {
        if self.row > 0 {
            logs.print(&"\n".repeat(self.row));
        }
        let chars = text.chars().count();
        let text = format!("\r{text}{}", " ".repeat(self.drawn_chars.saturating_sub(chars)));
        self.drawn_chars = chars;
        if self.is_cut {
            let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
            let (first, second) = text.split_at(middle);
            logs.write(first);
            if self.done % 2 == 1 {
                logs.flush();
            }
            logs.print(second);
        } else {
            logs.print(&text);
        }
        if self.row > 0 {
            logs.print(&"\u{1b}[A".repeat(self.row));
        }
    }

    /// The bar's text, at `rate` or the overall one, as wide as it is or as the terminal of `columns`.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn meter(&self, rate: Option<f64>, columns: Option<usize>) -> String {
        let (done, total, seconds) = (self.done as f64, self.total.max(1) as f64, self.elapsed_ms / 1000.0);
        let rate = rate.or((seconds > 0.0).then(|| done / seconds)).filter(|rate| *rate > 0.0);
        let left = rate.map_or_else(|| "?".to_owned(), |rate| clock((total - done) / rate));
        let (counts, rate) = match self.unit {
            Unit::Steps => {
                let rate = match rate {
                    None => "?it/s".to_owned(),
                    Some(rate) if rate < 1.0 => format!("{:5.2}s/it", 1.0 / rate),
                    Some(rate) => format!("{rate:5.2}it/s"),
                };
                (format!("{}/{}", self.done, self.total), rate)
            }
            Unit::Bytes => {
                let rate = rate.map_or_else(|| "?".to_owned(), scaled);
                (format!("{}/{}", scaled(done), scaled(total)), format!("{rate}B/s"))
            }
        };
        let part = (done / total).clamp(0.0, 1.0);
        let description = self.description.as_ref().map_or_else(String::new, |text| format!("{text}: "));
        let before = format!("{description}{:3.0}%|", part * 100.0);
        let after = format!("| {counts} [{}<{left}, {rate}]", clock(seconds));
        let taken = before.chars().count() + after.chars().count();
        let width = columns.map_or(WIDTH, |columns| columns.saturating_sub(taken).max(1));
        let eighths = (part * (width * 8) as f64) as usize;
        let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
        if eighths / 8 < width {
            bar.push(EIGHTHS[eighths % 8]);
        }
        format!("{before}{bar:width$}{after}")
    }
}

/// tqdm's way to write seconds: minutes and seconds, and hours where there are any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// tqdm's way to write large numbers: three digits and a prefix.
fn scaled(mut number: f64) -> String {
    for prefix in ["", "k", "M", "G", "T"] {
        if number < 9.995 {
            return format!("{number:.2}{prefix}");
        } else if number < 99.95 {
            return format!("{number:.1}{prefix}");
        } else if number < 999.5 {
            return format!("{number:.0}{prefix}");
        }
        number /= 1000.0;
    }
    format!("{number:.1}P")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::{logs::tests::logs, version::Version};

    /// What is written while `draw` runs, flush for flush.
    fn written(columns: Option<usize>, draw: impl FnOnce(&Logs)) -> Vec<Vec<String>> {
        let mut logs = logs(Version::REFERENCE, columns);
        let flushes = logs.record();
        draw(&logs);
        logs.flush();
        flushes.try_iter().collect()
    }

    fn steps(bar: Bar, logs: &Logs, ms: f64) {
        let (total, mut bar) = (bar.total, bar.start(logs));
        for done in 1..=total {
            bar.pass(ms);
            bar.advance(done, logs);
        }
        bar.close(logs);
    }

    /// The bars that a real `KSampler` of 12 steps drew, but for the rate, which the recording's times are too coarse for.
    #[test]
    fn meters_are_those_recorded() {
        let drawn = |done, elapsed_ms, rate| Bar { done, elapsed_ms, ..Bar::new(12) }.meter(rate, None);
        assert_eq!(drawn(0, 0.0, None), "  0%|          | 0/12 [00:00<?, ?it/s]");
        assert_eq!(drawn(1, 1970.0, None), "  8%|▊         | 1/12 [00:01<00:21,  1.97s/it]");
        assert_eq!(drawn(6, 6410.0, Some(1.41)), " 50%|█████     | 6/12 [00:06<00:04,  1.41it/s]");
        assert_eq!(drawn(11, 7210.0, Some(3.88)), " 92%|█████████▏| 11/12 [00:07<00:00,  3.88it/s]");
        assert_eq!(drawn(12, 7300.0, None), "100%|██████████| 12/12 [00:07<00:00,  1.64it/s]");
        assert_eq!(clock(3725.0), "1:02:05");
    }

    /// The recorded times of the drawings give the recorded remaining times and rates.
    #[test]
    fn rates_are_smoothed_as_recorded() {
        let mut bar = Bar::new(12);
        let mut drawn = Vec::new();
        let logs = logs(Version::REFERENCE, None);
        for (done, ms) in [(1, 1965.7), (2, 4286.1), (3, 6754.2), (4, 6882.4), (6, 6986.2), (9, 7108.4), (11, 7246.6)] {
            bar.elapsed_ms = ms;
            bar.advance(done, &logs);
            let rate = bar.steps.value() / bar.seconds.value();
            drawn.push(bar.meter(Some(rate), None).rsplit_once('[').expect("a meter").1.to_owned());
        }
        let recorded = [
            "00:01<00:21,  1.97s/it]",
            "00:04<00:21,  2.17s/it]",
            "00:06<00:20,  2.31s/it]",
            "00:06<00:11,  1.45s/it]",
            "00:06<00:04,  1.41it/s]",
            "00:07<00:01,  2.83it/s]",
            "00:07<00:00,  3.88it/s]",
        ];
        assert_eq!(drawn, recorded);
    }

    /// What tqdm 4.70 wrote for the same, but for its characters, which were ASCII.
    #[test]
    fn a_bar_is_written_as_tqdm_does() {
        let written = written(None, |logs| steps(Bar::new(3), logs, 60.0));
        let expected: [&[&str]; 4] = [
            &["\r  0%|          | 0/3 [00:00<?, ?it/s]"],
            &["\r 67%|██████▋   | 2/3 [00:00<00:00, 16.67it/s]"],
            &["", "\r100%|██████████| 3/3 [00:00<00:00, 16.67it/s]"],
            &["\n"],
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_nested_bar_is_below_and_goes_away() {
        let written = written(None, |logs| steps(Bar::new(2).described("inner").nested(), logs, 250.0));
        let blank = format!("\r{}", " ".repeat(52));
        let expected: [&[&str]; 12] = [
            &["\n"],
            &["\rinner:   0%|          | 0/2 [00:00<?, ?it/s]"],
            &["\u{1b}[A"],
            &["\n"],
            &["\rinner:  50%|█████     | 1/2 [00:00<00:00,  4.00it/s]"],
            &["\u{1b}[A"],
            &["\n"],
            &["\rinner: 100%|██████████| 2/2 [00:00<00:00,  4.00it/s]"],
            &["\u{1b}[A"],
            &["", "\n"],
            &[&blank],
            &["\u{1b}[A"],
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_download_counts_bytes() {
        let drawn = |done, elapsed_ms| {
            let bar = Bar::new(2_660_000_000).described("model.safetensors").counting(Unit::Bytes);
            Bar { done, elapsed_ms, ..bar }.meter(None, None)
        };
        assert_eq!(drawn(0, 0.0), "model.safetensors:   0%|          | 0.00/2.66G [00:00<?, ?B/s]");
        assert_eq!(drawn(665_000_000, 6500.0), "model.safetensors:  25%|██▌       | 665M/2.66G [00:06<00:19, 102MB/s]");
        assert_eq!(["9.99k", "10.0k", "100k"].map(str::to_owned), [9990.0, 9996.0, 99951.0].map(scaled));
    }

    #[test]
    fn bars_fill_a_terminal() {
        let written = written(Some(60), |logs| steps(Bar::new(2).described("VAE tiles"), logs, 4_000_000.0));
        assert!(written.iter().flatten().filter(|text| text.contains('%')).all(|text| text.chars().count() == 61));
        assert!(written[1][0].ends_with("| 1/2 [1:06:40<1:06:40, 4000.00s/it]"), "{:?}", written[1]);
    }

    #[test]
    fn a_bar_that_is_cut_is_the_same_in_pieces() {
        let whole = written(None, |logs| steps(Bar::new(4), logs, 250.0)).concat().concat();
        let cut = written(None, |logs| steps(Bar { is_cut: true, ..Bar::new(4) }, logs, 250.0));
        assert_eq!(cut.concat().concat(), whole);
        assert!(cut.iter().any(|event| event.len() == 2 && event[0].starts_with('\r')), "{cut:?}");
        assert!(cut.iter().any(|event| event.len() == 1 && !event[0].contains('|')), "{cut:?}");
    }
}
