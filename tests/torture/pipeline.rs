//! A post that is refused for the moment, and those that were sent behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use teahouse_protocol::{Ack, Command, OpId, Post, PostText, Seq, ServerMessage};
use tokio::time::{MissedTickBehavior, interval};

use crate::audit::audit;
use crate::disk::{Disk, Fsync};
use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::run::{Run, Tally};
use crate::writer::Account;

const RETRY_EVERY: Duration = Duration::from_millis(50);
/// So many posts follow at once after the disk has failed and works again.
const FOLLOWERS: u64 = 60;

/// Sends many posts at a time.
struct Author {
    link: Link,
    acknowledged: BTreeMap<u64, Seq>,
}

impl Author {
    async fn send(&mut self, number: u64) {
        let post = Command::Post(Post {
            room: room("lobby"),
            op: Some(OpId::parse(&format!("ana-{number}")).expect("a legal op")),
            text: PostText::parse(format!("ana:{number}")).expect("a legal text"),
            action: false,
        });
        self.link.send(post).await.expect("the connection lives");
    }

    /// Whether the oldest post that is unanswered, which this is, is acknowledged.
    async fn is_acknowledged(&mut self, number: u64) -> bool {
        match self.link.receive_soon().await.expect("the connection lives") {
            ServerMessage::Ack(Ack { seq: Some(seq), .. }) => {
                self.acknowledged.insert(number, seq);
                true
            }
            ServerMessage::Error(error) if error.temporary => false,
            other => panic!("{}", other.to_json()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_overtakes_a_post_that_was_refused_for_the_moment() {
    let run = Run::begin("pipeline");
    let disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    let mut link = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    link.hello(kept("ana")).await.expect("the server welcomes");
    link.join(&room("lobby")).await.expect("the server writes");
    let mut author = Author { link, acknowledged: BTreeMap::new() };
    let mut tally = Tally { cycles: run.pick(10, 200), ..Tally::default() };
    let mut last = 0;
    for cycle in 0..tally.cycles {
        let failed = disk.fsyncs_failed();
        let first = last + 1;
        disk.set_fsync(Fsync::Fails);
        // Until the first of them has met the disk that fails; the others meet one that works.
        let fails = async {
            while disk.fsyncs_failed() == failed {
                tokio::task::yield_now().await;
            }
            disk.set_fsync(Fsync::Works);
        };
        let sends = async {
            author.send(first).await;
            fails.await;
            for number in first + 1..=first + FOLLOWERS {
                author.send(number).await;
            }
        };
        sends.await;
        last = first + FOLLOWERS;
        let mut refused = None;
        for number in first..=last {
            match (author.is_acknowledged(number).await, refused) {
                (false, None) => refused = Some(number),
                (true, Some(refused)) => {
                    tally.reordered += 1;
                    tally.complain(format!("cycle {cycle}: {number} was taken after {refused} was refused"));
                }
                _ => {}
            }
        }
        let refused = refused.expect("an fsync failed");
        // Whoever goes on all the same is refused, however long ago that was.
        author.send(last + 1).await;
        if author.is_acknowledged(last + 1).await {
            tally.reordered += 1;
            tally.complain(format!("cycle {cycle}: {} overtook {refused}, refused before", last + 1));
        }
        last += 1;
        // In order, from the first that was refused, until it is over.
        let mut retry = interval(RETRY_EVERY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = refused;
        while next <= last {
            retry.tick().await;
            for number in next..=last {
                author.send(number).await;
            }
            let mut taken = 0;
            for number in next..=last {
                taken += u64::from(author.is_acknowledged(number).await);
            }
            next += taken;
        }
        tally.faults += 1;
    }
    let account = Account {
        name: "ana".into(),
        room: Some(room("lobby")),
        acknowledged: author.acknowledged,
        written: last,
        ..Account::default()
    };
    tally.add(audit(host.address(), &[account], &[]).await);
    if tally.messages != last {
        tally.complain(format!("{} messages of {last}", tally.messages));
    }
    drop(author.link);
    host.stop().await;
    run.finish(&tally);
}
