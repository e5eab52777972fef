//! Who came or went and has not been told of yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::state::UserId;

/// A user who lost its last connection counts as away only after this time, since a page that is loaded anew is back
/// within a second.
const ABSENCE_GRACE: Duration = Duration::from_secs(3);
/// So many people are told of at a time, so that every watcher finds all of them.
const PEOPLE_MAX: usize = 64;
/// So many people may have come or gone without having been told of yet; further ones are dropped.
const CALLS_MAX: usize = 16_384;

/// Who came or went and has not been told of yet.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    desk: Arc<Desk>,
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    board: Mutex<Board>,
    /// Somebody is to be told of earlier than was known, or nothing more will come.
    called: Condvar,
}

#[derive(Debug, Default)]
struct Board {
    calls: Calls,
    closed: bool,
}

impl Notices {
    /// Where whoever tells finds them.
    pub(crate) fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// Somebody has come.
    pub(crate) fn came(&self, user: UserId) {
        self.desk.call(user, Instant::now());
    }

    /// Somebody has gone, and may be back soon.
    pub(crate) fn went(&self, user: UserId) {
        self.desk.call(user, Instant::now() + ABSENCE_GRACE);
    }
}

impl Desk {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, user: UserId, due: Instant) {
        if self.board().calls.call(user, due) {
            self.called.notify_one();
        }
    }

    /// Those who are due, as soon as there are any; `None` when it is over.
    pub(crate) fn due(&self) -> Option<Vec<UserId>> {
        let mut board = self.board();
        loop {
            if board.closed {
                return None;
            }
            let now = Instant::now();
            let due = board.calls.take(now, PEOPLE_MAX);
            if !due.is_empty() {
                return Some(due);
            }
            board = match board.calls.pause(now) {
                None => self.called.wait(board).unwrap_or_else(PoisonError::into_inner),
                Some(pause) => {
                    self.called.wait_timeout(board, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits, but not beyond the end.
    pub(crate) fn rest(&self, time: Duration) {
        let board = self.board();
        let rested = self.called.wait_timeout_while(board, time, |board| !board.closed);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }

    /// It is over.
    pub(crate) fn close(&self) {
        self.board().closed = true;
        self.called.notify_one();
    }
}

/// Who came or went and has not been told of yet: one entry for each person, in the order in which they are due.
#[derive(Debug, Default)]
struct Calls {
    due: HashMap<UserId, Instant>,
    order: BTreeSet<(Instant, UserId)>,
}

impl Calls {
    /// A person is to be told of at `due`; forgets when that was to be before. Answers whether this is the next one.
    fn call(&mut self, user: UserId, due: Instant) -> bool {
        if let Some(before) = self.due.remove(&user) {
            self.order.remove(&(before, user));
        } else if self.due.len() >= CALLS_MAX {
            return false;
        }
        self.due.insert(user, due);
        self.order.insert((due, user));
        self.order.first().is_some_and(|(_, first)| *first == user)
    }

    /// Takes out those who are due, at most so many.
    fn take(&mut self, now: Instant, most: usize) -> Vec<UserId> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((due, user)) = self.order.first().copied()
            && due <= now
        {
            self.order.pop_first();
            self.due.remove(&user);
            taken.push(user);
        }
        if self.due.is_empty() {
            self.due = HashMap::new();
        }
        taken
    }

    /// How long until the next is due; `None` when nobody is called.
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.order.first().map(|(due, _)| due.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_called_once_and_when_due() {
        let mut calls = Calls::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert!(calls.call(UserId::of(1), start + second));
        assert!(!calls.call(UserId::of(2), start + 2 * second));
        assert!(!calls.call(UserId::of(1), start + 3 * second), "put off");
        assert_eq!(calls.pause(start), Some(2 * second));
        assert_eq!(calls.take(start + second, 64), []);
        assert_eq!(calls.take(start + 5 * second, 1), [UserId::of(2)]);
        assert_eq!(calls.take(start + 5 * second, 64), [UserId::of(1)]);
        assert_eq!(calls.pause(start), None);
        for user in 0..2 * CALLS_MAX as u32 {
            calls.call(UserId::of(user), start);
        }
        assert_eq!(calls.order.len(), CALLS_MAX);
    }
}
