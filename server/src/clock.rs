//! What time it is, for everything behind the doors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use teahouse_protocol::UnixMillis;

/// A monotonic clock and one that people read: the system's, or those of a simulation.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    set: Option<Arc<Hands>>,
}

#[derive(Debug)]
struct Hands {
    start: Instant,
    elapsed_ms: AtomicU64,
    unix_ms: AtomicU64,
}

impl Clock {
    /// One that stands until it is set.
    pub fn simulated() -> Self {
        let hands = Hands { start: Instant::now(), elapsed_ms: 0.into(), unix_ms: 0.into() };
        Self { set: Some(Arc::new(hands)) }
    }

    /// Sets a simulated one: so many milliseconds after its beginning it is `unix` for people, who may be told to go back.
    pub fn set(&self, elapsed_ms: u64, unix: UnixMillis) {
        if let Some(hands) = &self.set {
            hands.elapsed_ms.fetch_max(elapsed_ms, Ordering::Relaxed);
            hands.unix_ms.store(unix.get(), Ordering::Relaxed);
        }
    }

    /// Never goes back.
    pub fn now(&self) -> Instant {
        match &self.set {
            None => Instant::now(),
            Some(hands) => hands.start + Duration::from_millis(hands.elapsed_ms.load(Ordering::Relaxed)),
        }
    }

    /// Nothing but what people read, and how long a name is kept for them, depends on it.
    pub fn unix(&self) -> UnixMillis {
        match &self.set {
            None => {
                let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                UnixMillis::new(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
            }
            Some(hands) => UnixMillis::new(hands.unix_ms.load(Ordering::Relaxed)),
        }
    }
}
