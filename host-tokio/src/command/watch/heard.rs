//! What is kept of a server's messages while they are read: prompts' ends, and the history.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use comfyglow::{
    finish::Finishes,
    sink::{Lines, Sink},
};
use comfyglow_core::{
    capacity::Capacity,
    event::Event,
    reducer::Action,
    reducer::Observer,
    state::Changes,
    state::{Percentage, Prompt, State, Steps},
    text::{Id, Text},
    time::Instant,
};
use serde_json::json;

use super::one::written;
use crate::command::{Exit, interrupt::Interrupt, screen::snapshot_line};

/// The file that progress is appended to.
pub(in crate::command) struct History {
    file: PathBuf,
    sink: Sink,
}

impl History {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.with_context(|| format!("{} can't be written", file.display()))?;
        Ok(Self { file: file.to_owned(), sink: Sink::spawn(Lines(opened)) })
    }

    /// Waits until it can't be written any more, and says so, once. Watching goes on without it.
    pub(super) async fn failed(history: Option<&Self>) -> String {
        match history {
            Some(history) => history.complaint(&history.sink.failed().await),
            None => std::future::pending().await,
        }
    }

    /// Waits until all is written, for as long as no signal wants us to end.
    ///
    /// # Errors
    ///
    /// What is to be said of that it couldn't be.
    pub(super) async fn end(&self, interrupt: &mut Interrupt, exit: &mut Option<Exit>) -> Result<(), String> {
        written(self.sink.end(), interrupt, exit).await.map_err(|error| self.complaint(&error))
    }

    fn complaint(&self, error: &io::Error) -> String {
        format!("warning: {} can't be written, so progress is kept no longer: {error}", self.file.display())
    }
}

/// What is kept of the messages while they are read.
pub(super) struct Heard {
    /// The server's address, as it is shown.
    pub(super) server: String,
    pub(super) history: Option<Arc<History>>,
    pub(super) finishes: Finishes,
    pub(super) snapshots: bool,
    /// The first end is the last thing that is told.
    pub(super) once: bool,
    /// Snapshots of prompts' ends: the next prompt may begin before the next change is told.
    pub(super) ends: Vec<String>,
}

impl<C: Capacity> Observer<C> for Heard {
    fn reduced(&mut self, now: Instant, action: &Action<'_>, changes: Changes, state: &State<C>) {
        if !matches!(action, Action::Text(_) | Action::Binary(_) | Action::Response { .. }) {
            return;
        }
        let before = self.finishes.is_ready();
        let ended = self.finishes.applied(now, state) || (!before && self.finishes.is_ready());
        if ended && self.snapshots && !(self.once && before) {
            self.ends.extend(snapshot_line(state, now));
        }
        let line = match action {
            Action::Text(event @ Event::Progress { .. }) => history_line(&self.server, event, state),
            Action::Text(Event::Logs { .. }) if changes.has(Changes::PROGRESS) => {
                logged(state, |event| history_line(&self.server, event, state))
            }
            _ => None,
        };
        if let (Some(history), Some(line)) = (&self.history, line) {
            history.sink.line(line, false);
        }
    }
}

/// What the server's log told, as the `progress` that the submitter gets.
fn logged<C: Capacity>(state: &State<C>, line: impl FnOnce(&Event<'_>) -> Option<String>) -> Option<String> {
    let prompt = state.prompt()?;
    let Steps { value, max } = prompt.steps()?;
    let prompt_id = prompt.prompt_id().map(Text::as_id);
    line(&Event::Progress { value, max, prompt_id, node: prompt.current_node().map(Text::as_id) })
}

fn history_line<C: Capacity>(server: &str, event: &Event<'_>, state: &State<C>) -> Option<String> {
    let Event::Progress { value, max, prompt_id, node } = event else { return None };
    let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let percentage = state.prompt().and_then(Prompt::percentage).map(Percentage::millionths);
    let exact = |value: i64, parts: f64| {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let value = value as f64;
        value / parts
    };
    let line = json!({
        "server": server,
        "time_ms": u64::try_from(time_ms).unwrap_or(u64::MAX),
        "prompt_id": prompt_id.as_ref().map(Id::as_str),
        "node": node.as_ref().map(Id::as_str),
        "value": exact(value.thousandths(), 1e3),
        "max": exact(max.thousandths(), 1e3),
        "percentage": percentage.map(|millionths| exact(i64::from(millionths), 1e6)),
    });
    Some(line.to_string())
}
