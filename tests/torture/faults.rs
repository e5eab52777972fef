//! Disks that fail while the power stays: an fsync that takes long or fails, no space, no writing, a bit that flips.

use std::time::Duration;

use teahouse_protocol::{
    Command, ErrorCode, EventKind, History, OpId, Ping, Post, PostText, Seq, ServerMessage, Watch, Who,
};
use tokio::time::{MissedTickBehavior, interval};

use crate::audit::head;
use crate::disk::{Cut, Disk, Fsync};
use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::load::{Crowd, Load};
use crate::power::problems;
use crate::run::{Run, Tally};

/// Writes work again within so long after the disk does.
const RECOVERY_MAX: Duration = Duration::from_secs(5);
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// What was sent over loopback has come after this time, for all that can be told.
const UNTIL_SURE: Duration = Duration::from_millis(30);

/// Somebody in the lobby who writes one message after the other.
struct Author {
    link: Link,
    name: String,
    written: u64,
}

impl Author {
    async fn enter(host: &Host, name: &str) -> Self {
        let mut link = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
        link.hello(kept(name)).await.expect("the server welcomes");
        link.join(&room("lobby")).await.expect("the server writes");
        Self { link, name: name.into(), written: 0 }
    }

    fn post(&self, number: u64) -> Command {
        let op = Some(OpId::parse(&format!("{}-{number}", self.name)).expect("a legal op"));
        let text = format!("{}:{number} {}", self.name, "茶".repeat(500));
        let text = PostText::parse(text).expect("a legal text");
        Command::Post(Post { room: room("lobby"), op, text, action: false })
    }

    /// Writes the next message; gives its seq, or says whether a refusal was the one for a disk that fails.
    async fn write(&mut self) -> Result<Seq, bool> {
        let post = self.post(self.written + 1);
        match self.link.ask(post).await.expect("the connection lives") {
            ServerMessage::Ack(ack) => {
                self.written += 1;
                Ok(ack.seq.expect("a post has a seq"))
            }
            ServerMessage::Error(error) => {
                Err(error.code == ErrorCode::StorageUnavailable && error.temporary)
            }
            other => panic!("{}", other.to_json()),
        }
    }

    /// Writes again and again until it works, and fails after [`RECOVERY_MAX`].
    async fn write_when_it_works(&mut self) {
        let mut retry = interval(RETRY_EVERY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let working = async {
            loop {
                retry.tick().await;
                if self.write().await.is_ok() {
                    return;
                }
            }
        };
        tokio::time::timeout(RECOVERY_MAX, working)
            .await
            .expect("writes work again in time, without a restart");
    }

    /// Reads in every way there is; gives the head of the lobby.
    async fn read(&mut self) -> Seq {
        let mut head = Seq::ZERO;
        for command in [
            Command::Ping(Ping {}),
            Command::Who(Who { room: room("lobby") }),
            Command::History(History::latest(room("lobby"))),
        ] {
            let kind = format!("{command:?}");
            let reply = self.link.ask(command).await.unwrap_or_else(|error| panic!("{kind}: {}", error.0));
            assert!(!matches!(reply, ServerMessage::Error(_)), "{kind}: {}", reply.to_json());
            if let ServerMessage::History(page) = reply {
                head = page.head;
            }
        }
        head
    }
}

/// A watcher whose messages are looked at one by one.
async fn watching(host: &Host) -> Link {
    let mut link = Link::open(host.address(), Way::Ws).await.expect("the server accepts");
    link.hello_as_anybody().await.expect("the server welcomes");
    let watch = Watch { room: room("lobby"), after: None };
    link.ask(Command::Watch(watch)).await.expect("the server answers");
    link
}

/// Whether no answer and no event comes, for as long as it takes to be sure that none is on its way.
async fn is_quiet(link: &mut Link) -> bool {
    loop {
        match tokio::time::timeout(UNTIL_SURE, link.receive()).await {
            Err(_) => return true,
            Ok(Ok(ServerMessage::Presence(_))) => {}
            Ok(Ok(ServerMessage::Event(event))) if !matches!(event.kind, EventKind::Post { .. }) => {}
            Ok(_) => return false,
        }
    }
}

async fn next_post(link: &mut Link) -> Seq {
    loop {
        if let ServerMessage::Event(event) = link.receive_soon().await.expect("the connection lives")
            && matches!(event.kind, EventKind::Post { .. })
        {
            return event.seq;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_or_shown_before_its_fsync() {
    let run = Run::begin("fsync held back");
    let disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    let mut author = Author::enter(&host, "ana").await;
    let mut reader = Author::enter(&host, "bo").await;
    let mut watcher = watching(&host).await;
    let mut tally = Tally { cycles: run.pick(5, 50), ..Tally::default() };
    for _ in 0..tally.cycles {
        let before = reader.read().await;
        disk.set_fsync(Fsync::Waits);
        let asked = disk.fsyncs(1);
        let post = author.post(author.written + 1);
        let id = author.link.send(post).await.expect("the connection lives");
        asked.await;
        assert!(disk.fsyncs_waiting() > 0);
        // Reads do not stall, and do not tell of it; nor does anybody else.
        let held = reader.read().await;
        let shown = is_quiet(&mut watcher).await && is_quiet(&mut author.link).await && held == before;
        if !shown || disk.fsyncs_waiting() == 0 {
            tally.lost += 1;
            tally.complain(format!("{held} after {before} came before its fsync"));
            disk.set_fsync(Fsync::Works);
            break;
        }
        disk.set_fsync(Fsync::Works);
        match author.link.receive_soon().await.expect("the connection lives") {
            ServerMessage::Ack(ack) if ack.re == id => {
                assert_eq!(Some(next_post(&mut watcher).await), ack.seq);
                author.written += 1;
                tally.messages += 1;
            }
            other => panic!("{}", other.to_json()),
        }
        tally.faults += 1;
    }
    host.stop().await;
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_acknowledges_nothing_and_passes() {
    let run = Run::begin("fsync fails");
    let mut random = run.random(1);
    let mut disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    let mut author = Author::enter(&host, "ana").await;
    let mut reader = Author::enter(&host, "bo").await;
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 4, 16)).await;
    let cycles = run.pick(6, 60);
    let mut broken = Tally::default();
    for cycle in 0..cycles {
        if load.has_failed() {
            break;
        }
        load.reins.acknowledged(random.u64(1..60)).await;
        disk.set_fsync(Fsync::Fails);
        let failed = disk.fsyncs_failed();
        for _ in 0..3 {
            match author.write().await {
                Err(true) => {}
                other => {
                    broken.lost += 1;
                    broken.complain(format!("with failing fsyncs a post got {other:?}"));
                }
            }
            reader.read().await;
        }
        assert!(disk.fsyncs_failed() > failed, "the server asked for an fsync");
        disk.set_fsync(Fsync::Works);
        author.write_when_it_works().await;
        // What was acknowledged since must not rest on what the failed fsync threw away.
        if random.bool() {
            load.reins.acknowledged(random.u64(1..20)).await;
            host.is_going_down();
            disk.cut(if random.bool() { Cut::Torn(&mut random) } else { Cut::Clean });
            host.kill().await;
            disk.power_on();
            for problem in problems(disk.copy_of_data().path()).await {
                broken.lost += 1;
                broken.complain(format!("cycle {cycle}: {problem}"));
            }
            host.start_again().await;
            let (written, name) = (author.written, format!("ana{cycle}"));
            author = Author::enter(&host, &name).await;
            reader = Author::enter(&host, &format!("bo{cycle}")).await;
            broken.messages += written;
        }
    }
    let mut tally = load.end(&host).await;
    host.stop().await;
    tally.add(broken);
    tally.cycles = cycles;
    tally.faults = disk.fsyncs_failed();
    run.finish(&tally);
}

/// Lets the disk fail in one way, under load, and looks that reads go on and writes come back.
async fn writes_pause_and_come_back(test: &'static str, fail: impl Fn(&Disk), heal: impl Fn(&Disk)) {
    let run = Run::begin(test);
    let mut random = run.random(1);
    let disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    let mut author = Author::enter(&host, "ana").await;
    let mut reader = Author::enter(&host, "bo").await;
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 4, 16)).await;
    let cycles = run.pick(3, 30);
    let mut broken = Tally::default();
    for _ in 0..cycles {
        load.reins.acknowledged(random.u64(1..100)).await;
        fail(&disk);
        let mut refused = 0;
        // What is left of the write-ahead log takes some more.
        for _ in 0..20_000 {
            match author.write().await {
                Ok(_) => {}
                Err(true) => refused += 1,
                Err(false) => {
                    broken.lost += 1;
                    broken.complain("a post was refused with another error than storage_unavailable".into());
                }
            }
            if refused == 3 {
                break;
            }
        }
        assert_eq!(refused, 3, "a disk that fails refuses");
        broken.faults += 1;
        reader.read().await;
        heal(&disk);
        author.write_when_it_works().await;
    }
    let mut tally = load.end(&host).await;
    host.stop().await;
    for problem in problems(disk.copy_of_data().path()).await {
        broken.lost += 1;
        broken.complain(problem);
    }
    tally.add(broken);
    tally.cycles = cycles;
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_until_there_is_space() {
    writes_pause_and_come_back(
        "disk full",
        |disk| disk.leave_free(Some(8_192)),
        |disk| disk.leave_free(None),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_disk_refuses_writes_until_it_is_none() {
    let (fail, heal) = (|disk: &Disk| disk.set_read_only(true), |disk: &Disk| disk.set_read_only(false));
    writes_pause_and_come_back("disk read-only", fail, heal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_reported_and_never_served() {
    let run = Run::begin("bit flips");
    let mut random = run.random(1);
    let mut tally = Tally { cycles: run.pick(3, 30), ..Tally::default() };
    for _ in 0..tally.cycles {
        let mut disk = Disk::new();
        let mut host = Host::start(&disk.data(), Spec::default()).await;
        let mut author = Author::enter(&host, "ana").await;
        let mut position = head(host.address(), &room("lobby")).await;
        let mut seqs = Vec::new();
        for _ in 0..10 {
            seqs.push(author.write().await.expect("the disk works"));
        }
        host.stop().await;
        let victim = random.usize(..seqs.len());
        let text = format!("ana:{} 茶茶茶", victim + 1);
        assert!(disk.flip_bit_in("teahouse.db", &text, &mut random), "the text lies in the database");
        tally.faults += 1;
        host.start_again().await;

        let mut link = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
        link.hello_as_anybody().await.expect("the server welcomes");
        for (number, seq) in (1_u64..).zip(&seqs) {
            let one = History { after: Some(seq.prev()), limit: Some(1), ..History::latest(room("lobby")) };
            match link.ask(Command::History(one)).await.expect("the connection lives") {
                ServerMessage::History(page) => {
                    tally.messages += 1;
                    let whole = matches!(&page.events[..], [event] if matches!(&event.kind,
                        EventKind::Post { text, .. } if *text == format!("ana:{number} {}", "茶".repeat(500))));
                    if !whole || *seq == seqs[victim] {
                        tally.lost += 1;
                        tally.complain(format!("altered text was served: {page:?}"));
                    }
                }
                ServerMessage::Error(error) => {
                    assert_eq!(*seq, seqs[victim], "whole events are served: {error:?}");
                    assert_eq!(error.code, ErrorCode::StorageUnavailable, "{error:?}");
                    assert!(error.message.contains(&seq.to_string()), "it names the event: {error:?}");
                }
                other => panic!("{}", other.to_json()),
            }
        }
        // A replay stops before it and says so.
        position.seq = Seq::ZERO;
        let watch = Watch { room: room("lobby"), after: Some(position) };
        link.ask(Command::Watch(watch)).await.expect("the server answers");
        loop {
            match link.receive_soon().await {
                Ok(ServerMessage::Event(event)) if event.seq >= seqs[victim] => {
                    tally.lost += 1;
                    tally.complain(format!("{} was shown by a replay, past the damage", event.seq));
                    break;
                }
                Ok(_) => {}
                Err(error) => {
                    assert!(error.0.contains(&seqs[victim].to_string()), "it names the event: {}", error.0);
                    break;
                }
            }
        }
        host.stop().await;
        if problems(disk.copy_of_data().path()).await.is_empty() {
            tally.complain("verify finds nothing".into());
        }
    }
    run.finish(&tally);
}
