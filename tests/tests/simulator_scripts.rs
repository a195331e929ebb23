//! The scripts of recorded clients, run with the simulator, bring the same messages, in the same order, on the same
//! sockets, and the same answers over HTTP. `comfyglow_tests::script` tells what counts as the same.

use std::path::PathBuf;

use comfyglow::{recording::Recording, simulator::Simulator};
use comfyglow_tests::{fixtures, name_of, recordings_in, script};

/// Recordings that can't be told again: of several outputs a real server runs any first, and not all that the client
/// of `h_flags_odd` sent was recorded.
const CHANCE: [&str; 2] = ["c_error_blocked", "h_flags_odd"];

async fn assert_plays(prefix: &str, count: usize) {
    let recordings = recordings_in(&fixtures().join("traces"));
    let chosen = |path: &&PathBuf| name_of(path).starts_with(prefix) && !CHANCE.contains(&name_of(path).as_str());
    let chosen: Vec<_> = recordings.iter().filter(chosen).collect();
    assert_eq!(chosen.len(), count, "recordings of the kind {prefix}");
    for path in chosen {
        let name = name_of(path);
        let recording = Recording::read(path).expect("a recording");
        let mut simulator = Simulator::builder().seed(1);
        match name.as_str() {
            "g_observer_mirror_plugin" => simulator = simulator.observer_mirror("obs:"),
            "l_validation" => simulator = simulator.stock_nodes_only(true),
            _ => {}
        }
        let outcome = script::run(&recording, simulator).await;
        assert!(!outcome.connections.is_empty(), "{name} has connections");
        for (number, connection) in &outcome.connections {
            let (recorded, heard) = (connection.recorded.collapsed().0, connection.heard.collapsed().0);
            let same = recorded.iter().zip(&heard).take_while(|(recorded, heard)| recorded == heard).count();
            assert!(
                connection.is_equal() || name == "e_queue" && connection.is_equal_but_for_status(),
                "{name}, connection {number}, after {same} equal messages\nrecorded: {:#?}\nsimulated: {:#?}",
                &recorded[same..],
                &heard[same..],
            );
        }
        for exchange in &outcome.exchanges {
            let (method, path) = (&exchange.method, &exchange.path);
            assert_eq!(exchange.answer.status, exchange.recorded.status, "{name}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn reconnecting_clients() {
    assert_plays("f_", 6).await;
}

#[tokio::test]
async fn observers() {
    assert_plays("g_", 7).await;
}

#[tokio::test]
async fn cached_prompts() {
    assert_plays("b_", 1).await;
}

#[tokio::test]
async fn interrupted_prompts() {
    assert_plays("d_", 1).await;
}

#[tokio::test]
async fn queued_prompts() {
    assert_plays("e_", 1).await;
}

#[tokio::test]
async fn feature_flags() {
    assert_plays("h_", 6).await;
}

#[tokio::test]
async fn refused_prompts() {
    assert_plays("l_", 1).await;
}

#[tokio::test]
async fn pings() {
    assert_plays("n_ping", 1).await;
}

#[tokio::test]
async fn closes() {
    assert_plays("n_closes", 1).await;
}

#[tokio::test]
async fn errors() {
    assert_plays("c_", 7).await;
}

/// Where each step was told and no connection was away for a while, even the text is the same, byte for byte.
#[tokio::test]
async fn messages_are_spelled_as_recorded() {
    let names = ["b_cached", "g_prompt_client_id_empty", "g_prompt_without_client_id", "h_flags_none", "h_flags_meta"];
    for name in names {
        let recording = Recording::read(&fixtures().join(format!("traces/{name}.jsonl"))).expect("a recording");
        let outcome = script::run(&recording, Simulator::builder()).await;
        let connection = &outcome.connections[&0];
        let pairs = connection.recorded_texts.iter().zip(&connection.heard_texts);
        for (n, (recorded, heard)) in pairs.enumerate() {
            assert_eq!(heard, recorded, "{name}, text {n}");
        }
        assert_eq!(connection.heard_texts.len(), connection.recorded_texts.len(), "{name}");
    }
}
