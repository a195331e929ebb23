//! The server's log, and `logs` events to those who subscribed.

mod bar;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

pub(super) use self::bar::{Bar, Unit};
use super::{
    messages,
    publish::{Publisher, Recipients},
    sockets::Sockets,
    version::Version,
};

/// How many entries ComfyUI keeps.
const KEPT: usize = 300;

#[derive(Default)]
struct Inner {
    entries: VecDeque<Value>,
    /// What was written since the last flush.
    unflushed: Vec<Value>,
    subscribers: Vec<String>,
    size_told: bool,
    #[cfg(test)]
    recorder: Option<std::sync::mpsc::Sender<Vec<String>>>,
}

/// The log: the terminal's output, and who hears it.
pub(super) struct Logs {
    inner: Mutex<Inner>,
    publisher: Publisher,
    sockets: Arc<Sockets>,
    version: Version,
    columns: Option<usize>,
}

/// The level of a line.
#[derive(Clone, Copy, Debug)]
enum Level {
    Info,
    Error,
}

impl Logs {
    /// The log of a ComfyUI of `version` in a terminal with so many `columns`, or in none.
    pub(super) fn new(publisher: Publisher, sockets: Arc<Sockets>, version: Version, columns: Option<usize>) -> Self {
        Self { inner: Mutex::default(), publisher, sockets, version, columns }
    }

    /// How wide the terminal is, where there is one.
    pub(super) fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// The terminal that ComfyUI runs in, as it tells it: the usual one where there is none.
    pub(super) fn terminal_size(&self) -> Value {
        json!({"cols": self.columns.unwrap_or(80), "rows": 24})
    }

    /// Starts or ends the subscription of `client`.
    pub(super) fn subscribe(&self, client: &str, enabled: bool) {
        let mut inner = self.lock();
        inner.subscribers.retain(|subscriber| subscriber != client);
        if enabled {
            inner.subscribers.push(client.to_owned());
        }
    }

    /// Writes a line of the level INFO.
    pub(super) fn info(&self, line: &str) {
        self.line(Level::Info, line);
    }

    /// Writes a line of the level INFO that is green itself.
    pub(super) fn green(&self, line: &str) {
        if self.version.coloured_log() {
            self.info(&format!("\u{1b}[32m{line}\u{1b}[0m"));
        } else {
            self.info(line);
        }
    }

    /// Writes a line, or several, of the level ERROR.
    pub(super) fn error(&self, line: &str) {
        self.line(Level::Error, line);
    }

    fn line(&self, level: Level, line: &str) {
        let prefix = match level {
            _ if !self.version.coloured_log() => "",
            Level::Info => "\u{1b}[32m[INFO]\u{1b}[0m ",
            Level::Error => "\u{1b}[1m\u{1b}[31m[ERROR]\u{1b}[0m ",
        };
        self.print(&format!("{prefix}{line}\n"));
    }

    /// Writes to the terminal, and flushes.
    pub(super) fn print(&self, text: &str) {
        self.write(text);
        self.flush();
    }

    /// Writes to the terminal: an entry, which is told with the next flush.
    pub(super) fn write(&self, text: &str) {
        let now = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        let entry = json!({"t": now, "m": text});
        let mut inner = self.lock();
        inner.unflushed.push(entry.clone());
        // What is written over is not kept: of a bar, only the last state is.
        let is_open = |last: &Value| last["m"].as_str().is_some_and(|last| !last.ends_with('\n'));
        if text.starts_with('\r') && inner.entries.back().is_some_and(is_open) {
            inner.entries.pop_back();
        }
        inner.entries.push_back(entry);
        if inner.entries.len() > KEPT {
            inner.entries.pop_front();
        }
    }

    /// Tells what was written to those who subscribed and are still there.
    pub(super) fn flush(&self) {
        let mut inner = self.lock();
        let entries = std::mem::take(&mut inner.unflushed);
        if entries.is_empty() {
            return;
        }
        #[cfg(test)]
        if let Some(recorder) = &inner.recorder {
            let texts = entries.iter().filter_map(|entry| entry["m"].as_str().map(str::to_owned));
            let _ = recorder.send(texts.collect());
        }
        let present = self.sockets.clients();
        inner.subscribers.retain(|subscriber| present.contains(subscriber));
        if inner.subscribers.is_empty() {
            return;
        }
        // The size is told when it changes, which is once.
        let size = if inner.size_told { Value::Null } else { self.terminal_size() };
        inner.size_told = true;
        let event = messages::event("logs", json!({"entries": entries, "size": size}));
        // A byte that is no character is half of one to Python, and in its JSON; to Rust no text can have it, and what
        // is no character at all stands for it.
        let event = event.replace("\\ufffe", "\\udc9f");
        for subscriber in &inner.subscribers {
            self.publisher.private(&event, Recipients::Client(subscriber.clone()));
        }
    }

    /// The kept entries.
    pub(super) fn entries(&self) -> Vec<Value> {
        self.lock().entries.iter().cloned().collect()
    }

    /// From now on, the texts of each flush.
    #[cfg(test)]
    fn record(&mut self) -> std::sync::mpsc::Receiver<Vec<String>> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.lock().recorder = Some(sender);
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::publish;

    /// A log that nobody hears.
    pub(super) fn logs(version: Version, columns: Option<usize>) -> Logs {
        Logs::new(publish::queue(None).0, Arc::new(Sockets::new()), version, columns)
    }

    #[test]
    fn lines_have_level_and_colour_since_there_are_any() {
        for (version, expected) in [
            (
                Version::REFERENCE,
                [
                    "\u{1b}[32m[INFO]\u{1b}[0m got prompt\n",
                    "\u{1b}[32m[INFO]\u{1b}[0m \u{1b}[32mdone\u{1b}[0m\n",
                    "\u{1b}[1m\u{1b}[31m[ERROR]\u{1b}[0m no\n",
                ],
            ),
            (Version::new(0, 3, 64), ["got prompt\n", "done\n", "no\n"]),
        ] {
            let mut logs = logs(version, None);
            let flushes = logs.record();
            logs.info("got prompt");
            logs.green("done");
            logs.error("no");
            assert_eq!(flushes.try_iter().flatten().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_is_written_over_is_not_kept() {
        let logs = logs(Version::REFERENCE, None);
        for text in ["a line\n", "\r 0%", "\r50%", "", "\r100%", "\n", "\rnext"] {
            logs.print(text);
        }
        let kept: Vec<Value> = logs.entries().into_iter().map(|entry| entry["m"].clone()).collect();
        assert_eq!(kept, ["a line\n", "\r50%", "\r100%", "\n", "\rnext"]);
    }

    #[test]
    fn no_more_is_kept_than_comfyui_keeps() {
        let logs = logs(Version::REFERENCE, None);
        (0..KEPT + 10).for_each(|n| logs.print(&format!("{n}\n")));
        assert_eq!((logs.entries().len(), &logs.entries()[0]["m"]), (KEPT, &json!("10\n")));
    }
}
