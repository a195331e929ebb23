//! What nodes do by their inputs: expansions, texts, sizes, and what the log shows of a sampler.

use comfyglow::{
    recording::Frame,
    simulator::{Recipients, Simulator},
};
use comfyglow_tests::client::{Client, get, http, kind, post};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a free port")
}

/// Runs `graph` for a client; what the client heard until its end.
async fn run(graph: Value) -> Vec<Message> {
    let simulator = simulator().await;
    let mut client = Client::greeted(simulator.addr(), "a").await;
    simulator.submit(&json!({"prompt": graph, "client_id": "a"})).expect("a prompt in order");
    let mut heard = Vec::new();
    while heard.last().map(kind).as_deref() != Some("executing null") {
        heard.push(client.next().await.expect("the end of the prompt"));
    }
    heard
}

/// The data of the events of `kind`.
fn events(heard: &[Message], kind: &str) -> Vec<Value> {
    let texts = heard.iter().filter(|message| message.is_text()).filter_map(|message| message.to_text().ok());
    let parsed = texts.map(|text| serde_json::from_str::<Value>(text).expect("an event"));
    parsed.filter(|event| event["type"] == kind).map(|event| event["data"].clone()).collect()
}

#[tokio::test]
async fn a_node_expands_to_others() {
    let heard = run(json!({"4": {"class_type": "Loop", "inputs": {"sim_expand": 2, "steps": 3}}})).await;
    let executing: Vec<Value> = events(&heard, "executing").iter().map(|data| data["node"].clone()).collect();
    assert_eq!(executing, [json!("4"), json!("4.0.0.1"), json!("4.0.0.2"), Value::Null]);
    let last = events(&heard, "progress_state").pop().expect("states");
    let nodes = last["nodes"].as_object().expect("nodes");
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["4", "4.0.0.1", "4.0.0.2"]);
    let expanded = &nodes["4.0.0.2"];
    assert_eq!((&expanded["display_node_id"], &expanded["parent_node_id"]), (&json!("4"), &json!("4")));
    assert_eq!((&expanded["value"], &expanded["max"], &expanded["state"]), (&json!(3), &json!(3), &json!("finished")));
}

#[tokio::test]
async fn a_node_fails_amid_its_steps() {
    let inputs = json!({"steps": 20, "sim_ms": 250, "sim_error": "out of memory", "sim_error_at": 7});
    let heard = run(json!({"1": {"class_type": "SomeSampler", "inputs": inputs}})).await;
    assert_eq!(events(&heard, "progress").last().expect("progress")["value"], 7);
    let error = events(&heard, "execution_error").pop().expect("an error");
    assert_eq!((&error["node_id"], &error["exception_message"]), (&json!("1"), &json!("out of memory\n")));
}

#[tokio::test]
async fn outputs_and_previews_are_as_large_as_asked() {
    let heard = run(json!({
        "1": {"class_type": "SomeSampler", "inputs": {"steps": 2, "preview": "PNG", "sim_bytes": 4_700_000}},
        "2": {"class_type": "PreviewText", "inputs": {"any": ["1", 0], "sim_bytes": 4_400_000}},
    }))
    .await;
    let previews: Vec<&Message> = heard.iter().filter(|message| message.is_binary()).collect();
    assert!(previews.len() == 2 && previews.iter().all(|preview| preview.len() > 4_700_000));
    let executed = events(&heard, "executed").pop().expect("an output");
    assert_eq!(executed["output"]["text"][0].as_str().map(str::len), Some(4_400_000));
}

#[tokio::test]
async fn what_is_unchanged_is_cached_and_its_output_told_again() {
    let simulator = simulator().await;
    let mut client = Client::greeted(simulator.addr(), "a").await;
    let graph = |steps: u32| {
        json!({"prompt": {
            "1": {"class_type": "Source", "inputs": {}},
            "2": {"class_type": "SomeSampler", "inputs": {"steps": steps, "image": ["1", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
            "4": {"class_type": "Sink", "inputs": {"any": ["1", 0]}},
        }, "client_id": "a"})
    };
    let mut cached = Vec::new();
    for steps in [2, 2, 3, 2] {
        simulator.submit(&graph(steps)).expect("a prompt in order");
        simulator.settled().await;
        let heard = client.heard().await;
        let outputs: Vec<Value> = events(&heard, "executed").iter().map(|data| data["output"].clone()).collect();
        cached.push((events(&heard, "execution_cached")[0]["nodes"].clone(), outputs));
    }
    let files = |n: u32| json!({"images": [{"filename": format!("a_{n:05}_.png"), "subfolder": "", "type": "output"}]});
    assert_eq!(cached[0], (json!([]), vec![files(1)]));
    assert_eq!(cached[1], (json!(["1", "2", "3", "4"]), vec![files(1), Value::Null]));
    // Only what the last prompt had is kept, and a cached output without a picture tells that it has none.
    assert_eq!((&cached[2].0, &cached[3].0), (&json!(["1", "4"]), &json!(["1", "4"])));
    assert!(cached[2].1.contains(&files(2)) && cached[3].1.contains(&files(3)));
}

#[tokio::test]
async fn the_log_shows_a_samplers_bar() {
    let simulator = simulator().await;
    let server = simulator.addr();
    let mut observer = Client::greeted(server, "observer").await;
    let subscribe = json!({"clientId": "observer", "enabled": true}).to_string();
    assert_eq!(http(server, "PATCH", "/internal/logs/subscribe", &[], &subscribe).await.status, 200);
    let graph = json!({"1": {"class_type": "SomeSampler", "inputs": {"steps": 4, "sim_ms": 500}}});
    simulator.submit(&json!({"prompt": graph, "client_id": "somebody"})).expect("a prompt in order");
    simulator.settled().await;
    let logs = events(&observer.heard().await, "logs");
    let entries = logs.iter().filter_map(|data| data["entries"].as_array()).flatten();
    let text: String = entries.filter_map(|entry| entry["m"].as_str()).collect();
    assert!(text.starts_with("\u{1b}[32m[INFO]\u{1b}[0m got prompt\n"), "{text}");
    assert!(text.contains("\r 50%|█████     | 2/4 [00:01<00:01,  2.00it/s]"), "{text}");
    assert!(text.contains("\r100%|██████████| 4/4 [00:02<00:00,  2.00it/s]\n"), "{text}");
    assert!(text.contains("Prompt executed in 2.00 seconds"), "{text}");
    assert_eq!((&logs[0]["size"], &logs[1]["size"]), (&json!({"cols": 80, "rows": 24}), &Value::Null));
    let raw = get(server, "/internal/logs/raw").await.json();
    // Of what was written over, only the last is kept.
    assert_eq!(raw["entries"].as_array().map(Vec::len), Some(logs.len() - 3), "{raw}");
}

#[tokio::test]
async fn frames_are_delivered_as_they_are() {
    let simulator = simulator().await;
    let mut client = Client::greeted(simulator.addr(), "a").await;
    for (fin, opcode, payload) in [(false, 1, "one "), (true, 9, "ping"), (true, 0, "message"), (true, 8, "")] {
        let frame = Frame { fin, rsv: 0, opcode, payload: payload.into() };
        simulator.deliver_frame(Recipients::Client("a".to_owned()), &frame);
    }
    let mut heard = Vec::new();
    while let Some(message) = client.next().await {
        heard.push(message);
    }
    let kinds: Vec<String> = heard.iter().map(kind).collect();
    assert_eq!(kinds, ["ping", "no type()", "close 1005"]);
    assert_eq!(heard[1], Message::text("one message"));
}

#[tokio::test]
async fn a_partly_valid_prompt_runs_its_good_outputs() {
    let simulator = simulator().await;
    let answer = post(
        simulator.addr(),
        "/api/prompt",
        &json!({"client_id": "a", "prompt": {
            "1": {"class_type": "PreviewImage", "inputs": {"images": ["9", 0]}},
            "2": {"class_type": "SaveText", "inputs": {}},
        }}),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["node_errors"]["1"]["dependent_outputs"], json!(["1"]));
    simulator.settled().await;
    let history = get(simulator.addr(), "/history").await.json();
    let entry = history.as_object().and_then(|history| history.values().next()).expect("an entry");
    assert_eq!((&entry["prompt"][4], &entry["status"]["status_str"]), (&json!(["2"]), &json!("success")));
}
