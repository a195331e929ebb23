//! A session's state as JSON: one meaning for the command's `--json` lines, replays and files.
//!
//! What is unknown is `null`, never 0. More fields may be added; these keep their meaning.

use serde::Serialize;

use crate::{
    number::Milli,
    state::{Messages, Percentage, State},
    time::{Duration, Instant},
};

/// The version of the shape, in its field `schema`.
pub const SCHEMA: u32 = 1;

/// A session at a moment, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot<'a> {
    schema: u32,
    connection: Connection,
    queue_remaining: Option<u32>,
    prompt: Option<PromptRecord<'a>>,
    messages: Messages,
}

#[derive(Clone, Debug, Serialize)]
struct Connection {
    status: &'static str,
    attempt: u32,
    reconnects: u32,
    /// Unknown: nothing is timed yet.
    latency_ms: Option<u32>,
    /// Deliveries dropped per message: subscribers are told in place, so none is.
    drop_rate: Decimal,
    next_attempt_ms: Option<u64>,
    source: &'static str,
    error: Option<Fault>,
    last_event: Option<LastEvent>,
}

#[derive(Clone, Debug, Serialize)]
struct Fault {
    kind: &'static str,
    whose: &'static str,
    message: &'static str,
    advice: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct LastEvent {
    #[serde(rename = "type")]
    kind: &'static str,
    age_ms: u64,
}

#[derive(Clone, Debug, Serialize)]
struct PromptRecord<'a> {
    prompt_id: Option<&'a str>,
    state: &'static str,
    current_node: Option<&'a str>,
    current_class: Option<&'a str>,
    current_step: Option<Decimal>,
    total_steps: Option<Decimal>,
    percentage: Option<Decimal>,
    eta_ms: Option<u64>,
    elapsed_ms: Option<u64>,
    nodes_total: Option<u32>,
    nodes_cached: Option<u32>,
    nodes_finished: u32,
    truncated_nodes: bool,
    outputs: u32,
    previews: u32,
    text_updates: u32,
    warnings: u32,
    error: Option<Failure<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct Failure<'a> {
    node_id: Option<&'a str>,
    node_type: Option<&'a str>,
    exception_type: &'a str,
    exception_message: &'a str,
    truncated: bool,
}

/// A fraction of `1 / PARTS`, written as a JSON number with a point.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    value: i64,
    parts: u32,
}

impl Serialize for Decimal {
    #[expect(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "serde knows no decimals; both are exact below 2^53"
    )]
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value as f64 / f64::from(self.parts))
    }
}

impl From<Milli> for Decimal {
    fn from(milli: Milli) -> Self {
        Self { value: milli.thousandths(), parts: 1_000 }
    }
}

impl From<Percentage> for Decimal {
    fn from(percentage: Percentage) -> Self {
        Self { value: i64::from(percentage.millionths()), parts: 1_000_000 }
    }
}

/// The buffer is too small for the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooSmall;

impl core::fmt::Display for TooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the buffer is too small for the snapshot")
    }
}

impl core::error::Error for TooSmall {}

impl Snapshot<'_> {
    /// Writes the snapshot as one line of JSON, without a line feed, and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] where `out` has no room for it. What takes room are the texts, up to six bytes for each of theirs.
    pub fn write_json(&self, out: &mut [u8]) -> Result<usize, TooSmall> {
        serde_json_core::to_slice(self, out).map_err(|_| TooSmall)
    }
}

const fn millis(duration: Duration) -> u64 {
    duration.nearest_millis()
}

impl<const ID: usize, const MESSAGE: usize, const NODES: usize, const NAMES: usize, const LEARNED: usize>
    State<ID, MESSAGE, NODES, NAMES, LEARNED>
{
    /// The state at `now`, as JSON.
    pub fn snapshot(&self, now: Instant) -> Snapshot<'_> {
        let view = self.view(now);
        let truncated_nodes = self.prompt().is_some_and(crate::state::Prompt::truncated_nodes);
        let text_updates = self.prompt().map_or(0, crate::state::Prompt::text_updates);
        let prompt = view.prompt.map(|prompt| PromptRecord {
            prompt_id: prompt.prompt_id,
            state: prompt.state.name(),
            current_node: prompt.current_node,
            current_class: prompt.current_class,
            current_step: prompt.steps.map(|steps| steps.value.into()),
            total_steps: prompt.steps.map(|steps| steps.max.into()),
            percentage: prompt.percentage.map(Decimal::from),
            eta_ms: prompt.eta.map(millis),
            elapsed_ms: prompt.elapsed.map(millis),
            nodes_total: prompt.nodes_total,
            nodes_cached: prompt.nodes_cached,
            nodes_finished: prompt.nodes_finished,
            truncated_nodes,
            outputs: prompt.outputs,
            previews: prompt.previews,
            text_updates,
            warnings: prompt.warnings,
            error: prompt.error.map(|error| Failure {
                node_id: error.node_id,
                node_type: error.node_type,
                exception_type: error.exception_type,
                exception_message: error.exception_message,
                truncated: error.truncated,
            }),
        });
        let connection = self.connection();
        Snapshot {
            schema: SCHEMA,
            connection: Connection {
                status: connection.status.name(),
                attempt: connection.attempt,
                reconnects: connection.reconnects,
                latency_ms: None,
                drop_rate: Decimal { value: 0, parts: 1 },
                next_attempt_ms: None,
                source: connection.source.name(),
                error: connection.fault.map(|fault| Fault {
                    kind: fault.name(),
                    whose: fault.whose().name(),
                    message: fault.message(),
                    advice: fault.advice(),
                }),
                last_event: connection.last_event.map(|event| LastEvent {
                    kind: event.kind.name(),
                    age_ms: now.saturating_since(event.at).as_millis(),
                }),
            },
            queue_remaining: self.queue_remaining(),
            prompt,
            messages: self.messages(),
        }
    }
}
