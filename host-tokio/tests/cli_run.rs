//! `comfyglow run` against a server, and how it ends.
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Stdio},
};

use comfyglow::{
    client::{Http, Interrupted},
    simulator::Simulator,
};
use serde_json::{Value, json};
use support::{Ran, comfyglow, ended, run, workflow};
use tempfile::NamedTempFile;

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free")
}

fn file(workflow: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(workflow.to_string().as_bytes()).expect("it can be written");
    file
}

fn name(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("the path is UTF-8")
}

fn started(simulator: &Simulator, file: &NamedTempFile, args: &[&str]) -> Child {
    let url = simulator.url();
    let all: Vec<&str> = ["run", name(file), "--server", &url].iter().chain(args).copied().collect();
    comfyglow(&all).spawn().expect("the command starts")
}

/// Runs `workflow` with `args` at a simulator.
async fn ran(workflow: &Value, args: &[&str]) -> Ran {
    let (simulator, file) = (simulator().await, file(workflow));
    ended(started(&simulator, &file, args)).await
}

fn graph(inputs: Value) -> Value {
    workflow(inputs)["prompt"].take()
}

#[tokio::test]
async fn success_is_0_and_lists_the_outputs() {
    let ran = ran(&graph(json!({})), &[]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("✔ "), "{}", ran.stdout);
    assert!(ran.stdout.contains("SaveSomething #2: output/"), "{}", ran.stdout);
}

#[tokio::test]
async fn programs_get_snapshots_then_outputs_with_their_addresses() {
    let ran = ran(&graph(json!({})), &["--json"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let mut lines = ran.json();
    let outputs = lines.pop().expect("there are lines");
    let last = lines.pop().expect("there are more");
    assert_eq!((&last["prompt"]["state"], &last["prompt"]["nodes_total"]), (&json!("success"), &json!(2)));
    assert_eq!(last["prompt"]["prompt_id"], outputs["prompt_id"]);
    let output = &outputs["outputs"][0];
    assert_eq!((&output["node"], &output["class"]), (&json!("2"), &json!("SaveSomething")));
    let (name, url) = (output["files"][0]["filename"].as_str(), output["files"][0]["url"].as_str());
    let (name, url) = (name.expect("it has a name"), url.expect("it has an address"));
    assert!(url.starts_with("http://127.0.0.1:") && url.contains(&format!("/view?filename={name}&")), "{url}");
}

#[tokio::test]
async fn a_failure_is_1() {
    let ran = ran(&graph(json!({"sim_error": "no memory"})), &[]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.contains("at SomeSampler #1") && ran.stdout.contains("no memory"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_refused_workflow_is_2_and_told_node_by_node() {
    let simulator = Simulator::builder().stock_nodes_only(true).start().await.expect("a port is free");
    let file = file(&json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": -5, "height": 64, "batch_size": 1, "color": 1}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }));
    let ran = ended(started(&simulator, &file, &[])).await;
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("won't run this workflow"), "{ran:?}");
    assert!(ran.stderr.contains("\nEmptyImage #1: width is -5, but must be at least 1\n"), "{ran:?}");
}

#[test]
fn what_is_no_workflow_is_2_before_anybody_is_asked() {
    let editors = file(&json!({"nodes": [], "links": [], "version": 0.4}));
    let list = file(&json!([1, 2]));
    let mut text = NamedTempFile::new().expect("a file");
    text.write_all(b"not { JSON").expect("it can be written");
    for (file, said) in [
        (name(&editors), "Export (API)"),
        (name(&list), "it is a list"),
        (name(&text), "no JSON"),
        ("/no/such/file", "can't be read"),
    ] {
        let ran = run(&["run", file, "--server", "127.0.0.1:9"]);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains(file), "{ran:?}");
    }
}

#[test]
fn nobody_there_is_4_and_nothing_was_submitted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address").to_string();
    drop(listener);
    let file = file(&graph(json!({})));
    let ran = run(&["run", name(&file), "--server", &address]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("no answer at this address") && !ran.stderr.contains("may go on"), "{ran:?}");
}

#[tokio::test]
async fn a_workflow_from_the_standard_input() {
    let simulator = simulator().await;
    let url = simulator.url();
    let mut child = comfyglow(&["run", "-", "--server", &url]).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(graph(json!({})).to_string().as_bytes()).expect("it is read");
    drop(stdin);
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_waiting_one_that_somebody_took_out_of_the_queue_is_not_waited_for() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    simulator.submit(&workflow(json!({"seed": 1}))).expect("the workflow is valid");
    let file = file(&graph(json!({})));
    let child = started(&simulator, &file, &[]);
    simulator.wait_for_sockets(1).await;
    let http = Http::new(simulator.url().parse().expect("an address"), &[], support::PATIENCE);
    let id = loop {
        let queue = http.queue().await.expect("it answers");
        if let Some(waiting) = queue.pending.first() {
            break waiting.prompt_id.clone();
        }
    };
    assert_eq!(http.interrupt(&id).await, Ok(Interrupted::Waiting));
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(3), ""), "{}", ran.stdout);
    assert!(ran.stdout.contains("took it out of the server's queue"), "{}", ran.stdout);
}

#[tokio::test]
async fn what_is_logged_tells_no_secrets() {
    let (simulator, file) = (simulator().await, file(&graph(json!({}))));
    let url = format!("http://ann:secret-1@{}/?token=secret-2", simulator.addr());
    let ran = ended(comfyglow(&["-v", "run", name(&file), "--server", &url]).spawn().expect("it starts")).await;
    assert_eq!(ran.status, Some(0), "{ran:?}");
    // With --verbose the outputs' addresses are told.
    assert!(ran.stdout.contains("/view?filename=") && ran.stderr.contains("submit{prompt_id="), "{ran:?}");
    // In base64 the login would begin so.
    for secret in ["secret-", "YW5uOn"] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran:?}");
    }
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|sent| sent.success()));
}

/// Reads lines until one has `wanted`.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, wanted: &str) {
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains(wanted))), "no line has {wanted}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ctrl_c_interrupts_it_on_the_server_once() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    let file = file(&graph(json!({})));
    let mut child = started(&simulator, &file, &[]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    read_until(&mut lines, "#1");
    interrupt(&child);
    read_until(&mut lines, "Ctrl-C again leaves it to itself");
    read_until(&mut lines, "it ends with its next step");
    simulator.step(1);
    let rest: String = lines.map(|line| line.expect("it is UTF-8") + "\n").collect();
    let ran = ended(child).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(3), ""), "{rest}");
    assert!(rest.contains("interrupted"), "{rest}");
    assert_eq!(simulator.queue_remaining(), 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_ctrl_c_leaves_it() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    let file = file(&graph(json!({})));
    let mut child = started(&simulator, &file, &[]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    read_until(&mut lines, "#1");
    interrupt(&child);
    read_until(&mut lines, "it ends with its next step");
    interrupt(&child);
    let mut rest = String::new();
    lines.for_each(|line| rest += &line.expect("it is UTF-8"));
    assert_eq!(ended(child).await.status, Some(130), "{rest}");
    assert_eq!(simulator.queue_remaining(), 1, "it goes on");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ctrl_c_takes_a_waiting_one_out_of_the_queue() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    simulator.submit(&workflow(json!({"seed": 1}))).expect("the workflow is valid");
    let file = file(&graph(json!({})));
    let mut child = started(&simulator, &file, &["--json"]);
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains(r#""queue_remaining":2"#) {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("it is UTF-8"), 0, "it has ended");
    }
    interrupt(&child);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it is UTF-8");
    let ran = ended(child).await;
    assert_eq!(ran.status, Some(3), "{ran:?} {rest}");
    assert!(ran.stderr.contains("taken out of the server's queue"), "{ran:?}");
    assert_eq!(simulator.queue_remaining(), 1);
}
