//! The simulator with comfyglow's extension for ComfyUI: observers are told what submitters are told, and nobody else is
//! told anything else for it.

use comfyglow::simulator::{Recipients, Simulator, Version};
use comfyglow_tests::client::{Client, get, http};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

async fn simulator(extension: bool) -> Simulator {
    let simulator = Simulator::builder().speed(f64::INFINITY).seed(1).extension(extension);
    simulator.start().await.expect("a free port")
}

/// A prompt of a sampler with previews that fails or saves.
fn prompt(client: Option<&str>, seed: u32, fails: bool) -> Value {
    let mut sampler = json!({"steps": 3, "sim_ms": 500, "seed": seed, "preview": "JPEG", "sim_text": "a text"});
    if fails {
        sampler["sim_error"] = "no".into();
    }
    let mut body = json!({"prompt": {
        "1": {"class_type": "SomeSampler", "inputs": sampler},
        "2": {"class_type": "SaveSomething", "inputs": {"from": ["1", 0]}},
    }});
    if let Some(client) = client {
        body["client_id"] = client.into();
    }
    body
}

fn is_preview(message: &Message) -> bool {
    matches!(message, Message::Binary(payload) if matches!(payload[..4], [0, 0, 0, 1 | 4]))
}

/// The types of events; `binary` for what is none.
fn types(messages: &[Message]) -> Vec<String> {
    let name = |message: &Message| match message {
        Message::Text(text) => {
            let event: Value = serde_json::from_str(text).expect("an event");
            event["type"].as_str().expect("a type").to_owned()
        }
        _ => "binary".to_owned(),
    };
    messages.iter().map(name).collect()
}

#[tokio::test]
async fn observers_hear_what_the_submitter_hears() {
    let simulator = simulator(true).await;
    let server = simulator.addr();
    let mut browser = Client::greeted(server, "browser").await;
    let mut observer = Client::greeted(server, "comfyglow-1").await;
    let mut painter = Client::greeted(server, "comfyglow-previews-1").await;
    let mut other = Client::greeted(server, "observer").await;
    for fails in [false, true] {
        simulator.submit(&prompt(Some("browser"), u32::from(fails), fails)).expect("a prompt in order");
    }
    simulator.settled().await;
    let heard = browser.heard().await;
    assert!(heard.iter().any(is_preview) && types(&heard).contains(&"execution_error".to_owned()));
    assert_eq!(painter.heard().await, heard);
    let without: Vec<Message> = heard.into_iter().filter(|message| !is_preview(message)).collect();
    assert_eq!(observer.heard().await, without);
    assert!(types(&other.heard().await).iter().all(|kind| kind == "status" || kind == "binary"));
}

#[tokio::test]
async fn prompts_without_a_client_are_told_whole_to_observers_alone() {
    let (mut heard_with, mut heard_without) = (Vec::new(), Vec::new());
    for extension in [true, false] {
        let simulator = simulator(extension).await;
        let mut other = Client::greeted(simulator.addr(), "other").await;
        let mut observer = Client::greeted(simulator.addr(), "comfyglow-1").await;
        simulator.submit(&prompt(None, 1, false)).expect("a prompt in order");
        simulator.settled().await;
        let whole = ["execution_start", "executing", "executed", "execution_success"];
        let told = types(&observer.heard().await);
        assert!(whole.iter().all(|kind| told.iter().any(|told| told == kind) == extension), "{told:?}");
        let heard = if extension { &mut heard_with } else { &mut heard_without };
        heard.extend(types(&other.heard().await));
    }
    assert_eq!(heard_with, heard_without);
    assert!(!heard_with.contains(&"execution_success".to_owned()));
}

#[tokio::test]
async fn who_submits_is_no_observer() {
    let simulator = simulator(true).await;
    let server = simulator.addr();
    let mut submitter = Client::greeted(server, "comfyglow-1").await;
    let mut observer = Client::greeted(server, "comfyglow-2").await;
    assert_eq!(get(server, "/comfyglow").await.json()["observers"], 2);
    simulator.submit(&prompt(Some("comfyglow-1"), 1, false)).expect("a prompt in order");
    simulator.settled().await;
    let heard = submitter.heard().await;
    // Its previews come, though its name doesn't ask for them.
    assert!(heard.iter().any(is_preview));
    assert_eq!(get(server, "/comfyglow").await.json()["observers"], 1);
    assert!(types(&observer.heard().await).contains(&"execution_success".to_owned()));
    // Nor is it told of others' prompts from then on, nor when it connects anew.
    submitter.close(None).await;
    simulator.wait_for_sockets(1).await;
    let mut submitter = Client::greeted(server, "comfyglow-1").await;
    simulator.submit(&prompt(Some("browser"), 2, false)).expect("a prompt in order");
    simulator.settled().await;
    assert!(types(&submitter.heard().await).iter().all(|kind| kind == "status" || kind == "binary"));
}

#[tokio::test]
async fn what_is_a_clients_own_is_not_passed_on() {
    let simulator = simulator(true).await;
    let server = simulator.addr();
    let mut browser = Client::greeted(server, "browser").await;
    let mut observer = Client::greeted(server, "comfyglow-1").await;
    let subscribe = json!({"clientId": "browser", "enabled": true}).to_string();
    assert_eq!(http(server, "PATCH", "/internal/logs/subscribe", &[], &subscribe).await.status, 200);
    simulator.submit(&prompt(Some("browser"), 1, false)).expect("a prompt in order");
    simulator.settled().await;
    simulator.deliver_text(Recipients::Client("nobody".to_owned()), r#"{"type": "a.secret", "data": {}}"#);
    assert!(types(&browser.heard().await).contains(&"logs".to_owned()));
    let told = types(&observer.heard().await);
    assert!(!told.contains(&"logs".to_owned()) && !told.contains(&"a.secret".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_observer_that_reads_nothing_holds_nobody_up() {
    let simulator = Simulator::builder().speed(f64::INFINITY).seed(1).extension(true).send_buffer(4096);
    let simulator = simulator.start().await.expect("a free port");
    let mut browser = Client::greeted(simulator.addr(), "browser").await;
    let sleeper = Client::greeted(simulator.addr(), "comfyglow-1").await;
    let mut body = prompt(Some("browser"), 1, false);
    body["prompt"]["2"]["inputs"]["sim_bytes"] = json!(3_000_000);
    simulator.submit(&body).expect("a prompt in order");
    loop {
        let message = browser.next().await.expect("it goes on");
        if types(&[message]) == ["execution_success"] {
            break;
        }
    }
    drop(sleeper);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let simulator = simulator(false).await;
    assert_eq!(get(simulator.addr(), "/comfyglow").await.status, 404);
    for (builder, status) in [
        (Simulator::builder(), 200),
        (Simulator::builder().log_route(false), 404),
        (Simulator::builder().version(Version::new(0, 2, 7)), 404),
    ] {
        let simulator = builder.start().await.expect("a free port");
        let body = json!({"clientId": "a", "enabled": true}).to_string();
        let answer = http(simulator.addr(), "PATCH", "/internal/logs/subscribe", &[], &body).await;
        assert_eq!(answer.status, status);
    }
    let simulator = Simulator::builder().extension(true).start().await.expect("a free port");
    for path in ["/comfyglow", "/api/comfyglow"] {
        let about = get(simulator.addr(), path).await.json();
        assert_eq!((&about["mirror"], &about["observers"]), (&json!(true), &json!(0)));
    }
}
