//! The scripts of recorded clients, run with the simulator, bring the same messages, in the same order, on the same
//! sockets, and the same answers over HTTP. `comfyglow_tests::script` tells what counts as the same.

use comfyglow::{recording::Recording, simulator::Simulator};
use comfyglow_tests::{fixtures, name_of, recordings_in, script};

async fn assert_plays(prefix: &str, count: usize) {
    let recordings = recordings_in(&fixtures().join("traces"));
    let chosen: Vec<_> = recordings.iter().filter(|path| name_of(path).starts_with(prefix)).collect();
    assert_eq!(chosen.len(), count, "recordings of the kind {prefix}");
    for path in chosen {
        let name = name_of(path);
        let recording = Recording::read(path).expect("a recording");
        let mut simulator = Simulator::builder().seed(1);
        if name == "g_observer_mirror_plugin" {
            simulator = simulator.observer_mirror("obs:");
        }
        let outcome = script::run(&recording, simulator).await;
        for (number, connection) in &outcome.connections {
            assert!(
                connection.is_equal(),
                "{name}, connection {number}\nrecorded: {:#?}\nsimulated: {:#?}",
                connection.recorded.collapsed().0,
                connection.heard.collapsed().0,
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
async fn feature_flags() {
    assert_plays("h_", 7).await;
}

#[tokio::test]
async fn interrupted_prompts() {
    assert_plays("d_", 1).await;
}

#[tokio::test]
async fn queued_prompts() {
    assert_plays("e_", 1).await;
}
