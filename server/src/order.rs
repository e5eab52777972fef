//! The one ordered stream of proposals, and what follows from it: model, log, fan-out.
//!
//! One thread owns the model and the log. It takes what has gathered in the queue while the last batch was in fsync,
//! decides each proposal, writes all changes in one transaction, and only after the fsync answers and publishes.

mod queue;
mod reply;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use teahouse_protocol::{MemberName, UnixMillis};

use crate::abort::AbortOnPanic;
use crate::directory::{Directory, Login};
use crate::fanout::{Herald, Room, Watcher};
use crate::log::{Log, LogError};
use crate::state::{
    Action, Away, Before, Change, Keep, Model, Outcome, Proposal, Rejection, UserId, apply, decide,
};
use crate::turns::Source;
use queue::{Queue, Submission};
pub use reply::{Reply, ReplyTo, Verdict};

/// What a proposal weighs besides its text, in bytes.
const PROPOSAL_BYTES: usize = 256;
/// What each room of somebody who goes or is called something else adds, in bytes: two events in all their forms.
const ROOM_BYTES: usize = 512;
/// In a crowd, batches begin at most so often.
const GATHER: Duration = Duration::from_millis(2);
/// So many proposals are worth a batch at any time.
const GATHERED: usize = 64;
/// After a failure the log is opened anew at most so often.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

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

/// The entrance of the queue.
#[derive(Debug)]
pub struct Order {
    queue: Arc<Queue>,
    directory: Arc<Directory>,
    healthy: Arc<AtomicBool>,
}

impl Order {
    /// Starts the thread that owns the log.
    pub fn start(log: Log, model: Model, directory: Arc<Directory>) -> (Self, thread::JoinHandle<()>) {
        let queue = Arc::new(Queue::new());
        let healthy = Arc::new(AtomicBool::new(true));
        let worker = Worker {
            log,
            attempt: Attempt::new(&model),
            model,
            directory: Arc::clone(&directory),
            herald: Herald::start(),
            queue: Arc::clone(&queue),
            broken: None,
            healthy: Arc::clone(&healthy),
        };
        let thread = thread::Builder::new()
            .name("order".into())
            .spawn(move || {
                let _abort = AbortOnPanic;
                worker.run();
            })
            .expect("the system has room for one thread");
        (Self { queue, directory, healthy }, thread)
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
    pub fn submit(&self, source: Source, action: Action, reply: Option<ReplyTo>) -> Result<(), Refusal> {
        let bytes = match &action {
            Action::Post { text, .. } => text.as_str().len(),
            Action::Rename { user, .. } | Action::Depart { user } | Action::SignOut { user } => {
                self.directory.rooms_joined(*user) * ROOM_BYTES
            }
            Action::Found
            | Action::DropEmptyRooms
            | Action::ArriveAsGuest { .. }
            | Action::ArriveWithToken { .. }
            | Action::Join { .. }
            | Action::Leave { .. } => 0,
        };
        let proposal = Proposal { at: now(), action };
        self.queue.push(source, Submission { proposal, reply }, PROPOSAL_BYTES + bytes)
    }
}

/// The system's clock. Nothing but what people read depends on it.
fn now() -> UnixMillis {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
}

/// Makes what a new log begins with, lets those go whose names have waited long enough, and takes away rooms that hold
/// nothing. Guests on a lease stay: it begins anew. Not yet published: the directory takes over the model afterwards.
pub fn prepare(log: &mut Log, model: &mut Model) -> Result<(), LogError> {
    let kept = model.users().filter(|(_, user)| user.keep != Keep::No && !user.rooms.is_empty());
    let departures: Vec<_> = kept.map(|(user, _)| Action::Depart { user }).collect();
    let batch = log.begin()?;
    for action in [Action::Found].into_iter().chain(departures).chain([Action::DropEmptyRooms]) {
        let decision = apply(model, &batch, &Proposal { at: now(), action })
            .map_err(|_| LogError::Impossible("state: it refuses its own beginning"))?;
        for change in &decision.changes {
            batch.write(change)?;
        }
    }
    batch.commit()
}

/// Who arrived by a proposal. From then on the connection behind it counts as the user's.
fn arrived(decided: &Decided) -> Option<UserId> {
    match decided {
        Ok(Outcome::Arrived { user, .. }) => Some(*user),
        _ => None,
    }
}

/// Who departs by a proposal.
fn departing(proposal: &Proposal) -> Option<UserId> {
    match proposal.action {
        Action::Depart { user } => Some(user),
        _ => None,
    }
}

/// Lets proposals gather where many people post. Each batch costs an fsync and some changes of threads, however few
/// proposals are in it. Whoever posts alone waits for nothing: a batch follows at once on a batch of one.
#[derive(Debug, Default)]
struct Gathering {
    last: Option<Instant>,
    crowd: bool,
}

impl Gathering {
    /// How long to wait before a batch that holds `proposals` so far.
    fn pause(&self, proposals: usize, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.last?);
        (self.crowd && proposals < GATHERED).then(|| GATHER.checked_sub(since)).flatten()
    }

    /// A batch begins.
    fn begin(&mut self, proposals: usize, now: Instant) {
        self.last = Some(now);
        self.crowd = proposals > 1;
    }
}

/// Looks, now that the wish for this name has its turn, whether the name's holder is away.
fn hold_holder(
    model: &Model,
    directory: &Directory,
    name: &MemberName,
    own: Option<UserId>,
    wish: Option<&ReplyTo>,
    back: &BTreeSet<UserId>,
) -> Option<Away> {
    let holder = model.holder(&name.keys(), own).filter(|holder| !back.contains(holder))?;
    directory.hold(holder, wish.map(|wish| wish.from))
}

struct Worker {
    log: Log,
    model: Model,
    directory: Arc<Directory>,
    herald: Herald,
    queue: Arc<Queue>,
    /// When the log failed, and has not been opened anew since, the time of the last try.
    broken: Option<Instant>,
    attempt: Attempt,
    healthy: Arc<AtomicBool>,
}

/// What the last batch was to change, and how that was before.
struct Attempt {
    before: Before,
    changes: Vec<Change>,
}

impl Attempt {
    fn new(model: &Model) -> Self {
        Self { before: Before::new(model), changes: Vec::new() }
    }
}

type Decided = Result<Outcome, Refusal>;
/// An answer, and of a hello the login that begins with it.
type Decision = (Decided, Option<Login>);

impl Worker {
    fn run(mut self) {
        let mut gathering = Gathering::default();
        while let Some(waiting) = self.queue.wait() {
            if let Some(pause) = gathering.pause(waiting, Instant::now()) {
                thread::sleep(pause);
            }
            let batch = self.queue.batch();
            gathering.begin(batch.len(), Instant::now());
            let mut watchers = Vec::new();
            let (replies, proposals): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|Submission { proposal, reply }| (reply, proposal)).unzip();
            let (results, news) = self.decide(proposals, &replies, &mut watchers);
            let mut askers = Vec::new();
            for (reply, (result, login)) in replies.into_iter().zip(results) {
                if let Some(ReplyTo { asker, re, .. }) = reply
                    && asker.take(Verdict { re, result, login })
                {
                    askers.push(asker);
                }
            }
            watchers.iter().for_each(|watcher| watcher.wake());
            askers.iter().for_each(|asker| asker.wake());
            self.herald.announce(&news);
            if self.broken.is_none()
                && let Err(error) = self.log.checkpoint_if_due()
            {
                tracing::warn!("the write-ahead log could not be moved into the database: {error}");
            }
        }
    }

    /// Answers each proposal, and which rooms have news.
    fn decide(
        &mut self,
        proposals: Vec<Proposal>,
        replies: &[Option<ReplyTo>],
        wake: &mut Vec<Arc<dyn Watcher>>,
    ) -> (Vec<Decision>, Vec<Arc<Room>>) {
        let departing: Vec<UserId> = proposals.iter().filter_map(departing).collect();
        let mut held = Vec::new();
        let written = self.usable(wake).and_then(|()| self.write(proposals, replies, &mut held));
        let answers = match written {
            Ok(results) => {
                let changes = std::mem::take(&mut self.attempt.changes);
                let news = self.directory.publish(changes, wake);
                let mut login = |(decided, reply): (Decided, &Option<ReplyTo>)| {
                    // Nobody waits for the answer about somebody who was let in by a token already.
                    let arrived = arrived(&decided).zip(reply.as_ref());
                    let login =
                        arrived.map(|(user, reply)| self.directory.connected(user, reply.from, reply.seat()));
                    (decided, login)
                };
                (results.into_iter().zip(replies).map(&mut login).collect(), news)
            }
            Err(error) => {
                if self.broken.is_none() {
                    tracing::error!("nothing can be written: {error}");
                    // The model ran ahead of the disk; that is settled before the next proposal.
                    self.broken = Some(Instant::now() - REOPEN_EVERY);
                    self.healthy.store(false, Ordering::Relaxed);
                }
                for reply in replies.iter().flatten() {
                    if let Some(pipeline) = reply.pipeline {
                        reply.asker.break_pipeline(pipeline);
                    }
                }
                departing.iter().for_each(|user| self.directory.postpone(*user));
                (replies.iter().map(|_| (Err(Refusal::Storage), None)).collect(), Vec::new())
            }
        };
        self.directory.release(&held);
        answers
    }

    /// Decides the proposals and brings what changes to the disk. Users of whom something was decided because they are
    /// away are held until it is published.
    fn write(
        &mut self,
        proposals: Vec<Proposal>,
        replies: &[Option<ReplyTo>],
        held: &mut Vec<UserId>,
    ) -> Result<Vec<Decided>, LogError> {
        self.attempt = Attempt::new(&self.model);
        let batch = self.log.begin()?;
        let mut results = Vec::new();
        // Who came back in this batch, so that the directory does not know yet. Of whom it let in itself it knows more.
        let mut back = BTreeSet::new();
        for (mut proposal, reply) in proposals.into_iter().zip(replies) {
            if reply.as_ref().is_some_and(ReplyTo::is_behind) {
                results.push(Err(Refusal::Behind));
                continue;
            }
            match &mut proposal.action {
                Action::ArriveAsGuest { name: Some(name), away, .. } => {
                    *away = hold_holder(&self.model, &self.directory, name, None, reply.as_ref(), &back);
                    held.extend(away.map(|away| away.user));
                }
                Action::Rename { user, name, away } => {
                    *away =
                        hold_holder(&self.model, &self.directory, name, Some(*user), reply.as_ref(), &back);
                    held.extend(away.map(|away| away.user));
                }
                Action::Depart { user } => {
                    // Somebody may have come back while this proposal waited.
                    if back.contains(user) || !self.directory.hold_to_depart(*user) {
                        results.push(Ok(Outcome::Unchanged));
                        continue;
                    }
                    held.push(*user);
                }
                Action::Found
                | Action::DropEmptyRooms
                | Action::ArriveAsGuest { name: None, .. }
                | Action::ArriveWithToken { .. }
                | Action::SignOut { .. }
                | Action::Join { .. }
                | Action::Leave { .. }
                | Action::Post { .. } => {}
            }
            match decide(&self.model, &batch, &proposal) {
                Ok(decision) => {
                    for change in decision.changes {
                        self.attempt.before.note(&self.model, &change);
                        self.model.absorb(&change);
                        let written = batch.write(&change);
                        self.attempt.changes.push(change);
                        written?;
                    }
                    results.push(Ok(decision.outcome));
                    back.extend(results.last().and_then(arrived).filter(|_| reply.is_some()));
                }
                Err(rejection) => results.push(Err(rejection.into())),
            }
        }
        batch.commit()?;
        Ok(results)
    }

    /// After a failure, opens the log anew. Where the disk confirms that nothing of the batch is on it, the batch is given
    /// up, and nobody else has to know; else what is there is taken over.
    fn usable(&mut self, wake: &mut Vec<Arc<dyn Watcher>>) -> Result<(), LogError> {
        let Some(tried) = self.broken else { return Ok(()) };
        if tried.elapsed() < REOPEN_EVERY {
            return Err(LogError::Broken);
        }
        self.broken = Some(Instant::now());
        self.log.reopen()?;
        if self.log.holds(&self.attempt.changes)? == Some(false) {
            let nothing = Attempt::new(&self.model);
            self.model.put_back(std::mem::replace(&mut self.attempt, nothing).before);
        } else {
            self.model = self.log.load()?;
            self.directory.restore(&self.model, wake);
        }
        self.broken = None;
        self.healthy.store(true, Ordering::Relaxed);
        tracing::info!("the log is open again");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use teahouse_protocol::{Epoch, RequestId, RoomName, Seq};

    use super::*;
    use crate::pace::Address;
    use crate::seat::Seat;
    use crate::state::{self, RoomId, RoomSet, TokenHash};

    /// Somebody who asks and does not wait for an answer.
    #[derive(Debug)]
    struct Nobody;

    impl Seat for Nobody {
        fn user_renamed(&self) {}

        fn user_gone(&self) {}

        fn shut_down(&self) {}
    }

    impl Reply for Nobody {
        fn is_broken(&self, _: u64) -> bool {
            false
        }

        fn break_pipeline(&self, _: u64) {}

        fn take(&self, _: Verdict) -> bool {
            false
        }

        fn wake(&self) {}
    }

    /// The worker of a new log, without its thread. Leases are over at once.
    fn worker(dir: &std::path::Path) -> Worker {
        let epoch = Epoch::parse("k3v").expect("legal");
        let (mut log, mut model, _) = crate::log::open(dir, &epoch).expect("a new log opens");
        prepare(&mut log, &mut model).expect("the disk works");
        let directory = Arc::new(Directory::new(Duration::ZERO));
        directory.restore(&model, &mut Vec::new());
        let (queue, healthy) = (Arc::new(Queue::new()), Arc::default());
        let attempt = Attempt::new(&model);
        Worker { log, model, attempt, directory, herald: Herald::start(), queue, broken: None, healthy }
    }

    fn decide(worker: &mut Worker, batch: Vec<(Action, Option<ReplyTo>)>) -> Vec<Decision> {
        let (actions, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let proposals = actions.into_iter().map(|action| Proposal { at: now(), action }).collect();
        worker.decide(proposals, &replies, &mut Vec::new()).0
    }

    fn guest() -> Action {
        Action::ArriveAsGuest { name: None, keep: false, token: TokenHash([1; 32]), away: None }
    }

    fn join(user: UserId, room: &str) -> Action {
        Action::Join { user, room: RoomName::parse(room).expect("legal"), create: true }
    }

    fn joined(decision: &Decision) -> u64 {
        match decision.0 {
            Ok(Outcome::Done { seq: Some(seq), .. }) => seq.get(),
            ref other => panic!("{other:?}"),
        }
    }

    /// Nor does the directory hear of it: it need not be read anew under its lock.
    #[test]
    fn a_failed_batch_leaves_no_trace() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut worker = worker(dir.path());
        decide(&mut worker, vec![(guest(), None)]);
        let user = UserId::of(1);
        let database =
            rusqlite::Connection::open(dir.path().join(crate::log::DATABASE_FILE)).expect("it opens");
        let fail = |how: &str| database.execute_batch(how).expect("the disk works");
        let before = worker.model.clone();
        for (breaks, mends) in [
            // The first change that is written fails, or one of a later proposal.
            ("ALTER TABLE events RENAME TO away", "ALTER TABLE away RENAME TO events"),
            ("ALTER TABLE rooms RENAME TO away", "ALTER TABLE away RENAME TO rooms"),
        ] {
            fail(breaks);
            let batch = vec![(join(user, "lobby"), None), (join(user, "茶"), None)];
            for (refused, _) in decide(&mut worker, batch) {
                assert_eq!(refused, Err(Refusal::Storage));
            }
            fail(mends);
            worker.usable(&mut Vec::new()).expect("it is tried at once");
            assert_eq!(worker.model, before);
            assert_eq!(worker.log.load().expect("readable"), before);
        }
        let batch = vec![(join(user, "lobby"), None), (join(user, "茶"), None)];
        let seqs: Vec<u64> = decide(&mut worker, batch).iter().map(joined).collect();
        assert_eq!(seqs, [2, 2]);
        assert_eq!(worker.directory.rooms_joined(user), 2);
    }

    /// The system said that it failed, and it is there all the same.
    #[test]
    fn a_failed_batch_that_is_on_the_disk_is_taken_over() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut worker = worker(dir.path());
        let user = UserId::of(1);
        // Of the second one nothing is there but a number that is not given again.
        let gone = vec![join(user, "gone"), Action::Leave { user, room: RoomId(2) }];
        for batch in [vec![guest()], gone, vec![join(user, "lobby")]] {
            let replies: Vec<_> = batch.iter().map(|_| None).collect();
            let proposals = batch.into_iter().map(|action| Proposal { at: now(), action }).collect();
            worker.write(proposals, &replies, &mut Vec::new()).expect("the disk works");
            worker.broken = Some(Instant::now() - REOPEN_EVERY);
            let ahead = worker.model.clone();
            worker.usable(&mut Vec::new()).expect("the disk works");
            assert_eq!(worker.model, ahead);
        }
        assert_eq!(worker.directory.rooms_joined(user), 1);
        assert_eq!(joined(&decide(&mut worker, vec![(join(user, "next"), None)])[0]), 2);
    }

    #[tokio::test]
    async fn who_is_gone_again_before_its_coming_was_written_departs() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut worker = worker(dir.path());
        let token = TokenHash([1; 32]);
        let guest = Action::ArriveAsGuest { name: None, keep: false, token, away: None };
        let reply = ReplyTo {
            asker: Arc::new(Nobody),
            from: Address::HOUSE,
            re: RequestId::default(),
            pipeline: None,
        };
        let user = match decide(&mut worker, vec![(guest, Some(reply))]).remove(0).0 {
            Ok(Outcome::Arrived { user, .. }) => user,
            other => panic!("not let in: {other:?}"),
        };
        // Let in by the directory, which only leaves word of it.
        let seat = std::sync::Weak::<Nobody>::new();
        drop(worker.directory.connected_with(token, Address::HOUSE, seat));
        while worker.directory.lease_over().await != user {}
        let batch = vec![(Action::ArriveWithToken { token }, None), (Action::Depart { user }, None)];
        decide(&mut worker, batch);
        assert_eq!(worker.model.user(user), None);
    }

    /// So that no batch has events without end.
    #[test]
    fn who_is_in_many_rooms_weighs_what_becomes_of_it_there() {
        const ROOMS: u32 = 1_000;
        let mut model = Model::default();
        let mut rooms = RoomSet::default();
        for id in (1..=ROOMS).map(RoomId) {
            let name = RoomName::parse(&format!("room{}", id.0)).expect("legal");
            let room = state::Room { name, head: Seq::ZERO.next(), members: 0, written: true };
            model.absorb(&Change::RoomAdded { id, at: now(), room });
            rooms.insert(id);
        }
        let people = (1..=8).map(UserId::of);
        for id in people.clone() {
            let name = MemberName::parse(&format!("guest{id}")).expect("legal");
            let (token, seen_at) = (TokenHash([id.get() as u8; 32]), now());
            let rooms = rooms.clone();
            let user = state::User { name, renamed: false, keep: Keep::No, token, seen_at, rooms };
            model.absorb(&Change::UserAdded { id, user });
        }
        let directory = Arc::new(Directory::new(Duration::ZERO));
        directory.restore(&model, &mut Vec::new());
        let order = Order { queue: Arc::new(Queue::new()), directory, healthy: Arc::default() };
        for user in people {
            order.submit(Source::HOUSE, Action::SignOut { user }, None).expect("there is room");
        }
        let batches: Vec<usize> = (0..3).map(|_| order.queue.batch().len()).collect();
        assert_eq!(batches, [3, 3, 2]);
    }

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
