//! `/api/jobs`: queue and history in one list of small entries.

use std::{collections::HashMap, sync::atomic::Ordering};

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    http::{Json, Server, Trouble, parse, strings},
    prompt_queue::Prompt,
    state::Shared,
    submit::is_uuid,
};

const STATUSES: [&str; 5] = ["pending", "in_progress", "completed", "failed", "cancelled"];

fn bad_request(body: Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

pub(super) async fn list(State(shared): Server, Query(query): Query<HashMap<String, String>>) -> Response {
    match answer(&shared, &query) {
        Ok(jobs) => Json(jobs).into_response(),
        Err(message) => bad_request(json!({"error": message})),
    }
}

fn answer(shared: &Shared, query: &HashMap<String, String>) -> Result<Value, String> {
    let given = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let wanted: Vec<String> = given("status").map_or_else(
        || STATUSES.map(str::to_owned).to_vec(),
        |statuses| statuses.split(',').map(|status| status.trim().to_lowercase()).collect(),
    );
    let unknown: Vec<&str> = wanted.iter().map(String::as_str).filter(|status| !STATUSES.contains(status)).collect();
    if !unknown.is_empty() {
        let (unknown, valid) = (unknown.join(", "), STATUSES.join(", "));
        return Err(format!("Invalid status value(s): {unknown}. Valid values: {valid}"));
    }
    let number = |name: &str| {
        given(name).map(|value| value.parse::<usize>().map_err(|_| format!("{name} must be an integer"))).transpose()
    };
    let (limit, offset) = (number("limit")?, number("offset")?.unwrap_or_default());
    let by_duration = match given("sort_by") {
        None | Some("created_at") => false,
        Some("execution_duration") => true,
        Some(_) => return Err("sort_by must be 'created_at' or 'execution_duration'".to_owned()),
    };
    let ascending = match given("sort_order") {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err("sort_order must be 'asc' or 'desc'".to_owned()),
    };

    let mut jobs = all(shared);
    jobs.retain(|job| wanted.iter().any(|status| job["status"] == **status));
    if let Some(workflow) = given("workflow_id") {
        jobs.retain(|job| job["workflow_id"] == workflow);
    }
    let key = |job: &Value| {
        let time = |name: &str| job[name].as_i64().unwrap_or_default();
        if by_duration { time("execution_end_time") - time("execution_start_time") } else { time("create_time") }
    };
    jobs.sort_by(|a, b| if ascending { key(a).cmp(&key(b)) } else { key(b).cmp(&key(a)) });
    let total = jobs.len();
    let page: Vec<Value> = jobs.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
    let has_more = offset + page.len() < total;
    let pagination = json!({"offset": offset, "limit": limit, "total": total, "has_more": has_more});
    Ok(json!({"jobs": page, "pagination": pagination}))
}

pub(super) async fn one(State(shared): Server, Path(id): Path<String>) -> Response {
    let entry = shared.queue.with_history(|history| history.get(&id).cloned());
    let job = match entry {
        Some(entry) => {
            let mut job = ended(&id, &entry);
            job.insert("outputs".to_owned(), entry["outputs"].clone());
            job.insert("execution_status".to_owned(), entry["status"].clone());
            let workflow = json!({"prompt": entry["prompt"][2], "extra_data": entry["prompt"][3]});
            job.insert("workflow".to_owned(), workflow);
            Some(job.into())
        }
        None => all(&shared).into_iter().find(|job| job["id"] == *id),
    };
    match job {
        Some(job) => Json(job).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({"error": "Job not found"}))).into_response(),
    }
}

pub(super) async fn cancel_one(State(shared): Server, Path(id): Path<String>) -> Json {
    Json(json!({"cancelled": cancel(&shared, &id)}))
}

pub(super) async fn cancel_many(State(shared): Server, body: Bytes) -> Result<Response, Trouble> {
    let body = parse(&body)?;
    let invalid: Vec<&str> = strings(&body["job_ids"]).filter(|id| !is_uuid(id)).collect();
    if !invalid.is_empty() {
        return Ok(bad_request(json!({"error": "job_ids contains invalid id(s)", "invalid_ids": invalid})));
    }
    let cancelled = strings(&body["job_ids"]).filter(|id| cancel(&shared, id)).count() > 0;
    Ok(Json(json!({"cancelled": cancelled})).into_response())
}

fn cancel(shared: &Shared, id: &str) -> bool {
    let runs = shared.queue.running().is_some_and(|prompt| prompt.id == id);
    if runs {
        shared.interrupted.store(true, Ordering::Relaxed);
    }
    runs || shared.queue.delete(id)
}

fn all(shared: &Shared) -> Vec<Value> {
    let mut jobs: Vec<Value> =
        shared.queue.running().iter().map(|prompt| queued(prompt, "in_progress").into()).collect();
    jobs.extend(shared.queue.pending().iter().map(|prompt| Value::from(queued(prompt, "pending"))));
    shared.queue.with_history(|history| {
        jobs.extend(history.iter().map(|(id, entry)| Value::from(ended(id, entry))));
    });
    jobs
}

/// An entry in ComfyUI's order; what is null is left out.
fn job(fields: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = fields else { return Map::new() };
    fields.retain(|_, value| !value.is_null());
    fields
}

fn queued(prompt: &Prompt, status: &str) -> Map<String, Value> {
    job(json!({
        "id": prompt.id, "status": status, "priority": prompt.number,
        "create_time": prompt.extra_data.get("create_time"),
        "outputs_count": 0, "previewable_outputs_count": 0,
        "workflow_id": prompt.extra_data.get("extra_pnginfo").map(|info| &info["workflow"]["id"]),
    }))
}

fn ended(id: &str, entry: &Value) -> Map<String, Value> {
    let messages = entry["status"]["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let message = |kinds: &[&str]| messages.iter().find(|m| kinds.iter().any(|kind| m[0] == *kind)).map(|m| &m[1]);
    let end = message(&["execution_success", "execution_error", "execution_interrupted"]);
    let status = if entry["status"]["completed"] == true {
        "completed"
    } else if message(&["execution_interrupted"]).is_some() {
        "cancelled"
    } else {
        "failed"
    };
    let extra_data = &entry["prompt"][3];
    let outputs = Outputs::of(&entry["outputs"]);
    job(json!({
        "id": id, "status": status, "priority": entry["prompt"][0], "create_time": extra_data["create_time"],
        "execution_start_time": message(&["execution_start"]).map(|data| &data["timestamp"]),
        "execution_end_time": end.map(|data| &data["timestamp"]),
        "execution_error": message(&["execution_error"]),
        "outputs_count": outputs.count, "previewable_outputs_count": outputs.previewable,
        "preview_output": outputs.preview,
        "workflow_id": extra_data["extra_pnginfo"]["workflow"]["id"],
    }))
}

/// What a job's outputs come to.
#[derive(Default)]
struct Outputs {
    count: usize,
    previewable: usize,
    /// The first saved one that can be shown, else the first.
    preview: Option<Value>,
}

impl Outputs {
    fn of(outputs: &Value) -> Self {
        let mut summary = Self::default();
        let nodes = outputs.as_object().into_iter().flatten();
        let lists = nodes.flat_map(|(node, output)| {
            output.as_object().into_iter().flatten().map(move |(media, list)| (node, media, list))
        });
        for (node, media, list) in lists.filter(|(_, media, _)| *media != "animated") {
            for item in list.as_array().into_iter().flatten().filter(|item| item.is_object()) {
                summary.count += 1;
                if !matches!(media.as_str(), "images" | "video" | "audio" | "gifs") {
                    continue;
                }
                summary.previewable += 1;
                let saved = |item: &Value| item["type"] == "output";
                if summary.preview.as_ref().is_none_or(|first| !saved(first) && saved(item)) {
                    let mut preview = item.clone();
                    preview["nodeId"] = node.as_str().into();
                    preview["mediaType"] = media.as_str().into();
                    summary.preview = Some(preview);
                }
            }
        }
        summary
    }
}
