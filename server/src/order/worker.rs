use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Refusal;
use super::gathering::Gathering;
use super::queue::{Queue, Submission};
use super::reply::{ReplyTo, Verdict};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::fanout::{Feed, Herald, Watcher};
use crate::log::{Batch, Log, LogError};
use crate::state::{Action, Change, Model, Outcome, Proposal, UserId, decide};

/// After a failure the log is opened anew at most so often.
const REOPEN_EVERY: Duration = Duration::from_millis(500);

/// Who arrived by a proposal. From then on the connection behind it counts as the user's.
fn arrived(decided: &Decided) -> Option<UserId> {
    match decided {
        Ok(Outcome::Arrived { user, .. }) => Some(*user),
        _ => None,
    }
}

/// Of whom the directory said that it comes, goes or departs. It says so again where that could not be decided.
fn said_of(proposal: &Proposal) -> Option<UserId> {
    match proposal.action {
        Action::Come | Action::Go { .. } | Action::Depart { .. } => Some(proposal.by),
        Action::Found
        | Action::DropEmptyRooms
        | Action::Begin
        | Action::ArriveAsGuest { .. }
        | Action::ArriveWithToken { .. }
        | Action::Rename { .. }
        | Action::SignOut
        | Action::Join { .. }
        | Action::Leave { .. }
        | Action::Post { .. } => None,
    }
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
    /// Of whom the directory said something.
    said_of: Vec<UserId>,
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
        let batch = self.queue.batch();
        // Asked for after that: whoever proposes something has come before, and who closed a connection before is gone.
        let presence = self.directory.presence().into_iter().map(|proposal| (None, proposal));
        let batch = batch.into_iter().map(|Submission { proposal, reply }| (reply, proposal));
        let (replies, proposals): (Vec<_>, Vec<_>) = presence.chain(batch).unzip();
        let said_of = proposals.iter().filter_map(said_of).collect();
        let mut watchers = Vec::new();
        let usable = self.usable(&mut watchers);
        let decided = usable.and_then(|()| self.write(&proposals, &replies, commit));
        let changes = match &decided {
            Ok(_) => std::mem::take(&mut self.changes),
            Err(_) => Vec::new(),
        };
        Written { replies, said_of, watchers, decided, changes }
    }

    /// Shows what was written, answers those who asked, and says which rooms have news.
    pub fn publish(&mut self, written: Written) -> Vec<Arc<Feed>> {
        let Written { replies, said_of, mut watchers, decided, changes } = written;
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
                self.directory.say_again(said_of);
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
        watchers.iter().for_each(|watcher| watcher.wake());
        askers.iter().for_each(|asker| asker.wake());
        news
    }

    /// Decides the proposals and brings what changes to the disk.
    fn write(
        &mut self,
        proposals: &[Proposal],
        replies: &[Option<ReplyTo>],
        commit: impl FnOnce(Batch<'_>) -> Result<(), LogError>,
    ) -> Result<Vec<Decided>, LogError> {
        self.changes.clear();
        let batch = self.log.begin()?;
        let mut results = Vec::new();
        for (proposal, reply) in proposals.iter().zip(replies) {
            if reply.as_ref().is_some_and(ReplyTo::is_behind) {
                results.push(Err(Refusal::Behind));
                continue;
            }
            match decide(&self.model, &batch, proposal) {
                Ok(decision) => {
                    for change in decision.changes {
                        self.model.absorb(&change);
                        let written = batch.write(&change);
                        self.changes.push(change);
                        written?;
                    }
                    results.push(Ok(decision.outcome));
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
            self.model.take_presence_of(&self.directory.model(), self.clock.unix());
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
    use teahouse_protocol::{Epoch, MemberName, RequestId, RoomName, UnixMillis};

    use super::*;
    use crate::order::{Order, Reply, Wish, prepare};
    use crate::pace::Address;
    use crate::seat::Seat;
    use crate::state::{Rejection, RoomId, SERVER_USER, TokenHash};
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

    fn decide(order: &Order, worker: &mut Worker, batch: Vec<(Wish, Option<ReplyTo>)>) -> Vec<Decided> {
        let proposals = batch.len();
        for (wish, reply) in batch {
            order.submit(Source::HOUSE, wish, reply).expect("there is room");
        }
        let written = worker.write_batch(|batch| batch.commit());
        let decided =
            written.decided.as_ref().map_or_else(|_| vec![Err(Refusal::Storage); proposals], Clone::clone);
        worker.publish(written);
        // The first are of who came and went.
        decided[decided.len() - proposals..].to_vec()
    }

    fn guest(name: Option<&str>, token: TokenHash) -> Wish {
        let name = name.map(|name| MemberName::parse(name).expect("legal"));
        Wish::new(SERVER_USER, Action::ArriveAsGuest { name, keep: false, token, from: Address::HOUSE })
    }

    fn join(user: UserId, room: &str) -> Wish {
        Wish::new(user, Action::Join { room: RoomName::parse(room).expect("legal"), create: true })
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
        decide(&order, &mut worker, vec![(guest(None, TokenHash([1; 32])), None)]);
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
        let gone = vec![join(user, "gone"), Wish::new(user, Action::Leave { room: RoomId(2) })];
        for batch in [vec![guest(None, TokenHash([1; 32]))], gone, vec![join(user, "lobby")]] {
            let replies: Vec<_> = batch.iter().map(|_| None).collect();
            let proposal = |Wish { by, op, action }| Proposal { at: UnixMillis::new(1), by, op, action };
            let proposals: Vec<_> = batch.into_iter().map(proposal).collect();
            worker.write(&proposals, &replies, |batch| batch.commit()).expect("the disk works");
            worker.broken = Some(Instant::now() - REOPEN_EVERY);
            let mut ahead = worker.model.clone();
            worker.usable(&mut Vec::new()).expect("the disk works");
            // Whoever came by a batch that failed was told so, and is not here.
            let away = worker.model.away(user).expect("it is away");
            ahead.absorb(&Change::UserWent { id: user, away });
            assert_eq!(worker.model, ahead);
        }
        assert_eq!(worker.directory.rooms_joined(user), 1);
        assert_eq!(joined(&decide(&order, &mut worker, vec![(join(user, "next"), None)])[0]), 2);
    }

    fn reply() -> Option<ReplyTo> {
        let (asker, re) = (Arc::new(Nobody), RequestId::default());
        Some(ReplyTo { asker, from: Address::HOUSE, re, pipeline: None })
    }

    fn arrived_by(decided: &Decided) -> UserId {
        arrived(decided).unwrap_or_else(|| panic!("not let in: {decided:?}"))
    }

    #[tokio::test]
    async fn who_is_gone_again_before_its_coming_was_written_departs() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        let token = TokenHash([1; 32]);
        let user = arrived_by(&decide(&order, &mut worker, vec![(guest(None, token), reply())])[0]);
        // Let in by the directory, which only leaves word of it.
        let seat = std::sync::Weak::<Nobody>::new();
        drop(worker.directory.connected_with(token, Address::HOUSE, seat));
        let since = loop {
            let (over, since) = worker.directory.lease_over().await;
            if over == user {
                break since;
            }
        };
        let again = Wish::new(SERVER_USER, Action::ArriveWithToken { token });
        let departs = Wish::new(user, Action::Depart { since });
        decide(&order, &mut worker, vec![(departs, None), (again, None)]);
        assert_eq!(worker.model.user(user), None);
    }

    /// Whether a name is free is decided in order, of what was so when its turn came.
    #[test]
    fn who_came_back_before_that_was_decided_keeps_its_name() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        let token = TokenHash([1; 32]);
        let ana = arrived_by(&decide(&order, &mut worker, vec![(guest(Some("ana"), token), reply())])[0]);
        let name_of = |worker: &Worker, user: UserId| {
            worker.directory.name_of(user).map(|name| name.to_string()).expect("it is known")
        };
        // Nobody took the answer, so nobody is there.
        order.submit(Source::HOUSE, guest(Some("ana"), TokenHash([2; 32])), reply()).expect("there is room");
        let seat = std::sync::Weak::<Nobody>::new();
        let back = worker.directory.connected_with(token, Address::HOUSE, seat).expect("its token");
        let refused = decide(&order, &mut worker, vec![]);
        assert_eq!(refused.len(), 0);
        assert_eq!(name_of(&worker, ana), "ana", "it was here when the wish had its turn");
        drop(back);
        let second = decide(&order, &mut worker, vec![(guest(Some("ana"), TokenHash([3; 32])), reply())]);
        assert_eq!(name_of(&worker, arrived_by(&second[0])), "ana");
        assert_eq!(name_of(&worker, ana), format!("茶客{ana}"));
    }

    /// Who came and went during a batch that failed is said again.
    #[test]
    fn what_a_failed_batch_was_told_of_presence_is_told_to_the_next() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (order, mut worker) = worker(dir.path());
        let token = TokenHash([1; 32]);
        let ana = arrived_by(&decide(&order, &mut worker, vec![(guest(Some("ana"), token), reply())])[0]);
        decide(&order, &mut worker, vec![]);
        assert!(worker.model.away(ana).is_some(), "nobody took the answer");
        let seat = std::sync::Weak::<Nobody>::new();
        let _back = worker.directory.connected_with(token, Address::HOUSE, seat).expect("its token");
        let failed = worker.write_batch(|_| Err(LogError::Broken));
        worker.publish(failed);
        let taken = decide(&order, &mut worker, vec![(guest(Some("ana"), TokenHash([2; 32])), reply())]);
        assert!(matches!(taken[0], Err(Refusal::Rejected(Rejection::NameTaken(_)))), "{taken:?}");
        assert_eq!(worker.model.away(ana), None);
    }
}
