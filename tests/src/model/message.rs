//! What one message says: the table of known types, and nothing of a session.

use super::{
    json::{self, Json},
    thousandths::thousandths,
};

/// A message, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Its type or kind is known and all that it needs is there.
    Used(Message),
    /// Well formed, of a type or kind that isn't known.
    Unknown,
    /// Not what the server writes.
    Malformed,
}

/// A text message, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it is.
    pub judged: Judged,
    /// Another reader may rightly take it otherwise: an object of it has a key twice, or it is a `progress_state`
    /// that broke, whose first entries may count.
    pub open: bool,
}

/// Steps in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// How far it is.
    pub value: i64,
    /// How far it goes.
    pub max: i64,
}

/// One node's entry in a `progress_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The node, by its real id.
    pub node: String,
    /// The node of the submitted graph that it belongs to, where told.
    pub display: Option<String>,
    /// Its steps.
    pub bar: Bar,
    /// `running`, `finished`, or a word not known yet.
    pub state: String,
}

/// What an `execution_error` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The node that failed, where told.
    pub node_id: Option<String>,
    /// Its class, where told.
    pub node_type: Option<String>,
    /// The exception's class.
    pub exception_type: String,
    /// The exception's text, whole.
    pub exception_message: String,
}

/// What a known message says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the wire's, in the wire's words")]
pub enum Message {
    /// `status`
    Status { queue_remaining: u32 },
    /// `execution_start`
    Start { prompt: String },
    /// `execution_success`
    Success { prompt: String },
    /// `execution_interrupted`
    Interrupted { prompt: String },
    /// `execution_cached`
    Cached { prompt: String, nodes: Vec<String> },
    /// `executing` with a node
    Executing { prompt: Option<String>, node: String, display: Option<String> },
    /// `executing` with node null
    Done { prompt: Option<String> },
    /// `progress`
    Progress { prompt: Option<String>, node: Option<String>, bar: Bar },
    /// `progress_state`
    ProgressState { prompt: String, entries: Vec<Entry> },
    /// `executed`
    Executed { prompt: String },
    /// `execution_error`
    Error { prompt: String, failure: Failure },
    /// Binary kinds 1 and 4
    Preview,
    /// Binary kind 3
    TextUpdate,
    /// `feature_flags` and `logs`, which say nothing about a prompt
    Aside,
}

impl Message {
    /// The prompt that the message names.
    pub fn prompt(&self) -> Option<&str> {
        match self {
            Message::Start { prompt }
            | Message::Success { prompt }
            | Message::Interrupted { prompt }
            | Message::Cached { prompt, .. }
            | Message::ProgressState { prompt, .. }
            | Message::Executed { prompt }
            | Message::Error { prompt, .. } => Some(prompt),
            Message::Executing { prompt, .. } | Message::Done { prompt } | Message::Progress { prompt, .. } => {
                prompt.as_deref()
            }
            Message::Status { .. } | Message::Preview | Message::TextUpdate | Message::Aside => None,
        }
    }
}

/// Judges a text message.
pub fn text(text: &str) -> Heard {
    let reading = json::read(text);
    let judged = reading.value.as_ref().map_or(Judged::Malformed, judge);
    let broken_state = judged == Judged::Malformed && reading.passed_progress_state;
    Heard { judged, open: reading.repeated_key || broken_state }
}

/// Judges a binary message.
pub fn binary(bytes: &[u8]) -> Judged {
    let Some((kind, rest)) = number(bytes) else { return Judged::Malformed };
    let second = number(rest);
    let counted = second.filter(|(length, rest)| rest.len() as u64 >= u64::from(*length));
    match (kind, second, counted) {
        (1, Some(_), _) | (4, _, Some(_)) => Judged::Used(Message::Preview),
        (3, _, Some(_)) => Judged::Used(Message::TextUpdate),
        (1 | 3 | 4, ..) => Judged::Malformed,
        _ => Judged::Unknown,
    }
}

/// A big-endian number of four bytes, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

fn judge(message: &Json) -> Judged {
    let place = |key: &str| message.members().and_then(|members| members.iter().position(|(k, _)| k == key));
    let Some(kind) = message.get("type").and_then(Json::text) else { return Judged::Malformed };
    if place("data").is_some_and(|data| place("type") > Some(data)) {
        return Judged::Malformed;
    }
    if !KNOWN.contains(&kind) {
        return Judged::Unknown;
    }
    let data = message.get("data").filter(|data| data.members().is_some());
    data.and_then(|data| known(kind, data)).map_or(Judged::Malformed, Judged::Used)
}

/// The types of the table.
pub const KNOWN: [&str; 12] = [
    "status",
    "execution_start",
    "execution_success",
    "execution_interrupted",
    "execution_cached",
    "executing",
    "progress",
    "progress_state",
    "executed",
    "execution_error",
    "feature_flags",
    "logs",
];

/// The message of a known type, or `None` where something needed is missing or of the wrong kind.
fn known(kind: &str, data: &Json) -> Option<Message> {
    let text = |key| data.get(key).and_then(Json::text).map(str::to_owned);
    let id = |key| data.get(key).and_then(Json::id).map(str::to_owned);
    Some(match kind {
        "status" => {
            let remaining = data.get("status")?.get("exec_info")?.get("queue_remaining")?.number()?;
            let whole = remaining.strip_prefix('-').filter(|rest| *rest == "0").unwrap_or(remaining);
            Message::Status { queue_remaining: whole.parse().ok()? }
        }
        "execution_start" => Message::Start { prompt: text("prompt_id")? },
        "execution_success" => Message::Success { prompt: text("prompt_id")? },
        "execution_interrupted" => Message::Interrupted { prompt: text("prompt_id")? },
        "execution_cached" => {
            let ids = data.get("nodes")?.elements()?.iter().map(|node| node.id().map(str::to_owned));
            Message::Cached { prompt: text("prompt_id")?, nodes: ids.collect::<Option<_>>()? }
        }
        "executing" if data.get("node")? == &Json::Null => Message::Done { prompt: text("prompt_id") },
        "executing" => Message::Executing { prompt: text("prompt_id"), node: id("node")?, display: id("display_node") },
        "progress" => Message::Progress { prompt: text("prompt_id"), node: id("node"), bar: bar(data)? },
        "progress_state" => {
            let mut keys =
                data.members()?.iter().map(|(key, _)| key).filter(|key| *key == "prompt_id" || *key == "nodes");
            (keys.next()? == "prompt_id").then_some(())?;
            let entries = data.get("nodes")?.members()?.iter().map(|(node, entry)| {
                Some(Entry {
                    node: node.clone(),
                    display: entry.get("display_node_id").and_then(Json::id).map(str::to_owned),
                    bar: bar(entry)?,
                    state: entry.get("state")?.text()?.to_owned(),
                })
            });
            Message::ProgressState { prompt: text("prompt_id")?, entries: entries.collect::<Option<_>>()? }
        }
        "executed" => {
            id("node")?;
            Message::Executed { prompt: text("prompt_id")? }
        }
        "execution_error" => Message::Error {
            prompt: text("prompt_id")?,
            failure: Failure {
                node_id: id("node_id"),
                node_type: text("node_type"),
                exception_type: text("exception_type")?,
                exception_message: text("exception_message")?,
            },
        },
        "logs" => {
            data.get("entries")?.elements()?;
            Message::Aside
        }
        _ => Message::Aside,
    })
}

fn bar(data: &Json) -> Option<Bar> {
    let number = |key| data.get(key).and_then(Json::number).map(thousandths);
    Some(Bar { value: number("value")?, max: number("max")? })
}
