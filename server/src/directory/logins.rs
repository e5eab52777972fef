//! Whose connections are whose, and what becomes of those who have none.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use teahouse_protocol::{MemberName, UnixMillis};

use super::{Directory, Inner, shown};
use crate::absences::Absence;
use crate::fanout::Feed;
use crate::pace::Address;
use crate::seat::Seat;
use crate::state::{Action, Away, Proposal, TokenHash, UserId};

/// That a connection is a user's, until this is dropped.
pub struct Login {
    directory: Arc<Directory>,
    user: UserId,
    seat: Weak<dyn Seat>,
    from: Address,
    /// Whether nobody can come back as this user, since nobody was given its token.
    pub last: bool,
}

impl Login {
    /// Whose connection it is.
    pub fn user(&self) -> UserId {
        self.user
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.user).finish()
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.directory.disconnected(self.user, &self.seat, self.from, self.last);
    }
}

/// What is to be told of somebody who came or went.
pub(crate) struct ComingOrGoing {
    pub(crate) name: MemberName,
    pub(crate) online: bool,
    /// The rooms that somebody watches.
    pub(crate) rooms: Vec<Arc<Feed>>,
}

impl Directory {
    /// A connection from this address became that of the user who has this token, if there is one. Should the user turn out
    /// to be gone, or to be called something else, the seat is told.
    pub fn connected_with(
        self: &Arc<Self>,
        token: TokenHash,
        from: Address,
        seat: Weak<dyn Seat>,
    ) -> Option<(Login, MemberName)> {
        let mut inner = self.write();
        let (id, user) = inner.model.bearer(&token)?;
        let name = user.name.clone();
        let news = inner.connected(id, &seat);
        drop(inner);
        self.notice_arrival(id, news);
        Some((self.login(id, from, seat), name))
    }

    /// A connection from this address became this user's. The first one is news for the user's rooms.
    pub fn connected(self: &Arc<Self>, user: UserId, from: Address, seat: Weak<dyn Seat>) -> Login {
        let news = self.write().connected(user, &seat);
        self.notice_arrival(user, news);
        self.login(user, from, seat)
    }

    fn notice_arrival(&self, user: UserId, news: bool) {
        if news {
            self.notices.came(user);
        }
    }

    fn login(self: &Arc<Self>, user: UserId, from: Address, seat: Weak<dyn Seat>) -> Login {
        Login { directory: Arc::clone(self), user, seat, from, last: false }
    }

    /// Who came and went since this was asked last: one proposal for each, of what is so now.
    pub fn presence(&self) -> Vec<Proposal> {
        if self.read().unsaid.is_empty() {
            return Vec::new();
        }
        let mut inner = self.write();
        let now = self.clock.unix();
        let unsaid = std::mem::take(&mut inner.unsaid);
        let proposal = |user| match inner.absences.get(user) {
            Some(Absence { away: Away { since, from }, .. }) => {
                Proposal::new(*since, user, Action::Go { from: *from })
            }
            None => Proposal::new(now, user, Action::Come),
        };
        unsaid.into_iter().map(proposal).collect()
    }

    /// What was proposed of these users could not be decided.
    pub fn say_again(&self, users: Vec<UserId>) {
        let mut inner = self.write();
        for user in users {
            inner.absences.postpone(user, self.clock.now());
            inner.unsaid.insert(user);
        }
        drop(inner);
        self.earlier.notify_one();
    }

    /// The departure of this user could not be decided.
    pub fn postpone(&self, user: UserId) {
        self.write().absences.postpone(user, self.clock.now());
        self.earlier.notify_one();
    }

    /// A connection was this user's.
    fn disconnected(&self, id: UserId, seat: &Weak<dyn Seat>, from: Address, last: bool) {
        let mut inner = self.write();
        let Some(person) = inner.people.get_mut(&id) else { return };
        if let Some(place) = person.seats.iter().position(|other| other.ptr_eq(seat)) {
            person.seats.swap_remove(place);
        }
        if !person.seats.is_empty() {
            return;
        }
        person.seats.shrink_to_fit();
        let lease = (!inner.is_kept(id)).then_some(if last { Duration::ZERO } else { self.lease });
        let away = Away { since: self.clock.unix(), from: Some(from) };
        inner.absences.insert(id, Absence::begin(away, lease, self.clock.now()));
        inner.unsaid.insert(id);
        drop(inner);
        self.earlier.notify_one();
        self.notices.went(id);
    }

    /// When the next lease is over, if nobody comes back.
    pub fn next_lease(&self) -> Option<Instant> {
        self.read().absences.deadline()
    }

    /// Somebody whose lease is over, each once, and since when it is away.
    pub fn take_lease_over(&self) -> Option<(UserId, UnixMillis)> {
        self.write().absences.next_over(self.clock.now())
    }

    /// Waits until somebody's lease is over, and answers whose, and since when it is away.
    pub async fn lease_over(&self) -> (UserId, UnixMillis) {
        loop {
            let deadline = self.next_lease();
            let earlier = self.earlier.notified();
            match deadline {
                // A deadline that came before this was asked for is looked at below.
                Some(at) => {
                    let _ = tokio::time::timeout_at(at.into(), earlier).await;
                }
                None => earlier.await,
            }
            if let Some(over) = self.take_lease_over() {
                return over;
            }
        }
    }

    /// What is to be told of somebody of whom a notice was left; nothing when it was told already or is over.
    pub(crate) fn coming_or_going(&self, user: UserId) -> Option<ComingOrGoing> {
        let inner = self.read();
        let (known, person) = (inner.model.user(user)?, inner.people.get(&user)?);
        let online = !person.seats.is_empty();
        let show = if online { shown::ONLINE } else { shown::AWAY };
        if person.shown.swap(show, Ordering::Relaxed) == show {
            return None;
        }
        let rooms = known.rooms.iter().map(|id| &inner.feed_by_id[&id]).filter(|room| room.is_watched());
        Some(ComingOrGoing { name: known.name.clone(), online, rooms: rooms.cloned().collect() })
    }
}

impl Inner {
    /// Answers whether that is news.
    fn connected(&mut self, user: UserId, seat: &Weak<dyn Seat>) -> bool {
        if self.model.user(user).is_none() {
            return false;
        }
        let person = self.people.entry(user).or_default();
        person.seats.push(Weak::clone(seat));
        // Who has only just arrived was never away.
        if self.absences.remove(user) {
            self.unsaid.insert(user);
        }
        let shown = person.shown.get_mut();
        if *shown == shown::AWAY {
            *shown = shown::PERHAPS;
        }
        person.seats.len() == 1 && *shown != shown::ONLINE
    }
}
