use crate::limits::{BACKOFF_FIRST_MS, BACKOFF_MAX_MS, BACKOFF_MIN_MS};
use crate::random::Random;

/// How long to wait after so many failures: exponential with full jitter, so that the clients of a server that
/// restarts do not come back all at once.
/// Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The delay after one more failure, in milliseconds.
    pub(crate) fn next_ms(&mut self, random: &mut Random) -> u64 {
        let ceiling = BACKOFF_FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX_MS);
        self.failures = self.failures.saturating_add(1);
        random.up_to(ceiling).max(BACKOFF_MIN_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_limit_and_never_fall_below_the_floor() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut backoff = Backoff::default();
            for ceiling in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
                let delay = backoff.next_ms(&mut random);
                assert!((BACKOFF_MIN_MS..=ceiling).contains(&delay), "{delay} of {ceiling}");
            }
        }
    }

    #[test]
    fn the_jitter_uses_the_whole_range() {
        let mut random = Random::new(1);
        let mut backoff = Backoff { failures: 10 };
        let delays: Vec<u64> = (0..200).map(|_| backoff.next_ms(&mut random)).collect();
        assert!(delays.iter().any(|delay| *delay < 3_000));
        assert!(delays.iter().any(|delay| *delay > 27_000));
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert!(backoff.next_ms(&mut Random::new(1)) <= BACKOFF_MAX_MS);
    }
}
