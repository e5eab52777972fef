//! One reader of many stops reading while everybody writes: it costs a bounded piece of memory and delays nobody, and gets
//! everything when it reads again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use teahouse_protocol::{
    Command, OpId, Post, PostText, RoomName, Seq, ServerMessage, Watch, decode_server_message,
};
use teahouse_tests::wait::within;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

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

/// Sends many posts at a time and waits for all of them.
async fn flood(link: &mut Link, room: &RoomName, from: usize, count: usize) {
    let text = "x".repeat(LOUD_TEXT_BYTES);
    for batch in (from..from + count).collect::<Vec<_>>().chunks(64) {
        let mut open = 0;
        for number in batch {
            let text = PostText::parse(format!("{number} {}", &text[..LOUD_TEXT_BYTES - 10])).expect("legal");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_costs_little_delays_nobody_and_misses_nothing() {
    let run = Run::begin("stall");
    let readers = run.pick(40, 998);
    let quiet_posts = run.pick(200, 2_000);
    let folder = TempDir::new().expect("a temporary folder");
    let spec = Spec { open_files_max: Some(4_096), ..Spec::default() };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    let (quiet, loud) = (room("lobby"), room("loud"));

    let mut writer = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    writer.hello(kept("quiet")).await.expect("the server welcomes");
    writer.join(&quiet).await.expect("the server writes");
    let mut shouter = Link::open(host.address(), Way::Ws).await.expect("the server accepts");
    shouter.hello(kept("shouter")).await.expect("the server welcomes");
    shouter.join(&loud).await.expect("the server writes");

    let mut reading = JoinSet::new();
    let (quiet_until, loud_until) = (watch::channel(None).0, watch::channel(None).0);
    let (ready, mut entered) = tokio::sync::mpsc::channel(64);
    for number in 0..readers {
        let way = if number % 2 == 0 { Way::Tcp } else { Way::Ws };
        // Two hear the loud room too, or nobody would have it framed for WebSocket.
        let (room, until) = if number < 2 { (&loud, &loud_until) } else { (&quiet, &quiet_until) };
        reading.spawn(read_along(host.address(), way, room.clone(), ready.clone(), until.subscribe()));
        within("a reader to watch", entered.recv()).await.expect("it does");
    }
    // The one that stalls: it watches both rooms and then reads nothing.
    let stalled = TcpSocket::new_v4().expect("a socket");
    stalled.set_recv_buffer_size(RECEIVE_BYTES).expect("the kernel takes it");
    let stalled = stalled.connect(host.address()).await.expect("the server accepts");
    let requests = format!(
        "{}\n{}\n{}\n",
        r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest","name":"stalled","keep":true}}"#,
        r#"{"id":2,"type":"watch","room":"lobby"}"#,
        r#"{"id":3,"type":"watch","room":"loud"}"#,
    );
    let (from, mut to) = stalled.into_split();
    tokio::io::AsyncWriteExt::write_all(&mut to, requests.as_bytes()).await.expect("the kernel takes it");
    let mut from = BufReader::new(from);
    let mut heads = [Seq::ZERO; 2];
    let mut line = Vec::new();
    while heads.contains(&Seq::ZERO) {
        line.clear();
        within("watching", from.read_until(b'\n', &mut line)).await.expect("the connection lives");
        if let Ok(ServerMessage::Watching(watching)) = decode_server_message(&line) {
            heads[usize::from(watching.room == loud)] = watching.head;
        }
    }

    // Warm everything up with a little of the same, so that what is measured is growth alone.
    flood(&mut shouter, &loud, 0, 512).await;
    let mut before = Vec::new();
    for number in 0..quiet_posts / 4 {
        before.push(post(&mut writer, &quiet, format!("before-{number}"), format!("before {number}")).await);
    }
    let memory_before = host.memory_kib("Pss");
    let mut during = Vec::new();
    let parts = 32;
    let mut memory_most = 0;
    for part in 0..parts {
        let count = FLOOD_BYTES / LOUD_TEXT_BYTES / parts;
        let shouting = flood(&mut shouter, &loud, 512 + part * count, count);
        let writing = async {
            for number in 0..quiet_posts / parts {
                let op = format!("during-{part}-{number}");
                during.push(post(&mut writer, &quiet, op.clone(), op).await);
            }
        };
        tokio::join!(shouting, writing);
        memory_most = memory_most.max(host.memory_kib("Pss"));
    }
    let (before, during) = (p99(before), p99(during));
    println!("p99 of a post's ack: {before:?} before the flood, {during:?} in it, with one reader stalled");
    println!(
        "server memory (Pss): {memory_before} KiB before, at most {memory_most} KiB during a flood of 64 MiB"
    );

    let mut tally = Tally { cycles: 1, faults: 1, ..Tally::default() };
    let ends = [end(&host, &quiet).await, end(&host, &loud).await];
    quiet_until.send_replace(Some(ends[0]));
    loud_until.send_replace(Some(ends[1]));
    while let Some(reader) = within("everybody to have everything", reading.join_next()).await {
        let (count, seen) = reader.expect("no task panics");
        tally.messages += count;
        tally.add(seen);
    }
    // And now the one that stalled reads again.
    while heads != ends {
        line.clear();
        within("the rest", from.read_until(b'\n', &mut line)).await.expect("the connection lives");
        match decode_server_message(&line).expect("whole messages") {
            ServerMessage::Event(event) => {
                look(&mut heads[usize::from(event.room == loud)], event.seq, &mut tally);
                tally.messages += 1;
            }
            ServerMessage::Presence(_) | ServerMessage::Ack(_) => {}
            other => panic!("{}", other.to_json()),
        }
    }
    drop((from, to, writer, shouter));
    host.stop().await;
    let growth = memory_most.saturating_sub(memory_before);
    if growth > GROWTH_KIB_MAX {
        tally.complain(format!("the server's memory grew by {growth} KiB, more than {GROWTH_KIB_MAX}"));
    }
    run.finish(&tally);
}

async fn end(host: &Host, room: &RoomName) -> Seq {
    crate::audit::head(host.address(), room).await.seq
}
