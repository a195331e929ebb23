//! A model of the session: what a snapshot says, written down once more in plain std Rust.
//!
//! It follows the rules of the snapshot one by one, remembers everything and shares no code with `comfyglow-core`, so
//! that where both agree, both are probably right. Nothing has a capacity, messages are taken whole, and percentages
//! are exact fractions.

pub mod json;
pub mod message;
mod record;
pub mod thousandths;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use message::{Judged, Message};
use record::{Record, State};

/// How many replaced prompts are remembered.
const REMEMBERED: usize = 8;

/// A session as the snapshot's rules have it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    nodes_total: HashMap<String, usize>,
    /// By prompt, the learned durations of the graph's nodes, in milliseconds.
    weights: HashMap<String, BTreeMap<String, u64>>,
    queue_remaining: Option<u32>,
    record: Option<Record>,
    /// Prompts whose record was replaced, the last at the end.
    replaced: Vec<String>,
    text: u64,
    binary: u64,
    malformed: u64,
    unknown: u64,
    open: bool,
}

impl Model {
    /// A session that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells how many nodes the graph of `prompt_id` has; to be called before the first message.
    pub fn set_nodes_total(&mut self, prompt_id: impl Into<String>, nodes: usize) {
        self.nodes_total.insert(prompt_id.into(), nodes);
    }

    /// Tells how long nodes of the graph of `prompt_id` are known to take, in milliseconds; to be called before the first
    /// message.
    pub fn set_weights(&mut self, prompt_id: impl Into<String>, weights: BTreeMap<String, u64>) {
        self.weights.insert(prompt_id.into(), weights);
    }

    /// Takes a text message that was received whole at `t_ms`.
    pub fn text(&mut self, t_ms: f64, text: &str) {
        self.text += 1;
        let heard = message::text(text);
        self.open |= heard.open;
        self.take(t_ms, heard.judged);
    }

    /// Takes a binary message that was received whole at `t_ms`.
    pub fn binary(&mut self, t_ms: f64, bytes: &[u8]) {
        self.binary += 1;
        self.take(t_ms, message::binary(bytes));
    }

    /// Takes a new connection to the server in place of a lost one.
    pub fn connected(&mut self) {
        if let Some(record) = self.running() {
            record.clear_current();
        }
    }

    /// Whether a message was heard that may rightly be taken in more than one way: one with a repeated key, or a
    /// `progress_state` that broke. From then on another implementation may differ.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The snapshot at `now_ms`, without its `connection`.
    ///
    /// `elapsed_ms` and `eta_ms` are not rounded. The ETA is linear: the time since the start, in the proportion of
    /// what is left to what is done.
    pub fn snapshot(&self, now_ms: f64) -> Value {
        json!({
            "schema": 1,
            "queue_remaining": self.queue_remaining,
            "prompt": self.record.as_ref().map(|record| record.snapshot(now_ms)),
            "messages": {
                "text": self.text,
                "binary": self.binary,
                "malformed": self.malformed,
                "unknown": self.unknown,
            },
        })
    }

    fn take(&mut self, t_ms: f64, judged: Judged) {
        match judged {
            Judged::Malformed => self.malformed += 1,
            Judged::Unknown => self.unknown += 1,
            Judged::Used(message) => self.apply(t_ms, message),
        }
        if let Some(record) = &mut self.record {
            record.reckon();
        }
    }

    fn apply(&mut self, t_ms: f64, message: Message) {
        if let Message::Status { queue_remaining } = message {
            self.queue_remaining = Some(queue_remaining);
        }
        if self.concerns_record(t_ms, &message)
            && let Some(record) = self.running()
        {
            record.apply(t_ms, message);
        }
    }

    fn running(&mut self) -> Option<&mut Record> {
        self.record.as_mut().filter(|record| record.state == State::Running)
    }

    /// Finds or begins the record that the message speaks of; false where it speaks of none.
    fn concerns_record(&mut self, t_ms: f64, message: &Message) -> bool {
        let Some(prompt) = message.prompt() else {
            // Speaks of the running record, if there is one. Only a node that executes proves that something runs.
            if matches!(message, Message::Executing { .. }) && self.running().is_none() {
                self.begin(None, None);
            }
            return true;
        };
        let start = matches!(message, Message::Start { .. });
        let done = matches!(message, Message::Done { .. });
        match self.record.as_mut().filter(|record| record.prompt.as_deref() == Some(prompt)) {
            Some(record) => match record.state {
                State::Running => return true,
                // Rule 1 comes first: only a running record makes a start of its own prompt nothing new.
                _ if start => {}
                State::Ended if !done => {
                    record.revive();
                    return true;
                }
                State::Ended | State::Success | State::Error | State::Interrupted => return false,
            },
            None if start => {}
            None if self.replaced.iter().any(|id| id == prompt) => return false,
            None => {
                let nodes_total = self.nodes_total.get(prompt).copied();
                let weights = self.weights.get(prompt).cloned().unwrap_or_default();
                if let Some(nameless) = self.running().filter(|record| record.prompt.is_none()) {
                    nameless.name(prompt, nodes_total, weights);
                    return true;
                }
                if done {
                    return false;
                }
            }
        }
        self.begin(Some(prompt), start.then_some(t_ms));
        true
    }

    fn begin(&mut self, prompt: Option<&str>, started_ms: Option<f64>) {
        let nodes_total = prompt.and_then(|id| self.nodes_total.get(id)).copied();
        let weights = prompt.and_then(|id| self.weights.get(id)).cloned().unwrap_or_default();
        let before = self.record.replace(Record::new(prompt, nodes_total, weights, started_ms));
        if let Some(id) = before.and_then(|record| record.prompt) {
            self.replaced.retain(|known| *known != id);
            self.replaced.push(id);
            let forgotten = self.replaced.len().saturating_sub(REMEMBERED);
            self.replaced.drain(..forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::assert_matches;

    const START: &str = r#"{"type": "execution_start", "data": {"prompt_id": "p"}}"#;
    const QUARTER: &str = r#"{"type": "progress", "data": {"value": 1, "max": 4, "prompt_id": "p", "node": "1"}}"#;
    const SUCCESS: &str = r#"{"type": "execution_success", "data": {"prompt_id": "p"}}"#;

    #[test]
    fn times_count_from_the_start_to_the_end() {
        let mut model = Model::new();
        model.set_nodes_total("p", 1);
        model.text(1000.0, START);
        assert_matches(&json!({"prompt": {"elapsed_ms": 500, "eta_ms": null}}), &model.snapshot(1500.0));
        model.text(1600.0, QUARTER);
        assert_matches(&json!({"prompt": {"elapsed_ms": 1000, "eta_ms": 3000}}), &model.snapshot(2000.0));
        model.text(5000.0, SUCCESS);
        assert_matches(&json!({"prompt": {"elapsed_ms": 4000, "eta_ms": null}}), &model.snapshot(9000.0));
    }

    #[test]
    fn without_a_start_there_are_no_times() {
        let mut model = Model::new();
        model.set_nodes_total("p", 1);
        model.text(1000.0, QUARTER);
        assert_matches(&json!({"prompt": {"elapsed_ms": null, "eta_ms": null}}), &model.snapshot(2000.0));
    }

    #[test]
    fn a_new_connection_clears_what_a_running_prompt_is_at() {
        let mut model = Model::new();
        model.text(0.0, START);
        model.text(0.0, QUARTER);
        model.connected();
        let cleared = json!({"prompt": {"state": "running", "current_node": null, "current_step": null}});
        assert_matches(&cleared, &model.snapshot(0.0));
        model.text(0.0, QUARTER);
        assert_matches(&json!({"prompt": {"current_node": "1", "current_step": 1}}), &model.snapshot(0.0));
    }

    #[test]
    fn says_where_another_reader_may_differ() {
        let broken = r#"{"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"1": {"value": 1, "#;
        for (text, open) in [(START, false), (broken, true), (r#"{"type": "x", "a": 1, "a": 2}"#, true), ("{", false)] {
            let mut model = Model::new();
            model.text(0.0, text);
            assert_eq!(model.is_open(), open, "{text}");
        }
    }
}
