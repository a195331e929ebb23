//! The server's log, `logs` events to those who subscribed, and tqdm's bars in it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::{
    messages,
    publish::{Publisher, Recipients},
    sockets::Sockets,
};

/// How many entries ComfyUI keeps.
const KEPT: usize = 300;

#[derive(Default)]
struct Inner {
    entries: VecDeque<Value>,
    subscribers: Vec<String>,
    size_told: bool,
}

/// The log.
pub(super) struct Logs {
    inner: Mutex<Inner>,
    publisher: Publisher,
    sockets: Arc<Sockets>,
}

/// The terminal that ComfyUI runs in, as it tells it.
pub(super) fn terminal_size() -> Value {
    json!({"cols": 80, "rows": 24})
}

impl Logs {
    pub(super) fn new(publisher: Publisher, sockets: Arc<Sockets>) -> Self {
        Self { inner: Mutex::default(), publisher, sockets }
    }

    /// Starts or ends the subscription of `client`.
    pub(super) fn subscribe(&self, client: &str, enabled: bool) {
        let mut inner = self.lock();
        inner.subscribers.retain(|subscriber| subscriber != client);
        if enabled {
            inner.subscribers.push(client.to_owned());
        }
    }

    /// Writes a coloured line of the level INFO.
    pub(super) fn info(&self, line: &str) {
        self.write(&format!("\u{1b}[32m[INFO]\u{1b}[0m {line}\n"));
    }

    /// Writes a coloured line of the level ERROR.
    pub(super) fn error(&self, line: &str) {
        self.write(&format!("\u{1b}[1m\u{1b}[31m[ERROR]\u{1b}[0m {line}\n"));
    }

    /// Writes to the terminal: the text is kept and told to those who subscribed and are still there.
    pub(super) fn write(&self, text: &str) {
        let now = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        let entry = json!({"t": now, "m": text});
        let mut inner = self.lock();
        inner.entries.push_back(entry.clone());
        while inner.entries.len() > KEPT {
            inner.entries.pop_front();
        }
        let present = self.sockets.clients();
        inner.subscribers.retain(|subscriber| present.contains(subscriber));
        if inner.subscribers.is_empty() {
            return;
        }
        // The size is told when it changes, which is once.
        let size = if inner.size_told { Value::Null } else { terminal_size() };
        inner.size_told = true;
        let event = messages::event("logs", json!({"entries": [entry], "size": size}));
        for subscriber in &inner.subscribers {
            self.publisher.private(&event, Recipients::Client(subscriber.clone()));
        }
    }

    /// The kept entries.
    pub(super) fn entries(&self) -> Vec<Value> {
        self.lock().entries.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A progress bar as tqdm draws it to the terminal, under the simulated clock.
pub(super) struct Bar {
    total: u64,
    elapsed_ms: f64,
    drawn_ms: f64,
}

impl Bar {
    /// tqdm's least interval between two drawings.
    const INTERVAL_MS: f64 = 100.0;

    /// A bar of `total` steps and its first drawing.
    pub(super) fn start(total: u64) -> (Self, String) {
        let bar = Self { total, elapsed_ms: 0.0, drawn_ms: 0.0 };
        let first = bar.draw(0);
        (bar, first)
    }

    /// Step `done` took `ms` more; the text to write, if it's time to draw.
    pub(super) fn advance(&mut self, done: u64, ms: f64) -> Option<String> {
        self.elapsed_ms += ms;
        if done < self.total && self.elapsed_ms - self.drawn_ms < Self::INTERVAL_MS {
            return None;
        }
        self.drawn_ms = self.elapsed_ms;
        Some(self.draw(done))
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn draw(&self, done: u64) -> String {
        const WIDTH: usize = 10;
        const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        let part = done as f64 / self.total.max(1) as f64;
        let eighths = (part * (WIDTH * 8) as f64) as usize;
        let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
        if eighths / 8 < WIDTH {
            bar.push(EIGHTHS[eighths % 8]);
        }
        let seconds = self.elapsed_ms / 1000.0;
        let (left, rate) = if done == 0 {
            ("?".to_owned(), "?it/s".to_owned())
        } else {
            let per_step = seconds / done as f64;
            let left = clock(per_step * (self.total - done) as f64);
            let rate = if per_step > 1.0 {
                format!("{per_step:5.2}s/it")
            } else {
                format!("{:5.2}it/s", 1.0 / per_step.max(1e-6))
            };
            (left, rate)
        };
        let percent = (part * 100.0).round();
        format!("\r{percent:3}%|{bar:WIDTH$}| {done}/{} [{}<{left}, {rate}]", self.total, clock(seconds))
    }
}

/// tqdm's way to write seconds: minutes and seconds, and hours where there are any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bars that a real `KSampler` of 12 steps drew.
    #[test]
    fn bars_are_tqdms() {
        let (mut bar, first) = Bar::start(12);
        assert_eq!(first, "\r  0%|          | 0/12 [00:00<?, ?it/s]");
        let drawn = |done, elapsed_ms| Bar { total: 12, elapsed_ms, drawn_ms: 0.0 }.draw(done);
        assert_eq!(drawn(1, 1970.0), "\r  8%|▊         | 1/12 [00:01<00:21,  1.97s/it]");
        assert_eq!(drawn(6, 6410.0), "\r 50%|█████     | 6/12 [00:06<00:06,  1.07s/it]");
        assert_eq!(drawn(11, 7210.0), "\r 92%|█████████▏| 11/12 [00:07<00:00,  1.53it/s]");
        assert_eq!(drawn(12, 7300.0), "\r100%|██████████| 12/12 [00:07<00:00,  1.64it/s]");
        assert_eq!((bar.advance(1, 60.0), bar.advance(2, 60.0).is_some()), (None, true));
        assert_eq!(clock(3725.0), "1:02:05");
    }
}
