//! One reader of many stops reading while everybody writes: it costs a bounded piece of memory and delays nobody, and gets
//! everything when it reads again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use teahouse_protocol::{
    Command, OpId, Post, PostText, RoomName, Seq, ServerMessage, Watch, decode_server_message,
};
use teahouse_tests::wait::within;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpSocket;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant as Moment, interval_at};

use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::run::{Run, Tally};

/// By so much the server's memory may grow while the loud room takes [`FLOOD_BYTES`]: the tails of two rooms in all
/// framings, the pages of the database that SQLite keeps for each of its connections, what the allocator keeps for
/// itself. What it must not hold is the flood.
const GROWTH_KIB_MAX: u64 = 24 * 1024;
const FLOOD_BYTES: usize = 64 * 1024 * 1024;
const LOUD_TEXT_BYTES: usize = 8_000;
/// The stalled reader's kernel buffer, in bytes.
const RECEIVE_BYTES: u32 = 16 * 1024;
/// Under a steady load, each room gets a post so often. Those of the loud room fill what the kernel holds for the stalled
/// reader in some seconds.
const BEAT: Duration = Duration::from_millis(50);

/// Posts one message and waits for its `ack`; gives how long it took.
async fn post(link: &mut Link, room: &RoomName, op: String, text: String) -> Duration {
    let began = Instant::now();
    let post = Command::Post(Post {
        room: room.clone(),
        op: Some(OpId::parse(&op).expect("a legal op")),
        text: PostText::parse(text).expect("a legal text"),
        action: false,
    });
    match link.ask(post).await.expect("the connection lives") {
        ServerMessage::Ack(_) => began.elapsed(),
        other => panic!("{}", other.to_json()),
    }
}

fn loud_text(number: usize) -> String {
    format!("{number} {}", "x".repeat(LOUD_TEXT_BYTES - 10))
}

/// Sends many posts at a time and waits for all of them.
async fn flood(link: &mut Link, room: &RoomName, from: usize, count: usize) {
    for batch in (from..from + count).collect::<Vec<_>>().chunks(64) {
        let mut open = 0;
        for number in batch {
            let text = PostText::parse(loud_text(*number)).expect("legal");
            let op = Some(OpId::parse(&format!("loud-{number}")).expect("legal"));
            let post = Post { room: room.clone(), op, text, action: false };
            link.send(Command::Post(post)).await.expect("the connection lives");
            open += 1;
        }
        while open > 0 {
            match link.receive_soon().await.expect("the connection lives") {
                ServerMessage::Ack(_) => open -= 1,
                other => panic!("{}", other.to_json()),
            }
        }
    }
}

/// Counts a room's events until `until`, and what was wrong with their order.
async fn read_along(
    address: SocketAddr,
    way: Way,
    room: RoomName,
    ready: tokio::sync::mpsc::Sender<()>,
    mut until: watch::Receiver<Option<Seq>>,
) -> (u64, Tally) {
    let mut link = Link::open(address, way).await.expect("the server accepts");
    link.hello_as_anybody().await.expect("the server welcomes");
    let asked = Command::Watch(Watch { room: room.clone(), after: None });
    let ServerMessage::Watching(watching) = link.ask(asked).await.expect("the server answers") else {
        panic!("no answer to watch")
    };
    ready.send(()).await.expect("somebody counts");
    let mut last = watching.head;
    let (mut count, mut tally) = (0, Tally::default());
    loop {
        if until.borrow().is_some_and(|end| last >= end) {
            return (count, tally);
        }
        tokio::select! {
            message = link.receive() => match message.expect("the connection lives") {
                ServerMessage::Event(event) => {
                    look(&mut last, event.seq, &mut tally);
                    count += 1;
                }
                ServerMessage::Presence(_) => {}
                other => panic!("{}", other.to_json()),
            },
            _ = until.changed() => {}
        }
    }
}

fn look(last: &mut Seq, seq: Seq, tally: &mut Tally) {
    if seq <= *last {
        tally.doubled += 1;
        tally.complain(format!("{seq} came after {last}"));
    } else if seq != last.next() {
        tally.lost += seq.get() - last.next().get();
        tally.complain(format!("{seq} came after {last}"));
    }
    *last = (*last).max(seq);
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// Two rooms full of readers, and those who write there.
struct Hall {
    host: Host,
    quiet: RoomName,
    loud: RoomName,
    writer: Link,
    shouter: Link,
    reading: JoinSet<(u64, Tally)>,
    /// Ends the readers of the quiet room, and of the loud one.
    until: [watch::Sender<Option<Seq>>; 2],
    /// How many posts the loud room got.
    shouted: usize,
    _folder: TempDir,
}

impl Hall {
    async fn open(readers: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let spec = Spec { open_files_max: Some(4_096), ..Spec::default() };
        let host = Host::start(&folder.path().join("data"), spec).await;
        let (quiet, loud) = (room("lobby"), room("loud"));
        let mut writer = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
        writer.hello(kept("quiet")).await.expect("the server welcomes");
        writer.join(&quiet).await.expect("the server writes");
        let mut shouter = Link::open(host.address(), Way::Ws).await.expect("the server accepts");
        shouter.hello(kept("shouter")).await.expect("the server welcomes");
        shouter.join(&loud).await.expect("the server writes");

        let mut reading = JoinSet::new();
        let until = [watch::channel(None).0, watch::channel(None).0];
        let (ready, mut entered) = tokio::sync::mpsc::channel(64);
        for number in 0..readers {
            let way = if number % 2 == 0 { Way::Tcp } else { Way::Ws };
            // Two hear the loud room too, or nobody would have it framed for WebSocket.
            let (room, until) = if number < 2 { (&loud, &until[1]) } else { (&quiet, &until[0]) };
            reading.spawn(read_along(host.address(), way, room.clone(), ready.clone(), until.subscribe()));
            within("a reader to watch", entered.recv()).await.expect("it does");
        }
        Self { host, quiet, loud, writer, shouter, reading, until, shouted: 0, _folder: folder }
    }

    async fn flood(&mut self, count: usize) {
        flood(&mut self.shouter, &self.loud, self.shouted, count).await;
        self.shouted += count;
    }

    async fn write(&mut self, phase: &str, count: usize) -> Vec<Duration> {
        let mut times = Vec::new();
        for number in 0..count {
            let op = format!("{phase}-{number}");
            times.push(post(&mut self.writer, &self.quiet, op.clone(), op).await);
        }
        times
    }

    /// Both rooms get a post with each beat. Gives how long those of the quiet room took, and the most memory.
    async fn steady(&mut self, phase: &str, time: Duration) -> (Vec<Duration>, u64) {
        let beats = usize::try_from(time.as_millis() / BEAT.as_millis()).expect("small").max(20);
        let mut beat = interval_at(Moment::now() + BEAT, BEAT);
        let (mut times, mut memory) = (Vec::new(), 0);
        for number in 0..beats {
            beat.tick().await;
            let op = format!("{phase}-{number}");
            times.push(post(&mut self.writer, &self.quiet, op.clone(), op).await);
            let op = format!("loud-{phase}-{number}");
            post(&mut self.shouter, &self.loud, op, loud_text(number)).await;
            memory = memory.max(self.host.memory_kib("Pss"));
        }
        (times, memory)
    }

    /// Everybody gets everything, the one that stalled at last; then the server stops.
    async fn close(mut self, mut stalled: Stalled, tally: &mut Tally) {
        let ends = [end(&self.host, &self.quiet).await, end(&self.host, &self.loud).await];
        for (until, end) in self.until.iter().zip(ends) {
            until.send_replace(Some(end));
        }
        while let Some(reader) = within("everybody to have everything", self.reading.join_next()).await {
            let (count, seen) = reader.expect("no task panics");
            tally.messages += count;
            tally.add(seen);
        }
        while stalled.heads != ends {
            stalled.read(tally).await;
        }
        drop((stalled, self.writer, self.shouter));
        self.host.stop().await;
    }
}

/// A reader of both rooms that may stop reading.
struct Stalled {
    from: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
    loud: RoomName,
    /// What it has seen of the quiet room, and of the loud one.
    heads: [Seq; 2],
    _to: OwnedWriteHalf,
}

impl Stalled {
    async fn enter(hall: &Hall) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(RECEIVE_BYTES).expect("the kernel takes it");
        let stream = socket.connect(hall.host.address()).await.expect("the server accepts");
        let requests = format!(
            "{}\n{}\n{}\n",
            r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest","name":"stalled","keep":true}}"#,
            r#"{"id":2,"type":"watch","room":"lobby"}"#,
            r#"{"id":3,"type":"watch","room":"loud"}"#,
        );
        let (from, mut to) = stream.into_split();
        to.write_all(requests.as_bytes()).await.expect("the kernel takes it");
        let (from, loud) = (BufReader::new(from), hall.loud.clone());
        let mut stalled = Self { from, line: Vec::new(), loud, heads: [Seq::ZERO; 2], _to: to };
        while stalled.heads.contains(&Seq::ZERO) {
            if let ServerMessage::Watching(watching) = stalled.next().await {
                stalled.heads[usize::from(watching.room == stalled.loud)] = watching.head;
            }
        }
        stalled
    }

    /// The next message. May be given up and called again: nothing is lost.
    async fn next(&mut self) -> ServerMessage {
        self.from.read_until(b'\n', &mut self.line).await.expect("the connection lives");
        let line = std::mem::take(&mut self.line);
        decode_server_message(&line).expect("whole messages")
    }

    async fn read(&mut self, tally: &mut Tally) {
        match within("the next message", self.next()).await {
            ServerMessage::Event(event) => {
                look(&mut self.heads[usize::from(event.room == self.loud)], event.seq, tally);
                tally.messages += 1;
            }
            ServerMessage::Presence(_) | ServerMessage::Ack(_) => {}
            other => panic!("{}", other.to_json()),
        }
    }

    /// Reads for as long as something else goes on.
    async fn read_during<T>(&mut self, tally: &mut Tally, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                message = self.next() => if let ServerMessage::Event(event) = message {
                    look(&mut self.heads[usize::from(event.room == self.loud)], event.seq, tally);
                    tally.messages += 1;
                },
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_costs_little_and_misses_nothing_of_a_flood() {
    let run = Run::begin("stall");
    let quiet_posts = run.pick(200, 2_000);
    let mut hall = Hall::open(run.pick(40, 998)).await;
    let stalled = Stalled::enter(&hall).await;
    // Warm everything up with a little of the same, so that what is measured is growth alone.
    hall.flood(512).await;
    let before = hall.write("before", quiet_posts / 4).await;
    let memory_before = hall.host.memory_kib("Pss");
    let parts = 32;
    let (mut during, mut memory_most) = (Vec::new(), 0);
    for part in 0..parts {
        let count = FLOOD_BYTES / LOUD_TEXT_BYTES / parts;
        let shouting = flood(&mut hall.shouter, &hall.loud, hall.shouted, count);
        let writing = async {
            for number in 0..quiet_posts / parts {
                let op = format!("during-{part}-{number}");
                during.push(post(&mut hall.writer, &hall.quiet, op.clone(), op).await);
            }
        };
        tokio::join!(shouting, writing);
        hall.shouted += count;
        memory_most = memory_most.max(hall.host.memory_kib("Pss"));
    }
    let mut tally = Tally { cycles: 1, faults: 1, ..Tally::default() };
    tally.measured = measured((p99(before), p99(during)), (memory_before, memory_most));
    hall.close(stalled, &mut tally).await;
    look_at_growth(memory_before, memory_most, &mut tally);
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_for_a_minute_misses_nothing_of_a_steady_load() {
    let run = Run::begin("stall under a steady load");
    let time = run.by_the_clock(Duration::from_secs(60)).unwrap_or(Duration::from_secs(2));
    let mut hall = Hall::open(run.pick(40, 998)).await;
    let mut stalled = Stalled::enter(&hall).await;
    let mut tally = Tally { cycles: 1, faults: 1, ..Tally::default() };
    hall.flood(512).await;
    // The same load before, with everybody reading.
    let (before, memory_before) = stalled.read_during(&mut tally, hall.steady("before", time / 2)).await;
    let (during, memory_most) = hall.steady("during", time).await;
    tally.measured = measured((p99(before), p99(during)), (memory_before, memory_most));
    hall.close(stalled, &mut tally).await;
    look_at_growth(memory_before, memory_most, &mut tally);
    run.finish(&tally);
}

fn measured(p99: (Duration, Duration), memory_kib: (u64, u64)) -> String {
    format!(
        "p99 of an ack {:.1?} before and {:.1?} during; the server held {} KiB (Pss) before and at most {} during",
        p99.0, p99.1, memory_kib.0, memory_kib.1
    )
}

fn look_at_growth(before: u64, most: u64, tally: &mut Tally) {
    let growth = most.saturating_sub(before);
    if growth > GROWTH_KIB_MAX {
        tally.complain(format!("the server's memory grew by {growth} KiB, more than {GROWTH_KIB_MAX}"));
    }
}

async fn end(host: &Host, room: &RoomName) -> Seq {
    crate::audit::head(host.address(), room).await.seq
}
