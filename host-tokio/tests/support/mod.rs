//! What the tests of the command share.
#![allow(dead_code, reason = "each test file uses its part")]

#[cfg(all(unix, feature = "boards"))]
pub(crate) mod board;
#[cfg(feature = "boards")]
pub(crate) mod elf;
#[cfg(unix)]
pub(crate) mod seen;

use std::{
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use comfyglow::simulator::Simulator;
use serde_json::{Value, json};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The command with `args`, in an environment that says nothing of terminals.
pub(crate) fn comfyglow(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comfyglow"));
    for name in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "COLORTERM"] {
        command.env_remove(name);
    }
    command.args(args);
    if (args.contains(&"watch") || args.contains(&"run")) && !args.contains(&"--state") {
        // What one test learns is no other's business, nor the user's.
        command.arg("--no-learn");
    }
    command.env("LANG", "C.UTF-8").env("TERM", "xterm-256color");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the command with `args` printed and how it ended.
pub(crate) fn run(args: &[&str]) -> Ran {
    Ran::of(comfyglow(args).output().expect("the command starts"))
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// The lines of stdout, each as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The last line of stdout as JSON.
    pub(crate) fn last(&self) -> Value {
        self.json().pop().unwrap_or(Value::Null)
    }
}

/// Waits for `child` to end.
pub(crate) async fn ended(child: Child) -> Ran {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends in time");
    Ran::of(output.expect("nothing panics").expect("its output can be read"))
}

/// The client that submits and watches.
pub(crate) const CLIENT: &str = "test-client";

/// Starts the command `watch` with `args` at `simulator`, and waits until it is connected.
pub(crate) async fn watching(simulator: &Simulator, args: &[&str]) -> Child {
    let url = simulator.url();
    let all: Vec<&str> = ["watch", url.as_str(), "--client-id", CLIENT].iter().chain(args).copied().collect();
    let child = comfyglow(&all).spawn().expect("the command starts");
    let connected = simulator.wait_for_sockets(1);
    tokio::time::timeout(PATIENCE, connected).await.expect("it connects in time");
    child
}

/// A workflow of a sampler of five steps and an output, with further `inputs` for the sampler.
pub(crate) fn workflow(inputs: Value) -> Value {
    let mut sampler = json!({"steps": 5});
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    sampler.as_object_mut().expect("an object").extend(inputs);
    json!({
        "prompt": {
            "1": {"class_type": "SomeSampler", "inputs": sampler},
            "2": {"class_type": "SaveSomething", "inputs": {"from": ["1", 0]}},
        },
        "client_id": CLIENT,
    })
}
