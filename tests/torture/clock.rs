//! The wall clock jumps an hour back and a day forward. The order of a room, tokens and heartbeats do not care.
//!
//! libfaketime (the package of that name) stands between the server and the system's clock; the monotonic clock, which no
//! administrator can set either, stays true.

use std::fs;
use std::path::{Path, PathBuf};

use teahouse_protocol::{Auth, Command, Ping, ServerMessage};
use tempfile::TempDir;

use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::load::{Crowd, Load};
use crate::run::Run;

/// Where distributions put libfaketime.
const PLACES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

const HOUR_SECONDS: i64 = 3_600;

fn library() -> PathBuf {
    let found = PLACES.iter().map(Path::new).find(|path| path.exists());
    found.expect("this test needs libfaketime: apt-get install libfaketime").into()
}

/// Sets the server's clock so many seconds off.
fn set(clock: &Path, seconds: i64) {
    // Renamed, so that nobody reads half of it.
    let next = clock.with_extension("next");
    fs::write(&next, format!("{seconds:+}\n")).expect("a file can be written");
    fs::rename(&next, clock).expect("a file can be renamed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_may_jump() {
    let run = Run::begin("clock");
    let mut random = run.random(1);
    let folder = TempDir::new().expect("a temporary folder");
    let clock = folder.path().join("clock");
    set(&clock, 0);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let spec = Spec {
        environment: vec![
            variable("LD_PRELOAD", &library().to_string_lossy()),
            variable("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy()),
            variable("FAKETIME_NO_CACHE", "1"),
            variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ],
        ..Spec::default()
    };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    // Somebody with a token, and somebody in the middle of a handshake.
    let mut ana = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    let Ok(ServerMessage::Welcome(welcome)) = ana.hello(kept("ana")).await else { panic!("no welcome") };
    let token = welcome.token.expect("a guest gets a token");
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 4, 8)).await;
    let jumps = run.pick(6, 60);
    for jump in 0..jumps {
        load.reins.acknowledged(random.u64(20..200)).await;
        let mut half = Link::open(host.address(), Way::Ws).await.expect("the server accepts");
        set(&clock, if jump % 2 == 0 { -HOUR_SECONDS } else { 24 * HOUR_SECONDS });
        load.reins.acknowledged(20).await;
        half.hello_as_anybody().await.expect("a handshake takes no longer because the clock jumps");
        let pong = ana.ask(Command::Ping(Ping {})).await.expect("the connection lives");
        assert!(matches!(pong, ServerMessage::Pong(_)), "{}", pong.to_json());
        let mut again = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
        let back = again.hello(Auth::Token { token: token.clone() }).await.expect("the connection lives");
        assert!(matches!(back, ServerMessage::Welcome(_)), "{}", back.to_json());
        if jump % 3 == 2 {
            host.kill().await;
            host.start_again().await;
            ana = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
            let back = ana.hello(Auth::Token { token: token.clone() }).await.expect("the connection lives");
            assert!(matches!(back, ServerMessage::Welcome(_)), "{}", back.to_json());
        }
    }
    let (_, events) = crate::audit::history(host.address(), &room("lobby")).await.expect("history is read");
    let backwards = events.windows(2).filter(|pair| pair[1].at < pair[0].at).count();
    assert!(backwards > 0, "the server saw the clock jump back");
    let mut tally = load.end(&host).await;
    drop(ana);
    host.stop().await;
    tally.cycles = jumps;
    tally.faults += jumps;
    run.finish(&tally);
}
