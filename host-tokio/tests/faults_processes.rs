//! Servers that are killed, stopped and started again amid a prompt, as processes of their own, and the command that watches
//! them or runs a workflow on them.
#![cfg(unix)]
mod support;

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command},
};

use comfyglow::client::{Client, Connection, Progress};
use comfyglow_core::{
    heartbeat::HeartbeatConfig,
    state::{FaultKind, PromptState},
    time::Duration,
};
use serde_json::{Value, json};
use support::{PATIENCE, Ran, comfyglow, ended, workflow};
use tempfile::NamedTempFile;

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// Sends `signal` to `child`.
fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|sent| sent.success()), "{signal}");
}

/// `comfyglow simulate`, killed at the end.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// A server with further `args`, and where it listens.
    fn start(address: &str, args: &[&str]) -> Self {
        let all = [&["simulate", "--listen", address], args].concat();
        let mut child = comfyglow(&all).spawn().expect("the command starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it tells where it listens");
        let url = line.split_whitespace().next().expect("it listens").to_owned();
        Self { child, url }
    }

    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Kills it as by `kill -9`, and starts another at the same address.
    fn restart(&mut self) {
        self.kill();
        *self = Self::start(self.url.trim_start_matches("http://"), &[]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that prints snapshots, and those that it printed.
struct Watcher {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    fn start(args: &[&str]) -> Self {
        let mut child = comfyglow(args).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    /// Reads on to a snapshot that is `wanted`.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").expect("it is UTF-8");
            let snapshot: Value = serde_json::from_str(&line).expect("it is JSON");
            if wanted(&snapshot) {
                return snapshot;
            }
        }
    }

    /// Reads to the end, which is its last snapshot of a prompt.
    async fn end(mut self) -> (Ran, Value) {
        let mut last = Value::Null;
        for line in self.lines.by_ref() {
            let snapshot: Value = serde_json::from_str(&line.expect("it is UTF-8")).expect("it is JSON");
            if snapshot["prompt"].is_object() {
                last = snapshot;
            }
        }
        (ended(self.child).await, last)
    }
}

fn steps(snapshot: &Value) -> f64 {
    snapshot["prompt"]["current_step"].as_f64().unwrap_or_default()
}

/// A workflow of a second or two, with further `inputs` for its sampler.
fn slow(inputs: Value) -> NamedTempFile {
    let mut slow = json!({"steps": 12, "sim_ms": 100});
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    slow.as_object_mut().expect("an object").extend(inputs);
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(workflow(slow)["prompt"].to_string().as_bytes()).expect("it can be written");
    file
}

fn name(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("the path is UTF-8")
}

/// How many prompts the server has had.
async fn prompts(server: &Server) -> usize {
    let client = Client::builder(&server.url).connect().expect("the address is one");
    let queue = in_time(client.queue()).await.expect("it answers");
    queue.running.len() + queue.pending.len()
}

#[tokio::test]
async fn a_run_on_a_server_that_stops_for_a_while_ends_with_its_outcome() {
    for (inputs, status, state) in [(json!({}), 0, "success"), (json!({"sim_error": "no"}), 1, "error")] {
        let (server, file) = (Server::start("127.0.0.1:0", &[]), slow(inputs));
        let mut run = Watcher::start(&["run", name(&file), "--server", &server.url, "--json"]);
        let mut watch = Watcher::start(&["watch", &server.url, "--once", "--json"]);
        watch.until(|now| now["prompt"]["state"] == "running");
        run.until(|now| steps(now) >= 2.0);
        send("STOP", &server.child);
        // Whoever comes now is not answered, for whatever time.
        let late = Watcher::start(&["watch", &server.url, "--once", "--json"]);
        send("CONT", &server.child);
        for (ended, last) in [run.end().await, watch.end().await] {
            assert_eq!((ended.status, ended.stderr.as_str()), (Some(status), ""));
            assert_eq!(last["prompt"]["state"], state);
        }
        send("TERM", &late.child);
        late.end().await;
    }
}

/// The client notices, dials, and is answered once the server goes on.
#[tokio::test]
async fn a_stopped_server_is_told_and_comes_back() -> Result {
    let server = Server::start("127.0.0.1:0", &[]);
    let heartbeat = HeartbeatConfig {
        interval: Duration::from_millis(20),
        timeout: Duration::from_millis(300),
        patience: Duration::from_secs(5),
        ..HeartbeatConfig::DEFAULT
    };
    let client = Client::builder(&server.url).heartbeat(heartbeat).connect()?;
    let mut connection = client.connection();
    in_time(connection.wait_for(Connection::is_connected)).await?;
    let workflow = workflow(json!({"steps": 5, "sim_ms": 100}));
    let submitted = in_time(client.submit(&workflow["prompt"])).await?;
    let mut progress = client.progress();
    in_time(progress.wait_for(|now| now.as_ref().is_some_and(|now| now.steps.is_some()))).await?;
    send("STOP", &server.child);
    let lost = in_time(connection.wait_for(|now| now.fault.is_some())).await?;
    assert_eq!(lost.fault.map(|fault| fault.kind), Some(FaultKind::Silent));
    assert_eq!(progress.get().map(|now| now.state), Some(PromptState::Running), "what is known stays");
    send("CONT", &server.child);
    let over = |now: &Option<Progress>| now.as_ref().is_some_and(Progress::is_over);
    let end = in_time(progress.wait_for(over)).await?.expect("a prompt ran");
    assert_eq!(end.prompt_id.as_deref(), Some(submitted.prompt_id.as_str()));
    assert_eq!((end.state, end.percentage), (PromptState::Success, Some(100.0)));
    Ok(())
}

#[tokio::test]
async fn a_prompt_that_a_killed_server_forgot_is_5_and_not_submitted_again() {
    let (mut server, file) = (Server::start("127.0.0.1:0", &[]), slow(json!({"steps": 1_000})));
    let mut run = Watcher::start(&["run", name(&file), "--server", &server.url, "--json"]);
    let mut watch = Watcher::start(&["watch", &server.url, "--once", "--json"]);
    watch.until(|now| now["prompt"]["state"] == "running");
    run.until(|now| steps(now) >= 2.0);
    server.restart();
    for (ended, last) in [run.end().await, watch.end().await] {
        assert_eq!(ended.status, Some(5), "{ended:?}");
        assert!(ended.stderr.contains("its outcome was not heard"), "{ended:?}");
        assert_eq!(last["prompt"]["state"], "ended");
    }
    assert_eq!(prompts(&server).await, 0);
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_tried_until_it_is_back() {
    let (mut server, file) = (Server::start("127.0.0.1:0", &[]), slow(json!({"steps": 1_000})));
    let mut run = Watcher::start(&["run", name(&file), "--server", &server.url, "--json"]);
    run.until(|now| steps(now) >= 2.0);
    let address = server.url.trim_start_matches("http://").to_owned();
    server.kill();
    let away = run.until(|now| now["connection"]["error"]["kind"] == "unreachable");
    assert_eq!(away["prompt"]["state"], "running", "nothing else is known");
    let away = run.until(|now| now["connection"]["next_attempt_ms"].is_u64());
    assert_eq!(away["connection"]["status"], "disconnected");
    let server = Server::start(&address, &[]);
    let (ended, _) = run.end().await;
    assert_eq!(ended.status, Some(5), "{ended:?}");
    assert_eq!(prompts(&server).await, 0);
}

#[tokio::test]
async fn faults_of_the_command_are_scripted_and_run_lives_through_them() {
    for (fault, status) in [
        ("end,after=8,times=1", 0),
        ("reset,after=8,times=1", 0),
        ("close:1012,after=8,times=1", 0),
        ("no-jobs", 0),
        ("drip", 0),
        // The server loses sight of us behind the first status, and has done with the prompt before that is found out.
        ("deaf,after=1", 0),
        ("restart,after=8,times=1", 5),
        // Nothing is lost yet when the first attempt fails: who started it decides.
        ("status:503", 4),
        ("status:401", 4),
        ("redirect", 4),
        ("garbage", 4),
        ("accept-key", 4),
        // It was submitted and nobody knows: it is said so, and not done again.
        ("reset,on=http", 4),
        ("answer-lost", 4),
    ] {
        let (server, file) = (Server::start("127.0.0.1:0", &["--fault", fault]), slow(json!({"sim_ms": 20})));
        let run = Watcher::start(&["run", name(&file), "--server", &server.url, "--json"]);
        let (ended, _) = in_time(run.end()).await;
        assert_eq!(ended.status, Some(status), "{fault}: {ended:?}");
        assert_eq!(ended.stderr.contains("may be queued"), fault.contains("http") || fault == "answer-lost", "{fault}");
    }
}

/// The connection is lost while the workflow is being submitted, which is over before there is another.
#[tokio::test]
async fn a_run_that_was_over_before_anything_was_heard_ends_with_its_outcome() {
    for (inputs, status, state) in [(json!({}), 0, "success"), (json!({"sim_error": "no"}), 1, "error")] {
        let args = ["--speed", "0", "--fault", "end,after=3,times=1"];
        let (server, file) = (Server::start("127.0.0.1:0", &args), slow(inputs));
        let run = Watcher::start(&["run", name(&file), "--server", &server.url, "--json"]);
        let (ended, last) = in_time(run.end()).await;
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(status), ""));
        assert_eq!((&last["prompt"]["state"], &last["connection"]["source"]), (&json!(state), &json!("polling")));
    }
}
