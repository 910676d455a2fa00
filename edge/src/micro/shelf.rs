//! The newest of their kind: as many as may be kept. Pure.

use crate::config::MicroConfig;
use std::{collections::VecDeque, sync::Arc};

/// What is kept.
pub(super) trait Item {
    /// The name of its test.
    fn test_id(&self) -> Option<&str>;
    /// Its bytes in memory, about.
    fn weight(&self) -> usize;
}

/// The newest ones, the oldest first.
pub(super) struct Shelf<T> {
    most: MicroConfig,
    items: VecDeque<Arc<T>>,
    bytes: usize,
    fell_out: u64,
}

/// Whether an item is of the test that is asked for; all are of none.
fn is_of<T: Item>(item: &T, test: Option<&str>) -> bool {
    test.is_none() || item.test_id() == test
}

impl<T: Item + Clone> Shelf<T> {
    pub(super) const fn new(most: MicroConfig) -> Self {
        Self { most, items: VecDeque::new(), bytes: 0, fell_out: 0 }
    }

    /// Takes one more.
    pub(super) fn push(&mut self, item: T) {
        self.bytes += item.weight();
        self.items.push_back(Arc::new(item));
        self.make_room();
    }

    /// What there is no room for falls out at the other end.
    fn make_room(&mut self) {
        while self.items.len() > self.most.most || self.bytes > self.most.bytes {
            let Some(oldest) = self.items.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            self.fell_out += 1;
        }
    }

    /// Changes those that are `wanted`, the newest of which stand at the end, and at most so many.
    pub(super) fn change(&mut self, mut most: usize, wanted: impl Fn(&T) -> bool, change: impl Fn(&mut T)) {
        for item in self.items.iter_mut().rev() {
            if most == 0 {
                break;
            }
            if wanted(item) {
                most -= 1;
                let before = item.weight();
                change(Arc::make_mut(item)); // whoever reads it just now reads it as it was
                self.bytes = (self.bytes + item.weight()).saturating_sub(before);
            }
        }
        self.make_room();
    }

    /// Those of a test, or all of them.
    pub(super) fn of(&self, test: Option<&str>) -> Vec<Arc<T>> {
        self.items.iter().filter(|item| is_of(item.as_ref(), test)).cloned().collect()
    }

    /// How many there are of a test, or in all.
    pub(super) fn count(&self, test: Option<&str>) -> usize {
        self.items.iter().filter(|item| is_of(item.as_ref(), test)).count()
    }

    /// How many fell out.
    pub(super) const fn fell_out(&self) -> u64 {
        self.fell_out
    }

    /// Forgets those of a test; with none, everything.
    pub(super) fn reset(&mut self, test: Option<&str>) {
        if test.is_none() {
            *self = Self::new(self.most);
            return;
        }
        self.items.retain(|item| !is_of(item.as_ref(), test));
        self.bytes = self.items.iter().map(|item| item.weight()).sum();
    }
}
