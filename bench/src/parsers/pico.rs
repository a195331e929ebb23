//! picojson's events, from a message that is there as a whole.
use anyhow::{Result, anyhow};
use comfyglow_core::event::EventKind;
use picojson::{Event, PullParser as _, SliceParser};

use crate::{
    Summary,
    summary::{digest, milli},
};

/// The entry of `nodes` at hand.
#[derive(Default)]
struct Entry {
    value: i64,
    max: i64,
    finished: bool,
}

/// What `message` says.
pub(super) fn summary(message: &str) -> Result<Summary> {
    let mut scratch = [0; 4_096];
    let mut parser = SliceParser::with_buffer(message, &mut scratch);
    let mut sum = Summary::new(EventKind::Unknown);
    let (mut depth, mut key, mut in_nodes, mut entry) = (0, 0, false, Entry::default());
    loop {
        // Of a name, its digest is kept: the name itself is the parser's until the next event.
        let event = parser.next_event().map_err(|error| anyhow!("{error:?}"))?;
        match event {
            Event::Key(name) => {
                key = digest(&name);
                if depth == 2 {
                    in_nodes = &*name == "nodes";
                }
            }
            Event::StartObject | Event::StartArray => {
                depth += 1;
                if depth == 4 && in_nodes {
                    entry = Entry::default();
                }
            }
            Event::EndObject | Event::EndArray => {
                if depth == 4 && in_nodes && sum.kind == EventKind::ProgressState {
                    sum.entry(entry.value, entry.max, entry.finished);
                }
                depth -= 1;
            }
            Event::String(text) => match depth {
                1 if key == digest("type") => sum.kind = kind(&text),
                2 => known_text(&mut sum, key, &text),
                3 if in_nodes && sum.kind == EventKind::ExecutionCached => sum.count += 1,
                4 if in_nodes && key == digest("state") => entry.finished = &*text == "finished",
                _ => {}
            },
            Event::Number(number) => {
                let number = || number.as_str().parse().map(milli);
                match depth {
                    4 if in_nodes && key == digest("value") => entry.value = number()?,
                    4 if in_nodes && key == digest("max") => entry.max = number()?,
                    2 if sum.kind == EventKind::Progress && key == digest("value") => sum.value = number()?,
                    2 if sum.kind == EventKind::Progress && key == digest("max") => sum.max = number()?,
                    4 if sum.kind == EventKind::Status && key == digest("queue_remaining") => {
                        sum.max = number()? / 1_000;
                    }
                    _ => {}
                }
            }
            Event::Bool(_) | Event::Null => {}
            Event::EndDocument => return Ok(sum),
        }
    }
}

/// A text of `data`.
fn known_text(sum: &mut Summary, key: u64, text: &str) {
    let known = !matches!(sum.kind, EventKind::Unknown | EventKind::FeatureFlags);
    if known && key == digest("prompt_id") {
        sum.prompt = digest(text);
    } else if known && (key == digest("node") || key == digest("node_id") || key == digest("sid")) {
        sum.node = digest(text);
    } else if sum.kind == EventKind::ExecutionError && key == digest("exception_message") {
        sum.message = digest(text);
    }
}

fn kind(name: &str) -> EventKind {
    use EventKind as K;
    [
        K::Progress,
        K::ProgressState,
        K::Executing,
        K::Executed,
        K::Status,
        K::ExecutionStart,
        K::ExecutionCached,
        K::ExecutionSuccess,
        K::ExecutionError,
        K::FeatureFlags,
    ]
    .into_iter()
    .find(|kind| kind.name() == name)
    .unwrap_or(K::Unknown)
}
