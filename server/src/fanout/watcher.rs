use std::fmt;

use teahouse_protocol::Seq;

use super::shelf::Shelf;

/// A connection as the rooms see it that it watches. It keeps a cursor in each of its slots.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// Writes what the cursor of a watch has not seen, up to `head` at least, unless something else comes first. `watch`
    /// tells this watch from an earlier one in the same slot.
    fn deliver(&self, slot: usize, watch: u64, head: Seq, shelf: &mut Shelf) -> Delivery;

    /// Leaves word that a watch has something to read. Answers whether the caller must [`Watcher::wake`].
    fn tell(&self, slot: usize) -> bool;

    /// Makes the connection look.
    fn wake(&self);
}

/// What became of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is written, or the connection's task will see to it.
    Done,
    /// The connection's task must be woken to see to it.
    Wake,
    /// The connection's task is at work and must be told.
    Busy,
}
