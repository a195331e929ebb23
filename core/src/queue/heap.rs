use core::cmp::Ordering;

use heapless::Vec;

/// A binary heap of at most `N` items, the least first. Unlike heapless's, it can remove any item.
#[derive(Clone, Debug)]
pub(super) struct Heap<T, const N: usize>(Vec<T, N>);

impl<T: Ord, const N: usize> Heap<T, N> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// The items, in no particular order.
    pub(super) fn items(&self) -> &[T] {
        &self.0
    }

    /// The item at index `at` of [`items`](Self::items). The caller must not change how it compares.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.0.get_mut(at)
    }

    /// Adds an item. Returns `false` if the heap is full.
    pub(super) fn push(&mut self, item: T) -> bool {
        let at = self.0.len();
        let added = self.0.push(item).is_ok();
        self.rise(at);
        added
    }

    /// Removes the least item.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(0)
    }

    /// Removes the item at index `at` of [`items`](Self::items).
    pub(super) fn remove(&mut self, at: usize) -> Option<T> {
        let last = self.0.len().checked_sub(1).filter(|last| at <= *last)?;
        self.swap(at, last);
        let item = self.0.pop();
        self.sink(at);
        self.rise(at);
        item
    }

    /// Swaps the item at `at` upwards until its parent is not greater.
    fn rise(&mut self, mut at: usize) {
        while let Some(above) = at.checked_sub(1).map(|n| n >> 1)
            && self.is_less(at, above)
        {
            self.swap(at, above);
            at = above;
        }
    }

    /// Swaps the item at `at` downwards until neither child is less.
    fn sink(&mut self, mut at: usize) {
        loop {
            let left = at.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            let below = if self.is_less(right, left) { right } else { left };
            if !self.is_less(below, at) {
                return;
            }
            self.swap(at, below);
            at = below;
        }
    }

    /// Returns whether both indices exist and the item at `a` is less.
    fn is_less(&self, a: usize, b: usize) -> bool {
        matches!((self.0.get(a), self.0.get(b)), (Some(a), Some(b)) if a.cmp(b) == Ordering::Less)
    }

    fn swap(&mut self, a: usize, b: usize) {
        if let Ok([a, b]) = self.0.get_disjoint_mut([a, b]) {
            core::mem::swap(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::Heap;

    proptest! {
        /// Compares the heap with a sorted list over random pushes, pops and removals, also out of range.
        #[test]
        fn heap_after_any_steps_equals_sorted_list(steps in prop::collection::vec((0_u8..3, any::<u8>()), 0..60)) {
            let (mut heap, mut list) = (Heap::<u8, 12>::new(), Vec::new());
            for (step, number) in steps {
                match step {
                    0 => {
                        prop_assert_eq!(heap.push(number), list.len() < 12);
                        if list.len() < 12 {
                            list.push(number);
                        }
                    }
                    1 => {
                        list.sort_unstable_by(|a, b| b.cmp(a));
                        prop_assert_eq!(heap.pop(), list.pop());
                    }
                    _ => {
                        let at = usize::from(number) % 14;
                        let item = heap.items().get(at).copied();
                        prop_assert_eq!(heap.remove(at), item);
                        if let Some(item) = item {
                            let at = list.iter().position(|number| *number == item).unwrap();
                            list.swap_remove(at);
                        }
                    }
                }
                prop_assert_eq!(heap.items().len(), list.len());
                prop_assert_eq!(heap.is_full(), list.len() == 12);
            }
            let mut drained: Vec<_> = core::iter::from_fn(|| heap.pop()).collect();
            list.sort_unstable();
            prop_assert_eq!(&mut drained, &mut list);
        }
    }
}
