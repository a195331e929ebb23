//! Actions.

use comfyglow_core::{capacity::GadgetCapacity, event::NodeStatus, state::FaultKind, time::Duration};

use crate::strategies::{
    actions::{Act, Said},
    capacities::TinyCapacity,
    laws::check_all,
    values::{node_ids, prompt_ids},
};

/// Actions, a few bytes each: the reducer's laws hold, of a state so small that every capacity overflows and of a
/// gadget's.
///
/// # Panics
///
/// Where they don't.
pub fn reducer(data: &[u8]) {
    let mut bytes = Bytes { rest: data, prompts: prompt_ids(), nodes: node_ids() };
    let mut actions = Vec::new();
    while !bytes.rest.is_empty() && actions.len() < 100 {
        actions.push((bytes.act(), Duration::from_millis(bytes.next().into())));
    }
    check_all::<TinyCapacity>(&actions);
    check_all::<GadgetCapacity>(&actions);
}

/// The input, and what its bytes may name.
struct Bytes<'a> {
    rest: &'a [u8],
    prompts: Vec<String>,
    nodes: Vec<String>,
}

impl Bytes<'_> {
    /// The next byte; 0 behind the end.
    fn next(&mut self) -> u8 {
        self.rest.split_off_first().copied().unwrap_or_default()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::from(self.next()) % of.len()].clone()
    }

    fn prompt(&mut self) -> String {
        let at = usize::from(self.next()) % self.prompts.len();
        self.prompts[at].clone()
    }

    fn node(&mut self) -> String {
        let at = usize::from(self.next()) % self.nodes.len();
        self.nodes[at].clone()
    }

    fn maybe(&mut self, of: fn(&mut Self) -> String) -> Option<String> {
        (!self.next().is_multiple_of(4)).then(|| of(self))
    }

    /// A small count, or one of the largest.
    fn count(&mut self) -> u32 {
        match self.next() {
            255 => u32::MAX,
            254 => u32::MAX >> 1,
            count => count.into(),
        }
    }

    /// Steps in thousandths: halves of a few, or out of all bounds.
    fn milli(&mut self) -> i64 {
        match self.next() {
            255 => i64::MAX,
            254 => i64::MIN,
            253 => 1,
            252 => -1,
            steps => i64::from(steps) * 500 - 2_000,
        }
    }

    fn act(&mut self) -> Act {
        match self.next() % 32 {
            0 => Act::Dialling,
            1 => Act::Established,
            2 => Act::Image,
            3 => Act::Lost(None),
            4 => Act::Lost(Some(self.pick(&[FaultKind::Closed, FaultKind::Refused(401), FaultKind::Config]))),
            5 | 6 => Act::GraphNode(self.prompt(), self.node(), self.pick(&["A", "KSampler", ""]).to_owned()),
            7..=9 => Act::Graph(self.prompt(), self.count()),
            10 | 11 => Act::CachedNode(self.node()),
            12..=15 => {
                let status = self.pick(&[NodeStatus::Running, NodeStatus::Finished, NodeStatus::Other]);
                let (prompt, node, display) = (self.prompt(), self.node(), self.maybe(Self::node));
                Act::NodeState(prompt, node, self.milli(), self.milli(), status, display)
            }
            _ => Act::Message(self.said()),
        }
    }

    fn said(&mut self) -> Said {
        match self.next() % 19 {
            0 => Said::Status(self.count()),
            1 | 2 => Said::Start(self.prompt()),
            3 => Said::Cached(self.prompt(), self.count()),
            4 => Said::Executing(self.maybe(Self::node), self.maybe(Self::node), self.maybe(Self::prompt)),
            5 => Said::Progress(self.milli(), self.milli(), self.maybe(Self::prompt), self.maybe(Self::node)),
            6 | 7 => Said::ProgressState(self.prompt(), self.count()),
            8 => Said::Executed(self.prompt(), self.node()),
            9 => Said::Success(self.prompt()),
            10 => Said::Interrupted(self.prompt()),
            11 => {
                let exception = self.pick(&["ExecutionBlocked", "ValueError", ""]).to_owned();
                Said::Error(self.prompt(), self.maybe(Self::node), exception, self.node())
            }
            12 => self.pick(&[Said::FeatureFlags, Said::Logs]),
            13 => Said::Unknown,
            14 => Said::Malformed,
            15 => Said::Preview,
            16 => Said::ProgressText(self.node()),
            17 => Said::PreviewWithMetadata(self.maybe(Self::prompt)),
            _ => self.pick(&[Said::MalformedBinary, Said::UnknownBinary(9)]),
        }
    }
}

/// Counting up in several strides, so that every action stands in some.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    [1, 7, 31, 101].map(|stride: u8| (0..=255_u8).map(|n| n.wrapping_mul(stride)).collect()).into()
}
