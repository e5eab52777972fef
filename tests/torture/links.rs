//! Bad links between many clients and the server: when they are good again, everybody has everything, once and in order.

use std::time::Duration;

use teahouse_protocol::Seq;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::{head, history};
use crate::brain::{Memory, Thinker, look_at_memory};
use crate::host::{Host, Spec};
use crate::link::room;
use crate::load::{Crowd, Load, joined};
use crate::proxy::{Garbage, Proxy};
use crate::run::Run;

/// The short run.
const CYCLES: u64 = 30;
/// The long run.
const TIME: Duration = Duration::from_secs(10 * 60);

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
    // In ten minutes as many messages as one can look at afterwards.
    let crowd = |name, window| Crowd { per_beat: run.pick(u64::MAX, 2), ..Crowd::of(name, 10, window) };
    let many = Load::begin(&run, &host, down_up, crowd("many", 8)).await;
    let one = Load::begin(&run, &host, both_up, crowd("one", 1)).await;
    let (stop, until, progress) =
        (watch::channel(false).0, watch::channel::<Option<Seq>>(None).0, watch::channel(0_u64).0);
    let mut thinkers: JoinSet<Memory> = JoinSet::new();
    // Of 50 clients in the long run, ten are brains. Half of them are killed now and then.
    let brains = run.pick(4, 10);
    for number in 0..brains {
        let (name, random) = (format!("brain{number}"), run.random(number + 500));
        let mortal = number % 2 == 1;
        let thinker =
            Thinker::enter(&name, &room("lobby"), host.address(), down.address(), random, mortal).await;
        thinkers.spawn(thinker.run(stop.subscribe(), until.subscribe(), progress.clone()));
    }

    let time = run.by_the_clock(TIME);
    let mut cycles = 0;
    while time.map_or(cycles < CYCLES, |time| run.elapsed() < time) {
        tokio::join!(many.reins.acknowledged(200), one.reins.acknowledged(50));
        cycles += 1;
    }
    down.calm_down();
    both.calm_down();
    stop.send_replace(true);
    let (mut tally, other) = tokio::join!(many.end(&host), one.end(&host));
    // Both looked at the same rooms.
    let messages = tally.messages.max(other.messages);
    tally.add(other);
    // The brains have an outbox to get rid of.
    until.send_replace(Some(head(host.address(), &room("lobby")).await.seq));
    let memories = joined("brains", &mut thinkers, || *progress.borrow()).await;
    let (_, events) = history(host.address(), &room("lobby")).await.expect("history is read");
    memories.iter().for_each(|memory| look_at_memory(memory, &events, &mut tally));
    let sum = |count: fn(&Memory) -> u64| memories.iter().map(count).sum::<u64>();
    tally.measured = format!(
        "{brains} brains wrote {}, lost {} links, were killed {} times and showed {} at last",
        sum(|memory| memory.written),
        sum(|memory| memory.breaks),
        sum(|memory| memory.deaths),
        sum(|memory| memory.shown.len() as u64),
    );
    host.stop().await;
    tally.messages = messages;
    tally.cycles = cycles;
    tally.faults += down.faults() + both.faults();
    run.finish(&tally);
}
