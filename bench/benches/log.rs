//! Batches of posts into SQLite, each with its fsync: the disk under the target directory decides these figures.

use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;
use teahouse_protocol::{Epoch, MemberName, OpId, PostText, RoomName, UnixMillis};
use teahouse_server::log::{self, Log, PageQuery, Reader};
use teahouse_server::state::{
    self, Action, Address, Change, Decision, Model, NoRecords, Outcome, Proposal, RoomId, SERVER_USER,
    TokenHash, UserId,
};

fn main() {
    divan::main();
}

/// A log on the disk that goes with the bench.
struct Disk {
    folder: PathBuf,
    log: Log,
    reader: Reader,
    model: Model,
    ana: UserId,
    lobby: RoomId,
    posts: u64,
}

impl Disk {
    fn new(name: &str) -> Self {
        // Not the system's temporary folder, which may be memory.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        let (log, model, reader) =
            log::open(&folder, &Epoch::parse("bench").expect("legal")).expect("a new log opens");
        let (ana, lobby) = (UserId::of(0), RoomId(0));
        let mut disk = Self { folder, log, reader, model, ana, lobby, posts: 0 };
        disk.commit_one(SERVER_USER, Action::Found);
        let name = MemberName::parse("ana").ok();
        let (token, from) = (TokenHash([1; 32]), Address::HOUSE);
        let guest = Action::ArriveAsGuest { name, keep: true, token, from };
        let Outcome::Arrived { user, .. } = disk.commit_one(SERVER_USER, guest) else {
            panic!("ana arrives")
        };
        let room = RoomName::parse("lobby").expect("legal");
        let join = Action::Join { room, create: false };
        let Outcome::Done { room, .. } = disk.commit_one(user, join) else { panic!("ana joins") };
        (disk.ana, disk.lobby) = (user, room);
        disk
    }

    fn decide(&mut self, by: UserId, op: Option<OpId>, action: Action) -> (Outcome, Vec<Change>) {
        let at = UnixMillis::new(1_795_334_400_000);
        let proposal = Proposal { at, by, op, action };
        let decided = state::apply(&mut self.model, &NoRecords, &proposal);
        let Decision { outcome, changes } = decided.expect("nothing is rejected here");
        (outcome, changes)
    }

    fn commit_one(&mut self, by: UserId, action: Action) -> Outcome {
        let (outcome, changes) = self.decide(by, None, action);
        self.commit(&changes);
        outcome
    }

    /// The changes that so many posts of 128 bytes make.
    fn posts(&mut self, count: usize) -> Vec<Change> {
        (0..count)
            .flat_map(|_| {
                self.posts += 1;
                let op = OpId::parse(&format!("{:016x}", self.posts)).ok();
                let text = PostText::parse("x".repeat(128)).expect("legal");
                self.decide(self.ana, op, Action::Post { room: self.lobby, text, action: false }).1
            })
            .collect()
    }

    fn commit(&mut self, changes: &[Change]) {
        let batch = self.log.begin().expect("the disk works");
        for change in changes {
            batch.write(change).expect("the disk works");
        }
        batch.commit().expect("the disk works");
        self.log.checkpoint_if_due().expect("the disk works");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One transaction and one fsync for so many posts.
#[divan::bench(args = [1, 64, 1_024])]
fn append_with_fsync(bencher: Bencher<'_, '_>, batch: usize) {
    let disk = std::cell::RefCell::new(Disk::new(&format!("append-{batch}")));
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| disk.borrow_mut().posts(batch))
        .bench_local_values(|changes| disk.borrow_mut().commit(&changes));
}

/// The newest 50 of 100,000 messages.
#[divan::bench]
fn read_the_newest_page(bencher: Bencher<'_, '_>) {
    let mut disk = Disk::new("page");
    for _ in 0..100 {
        let posts = disk.posts(1_000);
        disk.commit(&posts);
    }
    bencher.bench_local(|| disk.reader.page(disk.lobby, PageQuery::Latest, 50).expect("the disk works"));
}
