//! What is on its way between simulated ends, and the chance of a seed.

use std::collections::BTreeMap;

/// One opened link; a brain that reconnects gets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// Chance out of a seed.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Those of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`. Xorshift64*.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % end
    }

    /// True once in so many times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What is on its way, in the order of arrival.
#[derive(Debug)]
pub struct Network<T> {
    queue: BTreeMap<(u64, u64), T>,
    count: u64,
}

impl<T> Default for Network<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), count: 0 }
    }
}

impl<T> Network<T> {
    /// Something arrives at this time. Of those of one time the one that was sent first is first.
    pub fn send(&mut self, arrives_ms: u64, what: T) {
        self.count += 1;
        self.queue.insert((arrives_ms, self.count), what);
    }

    /// When the next one arrives.
    pub fn next_ms(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next one.
    pub fn pop(&mut self) -> Option<T> {
        self.queue.pop_first().map(|(_, what)| what)
    }
}
