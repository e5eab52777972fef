//! A list whose entries change one by one: who reads an entry is not told of the others.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;

/// An entry: its key and its value.
pub(crate) type Slot<K, T> = (K, ArcRwSignal<T>);

/// A list of values under keys.
pub(crate) struct Keyed<K: 'static, T: 'static> {
    slots: RwSignal<Vec<Slot<K, T>>>,
}

impl<K, T> Clone for Keyed<K, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, T> Copy for Keyed<K, T> {}

impl<K, T> Keyed<K, T>
where
    K: Ord + Clone + Send + Sync + 'static,
    T: PartialEq + Send + Sync + 'static,
{
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { slots: RwSignal::new(Vec::new()) }
    }

    /// Takes over a whole list. Readers of the list are told when keys or their order change, readers of an entry when
    /// its value changes. Of entries with one key the first counts. Answers whether keys or their order have changed.
    pub(crate) fn update(&self, items: impl IntoIterator<Item = (K, T)>) -> bool {
        let old = self.slots.get_untracked();
        let mut known = BTreeMap::new();
        for (key, value) in &old {
            known.insert(key, value);
        }
        let mut seen = BTreeSet::new();
        let new: Vec<Slot<K, T>> = items
            .into_iter()
            .filter(|(key, _)| seen.insert(key.clone()))
            .map(|(key, value)| match known.remove(&key) {
                Some(signal) => {
                    if signal.with_untracked(|now| *now != value) {
                        signal.set(value);
                    }
                    (key, signal.clone())
                }
                None => (key, ArcRwSignal::new(value)),
            })
            .collect();
        let same = new.len() == old.len() && new.iter().zip(&old).all(|((new, _), (old, _))| new == old);
        if !same {
            self.slots.set(new);
        }
        !same
    }

    /// The list, for a keyed view.
    pub(crate) fn slots(&self) -> Vec<Slot<K, T>> {
        self.slots.get()
    }

    /// The keys in their order.
    pub(crate) fn keys(&self) -> Vec<K> {
        self.slots.with(|slots| slots.iter().map(|(key, _)| key.clone()).collect())
    }

    /// The keys in their order, without being told of changes.
    pub(crate) fn keys_untracked(&self) -> Vec<K> {
        self.slots.with_untracked(|slots| slots.iter().map(|(key, _)| key.clone()).collect())
    }

    /// The first key.
    pub(crate) fn first_key(&self) -> Option<K> {
        self.slots.with(|slots| slots.first().map(|(key, _)| key.clone()))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.with(Vec::len)
    }
}

impl<K, T> Keyed<K, T>
where
    K: Ord + Clone + Send + Sync + 'static,
    T: PartialEq + Clone + Send + Sync + 'static,
{
    /// The values in their order, without being told of changes.
    pub(crate) fn values_untracked(&self) -> Vec<T> {
        self.slots.with_untracked(|slots| slots.iter().map(|(_, value)| value.get_untracked()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_signals() {
        let owner = Owner::new();
        owner.with(|| {
            let list = Keyed::new();
            list.update([(1, "a"), (2, "b")]);
            let before = list.slots.get_untracked();
            assert!(list.update([(0, "x"), (1, "a"), (2, "B")]));
            let after = list.slots.get_untracked();
            assert_eq!(list.keys_untracked(), [0, 1, 2]);
            assert_eq!(before[1].1.get_untracked(), "B", "the old signal of 2 has the new value");
            assert_eq!(after[1].1.get_untracked(), "a");
            assert!(!list.update([(0, "y"), (1, "a"), (2, "B")]), "the same keys");
            list.update([(2, "B"), (1, "a"), (2, "again")]);
            assert_eq!(list.values_untracked(), ["B", "a"]);
        });
    }
}
