//! Tells who came and who went, where somebody watches. Both may be dropped, and wait for everything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use crate::abort::AbortOnPanic;
use crate::directory::{ComingOrGoing, Directory};
use crate::fanout::{Feed, Kept};
use crate::notices::Desk;
use crate::state::{RoomId, UserId};

/// What comes meanwhile is told of together.
const ROUND: Duration = Duration::from_millis(20);
/// At most so many comings and goings are told a second, each counted once for every watcher of every room.
const TOLD_PER_SECOND_MAX: u32 = 100_000;
/// Nobody waits longer than this for the next round.
const REST_MAX: Duration = Duration::from_secs(5);

/// The thread that tells. It ends when this is dropped.
#[derive(Debug)]
pub struct Crier {
    desk: Arc<Desk>,
}

impl Crier {
    /// Starts the thread.
    pub fn start(directory: &Arc<Directory>) -> Self {
        let desk = directory.notices.desk();
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
        self.desk.close();
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
    let mut rooms: BTreeMap<RoomId, (Arc<Feed>, usize)> = BTreeMap::new();
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
