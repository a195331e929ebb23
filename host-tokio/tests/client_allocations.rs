//! What a message costs the client: nothing of the heap.

use std::thread;

use comfyglow::{
    address::Address,
    client::{Client, Progress, driver::Driver},
    simulator::{Recipients, Simulator},
};
use comfyglow_core::session::{ClientId, Config};
use serde_json::json;

/// Reads until `count` text messages have come.
async fn read_until(client: &mut Driver<'_>, count: u32) {
    while client.session().state().messages().text < count {
        assert!(client.changed(&mut ()).await.is_some(), "the connection is over");
    }
}

#[test]
fn messages_allocate_nothing() -> std::io::Result<()> {
    // The server's allocations are another thread's, which aren't counted.
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let simulator = servers.block_on(Simulator::builder().start())?;
    let address: Address = simulator.url().parse().map_err(std::io::Error::other)?;
    let headers = address.headers();
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The graph would be asked for over another link, once for each prompt.
    let config = Config { http: false, ..address.config(ClientId::Fixed("counter"), &headers) };
    let mut client = Driver::new(&address, config)?;
    clients.block_on(read_until(&mut client, 1));

    let progress = |step: u32| {
        json!({"type": "progress", "data": {"value": step, "max": 5_000, "prompt_id": "p", "node": "3"}}).to_string()
    };
    simulator.deliver_text(Recipients::Everyone, &progress(0));
    clients.block_on(read_until(&mut client, 3));
    thread::scope(|scope| {
        scope.spawn(|| (1..=5_000).for_each(|step| simulator.deliver_text(Recipients::Everyone, &progress(step))));
        let counted = allocation_counter::measure(|| clients.block_on(read_until(&mut client, 5_003)));
        assert_eq!(counted.count_total, 0, "{counted:?}");
    });
    Ok(())
}

/// Nor does a client that is watched, whose task tells what it reads.
#[test]
fn watched_messages_allocate_nothing() -> Result<(), Box<dyn std::error::Error>> {
    const MESSAGES: u32 = 5_000;
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let simulator = servers.block_on(Simulator::builder().stepped().start())?;
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = clients.block_on(async { Client::builder(simulator.url()).connect() })?;
    let workflow = json!({
        "1": {"class_type": "SomeSampler", "inputs": {"steps": MESSAGES}},
        "2": {"class_type": "SaveSomething", "inputs": {"from": ["1", 0]}},
    });
    // Its graph is known so, and needs no request.
    let prompt_id = clients.block_on(client.submit(&workflow))?.prompt_id;
    let mut watched = client.progress();
    let mut read_until = |last: f64| {
        let reached =
            |now: &Option<Progress>| now.as_ref().and_then(|now| now.steps).is_some_and(|now| now.value >= last);
        clients.block_on(watched.wait_for(reached)).map(drop)
    };
    let progress = |step: u32| {
        json!({"type": "progress", "data": {"value": step, "max": MESSAGES, "prompt_id": prompt_id, "node": "1"}})
            .to_string()
    };
    // The node was announced, which takes an earlier bar away.
    servers.block_on(simulator.settled());
    simulator.deliver_text(Recipients::Everyone, &progress(1));
    read_until(1.0)?;
    let mut result = Ok(());
    thread::scope(|scope| {
        scope.spawn(|| (1..=MESSAGES).for_each(|step| simulator.deliver_text(Recipients::Everyone, &progress(step))));
        let counted = allocation_counter::measure(|| result = read_until(MESSAGES.into()));
        // What comes once in a while, such as a request, is no message's.
        assert!(counted.count_total < 50, "{counted:?}");
    });
    Ok(result?)
}
