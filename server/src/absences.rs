//! Who is away, and since when: one entry for each person, by a monotonic clock that the caller reads.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use teahouse_protocol::UnixMillis;

use crate::state::{Away, UserId};

/// A departure that could not be decided is proposed again after this time.
const AGAIN: Duration = Duration::from_secs(1);

/// Everybody who is away.
#[derive(Debug, Default)]
pub(crate) struct Absences {
    of: HashMap<UserId, Absence>,
    due: BTreeSet<(Instant, UserId)>,
}

/// That nobody is connected as some user.
#[derive(Debug)]
pub(crate) struct Absence {
    /// What the order knows of it, or will.
    pub(crate) away: Away,
    /// When its departure is to be proposed; `None` for those whose names are kept.
    over_at: Option<Instant>,
    /// Whether it has been proposed.
    over: bool,
}

impl Absence {
    /// One that begins now. The user departs after the lease, if it has one.
    pub(crate) fn begin(away: Away, lease: Option<Duration>, now: Instant) -> Self {
        Self { away, over_at: lease.map(|lease| now + lease), over: false }
    }
}

impl Absences {
    /// From now on nobody is connected as this user.
    pub(crate) fn insert(&mut self, user: UserId, absence: Absence) {
        self.remove(user);
        self.due.extend(absence.over_at.map(|due| (due, user)));
        self.of.insert(user, absence);
    }

    /// The user is back, or gone for good. Answers whether it was away.
    pub(crate) fn remove(&mut self, user: UserId) -> bool {
        let Some(absence) = self.of.remove(&user) else { return false };
        if let Some(due) = absence.over_at {
            self.due.remove(&(due, user));
        }
        true
    }

    /// How a user is away, if it is.
    pub(crate) fn get(&self, user: UserId) -> Option<&Absence> {
        self.of.get(&user)
    }

    /// The departure of this user could not be decided. It comes again, unless the user does.
    pub(crate) fn postpone(&mut self, user: UserId, now: Instant) {
        if let Some(absence) = self.of.get_mut(&user).filter(|absence| absence.over) {
            let due = now + AGAIN;
            if let Some(before) = absence.over_at.replace(due) {
                self.due.remove(&(before, user));
            }
            self.due.insert((due, user));
        }
    }

    /// When [`Self::next_over`] has somebody, if ever.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The next user whose departure is due, and since when it is away.
    pub(crate) fn next_over(&mut self, now: Instant) -> Option<(UserId, UnixMillis)> {
        let (_, user) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.pop_first();
        let absence = self.of.get_mut(&user)?;
        absence.over_at = None;
        absence.over = true;
        Some((user, absence.away.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);
    const ANA: UserId = UserId::of(7);

    fn away(lease: Option<Duration>, now: Instant) -> Absence {
        Absence::begin(Away { since: UnixMillis::new(7), from: None }, lease, now)
    }

    fn all(absences: &mut Absences, now: Instant) -> Vec<UserId> {
        std::iter::from_fn(|| absences.next_over(now)).map(|(user, _)| user).collect()
    }

    #[test]
    fn who_comes_and_goes_has_one_timer() {
        let start = Instant::now();
        let mut absences = Absences::default();
        for second in 0..50 {
            let now = start + Duration::from_secs(second);
            absences.remove(ANA);
            absences.insert(ANA, away(Some(LEASE), now));
            assert_eq!(all(&mut absences, now), []);
        }
        assert_eq!(absences.due.len(), 1);
        let last = start + Duration::from_secs(49);
        assert_eq!(all(&mut absences, start + LEASE), [], "the first lease is no more");
        assert!(!absences.get(ANA).expect("away").over);
        assert_eq!(absences.deadline(), Some(last + LEASE));
        assert_eq!(all(&mut absences, last + LEASE), [ANA]);
        assert!(absences.get(ANA).expect("away").over);
        assert_eq!(absences.deadline(), None);
    }

    #[test]
    fn a_departure_that_could_not_be_decided_comes_again_until_the_user_does() {
        let start = Instant::now();
        let mut absences = Absences::default();
        absences.insert(ANA, away(Some(Duration::ZERO), start));
        assert_eq!(all(&mut absences, start), [ANA], "at once");
        for _ in 0..3 {
            absences.postpone(ANA, start);
        }
        assert_eq!(all(&mut absences, start + AGAIN), [ANA]);
        absences.postpone(ANA, start + AGAIN);
        absences.remove(ANA);
        absences.postpone(ANA, start + AGAIN);
        assert_eq!(absences.deadline(), None);
    }

    #[test]
    fn whose_name_is_kept_has_no_lease() {
        let start = Instant::now();
        let mut absences = Absences::default();
        absences.insert(ANA, away(None, start));
        assert_eq!(all(&mut absences, start + LEASE * 1_000), []);
        assert!(absences.get(ANA).is_some());
    }
}
