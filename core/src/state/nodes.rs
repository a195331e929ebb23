//! The nodes of a prompt: the progress of each, and their sums.

mod inferred;

use super::names::{Name, Names};
use super::prompt::Weights;
use crate::{
    capacity::{Capacity, Length, List},
    progress::{CompactU32, Learned, NodeDuration, NodeName},
    text::{Id, Key},
};

/// A finished node, in the parts that [`Nodes`] counts in.
pub(crate) const WHOLE: u32 = 1 << WHOLE_BITS;
const WHOLE_BITS: u32 = 30;

/// The nodes of one prompt.
///
/// Sums are updated with each entry, so a `progress` costs the same for any number of nodes. Entries of a message that
/// is still being read may be [staged](Self::stage) until it proves well-formed.
#[derive(Debug)]
pub(crate) struct Nodes<C: Capacity> {
    entries: <C::Nodes as Length>::List<Node>,
    names: Names<C::Names>,
    sums: Sums,
    /// The likely index of the next lookup: messages list the nodes in the same order again and again.
    hint: u16,
    /// Whether nodes did not fit. The sums are lower bounds then.
    truncated: bool,
    /// The weight of a node without a learned duration.
    typical: CompactU32,
    /// The index of the first staged entry, if the current message may begin a prompt.
    staged: Option<Stage>,
    /// Set while an `execution_cached` is read: whether the sums were lower bounds before it.
    cached_soon: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Stage {
    entries: u16,
    names: u16,
    sums: Sums,
    truncated: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// The sum of each node's finished part times its weight. A finished node counts [`WHOLE`] times its weight.
    done: u64,
    finished: u32,
}

/// A node's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    key: Key,
    /// The finished part, of [`WHOLE`].
    part: u32,
    /// The id it is shown by, if that is another node's.
    display: Name,
    class: Name,
    /// Its weight in the percentage.
    weight: CompactU32,
    seen: Seen,
}

/// What was seen of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen(u8);

impl Seen {
    /// Its display id is another node's: it is not in the submitted graph.
    pub(crate) const EXPANDED: Self = Self(1);
    /// It started, or reported progress.
    pub(crate) const STARTED: Self = Self(1 << 1);
    pub(crate) const FINISHED: Self = Self(1 << 2);
    pub(crate) const CACHED: Self = Self(1 << 3);
    /// The `execution_cached` that is being read lists it.
    const CACHED_SOON: Self = Self(1 << 4);
    /// Another node started after it. Without a `progress_state`, that means that it has finished.
    const PASSED: Self = Self(1 << 5);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Node {
    const fn new(key: Key, weight: CompactU32) -> Self {
        Self { key, part: 0, display: Name::NONE, class: Name::NONE, weight, seen: Seen(0) }
    }

    const fn done(&self) -> u32 {
        if self.seen.has(Seen::EXPANDED) {
            0
        } else if self.seen.has(Seen::CACHED.with(Seen::FINISHED).with(Seen::PASSED)) {
            WHOLE
        } else {
            self.part
        }
    }

    /// Its share of the sum.
    const fn weighed(&self) -> u64 {
        (self.done() as u64).saturating_mul(self.weight.get() as u64)
    }

    const fn counts_as_finished(&self) -> bool {
        self.seen.has(Seen::FINISHED.with(Seen::PASSED)) && !self.seen.has(Seen::EXPANDED.with(Seen::CACHED))
    }

    /// Whether only the graph named it. A node that runs may take its place.
    const fn is_idle(&self) -> bool {
        self.seen.0 == 0
    }
}

impl<C: Capacity> Nodes<C> {
    pub(crate) fn new() -> Self {
        const { assert!(C::Nodes::MAX < u16::MAX as usize, "a node is found by 16 bits") }
        Self {
            entries: List::empty(),
            names: Names::new(),
            sums: Sums { done: 0, finished: 0 },
            hint: 0,
            truncated: false,
            typical: CompactU32::ONE,
            staged: None,
            cached_soon: None,
        }
    }

    /// Forgets all nodes.
    pub(crate) fn clear(&mut self) {
        self.entries.items_mut().clear();
        self.names.truncate(0);
        self.sums = Sums::default();
        self.hint = 0;
        self.truncated = false;
        self.typical = CompactU32::ONE;
        self.staged = None;
        self.cached_soon = None;
    }

    /// The number of finished nodes of the submitted graph, without cached and staged ones.
    pub(crate) fn finished(&self) -> u32 {
        self.staged.map_or(self.sums, |stage| stage.sums).finished
    }

    /// The sum of the finished parts, [`WHOLE`] times its weight for a finished node; staged nodes are not counted.
    pub(crate) fn done(&self) -> u64 {
        self.staged.map_or(self.sums, |stage| stage.sums).done
    }

    /// The weight that is finished, parts of running nodes included.
    pub(crate) fn weight_done(&self) -> u32 {
        u32::try_from(self.done() >> WHOLE_BITS).unwrap_or(u32::MAX)
    }

    /// Whether the sums are lower bounds.
    pub(crate) fn is_truncated(&self) -> bool {
        self.cached_soon.unwrap_or(self.staged.map_or(self.truncated, |stage| stage.truncated))
    }

    /// Whether entries of the current message are staged until its end.
    pub(crate) const fn is_amid_message(&self) -> bool {
        self.staged.is_some() || self.cached_soon.is_some()
    }

    /// Stages the entries that follow: the current message may begin their prompt.
    pub(crate) fn stage(&mut self) {
        let stage = Stage {
            entries: index(self.entries.items().len()),
            names: self.names.mark(),
            sums: self.sums,
            truncated: self.truncated,
        };
        self.staged = Some(stage);
        self.sums = Sums::default();
        self.truncated = false;
    }

    /// Drops the staged entries: the current message was malformed.
    pub(crate) fn unstage(&mut self) {
        if let Some(stage) = self.staged.take() {
            self.entries.items_mut().truncate(usize::from(stage.entries));
            self.names.truncate(stage.names);
            self.sums = stage.sums;
            self.truncated = stage.truncated;
        }
        self.forget_cached_soon();
    }

    /// Keeps only the staged entries: their prompt begins.
    pub(crate) fn commit_stage(&mut self) {
        let Some(stage) = self.staged.take() else { return self.clear() };
        let mut at = 0_usize;
        self.entries.items_mut().retain(|_| {
            let kept = at >= usize::from(stage.entries);
            at = at.saturating_add(1);
            kept
        });
        self.names.keep_from(stage.names);
        for entry in self.entries.items_mut() {
            entry.display = Names::<C::Names>::moved(entry.display, stage.names);
            entry.class = Names::<C::Names>::moved(entry.class, stage.names);
        }
        self.hint = 0;
    }

    /// The index of the current prompt's first entry.
    fn first(&self) -> usize {
        self.staged.map_or(0, |stage| usize::from(stage.entries))
    }

    fn hint(&self) -> usize {
        usize::from(self.hint)
    }

    /// Remembers that the entry at `at` was looked up last.
    fn noted(&mut self, at: usize) {
        self.hint = index(at.saturating_add(1));
    }

    #[inline]
    fn position(&mut self, key: Key) -> Option<usize> {
        // A `progress_state` continues with the next, a `progress` with the same.
        let likely = [self.hint(), self.hint().saturating_sub(1)];
        let is_it =
            |at: &usize| self.entries.items().get(*at).is_some_and(|entry| entry.key == key) && *at >= self.first();
        if let Some(at) = likely.into_iter().find(is_it) {
            self.noted(at);
            return Some(at);
        }
        self.search(key)
    }

    fn search(&mut self, key: Key) -> Option<usize> {
        let first = self.first();
        let from_hint = self.hint().max(first);
        let is_it = |entry: &Node| entry.key == key;
        let behind = self.entries.items().iter().skip(from_hint).position(is_it).map(|n| n.saturating_add(from_hint));
        let found = behind.or_else(|| {
            self.entries.items().iter().take(from_hint).skip(first).position(is_it).map(|n| n.saturating_add(first))
        });
        if let Some(at) = found {
            self.noted(at);
        }
        found
    }

    /// The index of the node `key`, new if it had none; `None` if there is no room.
    fn place(&mut self, key: Key) -> Option<usize> {
        if let Some(at) = self.position(key) {
            return Some(at);
        }
        let at = self.entries.items().len();
        if self.entries.items_mut().push(Node::new(key, self.typical)).is_ok() {
            self.noted(at);
            return Some(at);
        }
        let first = self.first();
        let idle = self.entries.items().iter().skip(first).position(Node::is_idle).map(|n| n.saturating_add(first));
        let Some(entry) = idle.and_then(|at| self.entries.items_mut().get_mut(at)) else {
            self.truncated = true;
            return None;
        };
        *entry = Node::new(key, self.typical);
        idle
    }

    /// Changes the entry at `at`, and updates the sums.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Node)) {
        let Some(entry) = self.entries.items_mut().get_mut(at) else { return };
        let before = *entry;
        change(entry);
        self.sums.done = self.sums.done.saturating_sub(before.weighed()).saturating_add(entry.weighed());
        self.sums.finished = self
            .sums
            .finished
            .saturating_sub(u32::from(before.counts_as_finished()))
            .saturating_add(u32::from(entry.counts_as_finished()));
    }

    /// Notes what a message reported of `node`, whose key is `key`: what was seen, its finished part, and the id that
    /// it is shown by, if reported.
    pub(crate) fn note(&mut self, key: Key, node: Id<'_>, seen: Seen, part: Option<u32>, display: Option<Id<'_>>) {
        let Some(at) = self.place(key) else { return };
        if let Some(entry) = self.entries.items().get(at) {
            // A `progress_state` repeats all nodes that have finished.
            let known = entry.seen.with(seen) == entry.seen && part.is_none_or(|part| part == entry.part);
            if known && display == Some(node) && !entry.seen.has(Seen::EXPANDED) {
                return;
            }
        }
        let expanded = display.map(|id| id != node);
        let name = match display {
            Some(id) if id != node => Some(self.intern(at, id.as_str(), |entry| entry.display)),
            Some(_) => Some(Name::NONE),
            None => None,
        };
        self.change(at, |entry| {
            entry.seen = entry.seen.with(seen);
            if let Some(expanded) = expanded {
                entry.seen =
                    if expanded { entry.seen.with(Seen::EXPANDED) } else { entry.seen.without(Seen::EXPANDED) };
            }
            entry.part = part.unwrap_or(entry.part);
            entry.display = name.unwrap_or(entry.display);
        });
    }

    /// Returns the name for `text`. Entries often share one. The entry at `at` is compared first, then the one before
    /// it, then all others.
    #[inline(never)] // For names of either kind.
    fn intern(&mut self, at: usize, text: &str, name_of: fn(&Node) -> Name) -> Name {
        let first = self.first();
        let same = |entry: &Node| {
            let name = name_of(entry);
            (self.names.get(name) == Some(text)).then_some(name)
        };
        let near = [at, at.saturating_sub(1).max(first)];
        let known = near
            .into_iter()
            .filter_map(|n| self.entries.items().get(n))
            .find_map(same)
            .or_else(|| self.entries.items().iter().skip(first).find_map(same));
        known.unwrap_or_else(|| self.names.add(text))
    }

    /// Marks every started node but `node` as finished: servers before 0.3.44 report only which node comes next.
    pub(crate) fn pass_all_but(&mut self, node: Option<Key>) {
        self.change_all(|entry| {
            if Some(entry.key) != node && entry.seen.has(Seen::STARTED) {
                entry.seen = entry.seen.with(Seen::PASSED);
            }
        });
    }

    /// Undoes what was concluded: the server reports which nodes have finished.
    pub(crate) fn forget_passed(&mut self) {
        self.change_all(|entry| entry.seen = entry.seen.without(Seen::PASSED));
    }

    fn change_all(&mut self, mut change: impl FnMut(&mut Node)) {
        for at in 0..self.entries.items().len() {
            self.change(at, &mut change);
        }
    }

    /// Notes an id of the `execution_cached` that is being read. Only its end names the prompt.
    pub(crate) fn note_cached_soon(&mut self, node: Id<'_>) {
        if self.cached_soon.is_none() {
            self.cached_soon = Some(core::mem::take(&mut self.truncated));
        }
        if let Some(at) = self.place(node.key())
            && let Some(entry) = self.entries.items_mut().get_mut(at)
        {
            entry.seen = entry.seen.with(Seen::CACHED_SOON);
        }
    }

    fn forget_cached_soon(&mut self) {
        let Some(truncated) = self.cached_soon.take() else { return };
        self.truncated = truncated;
        for entry in self.entries.items_mut() {
            entry.seen = entry.seen.without(Seen::CACHED_SOON);
        }
        self.entries.items_mut().retain(|entry| !entry.is_idle() || entry.class != Name::NONE);
        self.hint = 0;
    }

    /// Marks the noted nodes as cached. If a prompt `begins` with them, drops all others.
    pub(crate) fn commit_cached(&mut self, begins: bool) {
        let truncated = self.cached_soon.take();
        // When a prompt begins, only its own nodes can be missing.
        self.truncated = match (begins, truncated) {
            (true, None) => false,
            (true, Some(_)) => self.truncated,
            (false, before) => self.truncated || before.unwrap_or_default(),
        };
        if begins {
            self.entries.items_mut().retain(|entry| entry.seen.has(Seen::CACHED_SOON));
            for entry in self.entries.items_mut() {
                *entry = Node { seen: Seen::CACHED_SOON, ..Node::new(entry.key, CompactU32::ONE) };
            }
            self.names.truncate(0);
            self.sums = Sums::default();
            self.typical = CompactU32::ONE;
            self.hint = 0;
        }
        self.change_all(|entry| {
            let cached = entry.seen.has(Seen::CACHED_SOON);
            let others = entry.seen.without(Seen::CACHED.with(Seen::CACHED_SOON));
            entry.seen = if cached { others.with(Seen::CACHED) } else { others };
        });
    }

    /// Notes a node of the graph. Past the capacity, its class is left out.
    pub(crate) fn note_class(&mut self, node: Id<'_>, class: &str) {
        if self.staged.is_some() {
            // The current message may end the prompt of this graph.
            return;
        }
        let known = self.position(node.key());
        if known.is_none() && self.entries.items_mut().push(Node::new(node.key(), self.typical)).is_err() {
            return;
        }
        let at = known.unwrap_or(self.entries.items().len().saturating_sub(1));
        let name = self.intern(at, class, |entry| entry.class);
        if let Some(entry) = self.entries.items_mut().get_mut(at) {
            entry.class = name;
        }
        self.keep_sampler(at, node);
    }

    /// The id that the node `key` is shown by; `None` if it is its own.
    pub(crate) fn display(&self, key: Key) -> Option<&str> {
        // Usually the node that was noted last is looked up.
        let last = self.entries.items().get(self.hint().saturating_sub(1)).filter(|entry| entry.key == key);
        let is_it = |entry: &&Node| entry.key == key;
        self.names.get(last.or_else(|| self.entries.items().iter().skip(self.first()).find(is_it))?.display)
    }

    /// The id that `node`, whose key is `key`, is shown by: `display` if a message has it, or else the known or its own
    /// one.
    #[inline]
    pub(crate) fn shown<'a>(&'a self, key: Key, node: Id<'a>, display: Option<Id<'a>>) -> Id<'a> {
        display.or_else(|| self.display(key).map(Id::from)).unwrap_or(node)
    }

    /// Weighs the nodes of a graph of `total` by their learned durations, and returns the sums. Without any, each
    /// weighs 1.
    ///
    /// A node without a learned duration gets the median of the others, since a few samplers outweigh all the rest. If
    /// the table is full, it gets the least: the table forgets short durations first.
    pub(crate) fn weigh(&mut self, learned: &Learned<C::Durations>, total: u32) -> Weights {
        if C::Durations::MAX == 0 {
            return Weights { whole: total, learned: 0 };
        }
        let apart = self.apart();
        let names = &self.names;
        let of = |entry: &Node| {
            let name = NodeName::new(entry.key, names.get(entry.class)?);
            learned.expected(name).map(NodeDuration::weight)
        };
        let (mut known, mut sum) = (0_u32, 0_u32);
        for entry in self.entries.items_mut().iter_mut().take(apart) {
            // No node weighs 0, so 0 marks the nodes that are to get the typical weight.
            let weight = if learned.is_empty() { None } else { of(entry) };
            entry.weight = weight.unwrap_or(CompactU32::ZERO);
            known = known.saturating_add(u32::from(weight.is_some()));
            sum = sum.saturating_add(entry.weight.get());
        }
        let rank = if learned.is_full() { 1 } else { known.div_ceil(2) };
        let typical = if known == 0 { CompactU32::ONE } else { self.weight_of_rank(apart, rank) };
        let mut done = 0_u64;
        for entry in self.entries.items_mut().iter_mut().take(apart) {
            if entry.weight == CompactU32::ZERO {
                entry.weight = typical;
            }
            done = done.saturating_add(entry.weighed());
        }
        self.typical = typical;
        self.staged.as_mut().map_or(&mut self.sums, |stage| &mut stage.sums).done = done;
        let others = total.saturating_sub(known).saturating_mul(typical.get());
        Weights { whole: sum.saturating_add(others), learned: sum }
    }

    /// The least weight that at least `rank` of the first `apart` nodes do not exceed. Nodes of weight 0 don't count.
    fn weight_of_rank(&self, apart: usize, rank: u32) -> CompactU32 {
        let (mut low, mut high) = (0_u16, u16::MAX);
        while low < high {
            let middle = low.midpoint(high);
            let up_to = 1..=middle;
            let count =
                self.entries.items().iter().take(apart).filter(|entry| up_to.contains(&entry.weight.bits())).count();
            if u32::try_from(count).unwrap_or(u32::MAX) >= rank {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        CompactU32::from_bits(low)
    }

    /// The weight of the node `key`, and how much of it is left.
    pub(crate) fn left_of(&self, key: Key) -> (CompactU32, u32) {
        let Some(entry) = self.find(key) else { return (self.typical, 0) };
        let left = u64::from(WHOLE.saturating_sub(entry.done())).saturating_mul(u64::from(entry.weight.get()));
        (entry.weight, u32::try_from(left >> WHOLE_BITS).unwrap_or(u32::MAX))
    }

    /// Whether the node `key` was seen to run to its end.
    pub(crate) fn has_run(&self, key: Key) -> bool {
        self.find(key).is_some_and(Node::counts_as_finished)
    }

    /// The name of the node `key` in the table of durations; `None` if its class is unknown.
    pub(crate) fn name_of(&self, key: Key) -> Option<NodeName> {
        self.class(key).map(|class| NodeName::new(key, class))
    }

    fn find(&self, key: Key) -> Option<&Node> {
        self.entries.items().iter().take(self.apart()).find(|entry| entry.key == key)
    }

    /// The number of entries that are not staged.
    fn apart(&self) -> usize {
        self.staged.map_or(self.entries.items().len(), |stage| usize::from(stage.entries))
    }

    /// The class of the node `key`.
    pub(crate) fn class(&self, key: Key) -> Option<&str> {
        let entry = self.entries.items().iter().find(|entry| entry.key == key)?;
        self.names.get(entry.class)
    }
}

/// An index into the table.
fn index(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// `value` of `max` as a part of [`WHOLE`], clamped to 0..=[`WHOLE`]; `None` if `max` is not positive.
pub(crate) fn part_of(value: crate::number::Milli, max: crate::number::Milli) -> Option<u32> {
    let max = u64::try_from(max.thousandths()).ok().filter(|m| *m > 0)?;
    let value = u64::try_from(value.thousandths()).unwrap_or(0).min(max);
    if value == 0 || value == max {
        return Some(if value == 0 { 0 } else { WHOLE });
    }
    // Up to 131 steps are divided in 32 bits, which is far cheaper on small cores: two digits of 15 bits each.
    if let (Ok(value), Ok(max @ ..0x2_0000)) = (u32::try_from(value), u32::try_from(max)) {
        let (high, rest) = ((value << 15).checked_div(max)?, (value << 15).checked_rem(max)?);
        return Some(high << 15 | (rest << 15).checked_div(max)?);
    }
    // The product has room for 34 bits beside those of WHOLE. Larger numbers lose their lowest bits.
    let surplus = 30_u32.saturating_sub(max.leading_zeros());
    let (value, max) = (value >> surplus, max >> surplus);
    let part = value.saturating_mul(u64::from(WHOLE)).checked_div(max)?;
    u32::try_from(part).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::Milli;

    #[test]
    fn part_of_in_32_bits_is_the_same_as_in_64() {
        for max in [1, 2, 3, 1_000, 20_000, 0x1_ffff, 0x2_0000, 0x2_0001] {
            for value in [0, 1, max / 3, max / 2, max - 1, max, max + 1] {
                let expect = u32::try_from(value.min(max) * i64::from(WHOLE) / max).unwrap();
                let part = part_of(Milli::from_thousandths(value), Milli::from_thousandths(max));
                assert_eq!(part, Some(expect), "{value} of {max}");
            }
        }
    }

    proptest! {
        #[test]
        fn part_of_few_steps_is_the_same_in_64_bits(value in 0_i64..0x2_0000, max in 1_i64..0x2_0000) {
            let expect = u32::try_from(value.min(max) * i64::from(WHOLE) / max).unwrap();
            prop_assert_eq!(part_of(Milli::from_thousandths(value), Milli::from_thousandths(max)), Some(expect));
        }
    }
}
