use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use teahouse_protocol::{Epoch, RoomName, UserId};
use teahouse_server::clock::Clock;
use teahouse_server::connection::{Connection, Next};
use teahouse_server::directory::Directory;
use teahouse_server::door::{Door, JsonDoor};
use teahouse_server::fanout::Feed;
use teahouse_server::house::{House, Patience};
use teahouse_server::lanes::Lanes;
use teahouse_server::log::{self, LogError};
use teahouse_server::order::{self, Order, Worker, Written};
use teahouse_server::origins::Origins;
use teahouse_server::pace::Pace;
use teahouse_server::proxies::Proxies;
use teahouse_server::state::Change;

use crate::network::{Dice, LinkId};
use crate::pipe::Pipe;

/// A guest whose link broke may come back within this time.
pub(crate) const LEASE_MS: u64 = 20_000;

/// The real server without its threads, tasks and sockets: whoever drives it says what is done next.
pub(crate) struct Server {
    house: Arc<House>,
    worker: Worker,
    lanes: Lanes,
    clock: Clock,
    guests: BTreeMap<LinkId, Guest>,
    /// What is on the disk and nobody has heard of.
    written: Option<Written>,
    /// Rooms with news that the herald has not brought yet.
    news: VecDeque<Arc<Feed>>,
}

/// A connection between its steps.
struct Guest {
    connection: Box<Connection<Pipe>>,
    pipe: Pipe,
    next: Next,
    /// Its task would wait for answers alone.
    leaving: bool,
    called: bool,
}

/// What the disk does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Works,
    /// Nothing is written.
    Fails,
    /// Everything is written, and the system says that it failed.
    FailsLate,
}

/// One thing that can be done now.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Write,
    Publish,
    Walk,
    Read,
    EndLease,
    Step(LinkId),
}

impl Server {
    pub(crate) fn start(dir: &Path, clock: &Clock) -> Self {
        let epoch = Epoch::parse("sim").expect("legal");
        let (mut log, mut model, reader) = log::open(dir, &epoch).expect("the log opens");
        order::prepare(&mut log, &mut model, clock).expect("the disk works");
        let directory = Arc::new(Directory::new(Duration::from_millis(LEASE_MS), clock.clone()));
        directory.restore(&model, &mut Vec::new());
        let (order, worker) = Order::new(log, model, Arc::clone(&directory), clock.clone());
        let lanes = Lanes::by_hand();
        let patience = Patience {
            handshake: Duration::from_secs(10),
            silence: Duration::from_secs(300),
            lease: Duration::from_millis(LEASE_MS),
            stalled: Duration::from_secs(60),
        };
        let (origins, proxies) = (Origins::new(Vec::new()), Proxies::new(Vec::new()));
        let house = House::new(
            directory,
            order,
            reader,
            lanes.clone(),
            clock.clone(),
            patience,
            Pace::default(),
            origins,
            proxies,
        );
        Self {
            house: Arc::new(house),
            worker,
            lanes,
            clock: clock.clone(),
            guests: BTreeMap::new(),
            written: None,
            news: VecDeque::new(),
        }
    }

    /// Takes a connection in, whose first byte has come.
    pub(crate) fn open(&mut self, link: LinkId, peer: SocketAddr, pipe: Pipe) {
        let door = Door::Json(JsonDoor::default());
        let since = self.clock.now().into();
        let connection = Connection::new(pipe.clone(), peer, Arc::clone(&self.house), door, &[], since);
        self.guests.insert(link, Guest { connection, pipe, next: Next::More, leaving: false, called: false });
    }

    /// Does one of the things that can be done now. Answers what the disk has taken by that, or `None` when there is nothing
    /// to do.
    pub(crate) fn act(&mut self, dice: &mut Dice, disk: impl FnOnce(&mut Dice) -> Disk) -> Option<Act> {
        let deeds = self.possible();
        if deeds.is_empty() {
            return None;
        }
        let deed = deeds[usize::try_from(dice.below(deeds.len() as u64)).expect("few")];
        match deed {
            Deed::Write => {
                let disk = disk(dice);
                let written = self.worker.write_batch(|batch| match disk {
                    Disk::Works => batch.commit(),
                    Disk::Fails => Err(LogError::Broken),
                    Disk::FailsLate => batch.commit().and(Err(LogError::Broken)),
                });
                let changes = written.changes().to_vec();
                self.written = Some(written);
                return Some(Act { written: changes, closed: None });
            }
            Deed::Publish => {
                let written = self.written.take().expect("it is possible");
                self.news.extend(self.worker.publish(written));
            }
            Deed::Walk => {
                let at = usize::try_from(dice.below(self.news.len() as u64)).expect("few");
                self.news.remove(at).expect("it is there").walk();
            }
            Deed::Read => {
                self.lanes.read_next();
            }
            Deed::EndLease => {
                if let Some((user, since)) = self.house.directory.take_lease_over() {
                    self.house.end_lease(user, since);
                }
            }
            Deed::Step(link) => {
                let guest = self.guests.get_mut(&link).expect("it is possible");
                if guest.step(&self.clock) {
                    self.guests.remove(&link);
                    return Some(Act { written: Vec::new(), closed: Some(link) });
                }
            }
        }
        Some(Act::default())
    }

    fn possible(&mut self) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if self.written.is_some() {
            deeds.push(Deed::Publish);
        } else if self.worker.has_work() {
            deeds.push(Deed::Write);
        }
        if !self.news.is_empty() {
            deeds.push(Deed::Walk);
        }
        if self.lanes.has_work() {
            deeds.push(Deed::Read);
        }
        if self.house.directory.next_lease().is_some_and(|due| due <= self.clock.now()) {
            deeds.push(Deed::EndLease);
        }
        for (link, guest) in &mut self.guests {
            if guest.may_step(&self.clock) {
                deeds.push(Deed::Step(*link));
            }
        }
        deeds
    }

    /// In how many milliseconds something is due by the clock.
    pub(crate) fn due_in_ms(&self) -> Option<u64> {
        let now = self.clock.now();
        let deadlines = self.guests.values().filter_map(|guest| guest.connection.deadline());
        let deadlines = deadlines.map(tokio_time).chain(self.house.directory.next_lease());
        let due = deadlines.min()?.saturating_duration_since(now);
        u64::try_from(due.as_millis()).ok().map(|ms| ms + 1)
    }

    /// The room of that name, as the server's readers see it.
    pub(crate) fn room(&self, name: &RoomName) -> Option<Arc<Feed>> {
        self.house.directory.feed(name)
    }

    /// Whether there is such a user, as the server's readers see it.
    pub(crate) fn knows(&self, user: UserId) -> bool {
        self.house.directory.name_of(user).is_some()
    }

    /// Whether it waits for what comes over a link. Who has been told of the end may still have to take that.
    pub(crate) fn hears(&self, link: LinkId) -> bool {
        self.guests.get(&link).is_some_and(|guest| {
            !guest.leaving && matches!(guest.next, Next::Wait(Some(interest)) if interest.is_readable())
        })
    }

    /// Where history comes from.
    pub(crate) fn reader(&self) -> &log::Reader {
        &self.house.reader
    }
}

/// What came of a deed.
#[derive(Debug, Default)]
pub(crate) struct Act {
    pub(crate) written: Vec<Change>,
    pub(crate) closed: Option<LinkId>,
}

fn tokio_time(instant: impl Into<std::time::Instant>) -> std::time::Instant {
    instant.into()
}

impl Guest {
    fn may_step(&mut self, clock: &Clock) -> bool {
        self.called |= self.connection.is_called();
        if self.leaving {
            return self.called || self.connection.is_settled();
        }
        let interest = match self.next {
            Next::Over | Next::More => return true,
            Next::Wait(interest) => interest,
        };
        self.called
            || self.connection.deadline().is_some_and(|due| tokio_time(due) <= clock.now())
            || interest.is_some_and(|interest| {
                interest.is_readable() && self.pipe.is_readable()
                    || interest.is_writable() && self.pipe.is_writable()
            })
    }

    /// What its task would do next. Answers whether the task is over.
    fn step(&mut self, clock: &Clock) -> bool {
        self.called = false;
        if self.leaving {
            self.connection.settle();
            return self.connection.is_settled();
        }
        let reads = matches!(self.next, Next::Wait(Some(interest)) if interest.is_readable());
        let waited = self.connection.deadline().is_some_and(|due| tokio_time(due) <= clock.now());
        let mut result = if reads && self.pipe.is_readable() { self.connection.read() } else { Ok(()) };
        if waited {
            result = result.and_then(|()| self.connection.waited_long_enough());
        }
        match result.and_then(|()| self.connection.step()) {
            Ok(Next::Over) | Err(_) => {
                self.leaving = true;
                self.connection.settle();
                self.connection.is_settled()
            }
            Ok(next) => {
                self.next = next;
                false
            }
        }
    }
}
