//! More connections than file descriptors, and thousands of half handshakes.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use teahouse_protocol::{Command, History, OpId, Ping, Post, PostText, ServerMessage};
use teahouse_tests::wait::within;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::audit::audit;
use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::run::{Run, Tally};

/// Does everything that somebody does who has been there for long.
async fn goes_on(link: &mut Link, number: u64) {
    let post = Command::Post(Post {
        room: room("lobby"),
        op: Some(OpId::parse(&format!("ana-{number}")).expect("a legal op")),
        text: PostText::parse(format!("ana:{number} 我还在")).expect("a legal text"),
        action: false,
    });
    for command in [post, Command::Ping(Ping {}), Command::History(History::latest(room("lobby")))] {
        let asked = format!("{command:?}");
        let reply = link.ask(command).await.unwrap_or_else(|error| panic!("{asked}: {}", error.0));
        assert!(!matches!(reply, ServerMessage::Error(_)), "{asked}: {}", reply.to_json());
    }
}

/// A connection that has said hello, if it was let in.
async fn guest(host: &Host) -> Option<Link> {
    let mut link = Link::open(host.address(), Way::Tcp).await.ok()?;
    link.hello_as_anybody().await.ok()?;
    Some(link)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_out_of_descriptors_is_waited_out() {
    let run = Run::begin("descriptors");
    let folder = TempDir::new().expect("a temporary folder");
    let open_files_max = run.pick(64, 256);
    let spec = Spec { open_files_max: Some(open_files_max), ..Spec::default() };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    let mut ana = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    ana.hello(kept("ana")).await.expect("the server welcomes");
    ana.join(&room("lobby")).await.expect("the server writes");
    let mut tally = Tally { cycles: run.pick(2, 10), ..Tally::default() };
    for cycle in 0..tally.cycles {
        let mut crowd = JoinSet::new();
        let mut streams = Vec::new();
        for _ in 0..open_files_max * 2 {
            // The kernel takes the connection; the server cannot accept it.
            let mut stream = TcpStream::connect(host.address()).await.expect("the kernel's queue has room");
            let hello = "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"auth\":{\"type\":\"guest\"}}\n";
            stream.write_all(hello.as_bytes()).await.expect("the kernel takes it");
            streams.push(stream);
        }
        let full = "a connection cannot be accepted";
        let mut look = interval(Duration::from_millis(20));
        within("the server to run out of descriptors", async {
            while host.log().matches(full).count() as u64 <= cycle {
                look.tick().await;
            }
        })
        .await;
        tally.faults += 1;
        goes_on(&mut ana, cycle * 2 + 1).await;
        // Half of them leave: the others, who wait in the kernel's queue, are let in.
        let waiting = streams.split_off(streams.len() / 2);
        drop(streams);
        for mut stream in waiting.into_iter().take(usize::try_from(open_files_max / 4).expect("small")) {
            crowd.spawn(async move {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.map(|_| byte[0]).ok()
            });
        }
        while let Some(welcomed) = within("a place for those who wait", crowd.join_next()).await {
            assert_eq!(welcomed.expect("no task panics"), Some(b'{'), "a welcome");
            tally.messages += 1;
        }
        // And somebody new.
        assert!(guest(&host).await.is_some(), "a fresh one gets in as soon as there is room");
        goes_on(&mut ana, cycle * 2 + 2).await;
    }
    tally.add(audit(host.address(), &[], &[]).await);
    host.stop().await;
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_from_one_address_gets_in() {
    let run = Run::begin("burst");
    let folder = TempDir::new().expect("a temporary folder");
    let spec = Spec { open_files_max: Some(4_096), ..Spec::default() };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    let clients: u64 = run.pick(300, 1_500);
    let mut burst = JoinSet::new();
    for number in 0..clients {
        let address = host.address();
        burst.spawn(async move {
            let mut link = Link::open(address, if number % 2 == 0 { Way::Tcp } else { Way::Ws }).await?;
            link.hello_as_anybody().await
        });
    }
    let mut tally = Tally { cycles: 1, messages: clients, ..Tally::default() };
    while let Some(entered) = within("everybody to get in", burst.join_next()).await {
        if let Err(broken) = entered.expect("no task panics") {
            tally.lost += 1;
            tally.complain(broken.0);
        }
    }
    host.stop().await;
    run.finish(&tally);
}

/// Sends half a handshake, byte by byte, until the server has had enough. Answers how many bytes it got in.
async fn drip(host: std::net::SocketAddr, handshake: &'static [u8], every: Duration) -> usize {
    let mut stream = TcpStream::connect(host).await.expect("the kernel's queue has room");
    let first = handshake.len() / 2;
    let mut dripped = first;
    if stream.write_all(&handshake[..first]).await.is_err() {
        return 0;
    }
    let (mut from, mut to) = stream.into_split();
    let mut drops = interval(every);
    let mut buffer = [0; 1_024];
    loop {
        tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return dripped,
                Ok(_) => {}
            },
            // Never to its end: the last byte is sent again and again.
            _ = drops.tick() => {
                let next = dripped.min(handshake.len() - 2);
                if to.write_all(&handshake[next..=next]).await.is_err() {
                    return dripped;
                }
                dripped += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_handshakes_are_thrown_out_and_hinder_nobody() {
    let run = Run::begin("half handshakes");
    let clients = run.pick(500, 5_000);
    // Both ends of each connection are on this machine.
    let hard = getrlimit(Resource::Nofile).maximum;
    let wanted = clients as u64 + 1_000;
    assert!(hard.is_none_or(|hard| hard >= wanted), "this test needs {wanted} open files: raise ulimit -Hn");
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted.max(4_096)), maximum: hard })
        .expect("the soft limit may be raised to the hard one");
    let folder = TempDir::new().expect("a temporary folder");
    let timeout = run.pick(1_500, 10_000);
    let options = vec!["--handshake-timeout-ms".into(), timeout.to_string()];
    let spec = Spec { options, open_files_max: Some(wanted), ..Spec::default() };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    let mut ana = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    ana.hello(kept("ana")).await.expect("the server welcomes");
    ana.join(&room("lobby")).await.expect("the server writes");
    let before = host.open_files();

    let kinds: [&'static [u8]; 3] = [
        b"{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"auth\":{\"type\":\"guest\"},\"client\":\"dripdripdripdripdripdrip",
        b"GET /ws HTTP/1.1\r\nHost: teahouse\r\nUpgrade: websocket\r\nX-Drip: dripdripdripdripdripdripdripdrip",
        b"POST / HTTP/1.1\r\nHost: teahouse\r\nX-Drip: dripdripdripdripdripdripdripdripdripdripdripdripdrip",
    ];
    let mut dripping = JoinSet::new();
    for number in 0..clients {
        let every = Duration::from_millis(run.pick(100, 1_000));
        dripping.spawn(drip(host.address(), kinds[number % kinds.len()], every));
        if number % 100 == 0 {
            goes_on(&mut ana, number as u64 + 1).await;
            assert!(guest(&host).await.is_some(), "a fresh one gets in");
        }
    }
    let mut gone = 0;
    while let Some(dripped) = within("the server to have had enough", dripping.join_next()).await {
        dripped.expect("no task panics");
        gone += 1;
    }
    assert_eq!(gone, clients);
    goes_on(&mut ana, clients as u64 + 1).await;
    let mut look = interval(Duration::from_millis(20));
    within("the server to let go of their descriptors", async {
        // The connections to the database may have become more.
        while host.open_files() > before + 20 {
            look.tick().await;
        }
    })
    .await;
    host.stop().await;
    let (cycles, faults) = (1, clients as u64);
    run.finish(&Tally { cycles, faults, messages: clients as u64, ..Tally::default() });
}
