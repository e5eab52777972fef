use teahouse_protocol::Seq;

/// Which seqs of a room's log are known, with or without anything to show: ranges in their order, which neither overlap
/// nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Covered(Vec<Range>);

/// From the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: Seq,
    pub(crate) last: Seq,
}

impl Covered {
    /// Everything from `first` to `last`, both included, is known; nothing where `last` comes before `first`.
    pub(crate) fn add(&mut self, first: Seq, last: Seq) {
        if first > last {
            return;
        }
        // Those that overlap or touch become one with it.
        let from = self.0.partition_point(|range| range.last.next() < first);
        let to = self.0.partition_point(|range| range.first <= last.next());
        let joined = self.0[from..to].iter().fold(Range { first, last }, |sum, range| Range {
            first: sum.first.min(range.first),
            last: sum.last.max(range.last),
        });
        self.0.splice(from..to, [joined]);
    }

    /// Nothing from `first` to `last`, both included, is known any more.
    pub(crate) fn remove(&mut self, first: Seq, last: Seq) {
        let rest = self.0.iter().flat_map(|range| {
            let before = Range { first: range.first, last: range.last.min(first.prev()) };
            let after = Range { first: range.first.max(last.next()), last: range.last };
            [before, after].into_iter().filter(|rest| rest.first <= rest.last)
        });
        self.0 = rest.collect();
    }

    /// The range that a seq lies in.
    pub(crate) fn around(&self, seq: Seq) -> Option<Range> {
        let at = self.0.partition_point(|range| range.last < seq);
        self.0.get(at).copied().filter(|range| range.first <= seq)
    }

    /// Whether a seq is known.
    pub(crate) fn contains(&self, seq: Seq) -> bool {
        self.around(seq).is_some()
    }

    /// The range that lies before another.
    pub(crate) fn before(&self, range: Range) -> Option<Range> {
        let at = self.0.partition_point(|other| other.last < range.first);
        self.0.get(at.checked_sub(1)?).copied()
    }

    /// The oldest seq that is known.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.0.first().map(|range| range.first)
    }

    /// The range with the latest seq that is known.
    pub(crate) fn latest(&self) -> Option<Range> {
        self.0.last().copied()
    }

    /// Nothing is known.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SEQS: u64 = 24;

    fn seq(number: u64) -> Seq {
        Seq::new(number).expect("small")
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_seqs(
            steps in proptest::collection::vec((any::<bool>(), 1..SEQS, 0..SEQS), 1..12),
        ) {
            let (mut covered, mut set) = (Covered::default(), BTreeSet::new());
            for (adds, first, last) in steps {
                if adds {
                    covered.add(seq(first), seq(last));
                    set.extend(first..=last);
                } else {
                    covered.remove(seq(first), seq(last.max(first)));
                    set.retain(|known| !(first..=last.max(first)).contains(known));
                }
                for number in 1..=SEQS {
                    prop_assert_eq!(covered.contains(seq(number)), set.contains(&number));
                }
                prop_assert_eq!(covered.first().map(Seq::get), set.first().copied());
                prop_assert_eq!(covered.latest().map(|range| range.last.get()), set.last().copied());
                for pair in covered.0.windows(2) {
                    prop_assert!(pair[0].last.next() < pair[1].first, "they neither overlap nor touch");
                    prop_assert_eq!(covered.before(pair[1]), Some(pair[0]));
                }
            }
        }
    }
}
