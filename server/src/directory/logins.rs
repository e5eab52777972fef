//! Whose connections are whose, and what becomes of those who have none.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use teahouse_protocol::MemberName;

use super::{Directory, Inner, shown};
use crate::absences::Absence;
use crate::fanout::Room;
use crate::pace::Address;
use crate::seat::Seat;
use crate::state::{Away, TokenHash, UserId};

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

/// Who has a token.
#[derive(Debug)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A user of whom something is being decided.
    Held,
    /// A user whose connection this is from now on.
    Here(Login, MemberName),
}

/// What is to be told of somebody who came or went.
pub(crate) struct ComingOrGoing {
    pub(crate) name: MemberName,
    pub(crate) online: bool,
    /// The rooms that somebody watches.
    pub(crate) rooms: Vec<Arc<Room>>,
}

impl Directory {
    /// A connection from this address became that of the user who has this token, if there is one.
    pub fn connected_with(self: &Arc<Self>, token: TokenHash, from: Address, seat: Weak<dyn Seat>) -> Holder {
        let mut inner = self.write();
        let Some((id, user)) = inner.model.bearer(&token) else { return Holder::Nobody };
        if inner.people.get(&id).is_some_and(|person| person.held) {
            return Holder::Held;
        }
        let name = user.name.clone();
        let news = inner.connected(id, &seat);
        drop(inner);
        self.notice_arrival(id, news);
        Holder::Here(self.login(id, from, seat), name)
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

    /// Says how a user is away, if nobody is connected as that user. Who comes back waits until [`Self::release`].
    pub fn hold(&self, user: UserId, wish_from: Option<Address>) -> Option<Away> {
        let now = self.clock.now();
        self.hold_if(user, |absence| {
            let ms = u64::try_from(absence.length(now).as_millis()).unwrap_or(u64::MAX);
            Some(Away { user, ms, same_address: wish_from.is_some_and(|address| absence.is_from(address)) })
        })
    }

    /// The same for somebody whose lease is over.
    pub fn hold_to_depart(&self, user: UserId) -> bool {
        self.hold_if(user, |absence| absence.is_over().then_some(())).is_some()
    }

    fn hold_if<T>(&self, user: UserId, look: impl FnOnce(&Absence) -> Option<T>) -> Option<T> {
        let mut inner = self.write();
        let found = look(inner.absences.get(user)?)?;
        inner.people.entry(user).or_default().held = true;
        Some(found)
    }

    /// What was to be decided of these users is decided, and published.
    pub fn release(&self, users: &[UserId]) {
        if users.is_empty() {
            return;
        }
        let mut inner = self.write();
        for user in users {
            if let Some(person) = inner.people.get_mut(user) {
                person.held = false;
            }
        }
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
        inner.absences.insert(id, Absence::begin(from, lease, self.clock.now()));
        drop(inner);
        self.earlier.notify_one();
        self.notices.went(id);
    }

    /// When the next lease is over, if nobody comes back.
    pub fn next_lease(&self) -> Option<Instant> {
        self.read().absences.deadline()
    }

    /// Somebody whose lease is over, each once.
    pub fn take_lease_over(&self) -> Option<UserId> {
        self.write().absences.next_over(self.clock.now())
    }

    /// Waits until somebody's lease is over, and answers whose.
    pub async fn lease_over(&self) -> UserId {
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
            if let Some(user) = self.take_lease_over() {
                return user;
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
        let rooms = known.rooms.iter().map(|id| &inner.room_by_id[&id]).filter(|room| room.is_watched());
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
        self.absences.remove(user);
        let shown = person.shown.get_mut();
        if *shown == shown::AWAY {
            *shown = shown::PERHAPS;
        }
        person.seats.len() == 1 && *shown != shown::ONLINE
    }
}
