//! The HTTP endpoints against what a real server answered: the same statuses, and JSON of the same shape.

use comfyglow::{
    recording::Recording,
    simulator::{Builder, Simulator, Version},
};
use comfyglow_tests::{
    client::{get, http, post},
    fixtures,
    script::{self, Exchange},
};
use serde_json::{Value, json};

async fn exchanges(name: &str, simulator: Builder) -> Vec<Exchange> {
    let recording = Recording::read(&fixtures().join(format!("traces/{name}.jsonl"))).expect("a recording");
    script::run(&recording, simulator).await.exchanges
}

/// A value's shape: the keys of objects, in order, and the types of what they hold; of a list, the first one's.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!(null),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(list) => list.first().map(shape).into_iter().collect(),
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
    }
}

/// A recorded answer's shape, as far as it can be the same: the history has what ran before the recording, the log was
/// cut, and the system's facts are its own.
fn comparable(path: &str, answer: &Value) -> Value {
    let path = path.split('?').next().unwrap_or(path);
    let mut shape = shape(answer);
    match path {
        "/history" => json!("entries"),
        "/internal/logs" => json!("a text"),
        "/system_stats" => {
            shape["system"]["comfy_package_versions"] = json!([]);
            shape["system"]["argv"] = json!([]);
            shape
        }
        _ => shape,
    }
}

#[tokio::test]
async fn endpoints_answer_in_their_shapes() {
    let exchanges = exchanges("http_endpoints", Simulator::builder()).await;
    assert_eq!(exchanges.len(), 39);
    for Exchange { method, path, recorded, answer } in exchanges {
        assert_eq!(answer.status, recorded.status, "{method} {path}");
        // A list of jobs begins with the newest, which here is the same one.
        let (recorded_shape, shape) = (comparable(&path, &recorded.json()), comparable(&path, &answer.json()));
        assert_eq!(shape, recorded_shape, "{method} {path}: {} for {}", answer.text, recorded.text);
        if recorded.json().is_null() && path != "/internal/logs" {
            assert_eq!(answer.text, recorded.text, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn refusals_are_the_recorded_ones() {
    let exchanges = exchanges("l_validation", Simulator::builder().stock_nodes_only(true)).await;
    assert_eq!(exchanges.len(), 13);
    for Exchange { method, path, recorded, answer } in exchanges {
        assert_eq!(answer.status, recorded.status, "{method} {path}: {}", answer.text);
        let (mut answer, mut recorded) = (answer.json(), recorded.json());
        for side in [&mut answer, &mut recorded] {
            side["number"] = Value::Null;
            // A set's order, in ComfyUI.
            for node in side["node_errors"].as_object_mut().into_iter().flat_map(|nodes| nodes.values_mut()) {
                let errors = node["errors"].as_array_mut().expect("a list of errors");
                errors.sort_by_key(|error| error["details"].as_str().map(str::to_owned));
            }
        }
        assert_eq!(answer, recorded, "{method} {path}");
    }
}

#[tokio::test]
async fn an_error_is_in_the_history_and_in_the_jobs() {
    let simulator = Simulator::builder().speed(f64::INFINITY).start().await.expect("a free port");
    let server = simulator.addr();
    let graph = json!({"1": {"class_type": "Fails", "inputs": {"sim_error": "no", "sim_error_type": "OSError"}}});
    let id = simulator.submit(&json!({"prompt": graph, "client_id": "a"})).expect("a prompt in order");
    simulator.settled().await;

    let history = get(server, &format!("/history/{id}")).await.json();
    let status = &history[&id]["status"];
    assert_eq!((&status["status_str"], &status["completed"]), (&json!("error"), &json!(false)));
    let last = status["messages"].as_array().and_then(|messages| messages.last()).expect("messages");
    assert_eq!((&last[0], &last[1]["exception_message"]), (&json!("execution_error"), &json!("no\n")));
    assert_eq!(last[1]["exception_type"], "OSError");
    let job = get(server, &format!("/api/jobs/{id}")).await.json();
    assert_eq!((&job["status"], &job["execution_error"]), (&json!("failed"), &last[1]));
    let failed = get(server, "/api/jobs?status=failed&limit=1").await.json();
    assert_eq!((&failed["jobs"][0]["id"], &failed["pagination"]["total"]), (&json!(id), &json!(1)));
    assert_eq!(get(server, "/api/jobs?status=completed").await.json()["jobs"], json!([]));
}

#[tokio::test]
async fn the_queue_runs_by_number_and_lets_go_what_is_deleted() {
    let simulator = Simulator::builder().stepped().start().await.expect("a free port");
    let server = simulator.addr();
    let body = |more: Value| {
        let mut body = json!({"prompt": {"1": {"class_type": "SaveImage", "inputs": {
            "images": ["2", 0], "filename_prefix": more.to_string()}},
            "2": {"class_type": "SomeSampler", "inputs": {"steps": 3}}}});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        body
    };
    let mut ids = Vec::new();
    for (more, number) in [
        (json!({}), json!(0)),
        (json!({"name": 1}), json!(1)),
        (json!({"front": true}), json!(-2)),
        (json!({"number": 0.5}), json!(0.5)),
        (json!({"name": 2}), json!(3)),
    ] {
        let answer = post(server, "/prompt", &body(more)).await.json();
        assert_eq!(answer["number"], number);
        ids.push(answer["prompt_id"].as_str().expect("an id").to_owned());
        simulator.settled().await;
    }
    let running = async || get(server, "/queue").await.json()["queue_running"][0][1].as_str().map(str::to_owned);
    assert_eq!(running().await.as_ref(), Some(&ids[0]));
    assert_eq!(get(server, "/prompt").await.json()["exec_info"]["queue_remaining"], 5);
    let cancelled = http(server, "POST", &format!("/api/jobs/{}/cancel", ids[1]), &[], "").await;
    assert_eq!(cancelled.json(), json!({"cancelled": true}));

    for next in [&ids[2], &ids[3], &ids[4]] {
        // Another prompt's id is no reason to stop, and the answer is the same.
        assert_eq!(post(server, "/interrupt", &json!({"prompt_id": ids[1]})).await.status, 200);
        assert_eq!(post(server, "/interrupt", &json!({})).await.status, 200);
        simulator.step(1);
        simulator.settled().await;
        assert_eq!(running().await.as_ref(), Some(next));
    }
    let jobs = get(server, "/api/jobs?status=cancelled&sort_order=asc").await.json();
    assert_eq!(jobs["pagination"]["total"], 3);
    assert_eq!(post(server, "/queue", &json!({"clear": true})).await.status, 200);
    assert_eq!(get(server, "/prompt").await.json()["exec_info"]["queue_remaining"], 1);
}

#[tokio::test]
async fn older_releases_lack_endpoints() {
    let simulator = Simulator::builder().version(Version::new(0, 3, 43)).start().await.expect("a free port");
    for (path, status) in [("/features", 404), ("/api/jobs", 404), ("/api/prompt", 200), ("/system_stats", 200)] {
        assert_eq!(get(simulator.addr(), path).await.status, status, "{path}");
    }
    let stats = get(simulator.addr(), "/system_stats").await.json();
    assert_eq!((&stats["system"]["comfyui_version"], &stats["system"]["os"]), (&json!("0.3.43"), &json!("posix")));
}

#[tokio::test]
async fn a_graph_of_any_depth_is_taken() {
    let simulator = Simulator::builder().speed(f64::INFINITY).start().await.expect("a free port");
    let node = |n: u32| json!({"class_type": "Chain", "inputs": {"previous": [n.to_string(), 0]}});
    let chain = |length: u32| (1..=length).map(|n| (n.to_string(), node(n - 1))).collect::<serde_json::Map<_, _>>();
    let missing = simulator.submit(&json!({"prompt": chain(20_000)})).expect_err("node 0 is missing");
    assert_eq!(missing.0["error"]["type"], "prompt_outputs_failed_validation");
    let mut cycle = chain(100);
    cycle.insert("0".to_owned(), node(100));
    let refused = simulator.submit(&json!({"prompt": cycle})).expect_err("a cycle has no output");
    assert_eq!(refused.0["error"]["type"], "prompt_no_outputs");
    cycle.insert("Save".to_owned(), json!({"class_type": "SaveAnything", "inputs": {"images": ["5", 0]}}));
    let refused = simulator.submit(&json!({"prompt": cycle})).expect_err("a cycle");
    assert_eq!(refused.0["node_errors"]["7"]["errors"][0]["type"], "dependency_cycle");

    let mut deep = chain(200);
    deep.insert("0".to_owned(), json!({"class_type": "Source", "inputs": {}}));
    let id = simulator.submit(&json!({"prompt": deep})).expect("a deep graph is in order");
    simulator.settled().await;
    let job = get(simulator.addr(), &format!("/api/jobs/{id}")).await.json();
    assert_eq!(job["status"], "completed");
}
