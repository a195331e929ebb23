//! What an answer over HTTP says, read a second time: whole, by `serde_json`.

use comfyglow_core::{
    api::{BodyReader, ErrorField, ErrorFields, Item, JobStatus, ReadError, Request},
    capacity,
    json::JsonErrorKind,
    text::Id,
};
use serde_json::Value;

/// All that can be asked for.
pub const ALL: [Request; 5] = [Request::Prompt, Request::Queue, Request::History, Request::Jobs, Request::Extension];

/// Bytes of an id: few, so that ids are cut.
const ID: usize = 36;

capacity! {
    struct Cutting { id: 36, message: 1, nodes: 1, names: 1, durations: 1, history: 1, request: 1 }
}

/// The texts of an error, in the order of [`ErrorField`].
#[derive(Default)]
struct Texts([Vec<u8>; 4]);

impl ErrorFields for Texts {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, text: ErrorField, piece: &[u8], first: bool) {
        let Self([node_id, node_type, exception_type, exception_message]) = self;
        let text = match text {
            ErrorField::NodeId => node_id,
            ErrorField::NodeType => node_type,
            ErrorField::ExceptionType => exception_type,
            ErrorField::ExceptionMessage => exception_message,
        };
        if first {
            text.clear();
        }
        text.extend(piece);
    }
}

/// A item in words; of an error with its texts.
fn words(item: &Item<'_>, texts: [&str; 4]) -> String {
    match item {
        Item::Prompt { status: JobStatus::Error, .. } => format!("{item:?} {texts:?}"),
        _ => format!("{item:?}"),
    }
}

/// The facts that the core finds in a body in pieces of `size`, sorted, each in words.
///
/// # Errors
///
/// What the core says is wrong with the body.
///
/// # Panics
///
/// Where a piece isn't read to its end.
pub fn read(asked: Request, body: &[u8], size: usize) -> Result<Vec<String>, ReadError> {
    let mut answer = BodyReader::<Cutting>::new(asked);
    let (mut facts, mut texts) = (Vec::new(), Texts::default());
    for mut piece in body.chunks(size) {
        while let Some(item) = answer.next(&mut piece, &mut texts)? {
            facts.push(words(&item, texts.0.each_ref().map(|text| str::from_utf8(text).unwrap_or_default())));
        }
        assert!(piece.is_empty(), "all is used");
    }
    answer.finish()?;
    facts.sort();
    Ok(facts)
}

/// The same, as `serde_json` reads it. `None`: it isn't what was asked for.
pub fn expected(asked: Request, body: &Value) -> Option<Vec<String>> {
    let mut body = body.clone();
    numbers_as_ids(&mut body);
    let body = &body;
    let plain = |item| (item, None);
    let facts = match asked {
        Request::Prompt => {
            let remaining = body["exec_info"]["queue_remaining"].as_u64()?;
            vec![plain(Item::Remaining(remaining.try_into().ok()?))]
        }
        Request::Queue => queue(body)?.into_iter().map(plain).collect(),
        Request::History | Request::LastHistory => {
            let entries = body.as_object()?.iter().filter_map(|(text, entry)| Some((text, ended(entry)?)));
            entries.map(|(text, (status, error))| (Item::Prompt { prompt_id: id(text), status }, error)).collect()
        }
        Request::Extension => body["mirror"].as_bool().filter(|mirror| *mirror).map(|_| vec![])?,
        // An empty answer, of which nothing is read.
        Request::LogSubscription => return None,
        Request::Jobs | Request::Ended => body.get("jobs")?.as_array()?.iter().filter_map(job).collect(),
    };
    let names = ["node_id", "node_type", "exception_type", "exception_message"];
    let facts = facts.iter().map(|(item, error)| {
        let text = |name| error.and_then(|error: &Value| error.get(name)).and_then(Value::as_str).unwrap_or_default();
        words(item, names.map(text))
    });
    let mut facts: Vec<_> = facts.collect();
    facts.sort();
    Some(facts)
}

/// Compares both over a body, where `serde_json` takes it; of a member that comes twice only the last one.
///
/// # Panics
///
/// Where they differ.
pub fn check(asked: Request, body: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let body = value.to_string();
    match read(asked, body.as_bytes(), body.len()) {
        Err(ReadError::Json(error)) => assert_eq!(error.kind, JsonErrorKind::TooDeep, "{body}"),
        told => assert_eq!(told.ok(), expected(asked, &value), "{asked:?}: {body}"),
    }
}

/// A node's id may be a number, read as it is written.
fn numbers_as_ids(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(numbers_as_ids),
        Value::Object(members) => {
            if let Some(id) = members.get_mut("node_id").filter(|id| id.is_number()) {
                *id = Value::String(id.to_string());
            }
            members.values_mut().for_each(numbers_as_ids);
        }
        _ => {}
    }
}

/// What is kept of an id.
fn id(text: &str) -> Id<'_> {
    Id::from(kept(text))
}

/// As many whole characters as fit.
fn kept(text: &str) -> &str {
    text.get(..text.floor_char_boundary(ID)).unwrap_or_default()
}

fn queue(body: &Value) -> Option<Vec<Item<'_>>> {
    let mut facts = Vec::new();
    let lists = [("queue_running", JobStatus::Running), ("queue_pending", JobStatus::Waiting)];
    let mut counts = [0; 2];
    for ((name, status), count) in lists.into_iter().zip(&mut counts) {
        for item in body.get(name)?.as_array()?.iter().filter_map(Value::as_array) {
            *count += 1;
            let Some(text) = item.get(1).and_then(Value::as_str) else { continue };
            let prompt_id = id(text);
            facts.push(Item::Prompt { prompt_id, status });
            let graph = item.get(2).and_then(Value::as_object);
            let Some(graph) = graph.filter(|_| !text.is_empty() && status == JobStatus::Running) else { continue };
            for (node, value) in graph {
                let class = value.get("class_type").and_then(Value::as_str);
                facts.extend(class.map(|class| Item::Node { prompt_id, node: id(node), class: kept(class) }));
            }
            let nodes = graph.values().filter(|node| node.is_object()).count();
            facts.push(Item::Graph { prompt_id, nodes: nodes.try_into().expect("few") });
        }
    }
    let [running, waiting] = counts;
    facts.push(Item::Queue { running, waiting });
    Some(facts)
}

/// What a job says, and its error.
fn job(job: &Value) -> Option<(Item<'_>, Option<&Value>)> {
    let prompt_id = job.get("id")?.as_str().filter(|id| !id.is_empty())?;
    let status = status_of(job.get("status")?.as_str()?)?;
    // Of a job that failed, the history is requested for the texts of its error.
    Some((Item::Prompt { prompt_id: id(prompt_id), status }, None))
}

/// What an entry of the history says, and its error.
fn ended(entry: &Value) -> Option<(JobStatus, Option<&Value>)> {
    let status = &entry.as_object()?.get("status").filter(|status| status.is_object()).unwrap_or(&Value::Null);
    let (mut word, mut error) = (None, None);
    for message in status["messages"].as_array().into_iter().flatten().filter_map(Value::as_array) {
        let Some(kind) = message.first().and_then(Value::as_str).filter(|kind| status_of(kind).is_some()) else {
            continue;
        };
        word = Some(kind);
        if let ("execution_error", Some(data)) = (kind, message.get(1).filter(|data| data.is_object())) {
            error = Some(data);
            // It is no end.
            word = word.filter(|_| data.get("exception_type").and_then(Value::as_str) != Some("ExecutionBlocked"));
        }
    }
    let said = status["status_str"].as_str().filter(|said| status_of(said).is_some());
    let completed = (status["completed"] == true).then_some("completed");
    Some((word.or(said).or(completed).and_then(status_of).unwrap_or(JobStatus::Ended), error))
}

fn status_of(word: &str) -> Option<JobStatus> {
    Some(match word {
        "success" | "execution_success" | "completed" => JobStatus::Success,
        "execution_interrupted" | "cancelled" => JobStatus::Interrupted,
        "pending" => JobStatus::Waiting,
        "in_progress" => JobStatus::Running,
        "error" | "execution_error" | "failed" => JobStatus::Error,
        _ => return None,
    })
}
