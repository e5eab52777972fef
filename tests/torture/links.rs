//! Bad links between many clients and the server: when they are good again, everybody has everything, once and in order.

use tempfile::TempDir;
use tokio::sync::watch;

use crate::host::{Host, Spec};
use crate::load::{Crowd, Load};
use crate::proxy::{Garbage, Proxy};
use crate::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_by_bad_links() {
    let run = Run::begin("links");
    let folder = TempDir::new().expect("a temporary folder");
    let mut host = Host::start(&folder.path().join("data"), Spec::default()).await;
    // A line with garbage in it is answered by an error, and those that were sent behind it count. So who wants order
    // over a link that makes things up sends one message at a time; over all others many.
    let down = Proxy::start(host.address(), Garbage::FromServer, run.random(1).u64(..)).await;
    let both = Proxy::start(host.address(), Garbage::BothWays, run.random(2).u64(..)).await;
    let (_down_up, down_up) = watch::channel(Some(down.address()));
    let (_both_up, both_up) = watch::channel(Some(both.address()));
    let many = Load::begin(&run, &host, down_up, Crowd::of("many", 13, 8)).await;
    let one = Load::begin(&run, &host, both_up, Crowd::of("one", 12, 1)).await;
    // Counted in messages, not in time: some minutes in the long run.
    let cycles = run.pick(30, 400);
    for _ in 0..cycles {
        tokio::join!(many.reins.acknowledged(200), one.reins.acknowledged(50));
    }
    down.calm_down();
    both.calm_down();
    let (mut tally, other) = tokio::join!(many.end(&host), one.end(&host));
    // Both looked at the same rooms.
    let messages = tally.messages.max(other.messages);
    tally.add(other);
    host.stop().await;
    tally.messages = messages;
    tally.cycles = cycles;
    tally.faults += down.faults() + both.faults();
    run.finish(&tally);
}
