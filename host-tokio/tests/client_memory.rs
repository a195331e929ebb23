//! What a client takes of memory, where there are many in one process.
#![cfg(target_os = "linux")]
mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use comfyglow::client::Client;
use serde_json::json;
use support::{PATIENCE, comfyglow};

/// The most that a client may take of resident memory, in KB.
const MOST: u64 = 64;

/// Clients in all, where the system allows so many files.
const CLIENTS: usize = 1_000;

/// Resident memory of this process, in KB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

/// Files that a process may open.
fn files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux has it");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("Linux tells it");
    line.split_whitespace().next().and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX)
}

/// Submits a prompt that belongs to nobody, so that all are told of it.
fn submit(server: &str) {
    let body = json!({"prompt": {
        "1": {"class_type": "SomeSampler", "inputs": {"steps": 100_000, "sim_ms": 5}},
        "2": {"class_type": "SaveSomething", "inputs": {"from": ["1", 0]}},
    }})
    .to_string();
    let mut stream = TcpStream::connect(server).expect("it listens");
    let head = format!(
        "POST /prompt HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.contains("200 OK"), "{answer}");
}

/// The server is a process of its own, so that its memory is not counted.
#[test]
fn a_thousand_clients_take_64_kb_each_at_most() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = comfyglow(&["simulate", "--listen", "127.0.0.1:0"]).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut line)?;
    let url = line.split_whitespace().next().unwrap_or_default().to_owned();
    submit(url.trim_start_matches("http://"));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // Each asks for the graph on a connection of its own once.
    let all = CLIENTS.min(files().saturating_sub(64) / 2);
    let (first, half) = (all / 10, all / 2);
    let mut clients = Vec::with_capacity(all);
    let mut measured = Vec::new();
    for count in [first, half, all] {
        while clients.len() < count {
            clients.push(runtime.block_on(async { Client::builder(&url).connect() })?);
        }
        for client in &clients {
            let mut progress = client.progress();
            let known = progress.wait_for(|now| now.as_ref().is_some_and(|now| now.percentage.is_some()));
            runtime.block_on(async { tokio::time::timeout(PATIENCE, known).await })??;
        }
        measured.push(resident());
    }
    server.kill()?;
    server.wait()?;
    let each =
        |from: usize, to: usize, clients: usize| (measured[to] - measured[from]) / u64::try_from(clients).unwrap_or(1);
    let (early, late) = (each(0, 1, half - first), each(1, 2, all - half));
    println!("{all} clients: {early} KB each at first, {late} KB each later");
    assert!(late <= MOST && early <= MOST, "{early} KB, then {late} KB");
    assert!(late <= early + early / 4 + 2, "{early} KB, then {late} KB: that grows");
    Ok(())
}
