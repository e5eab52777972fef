use tokio::time::Instant;

/// What a connection waits for by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deadline {
    /// A complete hello must have come.
    Hello,
    /// Bytes without a line ending count as a line.
    Pause,
    /// Something may be answered again, since the answers before were long.
    Answer,
    /// Something may be read for a cursor again, for the same reason.
    Replay,
    /// The peer must have taken something of what waits for it.
    Stalled,
}

const ALL: [Deadline; 5] =
    [Deadline::Hello, Deadline::Pause, Deadline::Answer, Deadline::Replay, Deadline::Stalled];

/// A connection's deadlines. Most connections have none, and then this holds no memory.
#[derive(Debug, Default)]
pub(super) struct Deadlines(Option<Box<[Option<Instant>; ALL.len()]>>);

impl Deadlines {
    pub(super) fn set(&mut self, deadline: Deadline, until: Instant) {
        self.0.get_or_insert_default()[deadline as usize] = Some(until);
    }

    pub(super) fn clear(&mut self, deadline: Deadline) {
        if let Some(all) = &mut self.0 {
            all[deadline as usize] = None;
            if all.iter().all(Option::is_none) {
                self.0 = None;
            }
        }
    }

    pub(super) fn is_set(&self, deadline: Deadline) -> bool {
        self.0.as_ref().is_some_and(|all| all[deadline as usize].is_some())
    }

    /// Takes out one that is over. One that stayed would be over again at once, for ever.
    pub(super) fn take_over(&mut self, now: Instant) -> Option<Deadline> {
        let all = self.0.as_ref()?;
        let over = ALL.into_iter().find(|deadline| all[*deadline as usize].is_some_and(|until| until <= now));
        self.clear(over?);
        over
    }

    /// The next one.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.as_ref()?.iter().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_next_deadline_comes_first_and_none_holds_nothing() {
        let mut deadlines = Deadlines::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        deadlines.set(Deadline::Hello, now + 2 * second);
        deadlines.set(Deadline::Pause, now + second);
        assert_eq!(deadlines.next(), Some(now + second));
        assert_eq!(deadlines.take_over(now), None);
        assert_eq!(deadlines.take_over(now + second), Some(Deadline::Pause));
        assert_eq!(deadlines.next(), Some(now + 2 * second));
        assert!(deadlines.is_set(Deadline::Hello) && !deadlines.is_set(Deadline::Pause));
        deadlines.clear(Deadline::Hello);
        assert!(deadlines.next().is_none() && deadlines.0.is_none());
    }

    #[test]
    fn whatever_is_over_is_over_once() {
        let mut deadlines = Deadlines::default();
        let now = Instant::now();
        for deadline in ALL {
            deadlines.set(deadline, now);
        }
        let over: Vec<Deadline> = std::iter::from_fn(|| deadlines.take_over(now)).collect();
        assert_eq!(over, ALL);
        assert_eq!(deadlines.next(), None);
    }
}
