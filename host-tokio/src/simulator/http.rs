//! The HTTP endpoints: prompts, the queue and the history.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{python_json::dumps, state::Shared, submit::submit};

/// What the handlers get of the simulator.
pub(super) type Server = State<Arc<Shared>>;

/// A response as aiohttp's `json_response` makes it.
pub(super) struct Json(pub(super) Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], dumps(&self.0)).into_response()
    }
}

/// What aiohttp says when a handler raised, such as on a body that is no JSON.
pub(super) struct Trouble;

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let text = "500 Internal Server Error\n\nServer got itself in trouble";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

/// A body that must be JSON.
pub(super) fn parse(body: &Bytes) -> Result<Value, Trouble> {
    serde_json::from_slice(body).map_err(|_| Trouble)
}

pub(super) async fn post_prompt(State(shared): Server, body: Bytes) -> Result<Response, Trouble> {
    Ok(match submit(&shared, &parse(&body)?) {
        Ok(response) => Json(response).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, Json(refusal)).into_response(),
    })
}

pub(super) async fn get_prompt(State(shared): Server) -> Json {
    Json(json!({"exec_info": {"queue_remaining": shared.queue.remaining()}}))
}

pub(super) async fn get_queue(State(shared): Server) -> Json {
    let running: Vec<Value> = shared.queue.running().iter().map(|prompt| prompt.tuple()).collect();
    let pending: Vec<Value> = shared.queue.pending().iter().map(|prompt| prompt.tuple()).collect();
    Json(json!({"queue_running": running, "queue_pending": pending}))
}

pub(super) async fn post_queue(State(shared): Server, body: Bytes) -> Result<(), Trouble> {
    let body = parse(&body)?;
    if body["clear"] == true {
        shared.queue.clear();
    }
    for id in strings(&body["delete"]) {
        shared.queue.delete(id);
    }
    Ok(())
}

pub(super) async fn get_history(State(shared): Server, Query(query): Query<HashMap<String, String>>) -> Json {
    let number = |name: &str| query.get(name).and_then(|value| value.parse::<usize>().ok());
    let max_items = number("max_items");
    Json(shared.queue.with_history(|history| {
        let newest = max_items.map_or(0, |max| history.len().saturating_sub(max));
        let offset = number("offset").unwrap_or(newest);
        let chosen = history.iter().skip(offset).take(max_items.unwrap_or(usize::MAX));
        chosen.map(|(id, entry)| (id.clone(), entry.clone())).collect::<Map<_, _>>().into()
    }))
}

pub(super) async fn get_history_of(State(shared): Server, Path(id): Path<String>) -> Json {
    let entry = shared.queue.with_history(|history| history.get(&id).cloned());
    Json(entry.map(|entry| (id, entry)).into_iter().collect::<Map<_, _>>().into())
}

pub(super) async fn post_history(State(shared): Server, body: Bytes) -> Result<(), Trouble> {
    let body = parse(&body)?;
    shared.queue.with_history(|history| {
        if body["clear"] == true {
            history.clear();
        }
        for id in strings(&body["delete"]) {
            history.shift_remove(id);
        }
    });
    Ok(())
}

/// Interrupts what runs; with another prompt's id it does nothing. It always answers 200.
pub(super) async fn post_interrupt(State(shared): Server, body: Bytes) {
    let body = parse(&body).unwrap_or_default();
    let asked = body["prompt_id"].as_str().filter(|id| !id.is_empty() && shared.options.version.interrupt_by_id());
    shared.interrupt(asked);
}

pub(super) async fn post_free(body: Bytes) -> Result<(), Trouble> {
    parse(&body).map(|_| ())
}

/// The texts in a list.
pub(super) fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

impl Shared {
    /// Has the running prompt interrupted at its next step, where it's the one that is `asked` for; whether it is.
    pub(super) fn interrupt(&self, asked: Option<&str>) -> bool {
        let running = self.queue.running();
        let hit = asked.is_none_or(|asked| running.as_ref().is_some_and(|prompt| prompt.id == asked));
        match asked {
            None => self.logs.info("Global interrupt (no prompt_id specified)"),
            Some(id) if hit => self.logs.info(&format!("Interrupting prompt {id}")),
            Some(id) => self.logs.info(&format!("Prompt {id} is not currently running, skipping interrupt")),
        }
        if hit {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        hit && running.is_some()
    }
}
