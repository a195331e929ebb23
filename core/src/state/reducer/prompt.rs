//! A prompt's record: its current node, its end, its percentage.

use crate::{
    capacity::{Capacity, Length as _},
    divide::divide,
    number::Milli,
    progress::Learned,
    state::{Changes, Nodes, Outcome, Percentage, Prompt, PromptEnd, Steps, WHOLE},
    text::{Id, Key},
    time::Instant,
};

impl<C: Capacity> Prompt<C> {
    pub(super) fn is(&self, id: Id<'_>) -> bool {
        self.id.as_ref().is_some_and(|own| own.is(id))
    }

    pub(super) fn is_running(&self) -> bool {
        self.end.is_running()
    }

    /// Makes the node `key` the current one, and learns how long the one before took.
    pub(super) fn move_to(
        &mut self,
        now: Instant,
        key: Key,
        shown: Id<'_>,
        nodes: &Nodes<C>,
        learned: &mut Learned<C::Durations>,
    ) {
        if self.current_node().is_some_and(|before| before.as_id() == shown) {
            self.run.begin_part();
        } else {
            self.learn_current(now, nodes, learned);
            self.run.begin_node(now, self.current.is_some());
        }
        self.make_current(key, shown);
    }

    /// The shown node has finished. Learns how long it took, if its whole run was seen.
    pub(super) fn learn_current(&mut self, now: Instant, nodes: &Nodes<C>, learned: &mut Learned<C::Durations>) {
        let known = self.current_node().filter(|_| C::Durations::MAX > 0);
        let Some(key) = known.map(|shown| shown.as_id().key()) else { return };
        // A lazy or expanded node that waits for others has not finished yet.
        let name = nodes.name_of(key).filter(|_| nodes.has_run(key));
        if let (Some(name), Some(took)) = (name, self.run.node_duration(now)) {
            if let Some(expected) = learned.expected(name) {
                self.run.compare(took, expected);
            }
            learned.learn(name, took);
        }
    }

    pub(super) fn make_current(&mut self, key: Key, shown: Id<'_>) {
        self.current = Some(key);
        self.shown.set(shown);
        self.steps = None;
    }

    /// No node is current.
    pub(super) fn rest(&mut self) {
        self.current = None;
        self.steps = None;
        self.run.forget_node();
    }

    /// The prompt ended. Returns what that changed.
    pub(super) fn end(&mut self, now: Instant, end: PromptEnd) -> Changes {
        self.rest();
        self.end = end;
        self.ended = Some(now);
        Changes::PROMPT.union(Changes::NODE).union(Changes::PROGRESS)
    }

    /// The current node's bar moved.
    #[inline]
    pub(super) fn step(&mut self, now: Instant, value: Milli, max: Milli) {
        self.steps = Steps::new(value, max);
        self.run.step(now, value, max);
    }

    /// Updates the counts and the percentage from the nodes.
    pub(super) fn count(&mut self, nodes: &Nodes<C>) {
        self.nodes_finished = nodes.finished();
        self.truncated_nodes = nodes.is_truncated();
        let reached = match self.nodes_total {
            _ if self.end.is(Outcome::Success) => Percentage::FULL,
            Some(_) => share(nodes.done(), self.weights.whole).min(Percentage::ALMOST),
            None => return,
        };
        self.percentage = self.percentage.max(reached);
    }
}

/// Returns `done` as a percentage of nodes with the sum `weight`.
fn share(done: u64, weight: u32) -> Percentage {
    let whole = u64::from(weight).saturating_mul(u64::from(WHOLE));
    let done = done.min(whole);
    // The product has room for 36 bits beside those of a full percentage. Larger sums lose their lowest bits.
    let surplus = 28_u32.saturating_sub(done.leading_zeros());
    let half = whole >> surplus >> 1;
    let product = (done >> surplus).saturating_mul(u64::from(Percentage::FULL.millionths())).saturating_add(half);
    // Dividing by the power of two of a complete node first gives the same, and the division is shorter.
    let (dividend, divisor) = match surplus {
        0 => (product >> WHOLE.trailing_zeros(), u64::from(weight)),
        _ => (product, whole >> surplus),
    };
    let millionths = divide(dividend, divisor).and_then(|m| u32::try_from(m).ok()).unwrap_or_default();
    Percentage::from_millionths(millionths)
}
