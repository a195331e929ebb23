//! How long nodes take, learned from earlier runs.

use super::mul_div;
use crate::{
    capacity::{Length, List},
    text::{Id, Key},
};

/// A `u32` in 16 bits: its leading 12 bits and a 4-bit shift. Exact up to 4,095, then to 1 in 2,048.
///
/// These compare as the numbers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct CompactU32(u16);

impl CompactU32 {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const ONE: Self = Self(1);
    /// The greatest weight: a little less than 2^22, which is 70 minutes in milliseconds. 2,048 such nodes fit the sum
    /// of their parts.
    const MAX_WEIGHT: Self = Self(10 << 12 | 0xfff);

    /// `number` without its lowest bits, at most 4,095 · 2^15.
    #[inline(never)]
    pub(crate) fn new(number: u32) -> Self {
        let shift = 20_u32.saturating_sub(number.leading_zeros());
        match (u16::try_from(shift), u16::try_from(number >> shift)) {
            (Ok(shift), Ok(mantissa)) if shift < 16 => Self(shift << 12 | mantissa),
            _ => Self(u16::MAX),
        }
    }

    pub(crate) const fn get(self) -> u32 {
        (self.0 as u32 & 0xfff) << (self.0 >> 12)
    }

    /// The 16 bits, which compare as the numbers do.
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// The number with these [`bits`](Self::bits).
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// Identifies a node in [`Learned`]: hashes of its class and of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeName {
    class: u32,
    node: u16,
}

impl NodeName {
    pub(crate) fn new(node: Key, class: &str) -> Self {
        Self { class: Id::from(class).key().low(), node: node.lowest() }
    }
}

/// How long a node took, or is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeDuration {
    /// Milliseconds in total; for a node with steps, those outside its steps.
    pub(crate) fixed: CompactU32,
    /// The length of a step in units of 8 µs.
    step: CompactU32,
    /// Number of steps; 0 if the node has none.
    pub(crate) steps: u16,
}

impl NodeDuration {
    /// `millis` in total, without steps.
    pub(crate) fn without_steps(millis: u32) -> Self {
        Self { fixed: CompactU32::new(millis), step: CompactU32::ZERO, steps: 0 }
    }

    /// `millis` in total, of which each of the `steps` took `step_micros`.
    pub(crate) fn with_steps(millis: u32, steps: u16, step_micros: u32) -> Self {
        let took = Self { fixed: CompactU32::ZERO, step: CompactU32::new(step_micros / 8), steps };
        Self { fixed: CompactU32::new(millis.saturating_sub(took.steps_millis(steps))), ..took }
    }

    /// Microseconds per step.
    pub(crate) fn step_micros(self) -> u32 {
        self.step.get().saturating_mul(8)
    }

    /// Milliseconds that `steps` steps take.
    pub(crate) fn steps_millis(self, steps: u16) -> u32 {
        mul_div(self.step_micros(), u32::from(steps), 1_000).unwrap_or(u32::MAX)
    }

    /// Milliseconds in total, including all steps.
    pub(crate) fn millis(self) -> u32 {
        self.steps_millis(self.steps).saturating_add(self.fixed.get())
    }

    /// The node's weight in the percentage: its milliseconds, at least 1.
    pub(crate) fn weight(self) -> CompactU32 {
        CompactU32::new(self.millis()).max(CompactU32::ONE).min(CompactU32::MAX_WEIGHT)
    }

    /// What to expect after the first run.
    ///
    /// In its first run a node mostly loads a model before its first step, and the model stays loaded. So at most half
    /// a step's time is believed of that.
    fn after_first_run(self) -> Self {
        let believed = CompactU32::new(self.step_micros() / 2_000);
        Self { fixed: if self.steps > 0 { self.fixed.min(believed) } else { self.fixed }, ..self }
    }

    /// What to expect after another run, which took `seen`.
    fn after_run(self, seen: Self) -> Self {
        if (self.steps > 0) != (seen.steps > 0) {
            return seen.after_first_run();
        }
        Self { fixed: blend(self.fixed, seen.fixed), step: blend(self.step, seen.step), steps: seen.steps }
    }
}

/// Moves `old` towards `new`: three quarters of the way down, or half of the way up but at most to twice.
///
/// A long run has many causes, a short one has none. The limit keeps one delayed run from spoiling what many taught.
fn blend(old: CompactU32, new: CompactU32) -> CompactU32 {
    let (from, to) = (old.get(), new.get());
    if to < from {
        return CompactU32::new(from.saturating_sub(from.saturating_sub(to).saturating_mul(3).saturating_add(3) / 4));
    }
    let rise = to.saturating_sub(from).div_ceil(2);
    CompactU32::new(from.saturating_add(rise.min(from.saturating_add(1))))
}

/// A node and how long it takes, in 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct LearnedNode {
    class: u32,
    node: u16,
    // The fields of `NodeDuration`: nested, it would be padded.
    fixed: CompactU32,
    step: CompactU32,
    steps: u16,
}

impl LearnedNode {
    const fn new(NodeName { class, node }: NodeName, NodeDuration { fixed, step, steps }: NodeDuration) -> Self {
        Self { class, node, fixed, step, steps }
    }

    const fn has_name(&self, name: NodeName) -> bool {
        self.class == name.class && self.node == name.node
    }

    const fn duration(&self) -> NodeDuration {
        NodeDuration { fixed: self.fixed, step: self.step, steps: self.steps }
    }
}

const _: () = assert!(size_of::<LearnedNode>() == 12, "a gadget holds many of them");

/// How long nodes took in earlier runs, by class and id, for as many nodes as `L` says.
///
/// In a full table, a new node replaces the shortest one in the half that was seen least recently. So what is forgotten
/// matters least, and a node that was just seen is never forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned<L: Length> {
    /// The most recently seen first.
    entries: L::List<LearnedNode>,
}

impl<L: Length> Default for Learned<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Length> Learned<L> {
    /// Creates an empty table.
    pub fn new() -> Self {
        Self { entries: List::empty() }
    }

    /// Number of nodes whose durations are known.
    pub fn len(&self) -> usize {
        self.entries.items().len()
    }

    /// Returns whether no durations are known.
    pub fn is_empty(&self) -> bool {
        self.entries.items().is_empty()
    }

    /// Returns whether the next new node replaces another one.
    pub fn is_full(&self) -> bool {
        self.entries.items().is_full()
    }

    /// The known durations, the most recently seen node first.
    #[cfg(feature = "record")]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &LearnedNode> {
        self.entries.items().iter()
    }

    /// Appends an entry from a record; in a full table it is dropped.
    #[cfg(feature = "record")]
    pub(crate) fn restore(&mut self, entry: LearnedNode) {
        let _ = self.entries.items_mut().push(entry);
    }

    /// How long the node is expected to take; `None` if no node of its class is known.
    ///
    /// A new node is expected to take as long as the node of its class that was seen last, but with half of the steps:
    /// their number isn't known, and a second sampler usually refines.
    pub(crate) fn expected(&self, name: NodeName) -> Option<NodeDuration> {
        if let Some(known) = self.entries.items().iter().find(|entry| entry.has_name(name)) {
            return Some(known.duration());
        }
        let took = self.entries.items().iter().find(|entry| entry.class == name.class)?.duration();
        Some(NodeDuration { steps: took.steps.div_ceil(2), ..took })
    }

    /// Learns that the node `took` so long.
    pub(crate) fn learn(&mut self, name: NodeName, took: NodeDuration) {
        let known = self.entries.items().iter().position(|entry| entry.has_name(name));
        let at = match known {
            Some(at) => at,
            None if !self.entries.items().is_full() => {
                let _ = self.entries.items_mut().push(LearnedNode::new(name, took));
                self.entries.items().len().saturating_sub(1)
            }
            None => {
                let older = self.entries.items().len() / 2;
                let shortest = self
                    .entries
                    .items()
                    .iter()
                    .enumerate()
                    .skip(older)
                    .min_by_key(|(_, entry)| entry.duration().millis());
                let Some((at, _)) = shortest else { return };
                at
            }
        };
        let Some(entry) = self.entries.items().get(at) else { return };
        let took = if known.is_some() { entry.duration().after_run(took) } else { took.after_first_run() };
        // The entry moves to the front, and those before it move back by one.
        let mut carried = LearnedNode::new(name, took);
        for entry in self.entries.items_mut().iter_mut().take(at.saturating_add(1)) {
            core::mem::swap(entry, &mut carried);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::{format, string::ToString};

    use super::*;
    use crate::capacity::Max;

    fn name(class: &str, node: &str) -> NodeName {
        NodeName::new(Id::from(node).key(), class)
    }

    #[test]
    fn compact_number_keeps_order_and_12_bits() {
        let mut before = CompactU32::ZERO;
        let numbers =
            (0_u32..=4_096).chain((13..27).flat_map(|bits| [(1_u32 << bits) - 1, 1 << bits, (1 << bits) + 1]));
        for number in numbers.chain([4_095 << 15, (4_095 << 15) + 1, u32::MAX]) {
            let short = CompactU32::new(number);
            let got = short.get();
            assert!(got <= number && number.min(4_095 << 15) - got <= number / 2_048, "{number} is kept as {got}");
            assert!(number > 4_095 || got == number);
            assert!(short >= before, "{number}");
            before = short;
        }
        assert_eq!(NodeDuration::without_steps(u32::MAX).weight().get(), 4_095 << 10);
        assert_eq!(NodeDuration::without_steps(0).weight(), CompactU32::ONE);
    }

    #[test]
    fn learned_when_full_replaces_shortest_of_older_half() {
        let mut learned = Learned::<Max<4>>::new();
        for (n, millis) in [(0, 9_000), (1, 20), (2, 300), (3, 40)] {
            assert!(!learned.is_full(), "below the limit");
            learned.learn(name("A", &n.to_string()), NodeDuration::without_steps(millis));
        }
        assert!(learned.is_full());
        // Node 1, seen again, leaves the older half.
        learned.learn(name("A", "1"), NodeDuration::without_steps(20));
        learned.learn(name("B", "4"), NodeDuration::without_steps(1));
        assert_eq!(learned.len(), 4);
        let knows = |node: &str| learned.entries.iter().any(|entry| entry.has_name(name("A", node)));
        assert_eq!(["0", "1", "2", "3"].map(knows), [true, true, false, true]);
    }

    #[test]
    fn learned_for_new_node_expects_last_of_its_class_with_half_its_steps() {
        let mut learned = Learned::<Max<4>>::new();
        assert_eq!(learned.expected(name("KSampler", "3")), None);
        learned.learn(name("KSampler", "3"), NodeDuration::with_steps(2_000, 20, 100_000));
        learned.learn(name("KSampler", "9"), NodeDuration::with_steps(6_000, 20, 300_000));
        let steps =
            |node: &str| learned.expected(name("KSampler", node)).map(|took| (took.step_micros() / 1_000, took.steps));
        assert_eq!([steps("3"), steps("9"), steps("5")], [Some((100, 20)), Some((299, 20)), Some((299, 10))]);
        assert_eq!(learned.expected(name("VAEDecode", "3")), None);
    }

    #[test]
    fn learned_after_first_run_ignores_model_loading() {
        let mut learned = Learned::<Max<4>>::new();
        let sampler = name("KSampler", "3");
        learned.learn(sampler, NodeDuration::with_steps(12_000, 20, 100_000));
        assert!(
            learned.expected(sampler).unwrap().millis() <= 2_200,
            "10 s before the steps were the loading of a model"
        );
        // A node that loads a model in each run is believed.
        for _ in 0..12 {
            learned.learn(sampler, NodeDuration::with_steps(12_000, 20, 100_000));
        }
        assert!(learned.expected(sampler).unwrap().millis() > 11_000);
    }

    #[test]
    fn learned_after_delayed_run_stays_within_twice_and_recovers() {
        let mut learned = Learned::<Max<4>>::new();
        let node = name("VAEDecode", "8");
        let millis = |learned: &Learned<Max<4>>| learned.expected(node).unwrap().millis();
        learned.learn(node, NodeDuration::without_steps(1_000));
        learned.learn(node, NodeDuration::without_steps(100_000));
        assert!(millis(&learned) <= 2_001);
        learned.learn(node, NodeDuration::without_steps(1_000));
        assert!(millis(&learned) <= 1_251);
    }

    proptest! {
        #[test]
        fn learned_duration_lies_between_shortest_and_longest(seen in prop::collection::vec(0_u32..4_000, 1..20)) {
            let mut learned = Learned::<Max<2>>::new();
            for millis in &seen {
                learned.learn(name("A", "1"), NodeDuration::without_steps(*millis));
            }
            let millis = learned.expected(name("A", "1")).unwrap().millis();
            prop_assert!(millis >= *seen.iter().min().unwrap() && millis <= *seen.iter().max().unwrap());
        }

        #[test]
        fn learned_with_any_durations_stays_within_capacity(
            times in prop::collection::vec((0_u8..9, any::<u32>(), any::<u16>(), any::<u32>()), 0..60),
        ) {
            let mut learned = Learned::<Max<5>>::new();
            for (node, millis, steps, micros) in times {
                let node = name(&format!("{}", node % 3), &node.to_string());
                learned.learn(node, NodeDuration::with_steps(millis, steps, micros));
                prop_assert!(learned.expected(node).unwrap().weight() >= CompactU32::ONE);
                prop_assert!(learned.len() <= 5);
            }
        }
    }
}
