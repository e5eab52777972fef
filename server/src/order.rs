//! The one ordered stream of proposals, and what follows from it: model, log, fan-out.
//!
//! One thread owns the model and the log. It takes what has gathered in the queue while the last batch was in fsync,
//! decides each proposal, writes all changes in one transaction, and only after the fsync answers and publishes.

mod gathering;
mod queue;
mod reply;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use teahouse_protocol::OpId;

use crate::abort::AbortOnPanic;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::log::{Log, LogError};
use crate::state::{Action, Keep, Model, Proposal, Rejection, SERVER_USER, UserId, apply};
use crate::turns::Source;
use queue::{Queue, Submission};
pub use reply::{Reply, ReplyTo, Verdict};
pub use worker::{Worker, Written};

/// What a proposal weighs besides its text, in bytes.
const PROPOSAL_BYTES: usize = 256;
/// What each room of somebody who goes or is called something else adds, in bytes: two events in all their forms.
const ROOM_BYTES: usize = 512;
/// Why a proposal was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state says no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too many proposals wait.
    #[error("the server has too much to do; try again in a second")]
    Busy,
    /// An earlier post of the same connection was refused for the moment, and this one would overtake it.
    #[error("an earlier message was refused for the moment; send that one again first, and then this one")]
    Behind,
    /// The disk fails or is full.
    #[error("the server cannot write to its disk at the moment; reading works, try again in a few seconds")]
    Storage,
    /// The server is closing down.
    #[error("the server is shutting down; connect again")]
    Closing,
}

/// A proposal that has not been taken yet.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whose it is; see [`Proposal::by`].
    pub by: UserId,
    /// Its author's id of it.
    pub op: Option<OpId>,
    /// What is asked.
    pub action: Action,
}

impl Wish {
    /// One without an op.
    pub fn new(by: UserId, action: Action) -> Self {
        Self { by, op: None, action }
    }
}

/// The entrance of the queue.
#[derive(Debug)]
pub struct Order {
    queue: Arc<Queue>,
    directory: Arc<Directory>,
    clock: Clock,
    healthy: Arc<AtomicBool>,
}

impl Order {
    /// The entrance, and the worker behind it.
    pub fn new(log: Log, model: Model, directory: Arc<Directory>, clock: Clock) -> (Self, Worker) {
        let queue = Arc::new(Queue::new());
        let healthy = Arc::new(AtomicBool::new(true));
        let order = Self {
            queue: Arc::clone(&queue),
            directory: Arc::clone(&directory),
            clock: clock.clone(),
            healthy: Arc::clone(&healthy),
        };
        (order, Worker::new(log, model, directory, queue, clock, healthy))
    }

    /// The same, with the worker in a thread of its own.
    pub fn start(
        log: Log,
        model: Model,
        directory: Arc<Directory>,
        clock: Clock,
    ) -> (Self, thread::JoinHandle<()>) {
        let (order, worker) = Self::new(log, model, directory, clock);
        let thread = thread::Builder::new()
            .name("order".into())
            .spawn(move || {
                let _abort = AbortOnPanic;
                worker.run();
            })
            .expect("the system has room for one thread");
        (order, thread)
    }

    /// Whether the last batch reached the disk.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Takes no more proposals. The thread decides what is in the queue and ends.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Puts a proposal into the queue. The answer comes by mail; a refusal here is the answer.
    pub fn submit(&self, source: Source, wish: Wish, reply: Option<ReplyTo>) -> Result<(), Refusal> {
        let Wish { by, op, action } = wish;
        let bytes = match &action {
            Action::Post { text, .. } => text.as_str().len(),
            Action::Rename { .. } | Action::Depart { .. } | Action::SignOut => {
                self.directory.rooms_joined(by) * ROOM_BYTES
            }
            Action::Found
            | Action::DropEmptyRooms
            | Action::Begin
            | Action::ArriveAsGuest { .. }
            | Action::ArriveWithToken { .. }
            | Action::Come
            | Action::Go { .. }
            | Action::Join { .. }
            | Action::Leave { .. } => 0,
        };
        let proposal = Proposal { at: self.clock.unix(), by, op, action };
        self.queue.push(source, Submission { proposal, reply }, PROPOSAL_BYTES + bytes)
    }
}

/// Makes what a new log begins with, lets those go whose names have waited long enough, and takes away rooms that hold
/// nothing. Guests on a lease stay: it begins anew. Not yet published: the directory takes over the model afterwards.
pub fn prepare(log: &mut Log, model: &mut Model, clock: &Clock) -> Result<(), LogError> {
    let at = clock.unix();
    let kept = model.users().filter(|(_, user)| user.keep != Keep::No && !user.rooms.is_empty());
    let departures: Vec<_> = kept.map(|(user, _)| (user, Action::Depart { since: at })).collect();
    let house = |action| (SERVER_USER, action);
    let first = [Action::Found, Action::Begin].map(house);
    let batch = log.begin()?;
    for (by, action) in first.into_iter().chain(departures).chain([house(Action::DropEmptyRooms)]) {
        let decision = apply(model, &batch, &Proposal::new(at, by, action))
            .map_err(|_| LogError::Impossible("state: it refuses its own beginning"))?;
        for change in &decision.changes {
            batch.write(change)?;
        }
    }
    batch.commit()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use teahouse_protocol::{MemberName, RoomName, Seq, UnixMillis};

    use super::*;
    use crate::state::{self, Change, RoomId, RoomSet, TokenHash, UserId};

    /// So that no batch has events without end.
    #[test]
    fn who_is_in_many_rooms_weighs_what_becomes_of_it_there() {
        const ROOMS: u32 = 1_000;
        let mut model = Model::default();
        let mut rooms = RoomSet::default();
        for id in (1..=ROOMS).map(RoomId) {
            let name = RoomName::parse(&format!("room{}", id.0)).expect("legal");
            let room = state::Room { name, head: Seq::ZERO.next(), members: 0, written: true };
            model.absorb(&Change::RoomAdded { id, at: UnixMillis::new(1), room });
            rooms.insert(id);
        }
        let people = (1..=8).map(UserId::of);
        for id in people.clone() {
            let name = MemberName::parse(&format!("guest{id}")).expect("legal");
            let (token, seen_at) = (TokenHash([id.get() as u8; 32]), UnixMillis::new(1));
            let rooms = rooms.clone();
            let user = state::User { name, renamed: false, keep: Keep::No, token, seen_at, rooms };
            model.absorb(&Change::UserAdded { id, user });
        }
        let directory = Arc::new(Directory::new(Duration::ZERO, Clock::default()));
        directory.restore(&model, &mut Vec::new());
        let order = Order {
            queue: Arc::new(Queue::new()),
            directory,
            clock: Clock::default(),
            healthy: Arc::default(),
        };
        for user in people {
            order.submit(Source::HOUSE, Wish::new(user, Action::SignOut), None).expect("there is room");
        }
        let batches: Vec<usize> = (0..3).map(|_| order.queue.batch().len()).collect();
        assert_eq!(batches, [3, 3, 2]);
    }
}
