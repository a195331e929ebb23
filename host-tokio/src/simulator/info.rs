//! The HTTP endpoints that tell about the server: its version, features, nodes and log.

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    http::{Json, Server, Trouble, parse},
    messages,
    nodes::{self, CLASSES},
};

const MEMORY: u64 = 25_276_510_208;
const FREE: u64 = 22_020_808_704;

pub(super) async fn system_stats(State(shared): Server) -> Json {
    let version = shared.options.version;
    Json(json!({
        "system": {
            "os": if version.modern() { "linux" } else { "posix" },
            "ram_total": MEMORY, "ram_free": FREE, "comfyui_version": version.to_string(),
            "required_frontend_version": "1.49.6",
            "installed_templates_version": "0.11.44", "required_templates_version": "0.11.44",
            "comfy_package_versions": [
                {"name": "comfyui-frontend-package", "installed": "1.49.6", "required": "1.49.6"},
            ],
            "python_version": "3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]",
            "pytorch_version": "2.9.1+cu128", "embedded_python": false, "deploy_environment": "local-git",
            "argv": ["main.py", "--cpu"],
        },
        "devices": [{
            "name": "cpu", "type": "cpu", "index": null, "vram_total": MEMORY, "vram_free": FREE,
            "torch_vram_total": MEMORY, "torch_vram_free": FREE,
        }],
    }))
}

/// The extension's own.
pub(super) async fn extension(State(shared): Server) -> Json {
    Json(json!({"mirror": true, "version": "0.1.0", "observers": shared.sockets.observers()}))
}

pub(super) async fn features(State(shared): Server) -> Json {
    Json(messages::features(shared.options.version))
}

pub(super) async fn object_info() -> Json {
    let stock = CLASSES.iter().filter(|class| class.stock);
    Json(stock.map(|class| (class.name.to_owned(), nodes::object_info(class))).collect::<Map<_, _>>().into())
}

pub(super) async fn object_info_of(Path(name): Path<String>) -> Json {
    let class = nodes::class_named(&name);
    Json(class.map(|class| (name, nodes::object_info(class))).into_iter().collect::<Map<_, _>>().into())
}

pub(super) async fn embeddings() -> Json {
    Json(json!([]))
}

pub(super) async fn logs(State(shared): Server) -> Json {
    let line = |entry: Value| {
        format!("{} - {}", entry["t"].as_str().unwrap_or_default(), entry["m"].as_str().unwrap_or_default())
    };
    Json(shared.logs.entries().into_iter().map(line).collect::<String>().into())
}

pub(super) async fn logs_raw(State(shared): Server) -> Json {
    Json(json!({"entries": shared.logs.entries(), "size": shared.logs.terminal_size()}))
}

pub(super) async fn subscribe_logs(State(shared): Server, body: Bytes) -> Result<(), Trouble> {
    let body = parse(&body)?;
    let client = body["clientId"].as_str().ok_or(Trouble)?;
    shared.logs.subscribe(client, body["enabled"].as_bool().ok_or(Trouble)?);
    Ok(())
}
