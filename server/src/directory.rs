//! The read side's view of rooms, members and who is connected: what is on disk, and nothing before.
//!
//! The state runs ahead of the disk while a batch is being written; this follows after the fsync, from the same
//! changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use teahouse_protocol::{
    EventKind, JoinedRoom, Member, MemberName, NameKey, NameKeys, PageEvent, RoomInfo, RoomName, limits,
};

use crate::connection::Mailbox;
use crate::crier::Notices;
use crate::fanout::{Room, Tails};
use crate::state::{self, Change, RoomId, RoomSet, State, StoredEvent, TokenHash, UserId, UserIndex};

/// Rooms, members and connections.
#[derive(Default)]
pub struct Directory {
    inner: RwLock<Inner>,
    tails: Arc<Tails>,
    /// Who came or went and has not been told of yet.
    pub(crate) notices: Notices,
}

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<RoomName, Arc<Room>>,
    room_by_id: HashMap<RoomId, Arc<Room>>,
    rooms_by_key: BTreeSet<(NameKey, RoomId)>,
    users: HashMap<UserId, User>,
    users_by_key: UserIndex,
    users_by_token: UserIndex,
}

/// A user who holds a name.
struct User {
    name: MemberName,
    keep: bool,
    token: TokenHash,
    rooms: RoomSet,
    /// How many connections are this user's.
    connections: u32,
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

/// What is to be told of somebody who came or went.
pub(crate) struct ComingOrGoing {
    pub(crate) name: MemberName,
    pub(crate) online: bool,
    /// The rooms that somebody watches.
    pub(crate) rooms: Vec<Arc<Room>>,
}

/// What it means for a user that one of its connections closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Another connection is still the user's, or the user was gone before.
    None,
    /// It was the last one, and the user may come back.
    Away,
    /// It was the last one of a user whose name is not kept.
    ForGood,
}

impl Directory {
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a state that was read from disk: at start, and after the log had to be opened anew. Wakes the
    /// watchers of rooms that turn out to be further on than was known.
    pub fn restore(&self, state: &State, wake: &mut Vec<Arc<Mailbox>>) {
        let mut inner = self.write();
        for (id, room) in state.rooms() {
            match inner.room_by_id.get(&id) {
                Some(known) if known.tail().head() == room.head => {}
                Some(known) => known.reset(room.head, wake),
                None => {
                    let tails = Arc::clone(&self.tails);
                    inner.add_room(Room::new(id, room.name.clone(), room.head, tails));
                }
            }
        }
        let gone: Vec<UserId> = inner.users.keys().copied().filter(|id| state.user(*id).is_none()).collect();
        for id in gone {
            inner.remove_user(id);
        }
        for (id, user) in state.users() {
            inner.add_user(id, user);
            let before = inner.users.get(&id).map(|known| known.rooms.clone()).unwrap_or_default();
            for room in before.iter().filter(|room| !user.rooms.contains(*room)) {
                inner.set_member(room, id, &user.name, false);
            }
            for room in user.rooms.iter() {
                inner.set_member(room, id, &user.name, true);
            }
        }
    }

    /// Takes over what a commit wrote. Answers which rooms have news for somebody.
    pub fn publish(&self, changes: Vec<Change>) -> Vec<Arc<Room>> {
        let mut events: BTreeMap<RoomId, Vec<StoredEvent>> = BTreeMap::new();
        // Most batches are posts alone, for which nobody has to wait.
        let only_posts = changes.iter().all(
            |change| matches!(change, Change::Event(event) if matches!(event.kind, EventKind::Post { .. })),
        );
        let mut inner = (!only_posts).then(|| self.write());
        for change in changes {
            match (change, &mut inner) {
                (Change::Event(event), inner) => {
                    if let Some(inner) = inner {
                        match event.kind {
                            EventKind::Join => inner.set_member(event.room, event.by, &event.by_name, true),
                            EventKind::Leave => inner.set_member(event.room, event.by, &event.by_name, false),
                            EventKind::Create | EventKind::Post { .. } | EventKind::Unknown => {}
                        }
                    }
                    events.entry(event.room).or_default().push(event);
                }
                (Change::UserAdded { id, user }, Some(inner)) => inner.add_user(id, &user),
                (Change::UserRetired { id }, Some(inner)) => inner.remove_user(id),
                (Change::RoomAdded { id, name, .. }, Some(inner)) => {
                    let tails = Arc::clone(&self.tails);
                    inner.add_room(Room::new(id, name, teahouse_protocol::Seq::ZERO, tails));
                }
                (Change::UserSeen { .. }, _) => {}
                (_, None) => unreachable!("only events are posts"),
            }
        }
        drop(inner);
        let inner = self.read();
        let rooms: Vec<_> =
            events.into_iter().map(|(id, events)| (Arc::clone(&inner.room_by_id[&id]), events)).collect();
        drop(inner);
        let publish = |(room, events): (Arc<Room>, Vec<StoredEvent>)| {
            let pages = events.into_iter().map(|event| {
                let StoredEvent { seq, at, by_name, kind, .. } = event;
                PageEvent { seq, at, by: by_name, kind }
            });
            room.publish(pages.collect()).then_some(room)
        };
        rooms.into_iter().filter_map(publish).collect()
    }

    /// The room of that name, or of one that looks like it.
    pub fn room(&self, name: &RoomName) -> Option<Arc<Room>> {
        let inner = self.read();
        inner.rooms.get(name).or_else(|| inner.room_like(&name.keys())).cloned()
    }

    /// The room of that number.
    pub fn room_by_id(&self, id: RoomId) -> Option<Arc<Room>> {
        self.read().room_by_id.get(&id).cloned()
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
                    joined: members.contains_key(&user),
                }
            })
            .collect();
        let more = rest.next().is_some();
        (page, more)
    }

    /// The rooms that a user is a member of, in the order of their names.
    pub fn rooms_of(&self, user: UserId) -> Vec<JoinedRoom> {
        let inner = self.read();
        let Some(user) = inner.users.get(&user) else { return Vec::new() };
        let rooms = user.rooms.iter().filter_map(|id| inner.room_by_id.get(&id));
        let mut rooms: Vec<JoinedRoom> =
            rooms.map(|room| JoinedRoom { room: room.name.clone(), head: room.tail().head() }).collect();
        rooms.sort_by(|a, b| a.room.cmp(&b.room));
        rooms
    }

    /// The members of a room, those who are connected first, then by name; at most so many of them, and how many
    /// there are.
    pub fn members(&self, room: &Room) -> (Vec<Member>, u64) {
        let inner = self.read();
        let members = room.members();
        let mut list: Vec<Member> = members
            .iter()
            .map(|(id, name)| Member {
                name: name.clone(),
                online: inner.users.get(id).is_some_and(|user| user.connections > 0),
            })
            .collect();
        list.sort_by(|a, b| b.online.cmp(&a.online).then_with(|| a.name.cmp(&b.name)));
        list.truncate(limits::WHO_MEMBERS_MAX);
        (list, members.len() as u64)
    }

    /// Who holds a name while no connection is theirs and they did not want it kept.
    pub fn absent_holder(&self, name: &MemberName) -> Option<UserId> {
        let inner = self.read();
        let keys = name.keys();
        let is_alike = |id: UserId| inner.users[&id].name.keys().are_alike(&keys);
        let id = keys.iter().find_map(|key| inner.users_by_key.find(key, is_alike))?;
        (inner.users[&id].connections == 0).then_some(id)
    }

    /// A connection became that of the user who has this token, if there is one.
    pub fn connected_with(&self, token: TokenHash) -> Option<(UserId, MemberName)> {
        let mut inner = self.write();
        let id = inner.users_by_token.find(&token, |id| inner.users[&id].token == token)?;
        let name = inner.users[&id].name.clone();
        let news = inner.connected(id);
        drop(inner);
        self.notice_arrival(id, news);
        Some((id, name))
    }

    /// A connection became this user's. The first one is news for the user's rooms.
    pub fn connected(&self, user: UserId) {
        let news = self.write().connected(user);
        self.notice_arrival(user, news);
    }

    fn notice_arrival(&self, user: UserId, news: bool) {
        if news {
            self.notices.came(user);
        }
    }

    /// Whether a connection is this user's.
    pub fn is_connected(&self, user: UserId) -> bool {
        self.read().users.get(&user).is_some_and(|known| known.connections > 0)
    }

    /// A connection was this user's.
    pub fn disconnected(&self, user: UserId) -> Absence {
        let mut inner = self.write();
        let Some(known) = inner.users.get_mut(&user) else { return Absence::None };
        known.connections -= 1;
        let absence = match (known.connections, known.keep) {
            (0, true) => Absence::Away,
            (0, false) => Absence::ForGood,
            _ => Absence::None,
        };
        drop(inner);
        if absence == Absence::Away {
            self.notices.went(user);
        }
        absence
    }

    /// What is to be told of somebody of whom a notice was left; nothing when it was told already or is over.
    pub(crate) fn coming_or_going(&self, user: UserId) -> Option<ComingOrGoing> {
        let inner = self.read();
        let known = inner.users.get(&user)?;
        let online = known.connections > 0;
        let show = if online { shown::ONLINE } else { shown::AWAY };
        if known.shown.swap(show, Ordering::Relaxed) == show {
            return None;
        }
        let rooms = known.rooms.iter().map(|id| &inner.room_by_id[&id]).filter(|room| room.is_watched());
        Some(ComingOrGoing { name: known.name.clone(), online, rooms: rooms.cloned().collect() })
    }
}

impl Inner {
    /// The oldest room whose name is like that of these keys.
    fn room_like(&self, keys: &NameKeys) -> Option<&Arc<Room>> {
        let of_key = |key: &NameKey| {
            let range = (key.clone(), RoomId(0))..=(key.clone(), RoomId(RoomId::END));
            self.rooms_by_key.range(range).map(|(_, id)| *id)
        };
        keys.iter().flat_map(of_key).min().map(|id| &self.room_by_id[&id])
    }

    fn add_room(&mut self, room: Room) {
        let room = Arc::new(room);
        self.rooms.insert(room.name.clone(), Arc::clone(&room));
        self.rooms_by_key.extend(room.name.keys().iter().map(|key| (key.clone(), room.id)));
        self.room_by_id.insert(room.id, room);
    }

    fn add_user(&mut self, id: UserId, user: &state::User) {
        let state::User { name, keep, token, .. } = user;
        name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        self.users_by_token.insert(token, id);
        self.users.entry(id).or_insert_with(|| User {
            name: name.clone(),
            keep: *keep,
            token: *token,
            rooms: RoomSet::default(),
            connections: 0,
            shown: AtomicU8::new(shown::AWAY),
        });
    }

    fn remove_user(&mut self, id: UserId) {
        if let Some(user) = self.users.remove(&id) {
            user.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
            self.users_by_token.remove(&user.token, id);
            for room in user.rooms.iter() {
                self.room_by_id[&room].remove_member(id);
            }
        }
    }

    fn set_member(&mut self, room: RoomId, user: UserId, name: &MemberName, member: bool) {
        let known = &self.room_by_id[&room];
        if member {
            known.add_member(user, name.clone());
        } else {
            known.remove_member(user);
        }
        if let Some(user) = self.users.get_mut(&user) {
            if member {
                user.rooms.insert(room);
            } else {
                user.rooms.remove(room);
            }
        }
    }

    /// Answers whether that is news.
    fn connected(&mut self, user: UserId) -> bool {
        let Some(known) = self.users.get_mut(&user) else { return false };
        known.connections += 1;
        let shown = known.shown.get_mut();
        if *shown == shown::AWAY {
            *shown = shown::PERHAPS;
        }
        known.connections == 1 && *shown != shown::ONLINE
    }
}
