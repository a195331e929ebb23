//! Who hears what: every kind of message that ComfyUI sends, by whether the prompt has a client.
//!
//! Alice supports previews with metadata, Bob doesn't, and Carol has subscribed to the log.

use std::collections::{BTreeMap, BTreeSet};

use comfyglow::simulator::{Recipients, Simulator, Version};
use comfyglow_tests::client::{Client, binary_kind, http};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const ALL: &[&str] = &["alice", "bob", "carol"];

/// Whom a kind of message reaches.
#[derive(Clone, Copy, Debug)]
enum To {
    /// The client of the prompt.
    Client,
    /// Every socket, or each its own.
    Everyone,
    Nobody,
    /// The socket that asked.
    One(&'static str),
}

use To::{Client as C, Everyone as B, Nobody as N, One};

/// The kinds of messages: to whom where the prompt has a client, and to whom where it has none.
const TABLE: [(&str, To, To); 20] = [
    ("status with sid", B, B),
    ("status", B, B),
    ("execution_start", C, N),
    ("execution_cached", C, N),
    ("executing", C, N),
    ("executing null", C, N),
    ("progress", C, B),
    ("progress_state", C, B),
    ("executed", C, N),
    ("execution_success", C, N),
    ("execution_error", C, N),
    ("execution_error of a block", C, B),
    ("execution_interrupted", C, B),
    ("assets.seed.started", B, B),
    ("logs", One("carol"), One("carol")),
    ("feature_flags", One("alice"), One("alice")),
    ("crystools.monitor", B, B),
    ("binary 1", N, B),
    ("binary 3", B, B),
    ("binary 4", C, N),
];

/// What a message is called in the table.
fn name(message: &Message) -> String {
    match message {
        Message::Binary(payload) => binary_kind(payload),
        Message::Text(text) => {
            let message: Value = serde_json::from_str(text).expect("an event");
            let (kind, data) = (message["type"].as_str().expect("a type"), &message["data"]);
            let variant = match kind {
                "status" if data.get("sid").is_some() => " with sid",
                "executing" if data["node"].is_null() => " null",
                "execution_error" if data["exception_type"] == "ExecutionBlocked" => " of a block",
                _ => "",
            };
            format!("{kind}{variant}")
        }
        other => panic!("{other:?} is no event"),
    }
}

/// Has all kinds of messages sent for prompts whose `client_id` is `client`; who heard which.
async fn who_heard(version: Version, client: Option<Value>) -> BTreeMap<String, BTreeSet<&'static str>> {
    let simulator = Simulator::builder().version(version).stepped().start().await.expect("a free port");
    let server = simulator.addr();
    let mut clients = Vec::new();
    for name in ALL {
        clients.push((*name, Client::open(server, &format!("/ws?clientId={name}")).await));
    }
    let flags = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;
    clients[0].1.send(Message::text(flags)).await;
    let mut heard: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    listen(&simulator, &mut clients, &mut heard).await;
    let subscribe = json!({"clientId": "carol", "enabled": true}).to_string();
    http(server, "PATCH", "/internal/logs/subscribe", &[], &subscribe).await;

    let submit = |graph: Value| {
        let mut body = json!({"prompt": graph});
        if let Some(client) = &client {
            body["client_id"] = client.clone();
        }
        simulator.submit(&body).expect("a prompt in order");
    };
    let source = json!({"class_type": "Source", "inputs": {"seed": 1}});
    let good = json!({
        "1": source,
        "2": {"class_type": "SomeSampler", "inputs": {
            "steps": 2, "preview": "JPEG", "sim_text": "a text", "image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
        "4": {"class_type": "Blocker", "inputs": {"sim_blocked": "no", "image": ["1", 0]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "b"}},
    });
    submit(good.clone());
    submit(good);
    submit(json!({"1": source, "2": {"class_type": "Fails", "inputs": {"sim_error": "no", "image": ["1", 0]}}}));
    while simulator.queue_remaining() > 0 {
        simulator.step(1);
        listen(&simulator, &mut clients, &mut heard).await;
    }
    submit(json!({"1": {"class_type": "SomeSampler", "inputs": {"steps": 2}}}));
    simulator.settled().await;
    simulator.interrupt();
    simulator.step(1);
    // What comes from elsewhere: events of the asset scanner and of other people's nodes.
    simulator.deliver_text(Recipients::Everyone, r#"{"type": "assets.seed.started", "data": {"roots": []}}"#);
    simulator.deliver_text(Recipients::Everyone, r#"{"type": "crystools.monitor", "data": {}}"#);
    listen(&simulator, &mut clients, &mut heard).await;
    heard
}

async fn listen(
    simulator: &Simulator,
    clients: &mut [(&'static str, Client)],
    heard: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    simulator.settled().await;
    for (who, client) in clients {
        for message in client.heard().await {
            heard.entry(name(&message)).or_default().insert(who);
        }
    }
}

/// Whom `client` of a prompt makes the kinds of messages reach, by the table.
fn expected(client: Option<&str>, exceptions: &[(&str, To)]) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut expected = BTreeMap::new();
    for (kind, with_client, without) in TABLE {
        let by_table = if client.is_some() { with_client } else { without };
        let to = exceptions.iter().find(|(of, _)| *of == kind).map_or(by_table, |(_, to)| *to);
        let listeners: BTreeSet<&'static str> = match to {
            C => ALL.iter().copied().filter(|who| client == Some(who)).collect(),
            B => ALL.iter().copied().collect(),
            N => BTreeSet::new(),
            One(who) => BTreeSet::from([who]),
        };
        if !listeners.is_empty() {
            expected.insert(kind.to_owned(), listeners);
        }
    }
    expected
}

async fn assert_heard(version: Version, client: Option<Value>, by: Option<&str>, exceptions: &[(&str, To)]) {
    assert_eq!(who_heard(version, client.clone()).await, expected(by, exceptions), "{version}, client {client:?}");
}

#[tokio::test]
async fn each_kind_reaches_its_receivers() {
    let now = Version::REFERENCE;
    assert_heard(now, Some("alice".into()), Some("alice"), &[]).await;
    let legacy = [("binary 1", C), ("binary 4", N)];
    assert_heard(now, Some("bob".into()), Some("bob"), &legacy).await;
    assert_heard(now, None, None, &[]).await;
    assert_heard(now, Some(Value::Null), None, &[]).await;
    // Not nobody, as ComfyUI sees it, but there is no such socket.
    assert_heard(now, Some("".into()), Some(""), &[]).await;
    assert_heard(now, Some("somebody".into()), Some("somebody"), &[]).await;
}

#[tokio::test]
async fn older_releases_send_less_or_to_more() {
    let to_all = [("progress_state", B)];
    assert_heard(Version::new(0, 3, 50), Some("alice".into()), Some("alice"), &to_all).await;
    assert_heard(Version::new(0, 3, 57), Some("alice".into()), Some("alice"), &[]).await;
    let plain = [("progress_state", N), ("feature_flags", N), ("binary 4", N), ("binary 1", C)];
    assert_heard(Version::new(0, 3, 43), Some("alice".into()), Some("alice"), &plain).await;
    let first = [plain.as_slice(), &[("binary 3", N)]].concat();
    assert_heard(Version::new(0, 3, 10), Some("alice".into()), Some("alice"), &first).await;
}
