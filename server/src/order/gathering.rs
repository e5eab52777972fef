use std::time::{Duration, Instant};

/// In a crowd, batches begin at most so often.
const GATHER: Duration = Duration::from_millis(2);
/// So many proposals are worth a batch at any time.
const GATHERED: usize = 64;
/// Lets proposals gather where many people post. Each batch costs an fsync and some changes of threads, however few
/// proposals are in it. Whoever posts alone waits for nothing: a batch follows at once on a batch of one.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    last: Option<Instant>,
    crowd: bool,
}

impl Gathering {
    /// How long to wait before a batch that holds `proposals` so far.
    pub(super) fn pause(&self, proposals: usize, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.last?);
        (self.crowd && proposals < GATHERED).then(|| GATHER.checked_sub(since)).flatten()
    }

    /// A batch begins.
    pub(super) fn begin(&mut self, proposals: usize, now: Instant) {
        self.last = Some(now);
        self.crowd = proposals > 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_crowd_gathers() {
        let mut gathering = Gathering::default();
        let start = Instant::now();
        assert_eq!(gathering.pause(5, start), None, "nothing came before");
        gathering.begin(1, start);
        assert_eq!(gathering.pause(1, start), None, "who posts alone waits for nothing");
        gathering.begin(2, start);
        let soon = start + GATHER / 4;
        assert_eq!(gathering.pause(1, soon), Some(GATHER - GATHER / 4));
        assert_eq!(gathering.pause(GATHERED, soon), None, "enough have gathered");
        assert_eq!(gathering.pause(1, start + GATHER * 2), None, "nobody waits longer than that");
    }
}
