use crate::limits::{
    BACKOFF_EARLY_FOR_MS, BACKOFF_EARLY_MAX_MS, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, BACKOFF_MIN_MS,
};
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

    /// The delay after one more failure, in milliseconds, so long after the trouble began: a server that restarts is back
    /// within a minute, and its people are to be back with it.
    pub(crate) fn next_ms(&mut self, trouble_ms: u64, random: &mut Random) -> u64 {
        let max = if trouble_ms < BACKOFF_EARLY_FOR_MS { BACKOFF_EARLY_MAX_MS } else { BACKOFF_MAX_MS };
        let ceiling = BACKOFF_FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(max);
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
            for ceiling in [1_000, 2_000, 4_000, 4_000, 4_000] {
                let delay = backoff.next_ms(BACKOFF_EARLY_FOR_MS - 1, &mut random);
                assert!((BACKOFF_MIN_MS..=ceiling).contains(&delay), "{delay} of {ceiling}");
            }
            let delay = backoff.next_ms(BACKOFF_EARLY_FOR_MS, &mut random);
            assert!((BACKOFF_MIN_MS..=BACKOFF_MAX_MS).contains(&delay), "{delay}");
        }
    }

    #[test]
    fn the_jitter_uses_the_whole_range() {
        let mut random = Random::new(1);
        let mut backoff = Backoff { failures: 10 };
        for (trouble_ms, ceiling) in [(0, BACKOFF_EARLY_MAX_MS), (BACKOFF_EARLY_FOR_MS, BACKOFF_MAX_MS)] {
            let delays: Vec<u64> = (0..200).map(|_| backoff.next_ms(trouble_ms, &mut random)).collect();
            assert!(delays.iter().any(|delay| *delay < ceiling / 5));
            assert!(delays.iter().any(|delay| *delay > ceiling / 10 * 9));
        }
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert!(backoff.next_ms(u64::MAX, &mut Random::new(1)) <= BACKOFF_MAX_MS);
    }
}
