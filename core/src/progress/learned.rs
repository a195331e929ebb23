//! How long nodes take, learned from the runs before.

use super::part;
use crate::{
    capacity::List,
    text::{Id, Key},
};

/// A whole number of which the first 12 bits are kept, and how many follow: exact to 4,095, then to 1 in 2,048.
///
/// Their order is the numbers'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Short(u16);

impl Short {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const ONE: Self = Self(1);
    /// 2^22, somewhat less: of milliseconds 70 minutes. Of this weight 2,048 nodes fit the sum of their parts.
    const HEAVY: Self = Self(10 << 12 | 0xfff);

    /// `number`, its lowest bits lost; at most 4,095 · 2^15.
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

    /// As a number of the same order.
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// The number of these [`bits`](Self::bits).
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// Which node it is: its class, and its id among those of the class.
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

/// How long a node took, or is thought to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Took {
    /// Milliseconds in all, or, of a node with steps, those that aren't its steps'.
    pub(crate) fixed: Short,
    /// A step's length in units of 8 µs.
    step: Short,
    /// How many steps it had; 0 where it has none.
    pub(crate) steps: u16,
}

impl Took {
    /// So many milliseconds in all.
    pub(crate) fn whole(millis: u32) -> Self {
        Self { fixed: Short::new(millis), step: Short::ZERO, steps: 0 }
    }

    /// So many milliseconds in all, of which each of the `steps` took `step_micros`.
    pub(crate) fn with_steps(millis: u32, steps: u16, step_micros: u32) -> Self {
        let took = Self { fixed: Short::ZERO, step: Short::new(step_micros / 8), steps };
        Self { fixed: Short::new(millis.saturating_sub(took.millis_of(steps))), ..took }
    }

    pub(crate) fn step_micros(self) -> u32 {
        self.step.get().saturating_mul(8)
    }

    /// Milliseconds that so many `steps` take.
    pub(crate) fn millis_of(self, steps: u16) -> u32 {
        part(self.step_micros(), u32::from(steps), 1_000).unwrap_or(u32::MAX)
    }

    /// Milliseconds in all, with as many steps as it had.
    pub(crate) fn millis(self) -> u32 {
        self.millis_of(self.steps).saturating_add(self.fixed.get())
    }

    /// What it counts for in a percentage: its milliseconds, at least 1.
    pub(crate) fn weight(self) -> Short {
        Short::new(self.millis()).max(Short::ONE).min(Short::HEAVY)
    }

    /// Seen for the first time. What a node spends before its first step is, the first time, mostly the loading of a
    /// model, which stays loaded: no more of it is believed than half a step's time.
    fn first(self) -> Self {
        let believed = Short::new(self.step_micros() / 2_000);
        Self { fixed: if self.steps > 0 { self.fixed.min(believed) } else { self.fixed }, ..self }
    }

    /// What is thought after it was `seen` once more.
    fn after(self, seen: Self) -> Self {
        if (self.steps > 0) != (seen.steps > 0) {
            return seen.first();
        }
        Self { fixed: towards(self.fixed, seen.fixed), step: towards(self.step, seen.step), steps: seen.steps }
    }
}

/// From `old` towards `new`: most of the way down, as what is too long has many causes and what is short has none; half
/// the way up, but not past twice, so that one run that was held up doesn't spoil what many have taught.
fn towards(old: Short, new: Short) -> Short {
    let (from, to) = (old.get(), new.get());
    if to < from {
        return Short::new(from.saturating_sub(from.saturating_sub(to).saturating_mul(3).saturating_add(3) / 4));
    }
    let way = to.saturating_sub(from).div_ceil(2);
    Short::new(from.saturating_add(way.min(from.saturating_add(1))))
}

/// How long a node took, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub struct LearnedNode {
    class: u32,
    node: u16,
    // As in `Took`; here, so that an entry takes 12 bytes.
    fixed: Short,
    step: Short,
    steps: u16,
}

impl LearnedNode {
    const fn new(NodeName { class, node }: NodeName, Took { fixed, step, steps }: Took) -> Self {
        Self { class, node, fixed, step, steps }
    }

    const fn is(&self, name: NodeName) -> bool {
        self.class == name.class && self.node == name.node
    }

    const fn took(&self) -> Took {
        Took { fixed: self.fixed, step: self.step, steps: self.steps }
    }
}

const _: () = assert!(size_of::<LearnedNode>() == 12, "many of them fit a gadget");

/// How long nodes took in the runs before, by class, and by id within a class: at most as many of them as the list `L` holds.
///
/// The one seen last comes first. A new one takes, where there is no room, the place of the shortest of the half that
/// was longest not seen: what is forgotten counts least, and what has just been seen is never forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned<L> {
    entries: L,
}

impl<L: List<LearnedNode>> Default for Learned<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: List<LearnedNode>> Learned<L> {
    /// Nothing was learned.
    pub const fn new() -> Self {
        Self { entries: L::EMPTY }
    }

    /// How many nodes' times are known.
    pub fn len(&self) -> usize {
        self.entries.items().len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.entries.items().is_empty()
    }

    /// Whether the next node that is new takes another's place.
    pub fn is_full(&self) -> bool {
        self.entries.items().is_full()
    }

    /// What is known, the node seen last first.
    #[cfg(feature = "record")]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &LearnedNode> {
        self.entries.items().iter()
    }

    /// What was known after what is; past the capacity it is forgotten.
    #[cfg(feature = "record")]
    pub(crate) fn restore(&mut self, entry: LearnedNode) {
        let _ = self.entries.items_mut().push(entry);
    }

    /// How long the node takes. Where only others of its class were seen it is as long as the last of those, but of its
    /// steps, whose number isn't known, half are expected: a second sampler mostly refines.
    pub(crate) fn expect(&self, name: NodeName) -> Option<Took> {
        if let Some(known) = self.entries.items().iter().find(|entry| entry.is(name)) {
            return Some(known.took());
        }
        let took = self.entries.items().iter().find(|entry| entry.class == name.class)?.took();
        Some(Took { steps: took.steps.div_ceil(2), ..took })
    }

    /// The node took that long.
    pub(crate) fn learn(&mut self, name: NodeName, took: Took) {
        let known = self.entries.items().iter().position(|entry| entry.is(name));
        let at = match known {
            Some(at) => at,
            None if !self.entries.items().is_full() => {
                let _ = self.entries.items_mut().push(LearnedNode::new(name, took));
                self.entries.items().len().saturating_sub(1)
            }
            None => {
                let older = self.entries.items().len() / 2;
                let shortest =
                    self.entries.items().iter().enumerate().skip(older).min_by_key(|(_, entry)| entry.took().millis());
                let Some((at, _)) = shortest else { return };
                at
            }
        };
        let Some(entry) = self.entries.items().get(at) else { return };
        let took = if known.is_some() { entry.took().after(took) } else { took.first() };
        // It comes first, and those before it move on by one.
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
    use crate::capacity::Durations;

    fn name(class: &str, node: &str) -> NodeName {
        NodeName::new(Id::from(node).key(), class)
    }

    #[test]
    fn short_numbers_are_exact_to_4095_and_then_nearly_so_and_in_order() {
        let mut before = Short::ZERO;
        let numbers =
            (0_u32..=4_096).chain((13..27).flat_map(|bits| [(1_u32 << bits) - 1, 1 << bits, (1 << bits) + 1]));
        for number in numbers.chain([4_095 << 15, (4_095 << 15) + 1, u32::MAX]) {
            let short = Short::new(number);
            let got = short.get();
            assert!(got <= number && number.min(4_095 << 15) - got <= number / 2_048, "{number} is kept as {got}");
            assert!(number > 4_095 || got == number);
            assert!(short >= before, "{number}");
            before = short;
        }
        assert_eq!(Took::whole(u32::MAX).weight().get(), 4_095 << 10);
        assert_eq!(Took::whole(0).weight(), Short::ONE);
    }

    #[test]
    fn the_shortest_of_the_half_that_was_longest_not_seen_makes_room_at_the_limit() {
        let mut learned = Learned::<Durations<4>>::new();
        for (n, millis) in [(0, 9_000), (1, 20), (2, 300), (3, 40)] {
            assert!(!learned.is_full(), "below the limit");
            learned.learn(name("A", &n.to_string()), Took::whole(millis));
        }
        assert!(learned.is_full());
        // Seen again it counts as new: 1 is then among the older half no more.
        learned.learn(name("A", "1"), Took::whole(20));
        learned.learn(name("B", "4"), Took::whole(1));
        assert_eq!(learned.len(), 4);
        let knows = |node: &str| learned.entries.iter().any(|entry| entry.is(name("A", node)));
        assert_eq!(["0", "1", "2", "3"].map(knows), [true, true, false, true]);
    }

    #[test]
    fn one_of_its_class_stands_for_a_node_that_is_new() {
        let mut learned = Learned::<Durations<4>>::new();
        assert_eq!(learned.expect(name("KSampler", "3")), None);
        learned.learn(name("KSampler", "3"), Took::with_steps(2_000, 20, 100_000));
        learned.learn(name("KSampler", "9"), Took::with_steps(6_000, 20, 300_000));
        let steps =
            |node: &str| learned.expect(name("KSampler", node)).map(|took| (took.step_micros() / 1_000, took.steps));
        assert_eq!([steps("3"), steps("9"), steps("5")], [Some((100, 20)), Some((299, 20)), Some((299, 10))]);
        assert_eq!(learned.expect(name("VAEDecode", "3")), None);
    }

    #[test]
    fn a_models_loading_is_not_believed_at_once() {
        let mut learned = Learned::<Durations<4>>::new();
        let sampler = name("KSampler", "3");
        learned.learn(sampler, Took::with_steps(12_000, 20, 100_000));
        assert!(learned.expect(sampler).unwrap().millis() <= 2_200, "10 s before the steps were a model's");
        // But where it loads each time, it is.
        for _ in 0..12 {
            learned.learn(sampler, Took::with_steps(12_000, 20, 100_000));
        }
        assert!(learned.expect(sampler).unwrap().millis() > 11_000);
    }

    #[test]
    fn one_run_that_was_held_up_spoils_little_and_what_is_shorter_is_believed() {
        let mut learned = Learned::<Durations<4>>::new();
        let node = name("VAEDecode", "8");
        let millis = |learned: &Learned<Durations<4>>| learned.expect(node).unwrap().millis();
        learned.learn(node, Took::whole(1_000));
        learned.learn(node, Took::whole(100_000));
        assert!(millis(&learned) <= 2_001);
        learned.learn(node, Took::whole(1_000));
        assert!(millis(&learned) <= 1_251);
    }

    proptest! {
        #[test]
        fn what_is_learned_lies_between_what_was_seen(seen in prop::collection::vec(0_u32..4_000, 1..20)) {
            let mut learned = Learned::<Durations<2>>::new();
            for millis in &seen {
                learned.learn(name("A", "1"), Took::whole(*millis));
            }
            let millis = learned.expect(name("A", "1")).unwrap().millis();
            prop_assert!(millis >= *seen.iter().min().unwrap() && millis <= *seen.iter().max().unwrap());
        }

        #[test]
        fn any_times_of_any_nodes_are_taken(
            times in prop::collection::vec((0_u8..9, any::<u32>(), any::<u16>(), any::<u32>()), 0..60),
        ) {
            let mut learned = Learned::<Durations<5>>::new();
            for (node, millis, steps, micros) in times {
                let node = name(&format!("{}", node % 3), &node.to_string());
                learned.learn(node, Took::with_steps(millis, steps, micros));
                prop_assert!(learned.expect(node).unwrap().weight() >= Short::ONE);
                prop_assert!(learned.len() <= 5);
            }
        }
    }
}
