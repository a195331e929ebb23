//! How long nodes take, learned from the runs before.

use crate::text::{Id, Key};

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
    pub(crate) fn new(number: u64) -> Self {
        let shift = 52_u32.saturating_sub(number.leading_zeros());
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
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
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
    pub(crate) fn whole(millis: u64) -> Self {
        Self { fixed: Short::new(millis), step: Short::ZERO, steps: 0 }
    }

    /// So many milliseconds in all, of which each of the `steps` took `step_micros`.
    pub(crate) fn with_steps(millis: u64, steps: u16, step_micros: u64) -> Self {
        let in_steps = step_micros.saturating_mul(u64::from(steps)) / 1_000;
        Self { fixed: Short::new(millis.saturating_sub(in_steps)), step: Short::new(step_micros / 8), steps }
    }

    pub(crate) fn step_micros(self) -> u64 {
        u64::from(self.step.get()).saturating_mul(8)
    }

    /// Milliseconds that so many `steps` take.
    pub(crate) fn millis_of(self, steps: u16) -> u64 {
        self.step_micros().saturating_mul(u64::from(steps)) / 1_000
    }

    /// Milliseconds in all, with as many steps as it had.
    pub(crate) fn millis(self) -> u64 {
        self.millis_of(self.steps).saturating_add(u64::from(self.fixed.get()))
    }

    /// What it counts for in a percentage: its milliseconds, at least 1.
    pub(crate) fn weight(self) -> Short {
        Short::new(self.millis()).max(Short::ONE).min(Short::HEAVY)
    }

    /// Seen for the first time. What a node spends before its first step is, the first time, mostly the loading of a
    /// model, which stays loaded: no more of it is believed than two steps' time.
    fn first(self) -> Self {
        let believed = Short::new(self.step_micros() / 500);
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
    let (from, to) = (u64::from(old.get()), u64::from(new.get()));
    if to < from {
        return Short::new(from.saturating_sub(from.saturating_sub(to).saturating_mul(3).div_ceil(4)));
    }
    let way = to.saturating_sub(from).div_ceil(2);
    Short::new(from.saturating_add(way.min(from.saturating_add(1))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct LearnedEntry {
    name: NodeName,
    took: Took,
}

/// How long nodes took in the runs before, by class, and by id within a class: at most `N` of them.
///
/// The one seen last comes first. A new one takes, where there is no room, the place of the shortest of the half that
/// was longest not seen: what is forgotten counts least, and what has just been seen is never forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned<const N: usize> {
    entries: heapless::Vec<LearnedEntry, N>,
}

impl<const N: usize> Default for Learned<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Learned<N> {
    /// Nothing was learned.
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new() }
    }

    /// How many nodes' times are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the next node that is new takes another's place.
    pub fn is_full(&self) -> bool {
        self.entries.is_full()
    }

    /// What is known, the node seen last first.
    #[cfg(feature = "record")]
    pub(crate) fn entries(&self) -> impl Iterator<Item = &LearnedEntry> {
        self.entries.iter()
    }

    /// What was known after what is; past the capacity it is forgotten.
    #[cfg(feature = "record")]
    pub(crate) fn restore(&mut self, entry: LearnedEntry) {
        let _ = self.entries.push(entry);
    }

    /// How long the node takes; where only others of its class were seen, as long as the last of those.
    pub(crate) fn expect(&self, name: NodeName) -> Option<Took> {
        let same_class = |entry: &&LearnedEntry| entry.name.class == name.class;
        let known = self.entries.iter().find(|entry| entry.name == name);
        known.or_else(|| self.entries.iter().find(same_class)).map(|entry| entry.took)
    }

    /// The node took that long.
    pub(crate) fn learn(&mut self, name: NodeName, took: Took) {
        let known = self.entries.iter().position(|entry| entry.name == name);
        let at = match known {
            Some(at) => at,
            None if !self.entries.is_full() => {
                let _ = self.entries.push(LearnedEntry { name, took });
                self.entries.len().saturating_sub(1)
            }
            None => {
                let older = self.entries.len() / 2;
                let shortest = self.entries.iter().enumerate().skip(older).min_by_key(|(_, entry)| entry.took.millis());
                let Some((at, _)) = shortest else { return };
                at
            }
        };
        let Some(entry) = self.entries.get(at) else { return };
        let took = if known.is_some() { entry.took.after(took) } else { took.first() };
        // It comes first, and those before it move on by one.
        let mut carried = LearnedEntry { name, took };
        for entry in self.entries.iter_mut().take(at.saturating_add(1)) {
            core::mem::swap(entry, &mut carried);
        }
    }
}
