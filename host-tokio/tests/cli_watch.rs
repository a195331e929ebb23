//! `comfyglow watch` against a server, and how it ends.
mod support;

use std::io::{BufRead as _, BufReader};

use comfyglow::simulator::Simulator;
use serde_json::{Value, json};
use support::{CLIENT, Ran, comfyglow, ended, run, watching, workflow};

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free")
}

/// Watches one prompt with `args` at a simulator.
async fn watched(args: &[&str], body: &Value) -> Ran {
    let simulator = simulator().await;
    let child = watching(&simulator, args).await;
    simulator.submit(body).expect("the workflow is valid");
    ended(child).await
}

#[tokio::test]
async fn success_is_0() {
    let ran = watched(&["--once", "--json"], &workflow(json!({}))).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let last = ran.last();
    assert_eq!((&last["prompt"]["state"], &last["prompt"]["percentage"]), (&json!("success"), &json!(100.0)));
    assert_eq!(last["connection"]["status"], "connected");
    assert!(ran.json().iter().all(|snapshot| snapshot["schema"] == 1));
}

#[tokio::test]
async fn a_failure_is_1_and_tells_node_type_and_message() {
    let body = workflow(json!({"sim_error": "out of memory", "sim_error_type": "torch.OutOfMemoryError"}));
    let ran = watched(&["--once", "--json"], &body).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
    let error = &ran.last()["prompt"]["error"];
    assert_eq!(error["node_id"], "1");
    assert_eq!(error["node_type"], "SomeSampler");
    assert_eq!(error["exception_type"], "torch.OutOfMemoryError");
    let ran = watched(&["--once"], &body).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
    let told = ["failed", "at SomeSampler #1", "torch.OutOfMemoryError: out of memory"];
    assert!(told.iter().all(|told| ran.stdout.contains(told)), "{}", ran.stdout);
}

#[tokio::test]
async fn an_interruption_is_3() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    let child = watching(&simulator, &["--once", "--json"]).await;
    simulator.submit(&workflow(json!({}))).expect("the workflow is valid");
    simulator.step(2);
    simulator.settled().await;
    simulator.interrupt();
    simulator.step(1);
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(3), ""));
    assert_eq!(ran.last()["prompt"]["state"], "interrupted");
}

#[tokio::test]
async fn an_outcome_that_nobody_is_told_is_asked_for() {
    for (inputs, status, state) in [(json!({}), 0, "success"), (json!({"sim_error": "out of memory"}), 1, "error")] {
        let mut body = workflow(inputs);
        body["client_id"] = Value::Null;
        let ran = watched(&["--once", "--json"], &body).await;
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), ""));
        let last = ran.last();
        assert_eq!((&last["prompt"]["state"], &last["connection"]["source"]), (&json!(state), &json!("polling")));
    }
}

#[tokio::test]
async fn nobody_there_is_4() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address").to_string();
    drop(listener);
    for args in [&["watch", &address, "--attempts", "1"][..], &["watch", &address, "--once", "--json"]] {
        let ran = run(args);
        assert_eq!(ran.status, Some(4), "{ran:?}");
        assert!(ran.stderr.contains(&format!("error: http://{address}: no answer at this address")), "{ran:?}");
        assert!(ran.stderr.contains("Check that ComfyUI is running"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_lost_server_is_4_where_there_is_no_second_attempt() {
    for args in [&["--attempts", "1"][..], &["--once", "--json", "--attempts", "1"]] {
        let simulator = simulator().await;
        let child = watching(&simulator, args).await;
        simulator.shutdown().await;
        let ran = ended(child).await;
        assert_eq!(ran.status, Some(4), "{ran:?}");
        // Where it left before it had read our greeting, it reset the connection, and the system's word for that follows.
        assert!(ran.stderr.contains("the server closed the connection"), "{ran:?}");
        assert!(ran.stderr.contains("ComfyUI stopped"), "{ran:?}");
    }
}

#[tokio::test]
async fn huge_messages_pass() {
    let mut body = workflow(json!({"sim_bytes": 4_700_000}));
    body["prompt"]["2"]["inputs"]["sim_bytes"] = json!(4_400_000);
    body["extra_data"] = json!({"preview_method": "latent2rgb"});
    let ran = watched(&["--once", "--json"], &body).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.last()["prompt"]["outputs"], 1);
    assert_eq!(ran.last()["messages"]["malformed"], 0);
}

#[tokio::test]
async fn the_first_prompt_that_ends_decides_and_the_next_ones_do_not() {
    let simulator = simulator().await;
    let child = watching(&simulator, &["--once", "--json"]).await;
    simulator.submit(&workflow(json!({"sim_error": "no"}))).expect("the workflow is valid");
    simulator.submit(&workflow(json!({}))).expect("the workflow is valid");
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(1));
    assert_eq!(ran.last()["prompt"]["state"], "error");
}

#[tokio::test]
async fn without_once_it_goes_on_to_the_next_prompt() {
    let simulator = simulator().await;
    let child = watching(&simulator, &["--attempts", "1"]).await;
    for seed in 0..3 {
        simulator.submit(&workflow(json!({"seed": seed}))).expect("the workflow is valid");
    }
    simulator.settled().await;
    simulator.disconnect(CLIENT);
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(4));
    assert_eq!(ran.stdout.matches("✔ ").count(), 3, "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lines_for_a_pipe_are_plain() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    let mut child = watching(&simulator, &["--once"]).await;
    simulator.submit(&workflow(json!({}))).expect("the workflow is valid");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut text = String::new();
    while !text.contains("#1") {
        let line = lines.next().expect("there are more lines");
        text += &(line.expect("it is UTF-8") + "\n");
    }
    simulator.step(10);
    text.extend(lines.map(|line| line.expect("it is UTF-8") + "\n"));
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    let told = ["connected to 127.0.0.1:", "#1\n", "✔ "];
    assert!(told.iter().all(|told| text.contains(told)), "{text}");
}

#[tokio::test]
async fn history_appends_each_progress_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.jsonl");
    let name = file.to_str().expect("the path is UTF-8");
    for _ in 0..2 {
        let ran = watched(&["--once", "--history", name], &workflow(json!({}))).await;
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    let text = std::fs::read_to_string(&file).expect("it was written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 10);
    for (n, line) in (0_u32..).zip(&lines) {
        assert_eq!((&line["node"], &line["max"]), (&json!("1"), &json!(5.0)));
        assert_eq!(line["value"], json!(f64::from(n % 5 + 1)));
        assert!(line["prompt_id"].is_string() && line["time_ms"].is_u64(), "{line}");
    }
}

#[tokio::test]
async fn what_was_learned_is_kept_and_a_damaged_file_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("new/learned");
    let name = file.to_str().expect("the path is UTF-8");
    let args = ["--once", "--json", "--state", name];
    // Slow enough that the graph is known before it is over.
    let learning = async || {
        let simulator = Simulator::builder().speed(1.0).seed(1).start().await.expect("a port is free");
        let child = watching(&simulator, &args).await;
        simulator.submit(&workflow(json!({"sim_ms": 300}))).expect("the workflow is valid");
        ended(child).await
    };
    let first = learning().await;
    assert_eq!((first.status, first.stderr.as_str()), (Some(0), ""));
    let kept = std::fs::read(&file).expect("it was written");
    std::fs::write(&file, &kept[..kept.len() - 1]).expect("it can be written");
    let second = learning().await;
    assert_eq!(second.status, Some(0), "{second:?}");
    assert!(second.stderr.contains("warning") && second.stderr.contains("the record's end is missing"), "{second:?}");
    assert!(std::fs::read(&file).expect("it is there").len() >= kept.len(), "it was replaced");
    let both = run(&["watch", "--state", name, "--no-learn"]);
    assert_eq!(both.status, Some(2), "{both:?}");
}

#[tokio::test]
async fn a_recording_can_be_watched() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/traces/f_reconnect_midrun.jsonl");
    let mut server = comfyglow(&["simulate", "--listen", "127.0.0.1:0", "--trace", trace, "--speed", "0"]);
    let mut server = server.spawn().expect("the command starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it tells where it listens");
    let url = line.split_whitespace().next().unwrap_or_default();
    let ran = run(&["watch", url, "--json", "--attempts", "1"]);
    server.kill().expect("it runs");
    server.wait().expect("it ends");
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.json().iter().any(|snapshot| snapshot["prompt"]["state"] == "running"), "{ran:?}");
}

/// Where nobody reads what it prints, a signal ends it all the same.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_though_its_output_is_stuck() {
    use std::io::Write as _;

    let simulator = simulator().await;
    for (signal, status) in [("TERM", 143), ("INT", 130)] {
        let (unread, pipe) = std::io::pipe().expect("there is a pipe");
        let mut full = pipe.try_clone().expect("it can be shared");
        // However much room the pipe has, it is full in no time; this ends with the reader.
        std::thread::spawn(move || while full.write_all(&[b'\n'; 4096]).is_ok() {});
        let child = comfyglow(&["watch", simulator.url().as_str(), "--json"])
            .stdout(pipe)
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it can be run");
        simulator.wait_for_sockets(1).await;
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()));
        assert_eq!(ended(child).await.status, Some(status), "{signal}");
        simulator.wait_for_sockets(0).await;
        drop(unread);
    }
}

/// A reader that leaves before the end has not learnt of a success.
#[cfg(unix)]
#[tokio::test]
async fn a_reader_that_leaves_is_141_where_an_end_was_asked_for() {
    for (args, status) in [(&["--once", "--json"][..], 141), (&["--json"], 0)] {
        let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
        let mut child = watching(&simulator, args).await;
        drop(child.stdout.take());
        simulator.submit(&workflow(json!({}))).expect("the workflow is valid");
        assert_eq!(ended(child).await.status, Some(status), "{args:?}");
    }
}
