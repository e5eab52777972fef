//! `kill -9` under load, again and again: what was acknowledged is there, once and in order, and who comes back sees what
//! was missed.

use tempfile::TempDir;

use crate::host::{Host, Spec};
use crate::load::{Crowd, Load};
use crate::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_by_kills() {
    let run = Run::begin("kill");
    let mut random = run.random(1);
    let folder = TempDir::new().expect("a temporary folder");
    let mut host = Host::start(&folder.path().join("data"), Spec::default()).await;
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 6, 16)).await;
    let cycles = run.pick(25, 200);
    for _ in 0..cycles {
        // Now and then right after the start, when everybody is coming back.
        let more = if random.u8(..4) == 0 { random.u64(..4) } else { random.u64(20..400) };
        load.reins.acknowledged(more).await;
        host.kill().await;
        host.start_again().await;
    }
    load.reins.acknowledged(1).await;
    let mut tally = load.end(&host).await;
    host.stop().await;
    tally.cycles = cycles;
    tally.faults += cycles;
    run.finish(&tally);
}
