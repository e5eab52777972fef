//! Writers and watchers of a test, together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use teahouse_protocol::{RoomName, Seq};
use teahouse_tests::wait::DEADLINE;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::{audit, head};
use crate::host::{Host, Up};
use crate::link::{Link, Way, room};
use crate::run::{Run, Tally};
use crate::watcher::{Sight, Watcher};
use crate::writer::{Account, Reins, Writer};

/// How many are let loose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// What the writers' names begin with.
    pub(crate) name: &'static str,
    /// How many write.
    pub(crate) writers: usize,
    /// How many watch.
    pub(crate) watchers: usize,
    /// How many messages of a writer may be unacknowledged at a time.
    pub(crate) window: u64,
    /// How many new messages a writer sends between two beats.
    pub(crate) per_beat: u64,
}

impl Crowd {
    /// Writers and as many watchers.
    pub(crate) const fn of(name: &'static str, size: usize, window: u64) -> Self {
        Self { name, writers: size, watchers: size, window, per_beat: u64::MAX }
    }
}

/// Who is there, and what they do it with.
#[derive(Debug)]
pub(crate) struct Load {
    /// What drives the writers.
    pub(crate) reins: Reins,
    rooms: Vec<RoomName>,
    until: Vec<watch::Sender<Option<Seq>>>,
    writers: JoinSet<Account>,
    watchers: JoinSet<Sight>,
    /// Counts what all watchers saw.
    shown: Arc<AtomicU64>,
}

impl Load {
    /// Lets writers and watchers loose on two rooms, half of each through each door. `up` says where they go; `host` is
    /// where the rooms are made first.
    pub(crate) async fn begin(run: &Run, host: &Host, up: Up, crowd: Crowd) -> Self {
        let Crowd { name, writers, watchers, window, per_beat } = crowd;
        let rooms = vec![room("lobby"), room("茶")];
        let mut link = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
        link.hello_as_anybody().await.expect("the server welcomes");
        for room in &rooms {
            link.join(room).await.expect("the server makes rooms");
        }
        let mut load = Self {
            reins: Reins::new(up),
            until: rooms.iter().map(|_| watch::channel(None).0).collect(),
            rooms,
            writers: JoinSet::new(),
            watchers: JoinSet::new(),
            shown: Arc::default(),
        };
        for number in 0..writers {
            let way = if number % 2 == 0 { Way::Tcp } else { Way::Ws };
            let room = load.rooms[number / 2 % 2].clone();
            let name = format!("{name}{number}");
            let random = run.random(number as u64 + 100);
            let writer = Writer::new(&name, way, room, &load.reins, random).window(window);
            load.writers.spawn(writer.per_beat(per_beat).run());
        }
        for number in 0..watchers {
            let way = if number % 2 == 0 { Way::Ws } else { Way::Tcp };
            let at = number / 2 % 2;
            let watcher = Watcher::new(
                way,
                load.rooms[at].clone(),
                load.reins.up.clone(),
                load.until[at].subscribe(),
                Arc::clone(&load.shown),
            );
            load.watchers.spawn(watcher.run());
        }
        load
    }

    /// Whether it makes no sense to go on.
    pub(crate) fn has_failed(&self) -> bool {
        *self.reins.failed.borrow()
    }

    /// Lets everybody finish what they began, and compares it with the history of the server at its own address.
    pub(crate) async fn end(mut self, host: &Host) -> Tally {
        self.reins.stop.send_replace(true);
        let accounts = joined("writers", &mut self.writers, || *self.reins.progress.borrow()).await;
        // Where a writer has lost itself, watchers may wait for ever for what is not there any more.
        let mut sights = Vec::new();
        if !self.has_failed() {
            for (room, until) in self.rooms.iter().zip(&self.until) {
                until.send_replace(Some(head(host.address(), room).await.seq));
            }
            sights = joined("watchers", &mut self.watchers, || self.shown.load(Ordering::Relaxed)).await;
        }
        let tally = audit(host.address(), &accounts, &sights).await;
        let (breaks, refusals): (u64, u64) =
            accounts.iter().fold((0, 0), |(b, r), account| (b + account.breaks, r + account.refusals));
        let resumes: u64 = sights.iter().map(|sight| sight.resumes).sum();
        let resets: u64 = sights.iter().map(|sight| sight.resets).sum();
        let shown: usize = sights.iter().map(|sight| sight.seen.len()).sum();
        println!(
            "{breaks} broken links of writers, {refusals} refusals, {resumes} resumed watches, {resets} of them afresh, {shown} events shown"
        );
        tally
    }
}

/// Waits for all of them, as long as `progress` goes up.
pub(crate) async fn joined<T: 'static>(
    who: &str,
    tasks: &mut JoinSet<T>,
    progress: impl Fn() -> u64,
) -> Vec<T> {
    let mut done = Vec::new();
    let mut before = progress();
    loop {
        match tokio::time::timeout(DEADLINE, tasks.join_next()).await {
            Ok(Some(task)) => done.push(task.expect("no task panics")),
            Ok(None) => return done,
            Err(_) => {
                let now = progress();
                assert!(now > before, "{} {who} stand still at {now}", tasks.len());
                before = now;
            }
        }
    }
}
