use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use teahouse_protocol::MemberName;

use super::Refusal;
use super::gathering::Gathering;
use super::queue::{Queue, Submission};
use super::reply::{ReplyTo, Verdict};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::fanout::{Herald, Room, Watcher};
use crate::log::{Batch, Log, LogError};
use crate::state::{Action, Away, Change, Model, Outcome, Proposal, UserId, decide};

/// After a failure the log is opened anew at most so often.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

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

/// What stands behind the queue, and owns the log and the model.
pub struct Worker {
    log: Log,
    model: Model,
    directory: Arc<Directory>,
    queue: Arc<Queue>,
    clock: Clock,
    /// When the log failed, and has not been opened anew since, the time of the last try.
    broken: Option<Instant>,
    /// What the last batch was to change, until it is published.
    changes: Vec<Change>,
    healthy: Arc<AtomicBool>,
}

type Decided = Result<Outcome, Refusal>;

/// A batch that is on the disk, or failed, and that nobody has heard of.
pub struct Written {
    replies: Vec<Option<ReplyTo>>,
    departing: Vec<UserId>,
    held: Vec<UserId>,
    /// Those who watch what had to be taken over from the disk before this.
    watchers: Vec<Arc<dyn Watcher>>,
    decided: Result<Vec<Decided>, LogError>,
    changes: Vec<Change>,
}

impl Written {
    /// What is on the disk of it.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

impl Worker {
    pub(super) fn new(
        log: Log,
        model: Model,
        directory: Arc<Directory>,
        queue: Arc<Queue>,
        clock: Clock,
        healthy: Arc<AtomicBool>,
    ) -> Self {
        Self { log, model, directory, queue, clock, broken: None, changes: Vec::new(), healthy }
    }

    /// Decides, writes and shows until nothing more comes.
    pub(super) fn run(mut self) {
        let herald = Herald::start();
        let mut gathering = Gathering::default();
        while let Some(waiting) = self.queue.wait() {
            if let Some(pause) = gathering.pause(waiting, Instant::now()) {
                thread::sleep(pause);
            }
            let begin = Instant::now();
            let written = self.write_batch(|batch| batch.commit());
            gathering.begin(written.replies.len(), begin);
            let news = self.publish(written);
            herald.announce(&news);
            if self.broken.is_none()
                && let Err(error) = self.log.checkpoint_if_due()
            {
                tracing::warn!("the write-ahead log could not be moved into the database: {error}");
            }
        }
    }

    /// Whether something waits to be decided.
    pub fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Decides what waits, and brings it to the disk by `commit`. Nobody hears of it before [`Worker::publish`].
    pub fn write_batch(&mut self, commit: impl FnOnce(Batch<'_>) -> Result<(), LogError>) -> Written {
        let batch = self.queue.batch().into_iter();
        let (replies, proposals): (Vec<_>, Vec<_>) =
            batch.map(|Submission { proposal, reply }| (reply, proposal)).unzip();
        let departing = proposals.iter().filter_map(departing).collect();
        let (mut watchers, mut held) = (Vec::new(), Vec::new());
        let usable = self.usable(&mut watchers);
        let decided = usable.and_then(|()| self.write(proposals, &replies, &mut held, commit));
        let changes = match &decided {
            Ok(_) => std::mem::take(&mut self.changes),
            Err(_) => Vec::new(),
        };
        Written { replies, departing, held, watchers, decided, changes }
    }

    /// Shows what was written, answers those who asked, and says which rooms have news.
    pub fn publish(&mut self, written: Written) -> Vec<Arc<Room>> {
        let Written { replies, departing, held, mut watchers, decided, changes } = written;
        let (results, news) = match decided {
            Ok(results) => (results, self.directory.publish(changes, &mut watchers)),
            Err(error) => {
                if self.broken.is_none() {
                    tracing::error!("nothing can be written: {error}");
                    // The model ran ahead of the disk; that is settled before the next proposal.
                    self.broken = Some(self.clock.now() - REOPEN_EVERY);
                    self.healthy.store(false, Ordering::Relaxed);
                }
                for reply in replies.iter().flatten() {
                    if let Some(pipeline) = reply.pipeline {
                        reply.asker.break_pipeline(pipeline);
                    }
                }
                departing.into_iter().for_each(|user| self.directory.postpone(user));
                (replies.iter().map(|_| Err(Refusal::Storage)).collect(), Vec::new())
            }
        };
        let mut askers = Vec::new();
        for (reply, result) in replies.into_iter().zip(results) {
            // Nobody waits for the answer about somebody who was let in by a token already.
            let Some(reply) = reply else { continue };
            let arrived = arrived(&result);
            let login = arrived.map(|user| self.directory.connected(user, reply.from, reply.seat()));
            if reply.asker.take(Verdict { re: reply.re, result, login }) {
                askers.push(reply.asker);
            }
        }
        self.directory.release(&held);
        watchers.iter().for_each(|watcher| watcher.wake());
        askers.iter().for_each(|asker| asker.wake());
        news
    }

    /// Decides the proposals and brings what changes to the disk. Users of whom something was decided because they are
    /// away are held until it is published.
    fn write(
        &mut self,
        proposals: Vec<Proposal>,
        replies: &[Option<ReplyTo>],
        held: &mut Vec<UserId>,
        commit: impl FnOnce(Batch<'_>) -> Result<(), LogError>,
    ) -> Result<Vec<Decided>, LogError> {
        self.changes.clear();
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
                        self.model.absorb(&change);
                        let written = batch.write(&change);
                        self.changes.push(change);
                        written?;
                    }
                    results.push(Ok(decision.outcome));
                    back.extend(results.last().and_then(arrived).filter(|_| reply.is_some()));
                }
                Err(rejection) => results.push(Err(rejection.into())),
            }
        }
        commit(batch)?;
        Ok(results)
    }

    /// After a failure, opens the log anew. Where the disk confirms that nothing of the batch is on it, the batch is given
    /// up, and nobody else has to know; else what is there is taken over.
    fn usable(&mut self, wake: &mut Vec<Arc<dyn Watcher>>) -> Result<(), LogError> {
        let Some(tried) = self.broken else { return Ok(()) };
        if self.clock.now().saturating_duration_since(tried) < REOPEN_EVERY {
            return Err(LogError::Broken);
        }
        self.broken = Some(self.clock.now());
        self.log.reopen()?;
        if self.log.holds(&self.changes)? == Some(false) {
            self.model = self.directory.model();
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
    use teahouse_protocol::{Epoch, RequestId, RoomName, UnixMillis};

    use super::*;
    use crate::order::{Order, Reply, prepare};
    use crate::pace::Address;
    use crate::seat::Seat;
    use crate::state::{RoomId, TokenHash};
    use crate::turns::Source;

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
    fn worker(dir: &std::path::Path) -> (Order, Worker) {
        let epoch = Epoch::parse("k3v").expect("legal");
        let (mut log, mut model, _) = crate::log::open(dir, &epoch).expect("a new log opens");
        let clock = Clock::default();
        prepare(&mut log, &mut model, &clock).expect("the disk works");
        let directory = Arc::new(Directory::new(Duration::ZERO, clock.clone()));
        directory.restore(&model, &mut Vec::new());
        Order::new(log, model, directory, clock)
    }

    fn decide(order: &Order, worker: &mut Worker, batch: Vec<(Action, Option<ReplyTo>)>) -> Vec<Decided> {
        let proposals = batch.len();
        for (action, reply) in batch {
            order.submit(Source::HOUSE, action, reply).expect("there is room");
        }
        let written = worker.write_batch(|batch| batch.commit());
        let decided =
            written.decided.as_ref().map_or_else(|_| vec![Err(Refusal::Storage); proposals], Clone::clone);
        worker.publish(written);
        decided
    }

    fn guest() -> Action {
        Action::ArriveAsGuest { name: None, keep: false, token: TokenHash([1; 32]), away: None }
    }

    fn join(user: UserId, room: &str) -> Action {
        Action::Join { user, room: RoomName::parse(room).expect("legal"), create: true }
    }

    fn joined(decided: &Decided) -> u64 {
        match decided {
            Ok(Outcome::Done { seq: Some(seq), .. }) => seq.get(),
            other => panic!("{other:?}"),
        }
    }

    /// Nor does the directory hear of it: it need not be read anew under its lock.
    #[test]
    fn a_failed_batch_leaves_no_trace() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        decide(&order, &mut worker, vec![(guest(), None)]);
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
            for refused in decide(&order, &mut worker, batch) {
                assert_eq!(refused, Err(Refusal::Storage));
            }
            fail(mends);
            worker.usable(&mut Vec::new()).expect("it is tried at once");
            assert_eq!(worker.model, before);
            assert_eq!(worker.log.load().expect("readable"), before);
        }
        let batch = vec![(join(user, "lobby"), None), (join(user, "茶"), None)];
        let seqs: Vec<u64> = decide(&order, &mut worker, batch).iter().map(joined).collect();
        assert_eq!(seqs, [2, 2]);
        assert_eq!(worker.directory.rooms_joined(user), 2);
    }

    /// The system said that it failed, and it is there all the same.
    #[test]
    fn a_failed_batch_that_is_on_the_disk_is_taken_over() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        let user = UserId::of(1);
        // Of the second one nothing is there but a number that is not given again.
        let gone = vec![join(user, "gone"), Action::Leave { user, room: RoomId(2) }];
        for batch in [vec![guest()], gone, vec![join(user, "lobby")]] {
            let replies: Vec<_> = batch.iter().map(|_| None).collect();
            let proposals =
                batch.into_iter().map(|action| Proposal { at: UnixMillis::new(1), action }).collect();
            worker
                .write(proposals, &replies, &mut Vec::new(), |batch| batch.commit())
                .expect("the disk works");
            worker.broken = Some(Instant::now() - REOPEN_EVERY);
            let ahead = worker.model.clone();
            worker.usable(&mut Vec::new()).expect("the disk works");
            assert_eq!(worker.model, ahead);
        }
        assert_eq!(worker.directory.rooms_joined(user), 1);
        assert_eq!(joined(&decide(&order, &mut worker, vec![(join(user, "next"), None)])[0]), 2);
    }

    #[tokio::test]
    async fn who_is_gone_again_before_its_coming_was_written_departs() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        let token = TokenHash([1; 32]);
        let guest = Action::ArriveAsGuest { name: None, keep: false, token, away: None };
        let reply = ReplyTo {
            asker: Arc::new(Nobody),
            from: Address::HOUSE,
            re: RequestId::default(),
            pipeline: None,
        };
        let user = match decide(&order, &mut worker, vec![(guest, Some(reply))]).remove(0) {
            Ok(Outcome::Arrived { user, .. }) => user,
            other => panic!("not let in: {other:?}"),
        };
        // Let in by the directory, which only leaves word of it.
        let seat = std::sync::Weak::<Nobody>::new();
        drop(worker.directory.connected_with(token, Address::HOUSE, seat));
        while worker.directory.lease_over().await != user {}
        let batch = vec![(Action::ArriveWithToken { token }, None), (Action::Depart { user }, None)];
        decide(&order, &mut worker, batch);
        assert_eq!(worker.model.user(user), None);
    }
}
