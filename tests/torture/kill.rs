//! `kill -9` under load, again and again: what was acknowledged is there, once and in order, and who comes back sees what
//! was missed.

use teahouse_protocol::{EventKind, PageEvent, RoomName};
use teahouse_tests::terminal::Home;
use teahouse_tests::wait::within;
use tempfile::TempDir;

use crate::audit::history;
use crate::host::{Host, Spec};
use crate::link::room;
use crate::load::{Crowd, Load};
use crate::power::problems;
use crate::run::Run;
use crate::writer::number_of;

/// The number of a message that the terminal client wrote.
fn number_by_native(event: &PageEvent) -> Option<u64> {
    match &event.kind {
        EventKind::Post { text, .. } if event.by.as_str() == "native" => number_of("native", text),
        _ => None,
    }
}

/// Waits until the terminal client's first message is there.
async fn wait_for_native(host: &Host, lobby: &RoomName) {
    within("the terminal client's first message", async {
        loop {
            let (_, events) = history(host.address(), lobby).await.expect("history is read");
            if events.iter().any(|event| number_by_native(event).is_some()) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_by_kills() {
    let run = Run::begin("kill");
    let mut random = run.random(1);
    let folder = TempDir::new().expect("a temporary folder");
    let mut host = Host::start(&folder.path().join("data"), Spec::default()).await;
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 6, 16)).await;
    // The real terminal client writes too. It has its token before the first kill: a name whose welcome is lost is lost.
    let home = Home::new();
    let address = host.address().to_string();
    let lobby = room("lobby");
    let mut native =
        home.run(&["send", "--server", &address, "--name", "native", "--lines", "--timeout", "300"]);
    let mut typed: u64 = 1;
    native.write("native:1 茶\n").await;
    wait_for_native(&host, &lobby).await;
    let cycles = run.pick(25, 200);
    for _ in 0..cycles {
        if load.has_failed() {
            break;
        }
        // Now and then right after the start, when everybody is coming back.
        let more = if random.u8(..4) == 0 { random.u64(..4) } else { random.u64(20..400) };
        load.reins.acknowledged(more).await;
        for _ in 0..random.u64(..5) {
            typed += 1;
            native.write(&format!("native:{typed} 茶\n")).await;
        }
        host.kill().await;
        host.start_again().await;
    }
    load.reins.acknowledged(1).await;
    native.close_input();
    let finished = native.finish().await;
    let (_, events) = history(host.address(), &lobby).await.expect("history is read");
    let mut tally = load.end(&host).await;
    assert_eq!(
        finished.code,
        Some(0),
        "the terminal client says that all is acknowledged: {}",
        finished.stderr
    );
    let there = events.iter().filter_map(number_by_native).count() as u64;
    if there < typed {
        tally.lost += typed - there;
        tally.complain(format!("{there} of {typed} messages of the terminal client are there"));
    }
    host.stop().await;
    for problem in problems(&folder.path().join("data")).await {
        tally.complain(problem);
    }
    tally.cycles = cycles;
    tally.faults += cycles;
    run.finish(&tally);
}
