//! Whose turn it is: what many connections want of one thing, in an order in which nobody waits for somebody else's
//! crowd.

use std::collections::{HashMap, VecDeque};

use crate::pace::Address;

/// Who wants something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// From where.
    pub address: Address,
    /// Which connection of that address.
    pub connection: u64,
}

impl Source {
    /// The server itself.
    pub const HOUSE: Self = Self { address: Address::HOUSE, connection: 0 };
}

/// No more is taken in: all together want too much, or one address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What waits, by address and connection. What one connection wants stays in its order. Addresses take turns, and the
/// connections of an address take turns among themselves; who has waited for nothing until now comes before those who
/// want much.
#[derive(Debug)]
pub struct Turns<T> {
    lines: Rota<Address, Line<T>>,
    waiting: usize,
    bytes: usize,
    waiting_max: usize,
    bytes_max: usize,
}

/// What the connections of one address want.
#[derive(Debug)]
struct Line<T> {
    connections: Rota<u64, VecDeque<(T, usize)>>,
    waiting: usize,
    bytes: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { connections: Rota::default(), waiting: 0, bytes: 0 }
    }
}

/// Who takes turns. Everybody in `entries` stands in one of the queues, once.
#[derive(Debug)]
struct Rota<K, V> {
    entries: HashMap<K, V>,
    /// Those who wanted nothing before.
    fresh: VecDeque<K>,
    /// Those who had a turn. Whoever wants nothing any more stays until the next turn, so that nobody is fresh twice.
    others: VecDeque<K>,
}

impl<K, V> Default for Rota<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), fresh: VecDeque::new(), others: VecDeque::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash, V: Default> Rota<K, V> {
    fn entry(&mut self, key: K) -> &mut V {
        self.entries.entry(key).or_insert_with(|| {
            self.fresh.push_back(key);
            V::default()
        })
    }

    /// Gives the next one its turn. `take` answers `None` where nothing is wanted any more.
    fn turn<T>(&mut self, mut take: impl FnMut(&mut V) -> Option<T>) -> Option<T> {
        loop {
            let key = self.fresh.pop_front().or_else(|| self.others.pop_front())?;
            match take(self.entries.get_mut(&key).expect("everybody who waits for a turn is there")) {
                Some(taken) => {
                    self.others.push_back(key);
                    return Some(taken);
                }
                None => {
                    self.entries.remove(&key);
                }
            }
        }
    }
}

impl<T> Turns<T> {
    /// Nothing waits. So many things of so many bytes may; half of that of one address.
    pub fn new(waiting_max: usize, bytes_max: usize) -> Self {
        Self { lines: Rota::default(), waiting: 0, bytes: 0, waiting_max, bytes_max }
    }

    /// How many things wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Takes in what somebody wants.
    pub fn push(&mut self, source: Source, item: T, bytes: usize) -> Result<(), Full> {
        let fits = |waiting: usize, held: usize, share: usize| {
            waiting < self.waiting_max / share && held + bytes <= self.bytes_max / share
        };
        if !fits(self.waiting, self.bytes, 1) {
            return Err(Full);
        }
        if let Some(line) = self.lines.entries.get(&source.address)
            && source != Source::HOUSE
            && !fits(line.waiting, line.bytes, 2)
        {
            return Err(Full);
        }
        let line = self.lines.entry(source.address);
        line.connections.entry(source.connection).push_back((item, bytes));
        line.waiting += 1;
        line.bytes += bytes;
        self.waiting += 1;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes out the next thing, and how many bytes it was said to have.
    pub fn pop(&mut self) -> Option<(T, usize)> {
        let taken = self.lines.turn(|line| {
            let (item, bytes) = line.connections.turn(VecDeque::pop_front)?;
            line.waiting -= 1;
            line.bytes -= bytes;
            Some((item, bytes))
        });
        if let Some((_, bytes)) = &taken {
            self.waiting -= 1;
            self.bytes -= bytes;
        }
        if self.waiting == 0 {
            self.lines = Rota::default();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: u8, connection: u64) -> Source {
        Source { address: Address::of(std::net::IpAddr::from([10, 0, 0, address])), connection }
    }

    #[test]
    fn what_one_connection_wants_stays_in_order() {
        let mut turns = Turns::new(1_000, 1_000);
        for item in 0..100 {
            turns.push(source(1, 1), item, 1).expect("there is room");
        }
        let all: Vec<u32> = std::iter::from_fn(|| turns.pop()).map(|(item, _)| item).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn who_wants_one_thing_waits_for_nobody_who_wants_many() {
        let mut turns = Turns::new(10_000, 10_000);
        for connection in 0..40 {
            for _ in 0..40 {
                turns.push(source(1, connection), "crowd", 1).expect("there is room");
            }
        }
        for _ in 0..100 {
            turns.pop();
        }
        // Of the same address, and of another one.
        turns.push(source(1, 1_000), "neighbour", 1).expect("there is room");
        turns.push(source(2, 1), "stranger", 1).expect("there is room");
        let next: Vec<&str> = (0..3).filter_map(|_| turns.pop()).map(|(item, _)| item).collect();
        assert!(next.contains(&"neighbour") && next[0] == "stranger", "{next:?}");
    }

    #[test]
    fn nobody_is_served_first_twice_by_asking_again() {
        let mut turns = Turns::new(10_000, 10_000);
        for address in 1..=10 {
            turns.push(source(address, 1), address, 1).expect("there is room");
        }
        let mut served = Vec::new();
        // The first one wants something again each time it was served.
        while let Some((address, _)) = turns.pop() {
            served.push(address);
            if address == 1 && served.len() < 20 {
                turns.push(source(1, 1), 1, 1).expect("there is room");
            }
        }
        assert_eq!(&served[..11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1]);
    }

    #[test]
    fn all_together_and_each_address_want_so_much() {
        let mut turns = Turns::new(100, 1_000);
        let taken = (0..200).filter(|number| turns.push(source(1, number % 7), (), 1).is_ok()).count();
        assert_eq!(taken, 50, "half of everything");
        assert!(turns.push(source(2, 1), (), 900).is_ok(), "the first thing may be large");
        assert!(turns.push(source(2, 1), (), 1).is_err());
        assert!(turns.push(source(3, 1), (), 100).is_err());
        while turns.pop().is_some() {}
        assert!(turns.is_empty() && turns.bytes == 0 && turns.lines.entries.is_empty());
    }
}
