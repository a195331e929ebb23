//! What the reducer may be told.

use comfyglow_core::{
    capacity::Capacity,
    event::{Event, ImageFormat, Malformed, NodeStatus, Part, Reason},
    number::Milli,
    quality::Sample,
    reducer::{Action, apply},
    state::Changes,
    state::{Fault, FaultKind, State, Waiting, WaitingFor},
    text::{Id, Text},
    time::{Duration, Instant},
};
use proptest::{collection, option, prelude::*, sample::select};

use crate::values::{any_text, node_id, prompt_id};

/// An [`Action`] that owns its texts. Told to a [`State`] by [`play`](Self::play), they are kept as its capacities have
/// it, as a decoder's are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// [`Action::Dialling`]
    Dialling,
    /// [`Action::Waiting`]: until so many milliseconds from the beginning of time.
    Waiting(u64, WaitingFor),
    /// [`Action::Established`]
    Established,
    /// [`Action::Lost`]
    Lost(Option<FaultKind>),
    /// [`Action::Measured`]
    Measured(Sample),
    /// [`Action::GraphNode`]: prompt, node, class.
    GraphNode(String, String, String),
    /// [`Action::Graph`]: prompt, number of nodes.
    Graph(String, u32),
    /// [`Part::CachedNode`]
    CachedNode(String),
    /// [`Part::NodeState`]: prompt, node, value, max, state, display id.
    NodeState(String, String, i64, i64, NodeStatus, Option<String>),
    /// [`Part::Image`]
    Image,
    /// The message at hand ended.
    Message(Said),
}

/// An [`Event`] that owns its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// [`Event::Status`]
    Status(u32),
    /// [`Event::ExecutionStart`]
    Start(String),
    /// [`Event::ExecutionCached`]
    Cached(String, u32),
    /// [`Event::Executing`]: node, display node, prompt.
    Executing(Option<String>, Option<String>, Option<String>),
    /// [`Event::Progress`]: value, max, prompt, node.
    Progress(i64, i64, Option<String>, Option<String>),
    /// [`Event::ProgressState`]
    ProgressState(String, u32),
    /// [`Event::Executed`]
    Executed(String, String),
    /// [`Event::ExecutionSuccess`]
    Success(String),
    /// [`Event::ExecutionInterrupted`]
    Interrupted(String),
    /// [`Event::ExecutionError`]: prompt, node, type, message.
    Error(String, Option<String>, String, String),
    /// [`Event::FeatureFlags`]
    FeatureFlags,
    /// [`Event::Logs`]
    Logs,
    /// [`Event::Unknown`]
    Unknown,
    /// [`Event::Malformed`] text.
    Malformed,
    /// [`Event::PreviewImage`]
    Preview,
    /// [`Event::ProgressText`]
    ProgressText(String),
    /// [`Event::PreviewImageWithMetadata`]
    PreviewWithMetadata(Option<String>),
    /// [`Event::UnknownBinary`]
    UnknownBinary(u32),
    /// [`Event::Malformed`], of a binary message.
    MalformedBinary,
}

impl Said {
    /// Whether the message is a binary one.
    pub fn is_binary(&self) -> bool {
        matches!(
            self,
            Self::Preview
                | Self::ProgressText(_)
                | Self::PreviewWithMetadata(_)
                | Self::UnknownBinary(_)
                | Self::MalformedBinary
        )
    }
}

impl Act {
    /// Tells `state` at `now`; returns what that changed.
    pub fn play<C: Capacity>(&self, state: &mut State<C>, now: Instant) -> Changes {
        self.tell::<C>(|action| apply(state, now, action, &mut ()))
    }

    /// Tells whatever `reduce` does with an action; ids are kept up to `ID` bytes and an exception's message up to
    /// `MESSAGE`, as a decoder's of these capacities are.
    pub fn tell<C: Capacity>(&self, reduce: impl FnOnce(Action<'_>) -> Changes) -> Changes {
        let text = |text: &String| Text::<C::Id>::from(text.as_str());
        let maybe = |text: &Option<String>| text.as_deref().map(Text::<C::Id>::from);
        match self {
            Self::Dialling => reduce(Action::Dialling),
            Self::Waiting(millis, why) => {
                reduce(Action::Waiting(Waiting { until: Instant::from_millis(*millis), why: *why }))
            }
            Self::Established => reduce(Action::Established),
            Self::Measured(sample) => reduce(Action::Measured(*sample)),
            Self::Lost(fault) => reduce(Action::Lost(fault.map(Fault::new))),
            Self::GraphNode(prompt, node, class) => {
                let (prompt, node, class) = (text(prompt), text(node), text(class));
                let (prompt_id, node, class) = (prompt.as_id(), node.as_id(), class.as_str());
                reduce(Action::GraphNode { prompt_id, node, class })
            }
            Self::Graph(prompt, nodes) => reduce(Action::Graph { prompt_id: text(prompt).as_id(), nodes: *nodes }),
            Self::CachedNode(node) => reduce(Action::Part(&Part::CachedNode { node: text(node).as_id() })),
            Self::NodeState(prompt, node, value, max, status, display) => {
                let (prompt, node, display) = (text(prompt), text(node), maybe(display));
                let part = Part::NodeState {
                    prompt_id: prompt.as_id(),
                    node_id: node.as_id(),
                    value: Milli::from_thousandths(*value),
                    max: Milli::from_thousandths(*max),
                    state: *status,
                    display_node_id: display.as_ref().map(Text::as_id),
                };
                reduce(Action::Part(&part))
            }
            Self::Image => reduce(Action::Part(&Part::Image(&[1, 2, 3]))),
            Self::Message(said) => said.tell::<C>(reduce),
        }
    }

    /// The number of prompts that it says are queued; `None` where it says nothing of that.
    pub fn queue_remaining(&self) -> Option<u32> {
        match self {
            Self::Message(Said::Status(queue_remaining)) => Some(*queue_remaining),
            _ => None,
        }
    }
}

impl Said {
    fn tell<C: Capacity>(&self, reduce: impl FnOnce(Action<'_>) -> Changes) -> Changes {
        // A message has three ids at most, and an error a message of its own.
        let texts: [Option<Text<C::Id>>; 3] = self.ids().map(|id| id.map(Text::from));
        let [a, b, c] = [0, 1, 2].map(|n| texts[n].as_ref().map(Text::as_id));
        let milli = Milli::from_thousandths;
        let long: Text<C::Message>;
        let malformed = Event::Malformed(Malformed { at: 0, reason: Reason::Short });
        let event = match self {
            Self::Status(queue_remaining) => Event::Status { queue_remaining: *queue_remaining, sid: None },
            Self::Start(_) => Event::ExecutionStart { prompt_id: needed(a), timestamp: None },
            Self::Cached(_, nodes) => Event::ExecutionCached { prompt_id: needed(a), nodes: *nodes },
            Self::Executing(..) => Event::Executing { node: a, display_node: b, prompt_id: c },
            Self::Progress(value, max, ..) => {
                Event::Progress { value: milli(*value), max: milli(*max), prompt_id: a, node: b }
            }
            Self::ProgressState(_, nodes) => Event::ProgressState { prompt_id: needed(a), nodes: *nodes },
            Self::Executed(..) => Event::Executed { prompt_id: needed(a), node: needed(b), display_node: None },
            Self::Success(_) => Event::ExecutionSuccess { prompt_id: needed(a), timestamp: Some(1) },
            Self::Interrupted(_) => {
                Event::ExecutionInterrupted { prompt_id: needed(a), node_id: None, node_type: None, timestamp: None }
            }
            Self::Error(_, _, _, message) => {
                long = Text::from(message.as_str());
                Event::ExecutionError {
                    prompt_id: needed(a),
                    node_id: b,
                    node_type: b,
                    exception_type: needed(c),
                    exception_message: long.as_id(),
                    timestamp: None,
                }
            }
            Self::FeatureFlags => Event::FeatureFlags { supports_preview_metadata: true },
            Self::Logs => Event::Logs { entries: 1 },
            Self::Unknown => Event::Unknown { event_type: Id::from("x") },
            Self::Malformed | Self::MalformedBinary => malformed,
            Self::Preview => Event::PreviewImage { format: ImageFormat::Png, len: 1 },
            Self::ProgressText(_) => Event::ProgressText { node: needed(a) },
            Self::PreviewWithMetadata(_) => Event::PreviewImageWithMetadata {
                format: ImageFormat::Jpeg,
                len: 1,
                prompt_id: a,
                node_id: a,
                display_node_id: None,
            },
            Self::UnknownBinary(kind) => Event::UnknownBinary { kind: *kind },
        };
        reduce(if self.is_binary() { Action::Binary(&event) } else { Action::Text(&event) })
    }

    fn ids(&self) -> [Option<&str>; 3] {
        match self {
            Self::Start(a)
            | Self::Cached(a, _)
            | Self::ProgressState(a, _)
            | Self::Success(a)
            | Self::Interrupted(a)
            | Self::ProgressText(a) => [Some(a), None, None],
            Self::Executed(a, b) => [Some(a), Some(b), None],
            Self::Error(a, b, c, _) => [Some(a), b.as_deref(), Some(c)],
            Self::Executing(a, b, c) => [a.as_deref(), b.as_deref(), c.as_deref()],
            Self::Progress(_, _, a, b) => [a.as_deref(), b.as_deref(), None],
            Self::PreviewWithMetadata(a) => [a.as_deref(), None, None],
            _ => [None, None, None],
        }
    }
}

fn needed(id: Option<Id<'_>>) -> Id<'_> {
    id.expect("this message has it")
}

/// Steps in thousandths, out of bounds at times.
fn milli() -> impl Strategy<Value = i64> {
    prop_oneof![4 => (0..=20_i64).prop_map(|steps| steps * 1_000), 1 => any::<i64>(), 1 => -2_000..2_000_i64]
}

/// Any message's end.
pub fn said() -> impl Strategy<Value = Said> {
    let count = || prop_oneof![0..6_u32, any::<u32>()];
    let exception = prop_oneof![any_text(), Just("ExecutionBlocked".to_owned())];
    let plain = vec![
        Said::FeatureFlags,
        Said::Logs,
        Said::Unknown,
        Said::Malformed,
        Said::Preview,
        Said::UnknownBinary(9),
        Said::MalformedBinary,
    ];
    prop_oneof![
        2 => prop_oneof![Just(0), count()].prop_map(Said::Status),
        3 => prompt_id().prop_map(Said::Start),
        2 => (prompt_id(), count()).prop_map(|(p, n)| Said::Cached(p, n)),
        3 => (option::weighted(0.8, node_id()), option::of(node_id()), option::weighted(0.8, prompt_id()))
            .prop_map(|(node, display, prompt)| Said::Executing(node, display, prompt)),
        3 => (milli(), milli(), option::weighted(0.8, prompt_id()), option::of(node_id()))
            .prop_map(|(value, max, prompt, node)| Said::Progress(value, max, prompt, node)),
        3 => (prompt_id(), count()).prop_map(|(p, n)| Said::ProgressState(p, n)),
        1 => (prompt_id(), node_id()).prop_map(|(p, n)| Said::Executed(p, n)),
        1 => prompt_id().prop_map(Said::Success),
        1 => prompt_id().prop_map(Said::Interrupted),
        1 => (prompt_id(), option::of(node_id()), exception, any_text())
            .prop_map(|(p, n, kind, message)| Said::Error(p, n, kind, message)),
        1 => node_id().prop_map(Said::ProgressText),
        1 => option::of(prompt_id()).prop_map(Said::PreviewWithMetadata),
        2 => select(plain),
    ]
}

/// Any figure, out of bounds at times.
fn sample() -> impl Strategy<Value = Sample> {
    let count = || prop_oneof![0..6_u32, any::<u32>()];
    let took = || prop_oneof![0..1_000_000_u64, any::<u64>()].prop_map(Duration::from_micros);
    prop_oneof![
        (count(), count(), took()).prop_map(|(bytes, messages, took)| Sample::Read { bytes, messages, took }),
        took().prop_map(Sample::Pong),
        took().prop_map(Sample::Painted),
        (count(), count(), count()).prop_map(|(queued, dropped, merged)| Sample::Queued { queued, dropped, merged }),
    ]
}

/// Up to 60 actions, in no order that a session would keep, each with the time that passes before it: up to 2 s.
pub fn actions() -> impl Strategy<Value = Vec<(Act, Duration)>> {
    let wait = (0..2_000_000_u64).prop_map(Duration::from_micros);
    collection::vec((action(), wait), 0..60)
}

/// Any action, sensible or not, but for answers over HTTP, which depend on when they were asked for.
pub fn action() -> impl Strategy<Value = Act> {
    let faults = vec![FaultKind::Closed, FaultKind::Refused(401), FaultKind::Refused(503), FaultKind::Config];
    let waits = vec![WaitingFor::Backoff, WaitingFor::Circuit, WaitingFor::Server, WaitingFor::Courtesy];
    let status = select(vec![NodeStatus::Running, NodeStatus::Finished, NodeStatus::Other]);
    prop_oneof![
        1 => select(vec![Act::Dialling, Act::Established, Act::Image]),
        1 => option::of(select(faults)).prop_map(Act::Lost),
        1 => (any::<u64>(), select(waits)).prop_map(|(millis, why)| Act::Waiting(millis, why)),
        1 => sample().prop_map(Act::Measured),
        2 => (prompt_id(), node_id(), any_text()).prop_map(|(p, n, class)| Act::GraphNode(p, n, class)),
        2 => (prompt_id(), prop_oneof![0..9_u32, any::<u32>()]).prop_map(|(p, n)| Act::Graph(p, n)),
        3 => node_id().prop_map(Act::CachedNode),
        6 => (prompt_id(), node_id(), milli(), milli(), status, option::of(node_id()))
            .prop_map(|(p, n, value, max, status, display)| Act::NodeState(p, n, value, max, status, display)),
        12 => said().prop_map(Act::Message),
    ]
}
