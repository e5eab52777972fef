//! Tells who came and who went, where somebody watches. Both may be dropped, and wait for everything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::abort::AbortOnPanic;
use crate::directory::{ComingOrGoing, Directory};
use crate::fanout::{Calls, Kept, Room};
use crate::state::{RoomId, UserId};

/// A user who lost its last connection counts as away only after this time, since a page that is loaded anew is back
/// within a second.
const ABSENCE_GRACE: Duration = Duration::from_secs(3);
/// So many people are told of at a time, so that every watcher finds all of them.
const PEOPLE_MAX: usize = 64;
/// What comes meanwhile is told of together.
const ROUND: Duration = Duration::from_millis(20);
/// At most so many comings and goings are told a second, each counted once for every watcher of every room.
const TOLD_PER_SECOND_MAX: u32 = 100_000;
/// Nobody waits longer than this for the next round.
const REST_MAX: Duration = Duration::from_secs(5);

/// Who came or went and has not been told of yet.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    desk: Arc<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    board: Mutex<Board>,
    /// Somebody is to be told of earlier than was known, or nothing more will come.
    called: Condvar,
}

#[derive(Debug, Default)]
struct Board {
    calls: Calls,
    closed: bool,
}

/// The thread that tells. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Crier {
    desk: Arc<Desk>,
}

impl Notices {
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
    fn due(&self) -> Option<Vec<UserId>> {
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
    fn rest(&self, time: Duration) {
        let board = self.board();
        let rested = self.called.wait_timeout_while(board, time, |board| !board.closed);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Crier {
    /// Starts the thread.
    pub(crate) fn start(directory: &Arc<Directory>) -> Self {
        let desk = Arc::clone(&directory.notices.desk);
        let (for_thread, directory) = (Arc::clone(&desk), Arc::downgrade(directory));
        thread::Builder::new()
            .name("crier".into())
            .spawn(move || {
                let _abort = AbortOnPanic;
                run(&for_thread, &directory);
            })
            .expect("the system has room for one thread");
        Self { desk }
    }
}

impl Drop for Crier {
    fn drop(&mut self) {
        self.desk.board().closed = true;
        self.desk.called.notify_one();
    }
}

fn run(desk: &Desk, directory: &Weak<Directory>) {
    let mut kept = Kept::default();
    while let Some(people) = desk.due() {
        let Some(directory) = directory.upgrade() else { return };
        let told = tell(&directory, &people, &mut kept);
        drop(directory);
        desk.rest((Duration::from_secs(1) * told / TOLD_PER_SECOND_MAX).clamp(ROUND, REST_MAX));
    }
}

/// Tells of these people in every room of theirs that somebody watches. Answers how often anybody was told of anybody.
fn tell(directory: &Directory, people: &[UserId], kept: &mut Kept) -> u32 {
    let mut rooms: BTreeMap<RoomId, (Arc<Room>, usize)> = BTreeMap::new();
    for user in people {
        let Some(ComingOrGoing { name, online, rooms: theirs }) = directory.coming_or_going(*user) else {
            continue;
        };
        for room in theirs {
            if room.note_presence(*user, &name, online, kept) {
                rooms.entry(room.id).or_insert((room, 0)).1 += 1;
            }
        }
    }
    let told = rooms.into_values().map(|(room, people)| room.tell_presences().saturating_mul(people));
    u32::try_from(told.fold(0, usize::saturating_add)).unwrap_or(u32::MAX)
}
