//! What a message costs the client: nothing of the heap.

use std::thread;

use comfyglow::{
    address::Address,
    client::driver::Driver,
    simulator::{Recipients, Simulator},
};
use comfyglow_core::session::Config;
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
    let (query, headers) = (address.query("counter"), address.headers());
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The graph would be asked for over another link, once for each prompt.
    let config = Config { ask_for_graph: false, ..address.config(&query, &headers) };
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
