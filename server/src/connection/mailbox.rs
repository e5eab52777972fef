use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;
use teahouse_protocol::RequestId;

use crate::fanout::{Feed, Replay};
use crate::log::{LogError, Page};
use crate::order::Verdict;

/// How the rest of the server reaches a connection. Nothing in it grows because the peer stopped reading: answers are
/// as many as there are requests at work, and a watch is told of once until it looks.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inner: Mutex<Inner>,
    /// Posts of pipelines up to this one are refused: one of them was, and none may overtake it.
    broken_pipeline: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    post: Post,
    /// Whether somebody wants the connection to look, since it was asked last.
    called: bool,
    /// How to wake the connection's task, once it waits. It lies here and not in a future, which would take its room in
    /// the task of each connection.
    waker: Option<Waker>,
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
    /// A post was acknowledged by what lies in the outgoing, in so many bytes.
    Acknowledged(usize),
    /// A page of history was read.
    History {
        /// The request behind it.
        re: RequestId,
        /// The page.
        result: Result<(Arc<Feed>, Page), LogError>,
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
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a watch has something to read. Answers whether the caller must [`Mailbox::wake`].
    pub(super) fn tell(&self, slot: usize) -> bool {
        let post = &mut self.lock().post;
        post.told.insert(slot);
        !std::mem::replace(&mut post.woken, true)
    }

    /// Leaves an answer. Answers whether the caller must [`Mailbox::wake`].
    pub(super) fn answer(&self, answer: Answer) -> bool {
        let post = &mut self.lock().post;
        post.answers.push(answer);
        !std::mem::replace(&mut post.woken, true)
    }

    /// Says that the next post is acknowledged, which the connection may learn whenever it looks. Answers whether that is so:
    /// not where an answer lies here that must come before.
    pub(super) fn acknowledge(&self, bytes: usize) -> bool {
        let answers = &mut self.lock().post.answers;
        let may = matches!(answers.last(), None | Some(Answer::Acknowledged(_)));
        if may {
            answers.push(Answer::Acknowledged(bytes));
        }
        may
    }

    /// Something happened to the connection's user, or to the server.
    pub(super) fn note(&self, note: impl FnOnce(&mut PersonalNews)) {
        note(&mut self.lock().post.news);
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
        let mut inner = self.lock();
        inner.called = true;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes everything out.
    pub(super) fn empty(&self) -> Post {
        std::mem::take(&mut self.lock().post)
    }

    /// Whether somebody has called since this was asked last.
    pub(super) fn take_call(&self) -> bool {
        std::mem::take(&mut self.lock().called)
    }

    /// The same; if not, the task is woken by the next call.
    pub(super) fn poll_call(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.called) {
            return Poll::Ready(());
        }
        match &mut inner.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            waker @ None => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Until somebody calls.
    pub(super) async fn called(&self) {
        poll_fn(|cx| self.poll_call(cx)).await;
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
