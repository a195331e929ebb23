//! `comfyglow watch` beside another client that submits, on a stock server.
mod support;

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout},
};

use comfyglow::simulator::Simulator;
use serde_json::{Value, json};
use support::{comfyglow, ended, workflow};

/// Someone who watches and submits nothing.
struct Observer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it told last.
    last: Value,
}

impl Observer {
    /// One that knows how it follows others.
    async fn of(simulator: &Simulator, args: &[&str]) -> Self {
        let url = simulator.url();
        let all: Vec<&str> = ["watch", url.as_str(), "--json"].iter().chain(args).copied().collect();
        let mut child = comfyglow(&all).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let observer = Self { child, lines, last: Value::Null };
        observer.until("/connection/way", &json!("logs")).await
    }

    /// Reads on until it tells that.
    async fn until(mut self, pointer: &str, expected: &Value) -> Self {
        let (pointer, expected) = (pointer.to_owned(), expected.clone());
        let read = tokio::task::spawn_blocking(move || {
            loop {
                let line =
                    self.lines.next().unwrap_or_else(|| panic!("it never told {pointer} {expected}: {}", self.last));
                self.last = serde_json::from_str(&line.expect("it is UTF-8")).expect("each line is JSON");
                if self.last.pointer(&pointer) == Some(&expected) {
                    return self;
                }
            }
        });
        tokio::time::timeout(support::PATIENCE, read).await.expect("it tells in time").expect("it tells so")
    }
}

#[tokio::test]
async fn the_steps_of_a_browsers_prompt_are_told_and_marked() {
    let simulator = Simulator::builder().stepped().start().await.expect("a port is free");
    let mut observer = Observer::of(&simulator, &["--once"]).await;
    let prompt_id = simulator.submit(&workflow(json!({}))).expect("the workflow is valid");
    observer = observer.until("/prompt/nodes_total", &json!(2)).await;
    assert_eq!(observer.last["prompt"]["prompt_id"], json!(prompt_id));
    for step in 1..=5 {
        simulator.step(1);
        observer = observer.until("/prompt/current_step", &json!(f64::from(step))).await;
        let Value::Object(prompt) = &observer.last["prompt"] else { panic!("a prompt runs") };
        assert_eq!((&prompt["current_node"], &prompt["total_steps"]), (&json!("1"), &json!(5.0)));
        assert_eq!(prompt["percentage"], json!(f64::from(step) * 10.0));
        assert_eq!(observer.last["connection"]["source"], "logs");
    }
    simulator.step(5);
    let observer = observer.until("/prompt/state", &json!("success")).await;
    assert_eq!(observer.last["prompt"]["percentage"], 100.0);
    drop(observer.lines);
    assert!(matches!(ended(observer.child).await.status, Some(0 | 141)));
}

#[tokio::test]
async fn each_of_several_quick_prompts_is_told_with_its_outcome() {
    let simulator = Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free");
    let mut observer = Observer::of(&simulator, &[]).await;
    let fails = json!({"sim_error": "out of memory", "sim_error_type": "torch.OutOfMemoryError"});
    for (inputs, state) in [(json!({}), "success"), (fails, "error"), (json!({"seed": 2}), "success")] {
        let prompt_id = simulator.submit(&workflow(inputs)).expect("the workflow is valid");
        observer = observer.until("/prompt/prompt_id", &json!(prompt_id)).await;
        if observer.last["prompt"]["state"] != json!(state) || observer.last["connection"]["source"] != "polling" {
            observer = observer.until("/prompt/state", &json!(state)).await;
        }
        if state == "error" {
            observer = observer.until("/prompt/error/node_id", &json!("1")).await;
            assert_eq!(observer.last["prompt"]["error"]["exception_type"], "torch.OutOfMemoryError");
        }
    }
    observer.child.kill().expect("it runs");
    ended(observer.child).await;
}
