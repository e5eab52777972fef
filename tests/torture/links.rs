//! Bad links between many clients and the server: when they are good again, everybody has everything, once and in order.

use tempfile::TempDir;
use tokio::sync::watch;

use crate::host::{Host, Spec};
use crate::load::Load;
use crate::proxy::Proxy;
use crate::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_by_bad_links() {
    let run = Run::begin("links");
    let folder = TempDir::new().expect("a temporary folder");
    let mut host = Host::start(&folder.path().join("data"), Spec::default()).await;
    let proxy = Proxy::start(host.address(), run.random(1).u64(..)).await;
    let (_up, up) = watch::channel(Some(proxy.address()));
    let load = Load::begin(&run, &host, up, 25, 25, 8).await;
    // Counted in messages, not in time: about 10 minutes in the long run.
    let cycles = run.pick(10, 1_000);
    for _ in 0..cycles {
        load.reins.acknowledged(150).await;
    }
    proxy.calm_down();
    let mut tally = load.end(&host).await;
    host.stop().await;
    tally.cycles = cycles;
    tally.faults += proxy.faults();
    run.finish(&tally);
}
