//! Types as one writes them for serde, borrowing whatever can be borrowed.
use std::{borrow::Cow, fmt};

use anyhow::Result;
use comfyglow_core::event::EventKind;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    Summary,
    summary::{digest, milli},
};

/// A message of a known type.
#[derive(Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Message<'a> {
    #[serde(borrow)]
    Status(Status<'a>),
    #[serde(borrow)]
    ExecutionStart(Prompt<'a>),
    #[serde(borrow)]
    ExecutionSuccess(Prompt<'a>),
    #[serde(borrow)]
    ExecutionCached(Cached<'a>),
    #[serde(borrow)]
    Executing(Executing<'a>),
    #[serde(borrow)]
    Executed(Executing<'a>),
    #[serde(borrow)]
    Progress(Progress<'a>),
    #[serde(borrow)]
    ProgressState(ProgressState<'a>),
    #[serde(borrow)]
    ExecutionError(ExecutionError<'a>),
    FeatureFlags(IgnoredAny),
}

/// A message of which only the type is looked at.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

/// A text, borrowed where no escape is in it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Status<'a> {
    status: Queue,
    #[serde(borrow, default)]
    sid: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Queue {
    exec_info: ExecInfo,
}

#[derive(Deserialize)]
struct ExecInfo {
    queue_remaining: u32,
}

#[derive(Deserialize)]
struct Prompt<'a> {
    #[serde(borrow)]
    prompt_id: Text<'a>,
}

#[derive(Deserialize)]
struct Cached<'a> {
    nodes: Ids,
    #[serde(borrow)]
    prompt_id: Text<'a>,
}

#[derive(Deserialize)]
struct Executing<'a> {
    #[serde(borrow)]
    node: Option<Text<'a>>,
    #[serde(borrow)]
    prompt_id: Text<'a>,
}

#[derive(Deserialize)]
struct Progress<'a> {
    value: f64,
    max: f64,
    #[serde(borrow)]
    prompt_id: Text<'a>,
    #[serde(borrow)]
    node: Text<'a>,
}

#[derive(Deserialize)]
struct ProgressState<'a> {
    #[serde(borrow)]
    prompt_id: Text<'a>,
    nodes: Nodes,
}

#[derive(Deserialize)]
struct ExecutionError<'a> {
    #[serde(borrow)]
    prompt_id: Text<'a>,
    #[serde(borrow)]
    node_id: Text<'a>,
    #[serde(borrow)]
    exception_message: Text<'a>,
}

/// An entry of `nodes`.
#[derive(Deserialize)]
struct Node<'a> {
    value: f64,
    max: f64,
    #[serde(borrow)]
    state: Text<'a>,
}

/// What the entries of a `progress_state` come to; none of them is kept, which would cost more.
struct Nodes(Summary);

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fold;
        impl<'de> Visitor<'de> for Fold {
            type Value = Nodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nodes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nodes, A::Error> {
                let mut sum = Summary::new(EventKind::ProgressState);
                while let Some((_, node)) = map.next_entry::<&str, Node<'de>>()? {
                    sum.entry(milli(node.value), milli(node.max), node.state.0 == "finished");
                }
                Ok(Nodes(sum))
            }
        }
        deserializer.deserialize_map(Fold)
    }
}

/// How many ids there are; none of them is kept.
struct Ids(u32);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("ids")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ids, A::Error> {
                let mut ids = 0;
                while seq.next_element::<Text<'de>>()?.is_some() {
                    ids += 1;
                }
                Ok(Ids(ids))
            }
        }
        deserializer.deserialize_seq(Count)
    }
}

impl Message<'_> {
    /// What it says.
    #[inline]
    fn summary(&self) -> Summary {
        use EventKind as K;
        let of = |kind, prompt: &Text<'_>| Summary { prompt: digest(&prompt.0), ..Summary::new(kind) };
        let node = |node: &Option<Text<'_>>| node.as_ref().map_or(0, |node| digest(&node.0));
        match self {
            Self::Status(m) => Summary {
                max: i64::from(m.status.exec_info.queue_remaining),
                node: node(&m.sid),
                ..Summary::new(K::Status)
            },
            Self::ExecutionStart(m) => of(K::ExecutionStart, &m.prompt_id),
            Self::ExecutionSuccess(m) => of(K::ExecutionSuccess, &m.prompt_id),
            Self::ExecutionCached(m) => Summary { count: m.nodes.0, ..of(K::ExecutionCached, &m.prompt_id) },
            Self::Executing(m) => Summary { node: node(&m.node), ..of(K::Executing, &m.prompt_id) },
            Self::Executed(m) => Summary { node: node(&m.node), ..of(K::Executed, &m.prompt_id) },
            Self::Progress(m) => Summary {
                node: digest(&m.node.0),
                value: milli(m.value),
                max: milli(m.max),
                ..of(K::Progress, &m.prompt_id)
            },
            Self::ProgressState(m) => Summary { prompt: digest(&m.prompt_id.0), ..m.nodes.0 },
            Self::ExecutionError(m) => Summary {
                node: digest(&m.node_id.0),
                message: digest(&m.exception_message.0),
                ..of(K::ExecutionError, &m.prompt_id)
            },
            Self::FeatureFlags(_) => Summary::new(K::FeatureFlags),
        }
    }
}

/// The types of [`Message`].
const TYPES: [&str; 10] = [
    "status",
    "execution_start",
    "execution_success",
    "execution_cached",
    "executing",
    "executed",
    "progress",
    "progress_state",
    "execution_error",
    "feature_flags",
];

/// What `message` says; where it isn't one, another look at its type may tell that it is an unknown one.
#[inline]
fn summary<'a, E>(
    message: Result<Message<'_>, E>,
    envelope: impl FnOnce() -> Result<Envelope<'a>, E>,
) -> Result<Summary>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match message {
        Ok(message) => Ok(message.summary()),
        Err(_) if envelope().is_ok_and(|e| !TYPES.contains(&&*e.kind.0)) => Ok(Summary::new(EventKind::Unknown)),
        Err(error) => Err(error.into()),
    }
}

/// By sonic-rs.
pub(super) fn sonic(message: &str) -> Result<Summary> {
    summary(sonic_rs::from_str(message), || sonic_rs::from_str(message))
}

/// By `serde_json`.
///
/// # Errors
///
/// `message` is none of ComfyUI's.
pub fn json(message: &str) -> Result<Summary> {
    summary(serde_json::from_str(message), || serde_json::from_str(message))
}

/// By simd-json, which changes `message`: an unknown type must be read again from another copy.
pub(super) fn simd(message: &str) -> Result<Summary> {
    let (mut copy, mut another) = (message.as_bytes().to_vec(), Vec::new());
    let another = &mut another;
    summary(simd_json::from_slice(&mut copy), move || {
        another.extend_from_slice(message.as_bytes());
        simd_json::from_slice(another)
    })
}

/// By serde-json-core, which leaves escapes in texts as they are.
pub(super) fn core(message: &str) -> Result<Summary> {
    let first = |(read, _): (_, usize)| read;
    summary(serde_json_core::from_str(message).map(first), || {
        serde_json_core::from_str::<Envelope<'_>>(message).map(|(read, _)| read)
    })
}
