//! What a swarm is to do for a while, and what came of it.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::ledger::Faults;

/// How posts are paced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Nobody posts.
    Still,
    /// As many as go, with at most so many posts on their way to the slowest sampled receiver.
    Flood {
        /// How many.
        window: u64,
    },
    /// So many a second, each at its time whatever became of the earlier ones.
    Paced {
        /// How many.
        per_second: f64,
    },
    /// As many as are confirmed, with so many posts unconfirmed.
    Confirmed {
        /// How many.
        outstanding: u64,
    },
}

/// What a reader asks for while others post.
pub struct Pages<'a> {
    /// Which client asks.
    pub reader: usize,
    /// So many questions a second, each at its time.
    pub per_second: f64,
    /// Appends a question.
    pub ask: &'a mut dyn FnMut(&mut Vec<u8>),
}

/// What is to be done for a while.
pub struct Plan<'a> {
    /// How posts are paced.
    pub load: Load,
    /// Bytes of a post.
    pub size: usize,
    /// For how long.
    pub duration: Duration,
    /// No more posts than this.
    pub posts_max: u64,
    /// What is read beside.
    pub pages: Option<Pages<'a>>,
}

impl Plan<'_> {
    /// Posts for so long.
    pub fn posting(load: Load, size: usize, duration: Duration) -> Self {
        Self { load, size, duration, posts_max: u64::MAX, pages: None }
    }
}

/// What came of posting for a while.
#[derive(Debug)]
pub struct Stretch {
    /// From the first post to the last delivery.
    pub seconds: f64,
    /// How many were posted.
    pub posts: u64,
    /// How many were confirmed.
    pub acked: u64,
    /// Deliveries to all receivers.
    pub deliveries: u64,
    /// Deliveries that there should have been.
    pub expected: u64,
    /// Reads in which they came.
    pub reads: u64,
    /// From when a post was meant to go to when sampled receivers had it, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// From when a post was meant to go to its confirmation.
    pub ack_latencies: Histogram<u64>,
    /// From when a page was meant to be asked for to when it was there.
    pub page_latencies: Histogram<u64>,
    /// What the sampled receivers found wrong.
    pub faults: Faults,
    /// How many receivers lack frames, and how many frames.
    pub short: (u64, u64),
    /// How many receivers have frames too many, and how many frames.
    pub over: (u64, u64),
    /// Confirmations and pages that did not come.
    pub unanswered: u64,
    /// Why connections are gone.
    pub gone: Vec<String>,
}

/// Latencies in nanoseconds with three digits.
pub(super) fn histogram() -> Histogram<u64> {
    const LONGEST_NS: u64 = 600_000_000_000;
    Histogram::new_with_max(LONGEST_NS, 3).expect("these bounds are in order")
}
