//! What one sampled receiver has had of each stream: nothing may be missing, doubled or out of order.

use std::collections::BTreeMap;

use crate::payload::Token;

/// How often something was wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Posts that never came.
    pub missing: u64,
    /// Posts that came again.
    pub doubled: u64,
    /// Posts that came after a later one of their stream.
    pub reordered: u64,
    /// Posts of another room.
    pub stray: u64,
}

impl Faults {
    /// Whether everything was as it should be.
    pub fn none(self) -> bool {
        self == Self::default()
    }

    /// Adds another receiver's.
    pub fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.stray += other.stray;
    }
}

#[derive(Debug)]
struct Progress {
    next: u32,
    /// What was jumped over and has not come yet: first number to the number after the last.
    holes: BTreeMap<u32, u32>,
}

/// One receiver's streams.
#[derive(Debug)]
pub struct Ledger {
    streams: BTreeMap<u16, Progress>,
    faults: Faults,
    position: u64,
    received: u64,
}

impl Ledger {
    /// Begins with these streams, each with the number that comes next.
    pub fn new(streams: impl IntoIterator<Item = (u16, u32)>) -> Self {
        let streams = streams
            .into_iter()
            .map(|(stream, next)| (stream, Progress { next, holes: BTreeMap::new() }))
            .collect();
        Self { streams, faults: Faults::default(), position: 0, received: 0 }
    }

    /// A post has come.
    pub fn receive(&mut self, token: Token) {
        self.received += 1;
        let Some(progress) = self.streams.get_mut(&token.stream) else {
            self.faults.stray += 1;
            return;
        };
        let number = token.number;
        if number >= progress.next {
            if number > progress.next {
                progress.holes.insert(progress.next, number);
            }
            self.position += u64::from(number - progress.next) + 1;
            progress.next = number + 1;
            return;
        }
        let hole = progress.holes.range(..=number).next_back().map(|(&from, &to)| (from, to));
        let Some((from, to)) = hole.filter(|&(_, to)| number < to) else {
            self.faults.doubled += 1;
            return;
        };
        self.faults.reordered += 1;
        progress.holes.remove(&from);
        if from < number {
            progress.holes.insert(from, number);
        }
        if number + 1 < to {
            progress.holes.insert(number + 1, to);
        }
    }

    /// How far it has come, in posts of all its streams; what is missing counts as passed when a later one came.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many posts came, right or wrong.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// What is wrong when so many posts of a stream were posted.
    pub fn faults(&self, posted: impl Fn(u16) -> u32) -> Faults {
        let mut faults = self.faults;
        for (&stream, progress) in &self.streams {
            faults.missing += u64::from(posted(stream).saturating_sub(progress.next));
            faults.missing += progress.holes.iter().map(|(from, to)| u64::from(to - from)).sum::<u64>();
            // A number that nobody has posted is as wrong as another room's.
            faults.stray += u64::from(progress.next.saturating_sub(posted(stream)));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(numbers: &[u32], posted: u32) -> Faults {
        let mut ledger = Ledger::new([(7, 0)]);
        for &number in numbers {
            ledger.receive(Token { meant: 0, stream: 7, number });
        }
        ledger.faults(|_| posted)
    }

    #[test]
    fn a_right_stream_has_no_faults() {
        assert!(faults_of(&[0, 1, 2, 3], 4).none());
        assert!(faults_of(&[], 0).none());
    }

    #[test]
    fn what_is_missing_is_noticed_at_the_beginning_in_the_middle_and_at_the_end() {
        assert_eq!(faults_of(&[1, 2, 3], 4), Faults { missing: 1, ..Faults::default() });
        assert_eq!(faults_of(&[0, 3], 4), Faults { missing: 2, ..Faults::default() });
        assert_eq!(faults_of(&[0, 1], 4), Faults { missing: 2, ..Faults::default() });
        assert_eq!(faults_of(&[], 4), Faults { missing: 4, ..Faults::default() });
    }

    #[test]
    fn what_is_doubled_is_noticed_at_once_and_later() {
        assert_eq!(faults_of(&[0, 0, 1], 2), Faults { doubled: 1, ..Faults::default() });
        assert_eq!(faults_of(&[0, 1, 2, 0, 1], 3), Faults { doubled: 2, ..Faults::default() });
        assert_eq!(faults_of(&[0, 2, 1, 1], 3), Faults { doubled: 1, reordered: 1, ..Faults::default() });
    }

    #[test]
    fn what_is_reordered_is_neither_missing_nor_doubled() {
        assert_eq!(faults_of(&[0, 2, 1, 3], 4), Faults { reordered: 1, ..Faults::default() });
        assert_eq!(faults_of(&[5, 2, 0, 4, 1, 3], 6), Faults { reordered: 5, ..Faults::default() });
    }

    #[test]
    fn every_order_of_five_with_one_lost_and_one_doubled_adds_up() {
        let mut orders = vec![vec![0, 1, 3, 4, 1]];
        for end in 0..5 {
            let before = orders.clone();
            for order in before {
                for at in 0..end {
                    let mut other = order.clone();
                    other.swap(at, end);
                    orders.push(other);
                }
            }
        }
        for order in orders {
            let faults = faults_of(&order, 5);
            assert_eq!((faults.missing, faults.doubled), (1, 1), "{order:?}");
        }
    }

    #[test]
    fn posts_of_another_room_and_posts_that_nobody_posted_are_noticed() {
        let mut ledger = Ledger::new([(7, 10)]);
        ledger.receive(Token { meant: 0, stream: 8, number: 0 });
        ledger.receive(Token { meant: 0, stream: 7, number: 10 });
        assert_eq!(ledger.faults(|_| 11), Faults { stray: 1, ..Faults::default() });
        assert_eq!(ledger.faults(|_| 10), Faults { stray: 2, ..Faults::default() });
        assert_eq!(ledger.received(), 2);
        assert_eq!(ledger.position(), 1);
    }
}
