//! The clock of a run: nanoseconds since it began, so that a time fits into a payload.

use std::time::{Duration, Instant};

/// Reads nanoseconds since the run began.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the beginning.
    pub fn now(self) -> u64 {
        nanoseconds(self.0.elapsed())
    }
}

/// A duration in whole nanoseconds, enough for 584 years.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
