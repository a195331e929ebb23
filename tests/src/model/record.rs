//! The record of one prompt.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::ToPrimitive as _;
use serde_json::{Value, json};

use super::message::{Bar, Entry, Failure, Message};

/// What has become of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Success,
    Error,
    Interrupted,
    /// It ended, how was not seen; a guess that its next event takes back.
    Ended,
}

/// What was heard of a node.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The display id last heard.
    display: Option<String>,
    /// The value and max last heard, where max > 0.
    bar: Option<Bar>,
    /// A `progress_state` said that it finished.
    seen_finished: bool,
    /// It was made current once.
    was_current: bool,
    /// It was current when another node was announced, or when the prompt succeeded.
    passed: bool,
}

/// The node that the snapshot shows.
#[derive(Clone, Debug)]
struct Current {
    real: String,
    shown: String,
}

/// One prompt, from the first that was heard of it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) prompt: Option<String>,
    pub(super) state: State,
    started_ms: Option<f64>,
    ended_ms: Option<f64>,
    nodes_total: Option<usize>,
    /// The learned durations of the graph's nodes, in milliseconds.
    weights: BTreeMap<String, u64>,
    cached: Option<Vec<String>>,
    nodes: BTreeMap<String, Node>,
    had_progress_state: bool,
    /// The last entry's node in the `progress_state` before; `None` where that had no entry.
    last_entry: Option<String>,
    current: Option<Current>,
    steps: Option<Bar>,
    percentage: Option<BigRational>,
    outputs: u64,
    previews: u64,
    text_updates: u64,
    warnings: u64,
    failure: Option<Failure>,
}

impl Record {
    pub(super) fn new(
        prompt: Option<&str>,
        nodes_total: Option<usize>,
        weights: BTreeMap<String, u64>,
        started_ms: Option<f64>,
    ) -> Self {
        Self {
            prompt: prompt.map(str::to_owned),
            state: State::Running,
            started_ms,
            ended_ms: None,
            nodes_total,
            weights,
            cached: None,
            nodes: BTreeMap::new(),
            had_progress_state: false,
            last_entry: None,
            current: None,
            steps: None,
            percentage: None,
            outputs: 0,
            previews: 0,
            text_updates: 0,
            warnings: 0,
            failure: None,
        }
    }

    /// Gives a record that began without an id the id it turned out to have.
    pub(super) fn name(&mut self, prompt: &str, nodes_total: Option<usize>, weights: BTreeMap<String, u64>) {
        self.prompt = Some(prompt.to_owned());
        self.nodes_total = nodes_total;
        self.weights = weights;
    }

    /// Takes the guess back that the prompt ended.
    pub(super) fn revive(&mut self) {
        self.state = State::Running;
        self.ended_ms = None;
    }

    pub(super) fn clear_current(&mut self) {
        self.current = None;
        self.steps = None;
    }

    /// Applies a message that speaks of this record, which is running.
    pub(super) fn apply(&mut self, t_ms: f64, message: Message) {
        match message {
            Message::Status { queue_remaining: 0 } | Message::Done { prompt: Some(_) } => self.end(t_ms, State::Ended),
            Message::Status { .. } | Message::Done { prompt: None } | Message::Start { .. } | Message::Aside => {}
            Message::Cached { nodes, .. } => self.cached = Some(nodes),
            Message::Executing { node, display, .. } => {
                if let Some(display) = display {
                    self.nodes.entry(node.clone()).or_default().display = Some(display);
                }
                for (_, other) in self.nodes.iter_mut().filter(|(id, _)| **id != node) {
                    other.passed |= other.was_current;
                }
                self.make_current(&node);
            }
            Message::Progress { node, bar, .. } => {
                if let Some(node) = node {
                    self.hear_bar(&node, bar);
                    if !self.is_current(&node) {
                        self.make_current(&node);
                    }
                }
                self.steps = (bar.max > 0).then_some(bar);
            }
            Message::ProgressState { entries, .. } => self.progress_state(&entries),
            Message::Executed { .. } => self.outputs += 1,
            Message::Preview => self.previews += 1,
            Message::TextUpdate => self.text_updates += 1,
            Message::Error { failure, .. } if failure.exception_type == "ExecutionBlocked" => self.warnings += 1,
            Message::Error { failure, .. } => {
                self.failure = Some(failure);
                self.end(t_ms, State::Error);
            }
            Message::Interrupted { .. } => self.end(t_ms, State::Interrupted),
            Message::Success { .. } => {
                for node in self.nodes.values_mut() {
                    node.passed |= node.was_current;
                }
                self.end(t_ms, State::Success);
            }
        }
    }

    fn end(&mut self, t_ms: f64, state: State) {
        self.state = state;
        self.ended_ms = Some(t_ms);
        self.clear_current();
    }

    fn is_current(&self, node: &str) -> bool {
        self.current.as_ref().is_some_and(|current| current.real == node)
    }

    /// Makes a node the current one, shown by its display id as last heard; its steps are not known yet.
    fn make_current(&mut self, node: &str) {
        let known = self.nodes.entry(node.to_owned()).or_default();
        known.was_current = true;
        let shown = known.display.clone().unwrap_or_else(|| node.to_owned());
        self.current = Some(Current { real: node.to_owned(), shown });
        self.steps = None;
    }

    /// A node's bar, where it says something about how far the node is.
    fn hear_bar(&mut self, node: &str, bar: Bar) {
        let known = self.nodes.entry(node.to_owned()).or_default();
        if bar.max > 0 {
            known.bar = Some(bar);
        }
    }

    fn progress_state(&mut self, entries: &[Entry]) {
        self.had_progress_state = true;
        for entry in entries {
            self.hear_bar(&entry.node, entry.bar);
            let known = self.nodes.entry(entry.node.clone()).or_default();
            known.seen_finished |= entry.state == "finished";
            if entry.display.is_some() {
                known.display.clone_from(&entry.display);
            }
        }
        let runs = |entry: &&Entry| entry.state == "running";
        let last = entries.last().map(|entry| entry.node.clone());
        if let Some(started) = entries.last().filter(runs)
            && self.last_entry != last
            && !self.is_current(&started.node)
        {
            self.make_current(&started.node);
        }
        self.last_entry = last;
        if self.current.is_none()
            && let Some(running) = entries.iter().rfind(runs)
        {
            self.make_current(&running.node);
        }
        if let Some(entry) = entries.iter().filter(runs).find(|entry| self.is_current(&entry.node))
            && entry.bar.max > 1000
        {
            self.steps = Some(entry.bar);
        }
    }

    /// A node of the submitted graph, so far as was heard: its display id is its own.
    fn is_top_level(&self, id: &str) -> bool {
        self.nodes.get(id).and_then(|node| node.display.as_deref()).is_none_or(|display| display == id)
    }

    fn cached_ids(&self) -> BTreeSet<&str> {
        self.cached.iter().flatten().map(String::as_str).collect()
    }

    /// The nodes that finished: where no `progress_state` tells, those that others came after.
    fn finished(&self) -> BTreeSet<&str> {
        let cached = self.cached_ids();
        self.nodes
            .iter()
            .filter(|(_, node)| node.seen_finished || (!self.had_progress_state && node.passed))
            .map(|(id, _)| id.as_str())
            .filter(|id| self.is_top_level(id) && !cached.contains(id))
            .collect()
    }

    /// What a node weighs of which nothing was learned: the lower median of the others of the graph, or 1.
    fn typical(&self) -> i128 {
        let mut known: Vec<u64> = self.weights.values().map(|weight| (*weight).max(1)).collect();
        known.sort_unstable();
        known.get(known.len().saturating_sub(1) / 2).copied().map_or(1, i128::from)
    }

    fn weight(&self, id: &str) -> i128 {
        self.weights.get(id).map_or_else(|| self.typical(), |weight| i128::from((*weight).max(1)))
    }

    /// Works the percentage out anew, after each message.
    pub(super) fn reckon(&mut self) {
        let hundred = ratio(100, 1);
        if self.state == State::Success {
            self.percentage = Some(hundred);
            return;
        }
        let Some(total) = self.nodes_total else { return };
        let cached = self.cached_ids();
        let finished = self.finished();
        let whole: i128 =
            cached.iter().filter(|id| self.is_top_level(id)).chain(&finished).map(|id| self.weight(id)).sum();
        // Fractions of one denominator are added up first: a workflow's bars have few different ones.
        let mut parts: BTreeMap<i64, i128> = BTreeMap::new();
        for (id, node) in &self.nodes {
            let counted = cached.contains(id.as_str()) || finished.contains(id.as_str()) || !self.is_top_level(id);
            if let Some(bar) = node.bar.filter(|_| !counted) {
                *parts.entry(bar.max).or_default() += i128::from(bar.value.clamp(0, bar.max)) * self.weight(id);
            }
        }
        let sum = parts.iter().map(|(max, values)| ratio(*values, i128::from(*max)));
        let sum = sum.fold(ratio(whole, 1), |sum, part| sum + part);
        let known: i128 = self.weights.keys().map(|id| self.weight(id)).sum();
        let others = total.saturating_sub(self.weights.len()) as i128 * self.typical();
        let now = (hundred * sum / ratio((known + others).max(1), 1)).min(ratio(999, 10));
        self.percentage = Some(self.percentage.take().map_or(now.clone(), |before| before.max(now)));
    }

    pub(super) fn snapshot(&self, now_ms: f64) -> Value {
        let percentage = self.percentage.as_ref().and_then(BigRational::to_f64);
        let elapsed = self.started_ms.map(|start| self.ended_ms.unwrap_or(now_ms) - start);
        let eta = elapsed
            .zip(percentage)
            .filter(|(_, percentage)| self.state == State::Running && *percentage > 0.0)
            .map(|(elapsed, percentage)| elapsed * (100.0 - percentage) / percentage);
        json!({
            "prompt_id": self.prompt,
            "state": match self.state {
                State::Running => "running",
                State::Success => "success",
                State::Error => "error",
                State::Interrupted => "interrupted",
                State::Ended => "ended",
            },
            "current_node": self.current.as_ref().map(|current| &current.shown),
            "current_step": self.steps.map(|bar| shown(bar.value)),
            "total_steps": self.steps.map(|bar| shown(bar.max)),
            "percentage": percentage,
            "eta_ms": eta,
            "elapsed_ms": elapsed,
            "nodes_total": self.nodes_total,
            "nodes_cached": self.cached.as_ref().map(Vec::len),
            "nodes_finished": self.finished().len(),
            "outputs": self.outputs,
            "previews": self.previews,
            "text_updates": self.text_updates,
            "warnings": self.warnings,
            "error": self.failure.as_ref().map(|failure| json!({
                "node_id": failure.node_id,
                "node_type": failure.node_type,
                "exception_type": failure.exception_type,
                "exception_message": failure.exception_message,
                "truncated": false,
            })),
        })
    }
}

fn ratio(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

/// Thousandths as a number; exact enough, since no step is above 2^40.
#[allow(clippy::cast_precision_loss, reason = "below 2^53")]
fn shown(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}
