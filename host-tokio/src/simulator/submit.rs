//! `POST /prompt`: from a request's body to a queued prompt.

use std::sync::atomic::Ordering;

use serde_json::{Map, Number, Value, json};

use super::{
    prompt_queue::Prompt,
    state::{Shared, timestamp},
    validate::{self, error, refusal},
};

/// Checks and queues the prompt in `body`; the result is the response.
///
/// # Errors
///
/// The body of the response with which the prompt is refused.
pub(super) fn submit(shared: &Shared, body: &Value) -> Result<Value, Value> {
    shared.logs.info("got prompt");
    let number = number(shared, body);
    let Some(Value::Object(graph)) = body.get("prompt") else {
        let error = error("no_prompt", "No prompt provided", "No prompt provided", &json!({}));
        return Err(refusal(&error, &Map::new()));
    };
    let id = prompt_id(shared, body.get("prompt_id"))?;

    let mut graph = graph.clone();
    let targets = body.get("partial_execution_targets").and_then(Value::as_array).map(Vec::as_slice);
    let valid = validate::validate(&mut graph, targets, shared.options.stock_nodes_only);
    let valid = valid.inspect_err(|refused| {
        shared.logs.error(&format!("invalid prompt: {}", refused["error"]));
    })?;

    let mut extra_data = body.get("extra_data").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(client) = body.get("client_id") {
        extra_data.insert("client_id".to_owned(), client.clone());
    }
    if shared.options.observer_mirror.is_some() && extra_data.get("client_id").is_none_or(Value::is_null) {
        // The mirroring node adds a client, since without one most events aren't made at all.
        extra_data.insert("client_id".to_owned(), "anon".into());
    }
    if shared.options.version.create_time() {
        extra_data.insert("create_time".to_owned(), timestamp().into());
    }
    let response = json!({"prompt_id": id, "number": number, "node_errors": valid.node_errors});
    shared.queue.put(Prompt { number, id, graph, extra_data, outputs: valid.outputs });
    Ok(response)
}

/// The prompt's place: its own, or the next one, negative for the front.
fn number(shared: &Shared, body: &Value) -> Number {
    if let Some(number) = body.get("number").and_then(Value::as_f64).and_then(Number::from_f64) {
        return number;
    }
    let next = shared.number.fetch_add(1, Ordering::Relaxed);
    let front = body.get("front").is_some_and(|front| front == true);
    Number::from(if front { -next } else { next })
}

fn prompt_id(shared: &Shared, asked: Option<&Value>) -> Result<String, Value> {
    match asked {
        None | Some(Value::Null) => Ok(shared.uuid()),
        Some(Value::String(id)) if is_uuid(id) || !shared.options.version.modern() => Ok(id.clone()),
        Some(_) => {
            let details = "prompt_id must be a UUID string in canonical lowercase hyphenated form; \
                           omit it to let the server generate one";
            let error = error("invalid_prompt_id", "prompt_id must be a valid UUID", details, &json!({}));
            Err(refusal(&error, &Map::new()))
        }
    }
}

/// Whether `id` is a UUID in its canonical form: lower case, with hyphens.
pub(super) fn is_uuid(id: &str) -> bool {
    let hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match byte {
            b'-' => hyphen(at),
            b'0'..=b'9' | b'a'..=b'f' => !hyphen(at),
            _ => false,
        })
}
