//! What an answer over HTTP says, read a second time: whole, by `serde_json`.

use comfyglow_core::{
    http::{Answer, AnswerError, Asked, Fact, Standing},
    json::JsonErrorKind,
    text::Id,
};
use serde_json::Value;

/// All that can be asked for.
pub const ALL: [Asked; 5] = [Asked::Prompt, Asked::Queue, Asked::History, Asked::Job, Asked::Jobs];

/// Small, so that texts are cut.
const ID: usize = 36;
const MESSAGE: usize = 100;

/// The facts that the core finds in a body in pieces of `size`, sorted, each in words.
///
/// # Errors
///
/// What the core says is wrong with the body.
///
/// # Panics
///
/// Where a piece isn't read to its end.
pub fn read(asked: Asked, body: &[u8], size: usize) -> Result<Vec<String>, AnswerError> {
    let mut answer = Answer::<ID, MESSAGE>::new(asked);
    let mut facts = Vec::new();
    for mut piece in body.chunks(size) {
        while let Some(fact) = answer.next(&mut piece)? {
            facts.push(format!("{fact:?}"));
        }
        assert!(piece.is_empty(), "all is used");
    }
    answer.finish()?;
    facts.sort();
    Ok(facts)
}

/// The same, as `serde_json` reads it. `None`: it isn't what was asked for.
pub fn expected(asked: Asked, body: &Value) -> Option<Vec<String>> {
    let mut body = body.clone();
    numbers_as_ids(&mut body);
    let body = &body;
    let facts = match asked {
        Asked::Prompt => {
            let remaining = body["exec_info"]["queue_remaining"].as_u64()?;
            vec![Fact::Remaining(remaining.try_into().ok()?)]
        }
        Asked::Queue => queue(body)?,
        Asked::History => {
            let entries = body.as_object()?.iter().filter_map(|(id, entry)| Some((id, ended(entry)?)));
            entries.map(|(text, standing)| Fact::Prompt { prompt_id: id(text), standing }).collect()
        }
        Asked::Job => vec![job(body)?],
        Asked::Jobs => body.get("jobs")?.as_array()?.iter().filter_map(job).collect(),
    };
    let mut facts: Vec<_> = facts.iter().map(|fact| format!("{fact:?}")).collect();
    facts.sort();
    Some(facts)
}

/// Compares both over a body, where `serde_json` takes it; of a member that comes twice only the last one.
///
/// # Panics
///
/// Where they differ.
pub fn check(asked: Asked, body: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let body = value.to_string();
    match read(asked, body.as_bytes(), body.len()) {
        Err(AnswerError::Json(error)) => assert_eq!(error.kind, JsonErrorKind::TooDeep, "{body}"),
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
    Id::from(kept::<ID>(text))
}

/// What is kept of a text: as many whole characters as fit.
fn kept<const N: usize>(text: &str) -> &str {
    text.get(..text.floor_char_boundary(N)).unwrap_or_default()
}

fn queue(body: &Value) -> Option<Vec<Fact<'_>>> {
    let mut facts = Vec::new();
    let lists = [("queue_running", Standing::Running), ("queue_pending", Standing::Waiting)];
    let mut counts = [0; 2];
    for ((name, standing), count) in lists.into_iter().zip(&mut counts) {
        for item in body.get(name)?.as_array()?.iter().filter_map(Value::as_array) {
            *count += 1;
            let Some(text) = item.get(1).and_then(Value::as_str) else { continue };
            let prompt_id = id(text);
            facts.push(Fact::Prompt { prompt_id, standing });
            let graph = item.get(2).and_then(Value::as_object);
            let Some(graph) = graph.filter(|_| !text.is_empty() && standing == Standing::Running) else { continue };
            for (node, value) in graph {
                let class = value.get("class_type").and_then(Value::as_str);
                facts.extend(class.map(|class| Fact::Node { prompt_id, node: id(node), class: kept::<ID>(class) }));
            }
            let nodes = graph.values().filter(|node| node.is_object()).count();
            facts.push(Fact::Graph { prompt_id, nodes: nodes.try_into().expect("few") });
        }
    }
    let [running, waiting] = counts;
    facts.push(Fact::Queue { running, waiting });
    Some(facts)
}

fn job(job: &Value) -> Option<Fact<'_>> {
    let prompt_id = job.get("id")?.as_str().filter(|id| !id.is_empty())?;
    let standing = standing(job.get("status")?.as_str()?, job.get("execution_error"))?;
    Some(Fact::Prompt { prompt_id: id(prompt_id), standing })
}

/// What an entry of the history says.
fn ended(entry: &Value) -> Option<Standing<'_>> {
    let status = &entry.as_object()?.get("status").filter(|status| status.is_object()).unwrap_or(&Value::Null);
    let (mut word, mut error) = (None, None);
    for message in status["messages"].as_array().into_iter().flatten().filter_map(Value::as_array) {
        let Some(kind) = message.first().and_then(Value::as_str).filter(|kind| standing(kind, None).is_some()) else {
            continue;
        };
        word = Some(kind);
        if let ("execution_error", Some(data)) = (kind, message.get(1).filter(|data| data.is_object())) {
            error = Some(data);
            // It is no end.
            word = word.filter(|_| data.get("exception_type").and_then(Value::as_str) != Some("ExecutionBlocked"));
        }
    }
    let said = status["status_str"].as_str().filter(|said| standing(said, None).is_some());
    let completed = (status["completed"] == true).then_some("completed");
    Some(word.or(said).or(completed).and_then(|word| standing(word, error)).unwrap_or(Standing::Ended))
}

fn standing<'a>(word: &str, error: Option<&'a Value>) -> Option<Standing<'a>> {
    Some(match word {
        "success" | "execution_success" | "completed" => Standing::Success,
        "execution_interrupted" | "cancelled" => Standing::Interrupted,
        "pending" => Standing::Waiting,
        "in_progress" => Standing::Running,
        "error" | "execution_error" | "failed" => failure(error),
        _ => return None,
    })
}

fn failure(error: Option<&Value>) -> Standing<'_> {
    let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str).unwrap_or_default();
    let told = |name: &str| Some(text(name)).filter(|text| !text.is_empty()).map(id);
    Standing::Error {
        node_id: told("node_id"),
        node_type: told("node_type"),
        exception_type: id(text("exception_type")),
        exception_message: Id::from(kept::<MESSAGE>(text("exception_message"))),
    }
}
