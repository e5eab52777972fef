//! Somebody who watches a room and comes back with the last event that was seen, whatever happens.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use teahouse_protocol::{
    Command, EventKind, MemberName, Position, ResetReason, Resume, RoomName, Seq, ServerMessage, Watch,
};
use tokio::sync::watch;

use crate::host::Up;
use crate::link::{Broken, Link, SILENCE_MAX, Way};

/// PROTOCOL.md, section 2: who is further behind is told to start afresh.
const REPLAY_EVENTS_MAX: u64 = 100_000;

/// What a watcher knows in the end.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// Where it watched.
    pub(crate) room: Option<RoomName>,
    /// What it saw, in the order in which it came: the seq, and the [`digest`] of the rest.
    pub(crate) seen: Vec<(Seq, u64)>,
    /// How often it came back.
    pub(crate) resumes: u64,
    /// How often it was too far behind and had to start afresh.
    pub(crate) resets: u64,
    /// Seqs that it saw again.
    pub(crate) doubled: u64,
    /// Seqs that were left out, or taken back.
    pub(crate) lost: u64,
    /// The broken promises in words.
    pub(crate) complaints: Vec<String>,
}

/// Stands for author, kind and text of an event, since millions of them are kept.
pub(crate) fn digest(by: &MemberName, kind: &EventKind) -> u64 {
    let mut hasher = DefaultHasher::new();
    (by, format!("{kind:?}")).hash(&mut hasher);
    hasher.finish()
}

/// A watcher.
#[derive(Debug)]
pub(crate) struct Watcher {
    sight: Sight,
    way: Way,
    room: RoomName,
    up: Up,
    until: watch::Receiver<Option<Seq>>,
    position: Option<Position>,
    /// Counts what all watchers of a test saw.
    shown: Arc<AtomicU64>,
}

impl Watcher {
    /// A watcher that ends when it has seen the seq that `until` comes to hold.
    pub(crate) fn new(
        way: Way,
        room: RoomName,
        up: Up,
        until: watch::Receiver<Option<Seq>>,
        shown: Arc<AtomicU64>,
    ) -> Self {
        let sight = Sight { room: Some(room.clone()), ..Sight::default() };
        Self { sight, way, room, up, until, position: None, shown }
    }

    /// Watches until the end.
    pub(crate) async fn run(mut self) -> Sight {
        loop {
            let address = match self.up.wait_for(Option::is_some).await {
                Ok(address) => address.expect("waited for"),
                Err(_) => return self.sight,
            };
            match self.session(address).await {
                Ok(()) => return self.sight,
                Err(_) => {
                    self.sight.resumes += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        let seen = self.position.as_ref().map(|position| position.seq);
        matches!((*self.until.borrow(), seen), (Some(end), Some(seen)) if seen >= end)
    }

    async fn session(&mut self, address: SocketAddr) -> Result<(), Broken> {
        let mut link = Link::open(address, self.way).await?;
        link.hello_as_anybody().await?;
        let watch = Watch { room: self.room.clone(), after: self.position.clone() };
        let watching = match link.ask(Command::Watch(watch)).await? {
            ServerMessage::Watching(watching) => watching,
            other => return Err(Broken(other.to_json())),
        };
        match (&mut self.position, watching.resume) {
            (position @ None, Resume::Live) => {
                *position = Some(Position { epoch: watching.epoch, seq: watching.head });
            }
            (Some(position), Resume::Replay) if watching.head >= position.seq => {}
            // Told plainly that it must start afresh; the gap is marked, not silent.
            (Some(position), Resume::Reset)
                if watching.reason == Some(ResetReason::TooFar)
                    && watching.head.get() > position.seq.get() + REPLAY_EVENTS_MAX =>
            {
                self.sight.resets += 1;
                position.seq = watching.head;
            }
            (Some(position), resume) => {
                let ahead =
                    matches!(watching.reason, Some(ResetReason::Ahead)) || watching.head < position.seq;
                self.sight.lost += u64::from(ahead);
                let (seq, head) = (position.seq, watching.head);
                let reason = watching.reason;
                self.sight.complaints.push(format!("after {seq} the head is {head}: {resume:?}, {reason:?}"));
                *position = Position { epoch: watching.epoch, seq: watching.head };
            }
            (None, resume) => self.sight.complaints.push(format!("a first watch is answered by {resume:?}")),
        }
        let mut promised = watching.resume == Resume::Replay;
        loop {
            if self.is_done() && !promised {
                return Ok(());
            }
            let mut until = self.until.clone();
            let message = tokio::select! {
                message = link.receive() => message?,
                changed = until.changed() => {
                    self.until = until;
                    if changed.is_err() {
                        return Ok(());
                    }
                    continue;
                }
                // A link that has gone half open says nothing for ever.
                _ = tokio::time::timeout(SILENCE_MAX, std::future::pending::<()>()) => {
                    link.ask(Command::Ping(teahouse_protocol::Ping {})).await.map(|_| ())?;
                    return Err(Broken("silent for long: look again".into()));
                }
            };
            match message {
                ServerMessage::Event(event) => self.saw(event.seq, &event.by, &event.kind),
                ServerMessage::CaughtUp(caught_up) => {
                    promised = false;
                    let seen = self.position.as_ref().map_or(Seq::ZERO, |position| position.seq);
                    if seen < caught_up.head {
                        self.sight.lost += 1;
                        self.sight.complaints.push(format!("caught up to {} at {seen}", caught_up.head));
                    }
                }
                ServerMessage::Presence(_) => {}
                other => return Err(Broken(other.to_json())),
            }
        }
    }

    fn saw(&mut self, seq: Seq, by: &MemberName, kind: &EventKind) {
        let position = self.position.as_mut().expect("events come after watching");
        let expected = position.seq.next();
        if seq < expected {
            self.sight.doubled += 1;
            self.sight.complaints.push(format!("saw {seq} again, after {}", position.seq));
        } else {
            if seq > expected {
                self.sight.lost += seq.get() - expected.get();
                self.sight.complaints.push(format!("saw {seq} after {}", position.seq));
            }
            position.seq = seq;
        }
        self.shown.fetch_add(1, Ordering::Relaxed);
        self.sight.seen.push((seq, digest(by, kind)));
    }
}
