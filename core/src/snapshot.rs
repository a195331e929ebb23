//! A session's state as JSON, with one meaning for the command's `--json` lines, replays and files.
//!
//! `SNAPSHOT.md` beside the sources defines it. Unknown values are `null`, never 0. Fields may be added; these keep
//! their meaning.

mod json;
#[cfg(feature = "serde")]
mod serde;

use crate::{
    capacity::{Bytes as _, Capacity},
    number::Milli,
    state::{Fault, LastEvent, Messages, ObserveMode, Percentage, Prompt, State},
    time::{Duration, Instant},
    view::{ErrorView, View},
};

use json::Json;

/// The version of the JSON's shape, in its field `schema`.
pub const SCHEMA: u32 = 1;

/// A session at one moment, as JSON. With the feature `serde` it is also `Serialize`.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    now: Instant,
    view: View<'a>,
    truncated_nodes: bool,
    text_updates: u32,
    messages: Messages,
    /// Dropped deliveries per message, in thousandths.
    drop_rate: u32,
}

/// An object of the snapshot: the one list of its members, for all writers.
trait Object {
    /// Hands all members to `to`, always the same ones in the same order.
    fn write_members<W: Members>(&self, to: &mut W);
}

/// Writes an object's members; `None` is `null`.
trait Members {
    fn object(&mut self, name: &'static str, value: Option<&impl Object>);
    fn text(&mut self, name: &'static str, value: Option<&str>);
    fn number(&mut self, name: &'static str, value: Option<u64>);
    fn decimal(&mut self, name: &'static str, value: Option<Decimal>);
    fn flag(&mut self, name: &'static str, value: bool);

    #[inline(never)]
    fn count(&mut self, name: &'static str, value: Option<u32>) {
        self.number(name, value.map(u64::from));
    }
}

/// A decimal number: `units` / 10^`places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    units: i64,
    places: u8,
}

impl From<Milli> for Decimal {
    fn from(milli: Milli) -> Self {
        Self { units: milli.thousandths(), places: 3 }
    }
}

impl From<Percentage> for Decimal {
    fn from(percentage: Percentage) -> Self {
        Self { units: i64::from(percentage.millionths()), places: 6 }
    }
}

impl Object for Snapshot<'_> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.count("schema", Some(SCHEMA));
        to.object("connection", Some(&ConnectionObject(self)));
        to.count("queue_remaining", self.view.queue_remaining);
        to.object("prompt", self.view.prompt.is_some().then_some(&PromptObject(self)));
        to.object("messages", Some(&self.messages));
    }
}

/// A value that is written relative to `now`.
struct Dated<T> {
    now: Instant,
    what: T,
}

/// The connection of a snapshot.
struct ConnectionObject<'s, 'a>(&'s Snapshot<'a>);

impl Object for ConnectionObject<'_, '_> {
    fn write_members<W: Members>(&self, to: &mut W) {
        let Snapshot { now, drop_rate, .. } = *self.0;
        let connection = self.0.view.connection;
        to.text("status", Some(connection.status.name()));
        to.count("attempt", Some(connection.attempt));
        to.count("reconnects", Some(connection.reconnects));
        to.number("latency_ms", self.0.view.latency.map(Duration::nearest_millis));
        to.decimal("drop_rate", Some(Decimal { units: drop_rate.into(), places: 3 }));
        to.number("next_attempt_ms", self.0.view.next_attempt.map(Duration::nearest_millis));
        to.text("source", Some(connection.source.name()));
        to.object("error", connection.fault.as_ref());
        to.object("last_event", connection.last_event.map(|what| Dated { now, what }).as_ref());
        to.text("way", connection.way.map(ObserveMode::name));
    }
}

impl Object for Fault {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.text("kind", Some(self.name()));
        to.text("whose", Some(self.blame().name()));
        to.text("message", Some(self.message()));
        to.text("advice", Some(self.advice()));
    }
}

impl Object for Dated<LastEvent> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.text("type", Some(self.what.kind.name()));
        to.number("age_ms", Some(self.now.saturating_since(self.what.at).as_millis()));
    }
}

/// The prompt of a snapshot that has one.
struct PromptObject<'s, 'a>(&'s Snapshot<'a>);

impl Object for PromptObject<'_, '_> {
    fn write_members<W: Members>(&self, to: &mut W) {
        let Some(prompt) = &self.0.view.prompt else { return };
        let millis = |duration: Option<Duration>| duration.map(Duration::nearest_millis);
        to.text("prompt_id", prompt.prompt_id);
        to.text("state", Some(prompt.state.name()));
        to.text("current_node", prompt.current_node);
        to.text("current_class", prompt.current_class);
        to.decimal("current_step", prompt.steps.map(|steps| steps.value.into()));
        to.decimal("total_steps", prompt.steps.map(|steps| steps.max.into()));
        to.decimal("percentage", prompt.percentage.map(Decimal::from));
        to.number("eta_ms", millis(prompt.eta));
        to.number("elapsed_ms", millis(prompt.elapsed));
        to.count("nodes_total", prompt.nodes_total);
        to.count("nodes_cached", prompt.nodes_cached);
        to.count("nodes_finished", Some(prompt.nodes_finished));
        to.flag("truncated_nodes", self.0.truncated_nodes);
        to.count("outputs", Some(prompt.outputs));
        to.count("previews", Some(prompt.previews));
        to.count("text_updates", Some(self.0.text_updates));
        to.count("warnings", Some(prompt.warnings));
        to.object("error", prompt.error.as_ref());
    }
}

impl Object for ErrorView<'_> {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.text("node_id", self.node_id);
        to.text("node_type", self.node_type);
        to.text("exception_type", Some(self.exception_type));
        to.text("exception_message", Some(self.exception_message));
        to.flag("truncated", self.truncated);
    }
}

impl Object for Messages {
    fn write_members<W: Members>(&self, to: &mut W) {
        to.count("text", Some(self.text));
        to.count("binary", Some(self.binary));
        to.count("malformed", Some(self.malformed));
        to.count("unknown", Some(self.unknown));
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
    /// Writes the snapshot as one line of JSON without a line feed; returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] if `out` is too short. [`State::SNAPSHOT_BYTES`] are always enough.
    pub fn write_json(&self, out: &mut [u8]) -> Result<usize, TooSmall> {
        Json::write(self, out)
    }
}

impl<C: Capacity> State<C> {
    /// The most bytes of a snapshot's JSON: its texts with each byte escaped (6 bytes each), and 4,096 for the rest.
    pub const SNAPSHOT_BYTES: usize = 6 * (C::Message::LEN + 8 * C::Id::LEN) + 4_096;

    /// The state at `now`, as JSON.
    pub fn snapshot(&self, now: Instant) -> Snapshot<'_> {
        Snapshot {
            now,
            view: self.view(now),
            truncated_nodes: self.prompt().is_some_and(Prompt::truncated_nodes),
            text_updates: self.prompt().map_or(0, Prompt::text_updates),
            messages: self.messages(),
            drop_rate: self.quality().drop_rate(now),
        }
    }
}

#[cfg(test)]
mod tests;
