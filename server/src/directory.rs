//! The read side's view of rooms, members and who is connected: what is on disk, and nothing before.
//!
//! The writer's model runs ahead of the disk while a batch is being written; the one here absorbs the same changes after
//! the fsync.

mod logins;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use smallvec::SmallVec;
use teahouse_protocol::{JoinedRoom, Member, MemberName, RoomInfo, RoomName, limits};
use tokio::sync::Notify;

use crate::absences::{Absence, Absences};
use crate::clock::Clock;
use crate::fanout::{Feed, Tails, Watcher};
use crate::notices::Notices;
use crate::seat::Seat;
use crate::state::{
    Away, Change, Keep, Model, RoomId, SERVER_USER, Standing, StoredEvent, UserId, is_member_after,
};

pub(crate) use logins::ComingOrGoing;
pub use logins::Login;

/// So many members are looked at before others may change something.
const MEMBERS_STRIDE: usize = 256;

/// Rooms, members and connections.
pub struct Directory {
    inner: RwLock<Inner>,
    tails: Arc<Tails>,
    /// Who came or went and has not been told of yet.
    pub(crate) notices: Notices,
    /// For how long somebody whose name is not kept may come back and find everything as it was.
    lease: Duration,
    clock: Clock,
    /// Somebody's absence ends earlier than everybody's before.
    earlier: Notify,
}

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<RoomName, Arc<Feed>>,
    feed_by_id: HashMap<RoomId, Arc<Feed>>,
    /// What is published.
    model: Model,
    /// Those who hold a name and were here at some time.
    people: HashMap<UserId, Person>,
    absences: Absences,
    /// Those of whom the order is to be told whether they are here.
    unsaid: BTreeSet<UserId>,
}

/// Whether somebody who holds a name is here.
#[derive(Default)]
struct Person {
    /// The connections that are this user's.
    seats: SmallVec<[Weak<dyn Seat>; 1]>,
    /// What the user's rooms were told last of whether the user is connected; one of [`shown`].
    shown: AtomicU8,
}

/// What others know of somebody.
mod shown {
    /// That it is not connected.
    pub(super) const AWAY: u8 = 0;
    /// That it is connected.
    pub(super) const ONLINE: u8 = 1;
    /// It came and was not told of yet, but may have been seen in events.
    pub(super) const PERHAPS: u8 = 2;
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    /// An empty one. Somebody whose name is not kept may come back within the lease.
    pub fn new(lease: Duration, clock: Clock) -> Self {
        Self {
            inner: RwLock::default(),
            tails: Arc::default(),
            notices: Notices::default(),
            lease,
            clock,
            earlier: Notify::new(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a model that was read from disk: at start, and after a failure that left it unclear what is there. Wakes
    /// the watchers of rooms that turn out to be further on than was known, or to be gone.
    pub fn restore(&self, model: &Model, wake: &mut Vec<Arc<dyn Watcher>>) {
        let published = model.clone();
        let mut inner = self.write();
        let before = std::mem::replace(&mut inner.model, published);
        let gone: Vec<RoomId> =
            inner.feed_by_id.keys().copied().filter(|id| model.room(*id).is_none()).collect();
        for id in gone {
            inner.remove_feed(id).close(wake);
        }
        for (id, room) in model.rooms() {
            match inner.feed_by_id.get(&id) {
                Some(known) if known.tail().head() == room.head => {}
                Some(known) => known.reset(room.head, wake),
                None => {
                    let tails = Arc::clone(&self.tails);
                    inner.add_feed(Feed::new(id, room.name.clone(), room.head, tails));
                }
            }
        }
        let (mut retired, mut renamed_seats) = (Vec::new(), Vec::new());
        for (id, user) in before.users() {
            let now = model.user(id);
            let renamed = now.is_some_and(|now| now.name != user.name);
            if renamed && let Some(person) = inner.people.get(&id) {
                renamed_seats.extend(person.seats.iter().cloned());
            }
            let stays = |room| !renamed && now.is_some_and(|now| now.rooms.contains(room));
            for room in user.rooms.iter().filter(|room| !stays(*room)) {
                inner.set_member(room, id, &user.name, false);
            }
            if now.is_none() {
                retired.extend(inner.let_go(id));
            }
        }
        let now = self.clock.now();
        for (id, user) in model.users() {
            for room in user.rooms.iter() {
                inner.set_member(room, id, &user.name, true);
            }
            if before.user(id).is_none() && id != SERVER_USER {
                let lease = (!inner.is_kept(id)).then_some(self.lease);
                let away = model.away(id).unwrap_or(Away { since: self.clock.unix(), from: None });
                inner.absences.insert(id, Absence::begin(away, lease, now));
            }
        }
        drop(inner);
        retired.iter().filter_map(Weak::upgrade).for_each(|seat| seat.user_gone());
        renamed_seats.iter().filter_map(Weak::upgrade).for_each(|seat| seat.user_renamed());
        self.earlier.notify_one();
    }

    /// What is published.
    pub fn model(&self) -> Model {
        self.read().model.clone()
    }

    /// Takes over what a commit wrote. Answers which rooms have news for somebody. Wakes the watchers of rooms that are gone.
    pub fn publish(&self, changes: Vec<Change>, wake: &mut Vec<Arc<dyn Watcher>>) -> Vec<Arc<Feed>> {
        let mut gone: BTreeMap<RoomId, Arc<Feed>> = BTreeMap::new();
        let (mut joined, mut renamed, mut retired) = (Vec::new(), Vec::new(), Vec::new());
        let mut inner = self.write();
        for change in &changes {
            inner.model.absorb(change);
            match change {
                Change::Event(event) => {
                    if let Some(member) = is_member_after(&event.kind) {
                        inner.set_member(event.room, event.by, &event.by_name, member);
                        if member {
                            joined.push(event.by);
                        }
                    }
                }
                Change::UserRenamed { id, .. } => {
                    let seats = inner.people.get(id).map(|person| person.seats.clone());
                    renamed.extend(seats.unwrap_or_default());
                }
                Change::UserRetired { id } => retired.extend(inner.let_go(*id)),
                Change::RoomAdded { id, room, .. } => {
                    let tails = Arc::clone(&self.tails);
                    inner.add_feed(Feed::new(*id, room.name.clone(), room.head, tails));
                }
                Change::RoomRemoved { id } => {
                    gone.insert(*id, inner.remove_feed(*id));
                }
                Change::UserAdded { .. }
                | Change::UserSeen { .. }
                | Change::UserCame { .. }
                | Change::UserWent { .. }
                | Change::RoomWritten { .. } => {}
            }
        }
        joined.retain(|user| inner.seen_joining(*user));
        drop(inner);
        // Before the events can be read, and without a lock: a seat has one of its own.
        retired.iter().filter_map(Weak::upgrade).for_each(|seat| seat.user_gone());
        let mut events: BTreeMap<RoomId, Vec<StoredEvent>> = BTreeMap::new();
        for change in changes {
            if let Change::Event(event) = change {
                events.entry(event.room).or_default().push(event);
            }
        }
        let inner = self.read();
        let rooms: Vec<_> = events
            .into_iter()
            .map(|(id, events)| (Arc::clone(gone.get(&id).unwrap_or_else(|| &inner.feed_by_id[&id])), events))
            .collect();
        drop(inner);
        let publish = |(room, events): (Arc<Feed>, Vec<StoredEvent>)| {
            room.publish(events.into_iter().map(Into::into).collect()).then_some(room)
        };
        let news = rooms.into_iter().filter_map(publish).collect();
        // Only now, so that nobody is told before the last event can be read.
        gone.values().for_each(|room| room.close(wake));
        joined.into_iter().for_each(|user| self.notices.went(user));
        renamed.iter().filter_map(Weak::upgrade).for_each(|seat| seat.user_renamed());
        news
    }

    /// The room of that name, or of one that looks like it.
    pub fn feed(&self, name: &RoomName) -> Option<Arc<Feed>> {
        let inner = self.read();
        inner.rooms.get(name).or_else(|| inner.feed_that_looks_like(name)).cloned()
    }

    /// The room of that number.
    pub fn feed_by_id(&self, id: RoomId) -> Option<Arc<Feed>> {
        self.read().feed_by_id.get(&id).cloned()
    }

    /// A page of all rooms, in the order of their names, as `user` sees them, and whether more follow.
    pub fn rooms(&self, user: UserId, after: Option<&RoomName>) -> (Vec<RoomInfo>, bool) {
        let inner = self.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = inner.rooms.range::<RoomName, _>((from, Bound::Unbounded)).map(|(_, room)| room);
        let page: Vec<RoomInfo> = rest
            .by_ref()
            .take(limits::ROOMS_PAGE_MAX)
            .map(|room| {
                let members = room.members();
                RoomInfo {
                    room: room.name.clone(),
                    head: room.tail().head(),
                    members: members.len() as u64,
                    joined: members.contains(user),
                }
            })
            .collect();
        let more = rest.next().is_some();
        (page, more)
    }

    /// The rooms that a user is a member of, in the order of their names.
    pub fn rooms_of(&self, user: UserId) -> Vec<JoinedRoom> {
        let inner = self.read();
        let Some(user) = inner.model.user(user) else { return Vec::new() };
        let rooms = user.rooms.iter().filter_map(|id| inner.feed_by_id.get(&id));
        let mut rooms: Vec<JoinedRoom> =
            rooms.map(|room| JoinedRoom { room: room.name.clone(), head: room.tail().head() }).collect();
        rooms.sort_by(|a, b| a.room.cmp(&b.room));
        rooms
    }

    /// How many rooms a user is a member of.
    pub fn rooms_joined(&self, user: UserId) -> usize {
        self.read().model.user(user).map_or(0, |user| user.rooms.len())
    }

    /// The members of a room, those who are connected first, then by name; at most so many of them, and how many
    /// there are.
    pub fn members(&self, room: &Feed) -> (Vec<Member>, u64) {
        let (mut list, mut away) = (Vec::new(), Vec::new());
        let (mut stride, mut last) = (Vec::with_capacity(MEMBERS_STRIDE), None);
        while list.len() < limits::WHO_MEMBERS_MAX {
            room.members().next_by_name(last.as_ref(), MEMBERS_STRIDE, &mut stride);
            last = stride.last().cloned();
            if last.is_none() {
                break;
            }
            let inner = self.read();
            for (name, id) in stride.drain(..) {
                let online = inner.people.get(&id).is_some_and(|person| !person.seats.is_empty());
                let some = if online { &mut list } else { &mut away };
                if some.len() < limits::WHO_MEMBERS_MAX {
                    some.push(Member { user: id, name, online });
                }
            }
        }
        list.extend(away);
        list.truncate(limits::WHO_MEMBERS_MAX);
        (list, room.members().len() as u64)
    }

    /// How a user stands to the house, and to a room.
    pub fn standing(&self, user: UserId, room: Option<RoomId>) -> Standing {
        self.read().model.standing(user, room)
    }

    /// What the user is called now.
    pub fn name_of(&self, user: UserId) -> Option<MemberName> {
        self.read().model.user(user).map(|user| user.name.clone())
    }
}

impl Inner {
    fn add_feed(&mut self, room: Feed) {
        let room = Arc::new(room);
        self.rooms.insert(room.name.clone(), Arc::clone(&room));
        self.feed_by_id.insert(room.id, room);
    }

    fn remove_feed(&mut self, id: RoomId) -> Arc<Feed> {
        let room = self.feed_by_id.remove(&id).expect("it was added");
        self.rooms.remove(&room.name);
        room
    }

    fn feed_that_looks_like(&self, name: &RoomName) -> Option<&Arc<Feed>> {
        self.feed_by_id.get(&self.model.room_called(name)?)
    }

    /// Somebody holds no name any more. Answers which connections were the user's.
    fn let_go(&mut self, id: UserId) -> SmallVec<[Weak<dyn Seat>; 1]> {
        self.absences.remove(id);
        self.people.remove(&id).map(|person| person.seats).unwrap_or_default()
    }

    /// Those who watch a room are about to see that somebody joins, who is here as far as they know then. Answers whether it
    /// is not, so that they are to be told.
    fn seen_joining(&mut self, id: UserId) -> bool {
        let Some(user) = self.model.user(id) else { return false };
        let person = self.people.entry(id).or_default();
        let shown = person.shown.get_mut();
        if person.seats.is_empty() {
            *shown = shown::PERHAPS;
            return true;
        }
        // Elsewhere nobody has seen anything.
        if user.rooms.len() == 1 {
            *shown = shown::ONLINE;
        }
        false
    }

    fn set_member(&self, room: RoomId, user: UserId, name: &MemberName, member: bool) {
        // It may be gone by the same commit.
        let Some(room) = self.feed_by_id.get(&room) else { return };
        if member {
            room.add_member(user, name.clone());
        } else {
            room.remove_member(user);
        }
    }

    /// Whether somebody is not to depart while it is away. Only who decides knows for how long.
    fn is_kept(&self, id: UserId) -> bool {
        self.model.user(id).is_some_and(|user| user.keep != Keep::No && !user.rooms.is_empty())
    }
}

#[cfg(test)]
mod tests;
