use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;
use teahouse_protocol::RequestId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::fanout::{Replay, Room};
use crate::log::{LogError, Page};
use crate::order::Verdict;

/// How the rest of the server reaches a connection. Nothing in it grows because the peer stopped reading: answers are
/// as many as there are requests at work, and a watch is told of once until it looks.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inner: Mutex<Post>,
    notify: Notify,
    /// Posts of pipelines up to this one are refused: one of them was, and none may overtake it.
    broken_pipeline: AtomicU64,
}

/// What lies in a mailbox.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// Watches with something to read.
    pub(super) told: Told,
    /// Answers.
    pub(super) answers: Vec<Answer>,
    /// What happened to the connection's user, or to the server.
    pub(super) news: PersonalNews,
    /// Whether the connection has been woken and has not looked yet.
    woken: bool,
}

/// What happened to a connection's user, or to the server, since the connection looked last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PersonalNews {
    /// The user has another name.
    pub(super) renamed: bool,
    /// The user is gone.
    pub(super) gone: bool,
    /// The server stops.
    pub(super) shutting_down: bool,
}

/// A set of slots, one bit each. Most connections watch few rooms, whose bits lie right here.
#[derive(Debug, Default)]
pub(super) struct Told(SmallVec<[u64; 2]>);

impl Told {
    fn insert(&mut self, slot: usize) {
        let word = slot / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (slot % 64);
    }

    /// The slots, the lowest first.
    pub(super) fn each(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        })
    }
}

/// The answer to something that a connection asked of the rest of the server.
#[derive(Debug)]
pub(super) enum Answer {
    /// A proposal was decided.
    Decided(Verdict),
    /// A page of history was read.
    History {
        /// The request behind it.
        re: RequestId,
        /// The page.
        result: Result<(Arc<Room>, Page), LogError>,
    },
    /// What a cursor behind the tail wants was read from the log.
    Replay {
        /// The connection's number of the watch.
        slot: usize,
        /// Tells this watch from an earlier one with the same number.
        watch: u64,
        /// What follows the cursor.
        result: Result<Arc<Replay>, LogError>,
    },
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Post> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a watch has something to read. Answers whether the caller must [`Mailbox::wake`].
    pub(super) fn tell(&self, slot: usize) -> bool {
        let mut post = self.lock();
        post.told.insert(slot);
        !std::mem::replace(&mut post.woken, true)
    }

    /// Leaves an answer. Answers whether the caller must [`Mailbox::wake`].
    pub(super) fn answer(&self, answer: Answer) -> bool {
        let mut post = self.lock();
        post.answers.push(answer);
        !std::mem::replace(&mut post.woken, true)
    }

    /// Something happened to the connection's user, or to the server.
    pub(super) fn note(&self, note: impl FnOnce(&mut PersonalNews)) {
        note(&mut self.lock().news);
        self.wake();
    }

    /// A post of this pipeline was refused for the moment.
    pub(super) fn break_pipeline(&self, pipeline: u64) {
        self.broken_pipeline.fetch_max(pipeline, Ordering::Relaxed);
    }

    /// Whether an earlier post of this pipeline was refused for the moment.
    pub(super) fn is_broken(&self, pipeline: u64) -> bool {
        pipeline <= self.broken_pipeline.load(Ordering::Relaxed)
    }

    /// Makes the connection look.
    pub(super) fn wake(&self) {
        self.notify.notify_one();
    }

    /// Takes everything out.
    pub(super) fn empty(&self) -> Post {
        std::mem::take(&mut *self.lock())
    }

    /// Until somebody wakes the connection.
    pub(super) fn woken(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::time::Duration;

    use teahouse_protocol::{MemberName, UnixMillis};

    use super::*;
    use crate::clock::Clock;
    use crate::directory::Directory;
    use crate::pace::Address;
    use crate::seat::tests::Nowhere;
    use crate::state::{Action, Model, NoRecords, Outcome, Proposal, SERVER_USER, TokenHash, apply};

    #[test]
    fn a_guest_goes_when_nobody_takes_the_answer_to_its_hello() {
        let name = MemberName::parse("ana").expect("legal");
        let token = TokenHash([1; 32]);
        let guest = Action::ArriveAsGuest { name: Some(name), keep: false, token, from: Address::HOUSE };
        let mut model = Model::default();
        let outcomes = [Action::Found, guest].map(|action| {
            let proposal = Proposal::new(UnixMillis::new(1), SERVER_USER, action);
            apply(&mut model, &NoRecords, &proposal).expect("nothing is rejected here").outcome
        });
        let Outcome::Arrived { user, .. } = outcomes[1] else { panic!("{outcomes:?}") };
        let directory = Arc::new(Directory::new(Duration::from_secs(60), Clock::default()));
        directory.restore(&model, &mut Vec::new());
        let login = Some(directory.connected(user, Address::HOUSE, Weak::<Nowhere>::new()));
        let mailbox = Mailbox::default();
        let [_, arrived] = outcomes;
        mailbox.answer(Answer::Decided(Verdict { re: RequestId::default(), result: Ok(arrived), login }));
        assert_eq!(directory.next_lease(), None, "it is here");
        drop(mailbox);
        assert!(directory.next_lease().is_some(), "it is gone");
    }
}
