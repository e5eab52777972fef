use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::feed::Feed;
use crate::abort::AbortOnPanic;

/// The thread that walks from room to room and brings news to the watchers. The order thread commits meanwhile; what
/// it commits to a room before the herald is back there goes out in the same writes.
#[derive(Debug)]
pub struct Herald {
    desk: Arc<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    round: Mutex<Round>,
    /// There is news, or nothing more will come.
    called: Condvar,
    /// A walk is over.
    walked: Condvar,
}

#[derive(Debug, Default)]
struct Round {
    rooms: VecDeque<Arc<Feed>>,
    closed: bool,
}

impl Herald {
    /// Starts the thread. It ends when this is dropped.
    pub fn start() -> Self {
        let desk = Arc::new(Desk::default());
        let for_thread = Arc::clone(&desk);
        thread::Builder::new()
            .name("herald".into())
            .spawn(move || {
                let _abort = AbortOnPanic;
                for_thread.run();
            })
            .expect("the system has room for one thread");
        Self { desk }
    }

    /// There is news in these rooms. Returns when so little is under way in them that nobody who reads falls behind;
    /// nobody who does not read is waited for.
    pub fn announce(&self, rooms: &[Arc<Feed>]) {
        let mut round = self.desk.lock();
        round.rooms.extend(rooms.iter().filter(|room| room.announce()).cloned());
        self.desk.called.notify_one();
        while rooms.iter().any(|room| room.is_crowded()) {
            round = self.desk.walked.wait(round).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Herald {
    fn drop(&mut self) {
        self.desk.lock().closed = true;
        self.desk.called.notify_one();
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut round = self.lock();
        loop {
            if let Some(room) = round.rooms.pop_front() {
                drop(round);
                room.walk();
                round = self.lock();
                self.walked.notify_one();
            } else if round.closed {
                return;
            } else {
                round = self.called.wait(round).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
