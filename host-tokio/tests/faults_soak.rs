//! A client that lives long: a million messages and a thousand connections, and memory that doesn't grow.
#![cfg(target_os = "linux")]
mod support;

use std::{error::Error, fs, time::Instant};

use allocation_counter::AllocationInfo;
use comfyglow::{
    client::{
        Client, Connection, Progress,
        event::{Executing, ProgressState, Topics},
    },
    simulator::{Recipients, Simulator},
};
use comfyglow_core::{
    backoff::{BackoffConfig, Jitter},
    breaker::BreakerConfig,
    session::ReconnectConfig,
    time::Duration,
};
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};
use support::PATIENCE;
use tokio::runtime::Runtime;

/// Every wait in milliseconds.
const RECONNECT: ReconnectConfig = ReconnectConfig {
    attempts: None,
    backoff: BackoffConfig {
        initial: Duration::from_millis(1),
        factor_percent: 100,
        max: Duration::from_millis(1),
        jitter: Jitter::None,
    },
    breaker: BreakerConfig {
        window: Duration::from_millis(1),
        cool_down: Duration::from_millis(1),
        max_cool_down: Duration::from_millis(1),
    },
    proven: Duration::from_millis(1),
};

/// Nodes of each prompt.
const NODES: u32 = 20;

/// The most that resident memory may grow by from the first tenth to the end, in KB: pages that the system's allocator keeps
/// or gives back.
const GROWTH: u64 = 1_024;

/// Resident memory of this process, in KB.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("Linux tells it")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The messages of a prompt, `count` of them, the last of which tells as many steps as its number.
fn messages(round: u32, count: u32) -> Vec<String> {
    let prompt_id = format!("prompt-{round}");
    let message = |kind: &str, data: Value| json!({"type": kind, "data": data}).to_string();
    let entry = |node: u32, value: u32| {
        let node = node.to_string();
        json!({
            "value": value, "max": count, "state": "running", "node_id": node, "prompt_id": prompt_id,
            "display_node_id": node, "parent_node_id": null, "real_node_id": node,
        })
    };
    let mut all = vec![message("execution_start", json!({"prompt_id": prompt_id, "timestamp": 1}))];
    for step in 2..=count {
        let node = step * NODES / (count + 1);
        all.push(match step % 8 {
            0 => {
                let nodes: Map<String, Value> = (0..=node).map(|node| (node.to_string(), entry(node, step))).collect();
                message("progress_state", json!({"prompt_id": prompt_id, "nodes": nodes}))
            }
            1 => {
                let node = node.to_string();
                message("executing", json!({"node": node, "display_node": node, "prompt_id": prompt_id}))
            }
            2 => message("status", json!({"status": {"exec_info": {"queue_remaining": 1}}})),
            3 => {
                let output = json!({"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]});
                message("executed", json!({"node": "1", "display_node": "1", "output": output, "prompt_id": prompt_id}))
            }
            4 => message("a.custom.node", json!({"what": [step, {"ever": null}]})),
            _ => message(
                "progress",
                json!({"value": step, "max": count, "prompt_id": prompt_id, "node": node.to_string()}),
            ),
        });
    }
    let last = json!({"value": count, "max": count, "prompt_id": prompt_id, "node": (NODES - 1).to_string()});
    all.pop();
    all.push(message("progress", last));
    all
}

/// What comes of `future`, in time, and what was allocated meanwhile.
fn measured<T>(runtime: &Runtime, future: impl Future<Output = T>) -> (T, AllocationInfo) {
    let mut result = None;
    let counted = allocation_counter::measure(|| {
        result = runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.ok() });
    });
    (result.expect("it comes in time"), counted)
}

/// `rounds` connections of `count` messages each; each is read to its end before the connection is cut.
fn soak(rounds: u32, count: u32) -> Result<(), Box<dyn Error>> {
    // The server's allocations are another thread's, which aren't counted.
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let simulator = servers.block_on(Simulator::builder().stepped().start())?;
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = clients.block_on(async {
        Client::builder(simulator.url()).client_id(support::CLIENT).reconnect(RECONNECT).connect()
    })?;
    let mut progress = client.progress();
    let mut connection = client.connection();
    let mut events = client.events_of(Topics::NONE.with::<Executing>().with::<ProgressState>(), 4_096);
    let mut heard = 0_u64;

    // One round, and what the client allocated: in between its task doesn't run.
    let mut round = |n: u32| -> Result<[AllocationInfo; 2], Box<dyn Error>> {
        let messages = messages(n, count);
        let name = format!("prompt-{n}");
        let again = |now: &Connection| now.is_connected() && now.reconnects >= n;
        let done = |now: &Option<Progress>| {
            now.as_ref().is_some_and(|now| {
                now.prompt_id.as_deref() == Some(name.as_str())
                    && now.steps.is_some_and(|steps| steps.value >= f64::from(count))
            })
        };
        let (connected, connecting) = measured(&clients, connection.wait_for(again));
        connected?;
        servers.block_on(simulator.wait_for_sockets(1));
        for message in &messages {
            simulator.deliver_text(Recipients::Client(support::CLIENT.to_owned()), message);
        }
        let (read, reading) = measured(&clients, async {
            progress.wait_for(done).await?;
            while let Some(Some(event)) = events.next().now_or_never() {
                event?;
                heard += 1;
            }
            Ok::<(), Box<dyn Error>>(())
        });
        read?;
        simulator.disconnect(support::CLIENT);
        Ok([connecting, reading])
    };

    let start = Instant::now();
    let (mut connecting, mut reading) = (0, 0);
    let mut early = 0;
    let mut kept = 0_i64;
    for n in 0..rounds {
        let counted = round(n)?;
        connecting += counted[0].count_total;
        reading += counted[1].count_total;
        if n > rounds / 10 {
            kept += counted[0].bytes_current + counted[1].bytes_current;
        }
        if n == rounds / 10 {
            early = resident()?;
        }
        if n % (rounds / 10) == 0 {
            println!("{:>9} messages, {n:>4} reconnects: {} KB resident", (n + 1) * count, resident()?);
        }
    }
    let late = resident()?;
    let took = start.elapsed();
    let all = u64::from(rounds) * u64::from(count);
    println!(
        "{all} messages and {rounds} connections in {took:.1?}: {heard} events taken, {} lost; {early} KB resident after a \
         tenth, {late} KB at the end; {connecting} allocations while connecting, {} each; {reading} while reading, {} a \
         connection; {kept} bytes more are kept than after a tenth",
        events.lost(),
        connecting / u64::from(rounds),
        reading / u64::from(rounds),
    );
    assert!(late <= early + GROWTH, "{early} KB, then {late} KB: that grows");
    assert!(kept <= 4_096, "{kept} bytes are kept");
    Ok(())
}

#[test]
fn a_hundred_connections_leave_nothing_behind() -> Result<(), Box<dyn Error>> {
    soak(100, 100)
}

#[test]
#[ignore = "takes some minutes: cargo test -p comfyglow --test faults_soak -- --ignored --nocapture"]
fn a_million_messages_and_a_thousand_reconnects() -> Result<(), Box<dyn Error>> {
    soak(1_001, 1_000)
}
