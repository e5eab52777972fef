//! The deterministic model of users, rooms and memberships: who may do what, decided in order.
//!
//! `apply` takes proposals one after the other and says what changes. It reads no clock, no randomness and no file:
//! times, tokens and ids of connections stand in the proposal. The same proposals give the same changes everywhere.

mod change;
mod proposal;
mod room_set;
mod user_index;

use std::collections::{BTreeMap, BTreeSet};

use teahouse_protocol::{EventKind, MemberName, NameKey, NameKeys, OpId, RoomName, Seq, UnixMillis, limits};

pub use change::{Applied, Change, Outcome, StoredEvent};
pub use proposal::{Action, Proposal, Rejection, TokenHash};
pub use room_set::RoomSet;
pub use user_index::UserIndex;

/// Names a user for ever; never given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u64);

/// Names a room for ever; below [`RoomId::END`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u32);

impl RoomId {
    /// The first number that is no room: the log keeps 23 bits for it.
    pub const END: u32 = 1 << 23;
}

/// The user who stands for the server itself and made the first room.
pub const SERVER_USER: UserId = UserId(0);
/// What [`SERVER_USER`] is called. Nobody else can take the name.
pub const SERVER_USER_NAME: &str = "teahouse";
/// The room that exists from the start.
pub const LOBBY: &str = "lobby";

/// A user who holds a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What everybody calls the user.
    pub name: MemberName,
    /// Whether the name is kept while the user is away.
    pub keep: bool,
    /// What proves that a connection is this user.
    pub token: TokenHash,
    /// When the user last said hello.
    pub seen_at: UnixMillis,
    /// The rooms that the user is a member of.
    pub rooms: RoomSet,
}

impl User {
    /// Whether the name waits for this user. Not for one who is in no room: its welcome may have been lost, and then
    /// nobody has the token.
    fn is_kept_at(&self, now: UnixMillis) -> bool {
        let away_ms = now.get().saturating_sub(self.seen_at.get());
        self.keep && !self.rooms.is_empty() && away_ms < KEPT_NAME_MS
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its handle, as it was first written.
    pub name: RoomName,
    /// Its last event.
    pub head: Seq,
    /// How many members it has.
    pub members: u64,
}

/// How long a kept name waits for its guest, in milliseconds: 30 days.
pub const KEPT_NAME_MS: u64 = 30 * 86_400_000;

/// Users, rooms, memberships and heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In boxes: users come in the order of their ids, which leaves the leaves of a tree half empty.
    users: BTreeMap<UserId, Box<User>>,
    users_by_key: UserIndex,
    users_by_token: UserIndex,
    rooms: BTreeMap<RoomId, Room>,
    /// Two rooms share a key only where their names are older than a rule.
    rooms_by_key: BTreeSet<(NameKey, RoomId)>,
    next_user: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            users_by_key: UserIndex::default(),
            users_by_token: UserIndex::default(),
            rooms: BTreeMap::new(),
            rooms_by_key: BTreeSet::new(),
            next_user: SERVER_USER.0 + 1,
        }
    }
}

impl State {
    /// Puts back a user who holds a name, from the log.
    pub fn restore_user(&mut self, id: UserId, user: User) {
        user.name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        self.users_by_token.insert(&user.token, id);
        self.users.insert(id, Box::new(user));
    }

    /// Puts back a room, from the log. Its members come with their users.
    pub fn restore_room(&mut self, id: RoomId, room: Room) {
        self.rooms_by_key.extend(room.name.keys().iter().map(|key| (key.clone(), id)));
        self.rooms.insert(id, room);
    }

    /// Says from which number on ids of users are free: users who hold no name are not restored.
    pub fn restore_next_user(&mut self, next: u64) {
        self.next_user = next;
    }

    /// A user who holds a name.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id).map(|user| &**user)
    }

    /// All users who hold a name.
    pub fn users(&self) -> impl Iterator<Item = (UserId, &User)> {
        self.users.iter().map(|(id, user)| (*id, &**user))
    }

    /// Who holds a name that is like this one, `but` left out.
    fn holder(&self, keys: &NameKeys, but: Option<UserId>) -> Option<UserId> {
        let is_alike = |id: UserId| Some(id) != but && self.users[&id].name.keys().are_alike(keys);
        keys.iter().find_map(|key| self.users_by_key.find(key, is_alike))
    }

    /// The room of this name, or else the oldest one whose name is like it.
    fn room_named(&self, name: &RoomName) -> Option<RoomId> {
        let keys = name.keys();
        let of_key = |key: &NameKey| {
            let range = (key.clone(), RoomId(0))..=(key.clone(), RoomId(RoomId::END));
            self.rooms_by_key.range(range).map(|(_, id)| *id)
        };
        let alike = || keys.iter().flat_map(of_key);
        alike().find(|id| self.rooms[id].name == *name).or_else(|| alike().min())
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    /// Decides one proposal. A rejection changes nothing.
    pub fn apply(&mut self, proposal: Proposal) -> Result<Applied, Rejection> {
        let at = proposal.at;
        match proposal.action {
            Action::Found => self.found(at),
            Action::ArriveAsGuest { name, keep, token, replaces } => {
                self.arrive_as_guest(at, name, keep, token, replaces)
            }
            Action::ArriveWithToken { token } => self.arrive_with_token(at, token),
            Action::Depart { user } => self.depart(at, user),
            Action::Join { user, room, create } => self.join(at, user, &room, create),
            Action::Leave { user, room } => self.leave(at, user, room),
            Action::Post { user, room, op, text, action } => {
                let kind = EventKind::Post { text: text.as_str().into(), action };
                self.post(at, user, room, kind, op)
            }
        }
    }

    /// Makes what a new log begins with: the server's own user and the lobby.
    fn found(&mut self, at: UnixMillis) -> Result<Applied, Rejection> {
        if self.users.contains_key(&SERVER_USER) {
            return Ok(Applied::nothing(Outcome::Unchanged));
        }
        let name = MemberName::parse(SERVER_USER_NAME).expect("a constant that follows the rules");
        let lobby = RoomName::parse(LOBBY).expect("a constant that follows the rules");
        // No token has this hash: that would be a preimage of SHA-256.
        let user =
            User { name, keep: true, token: TokenHash([0; 32]), seen_at: at, rooms: RoomSet::default() };
        let added = Change::UserAdded { id: SERVER_USER, user: user.clone() };
        self.restore_user(SERVER_USER, user);
        let mut changes = vec![added];
        self.create_room(at, SERVER_USER, &lobby, &mut changes)?;
        Ok(Applied { outcome: Outcome::Unchanged, changes })
    }

    fn arrive_as_guest(
        &mut self,
        at: UnixMillis,
        name: Option<MemberName>,
        keep: bool,
        token: TokenHash,
        replaces: Option<UserId>,
    ) -> Result<Applied, Rejection> {
        let id = UserId(self.next_user);
        let name = match name {
            Some(name) => name,
            None => self.free_guest_name(id),
        };
        name.check_new().map_err(Rejection::BadMemberName)?;
        let mut changes = Vec::new();
        let keys = name.keys();
        if let Some(holder) = self.holder(&keys, None) {
            let kept_for_holder = self.users.get(&holder).is_some_and(|user| user.is_kept_at(at));
            let is_another_s = self.holder(&keys, Some(holder)).is_some();
            if holder == SERVER_USER || kept_for_holder || replaces != Some(holder) || is_another_s {
                return Err(Rejection::NameTaken(name));
            }
            self.retire(at, holder, &mut changes);
        }
        self.next_user += 1;
        let user = User { name: name.clone(), keep, token, seen_at: at, rooms: RoomSet::default() };
        changes.push(Change::UserAdded { id, user: user.clone() });
        self.restore_user(id, user);
        Ok(Applied { outcome: Outcome::Arrived { user: id, name, keep }, changes })
    }

    /// "茶客" is what a teahouse calls its guests.
    fn free_guest_name(&self, id: UserId) -> MemberName {
        (id.0..)
            .map(|number| MemberName::parse(&format!("茶客{number}")).expect("at most 22 characters"))
            .find(|name| self.holder(&name.keys(), None).is_none())
            .expect("there are more numbers than users")
    }

    fn arrive_with_token(&mut self, at: UnixMillis, token: TokenHash) -> Result<Applied, Rejection> {
        let holder = self.users_by_token.find(&token, |id| self.users[&id].token == token);
        let id = holder.ok_or(Rejection::BadToken)?;
        let user = self.users.get_mut(&id).ok_or(Rejection::BadToken)?;
        user.seen_at = at;
        let outcome = Outcome::Arrived { user: id, name: user.name.clone(), keep: user.keep };
        Ok(Applied { outcome, changes: vec![Change::UserSeen { id, at }] })
    }

    fn depart(&mut self, at: UnixMillis, user: UserId) -> Result<Applied, Rejection> {
        let mut changes = Vec::new();
        if self.users.get(&user).is_some_and(|user| !user.keep) {
            self.retire(at, user, &mut changes);
        }
        Ok(Applied { outcome: Outcome::Unchanged, changes })
    }

    /// Lets a user leave its rooms and frees its name.
    fn retire(&mut self, at: UnixMillis, id: UserId, changes: &mut Vec<Change>) {
        let Some(user) = self.users.get_mut(&id) else { return };
        for room in std::mem::take(&mut user.rooms).iter() {
            let name = user.name.clone();
            let left = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
            left.members -= 1;
            changes.push(Change::Event(left.append(at, room, id, name, EventKind::Leave, None)));
        }
        let user = self.users.remove(&id).expect("looked up above");
        user.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
        self.users_by_token.remove(&user.token, id);
        changes.push(Change::UserRetired { id });
    }

    fn join(
        &mut self,
        at: UnixMillis,
        id: UserId,
        name: &RoomName,
        create: bool,
    ) -> Result<Applied, Rejection> {
        let user = self.users.get(&id).ok_or(Rejection::UserGone)?;
        let mut changes = Vec::new();
        let existing = self.room_named(name);
        if let Some(room) = existing
            && user.rooms.contains(room)
        {
            return Ok(Applied::nothing(Outcome::Done { room, seq: None }));
        }
        if user.rooms.len() >= limits::ROOMS_JOINED_MAX {
            return Err(Rejection::TooManyRoomsJoined);
        }
        let room = match existing {
            Some(room) => room,
            None if create => self.create_room(at, id, name, &mut changes)?,
            None => return Err(Rejection::NoSuchRoom(name.clone())),
        };
        let user = self.users.get_mut(&id).expect("looked up above");
        user.rooms.insert(room);
        let by = user.name.clone();
        let joined = self.rooms.get_mut(&room).expect("found or made above");
        joined.members += 1;
        let event = joined.append(at, room, id, by, EventKind::Join, None);
        let outcome = Outcome::Done { room, seq: Some(event.seq) };
        changes.push(Change::Event(event));
        Ok(Applied { outcome, changes })
    }

    fn create_room(
        &mut self,
        at: UnixMillis,
        by: UserId,
        name: &RoomName,
        changes: &mut Vec<Change>,
    ) -> Result<RoomId, Rejection> {
        name.check_new().map_err(Rejection::BadRoomName)?;
        if self.rooms.len() >= limits::ROOMS_MAX {
            return Err(Rejection::TooManyRooms);
        }
        let last = self.rooms.last_key_value().map_or(0, |(id, _)| id.0);
        let id = RoomId(last + 1);
        let by_name = self.users.get(&by).ok_or(Rejection::UserGone)?.name.clone();
        let mut room = Room { name: name.clone(), head: Seq::ZERO, members: 0 };
        changes.push(Change::RoomAdded { id, name: name.clone(), at });
        changes.push(Change::Event(room.append(at, id, by, by_name, EventKind::Create, None)));
        self.restore_room(id, room);
        Ok(id)
    }

    fn leave(&mut self, at: UnixMillis, id: UserId, room: RoomId) -> Result<Applied, Rejection> {
        let user = self.users.get_mut(&id).ok_or(Rejection::UserGone)?;
        if !user.rooms.remove(room) {
            return Ok(Applied::nothing(Outcome::Done { room, seq: None }));
        }
        let by = user.name.clone();
        let left = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
        left.members -= 1;
        let event = left.append(at, room, id, by, EventKind::Leave, None);
        let outcome = Outcome::Done { room, seq: Some(event.seq) };
        Ok(Applied { outcome, changes: vec![Change::Event(event)] })
    }

    fn post(
        &mut self,
        at: UnixMillis,
        id: UserId,
        room: RoomId,
        kind: EventKind,
        op: Option<OpId>,
    ) -> Result<Applied, Rejection> {
        let user = self.users.get(&id).ok_or(Rejection::UserGone)?;
        if !user.rooms.contains(room) {
            return Err(Rejection::NotMember);
        }
        let posted = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
        let event = posted.append(at, room, id, user.name.clone(), kind, op);
        let outcome = Outcome::Done { room, seq: Some(event.seq) };
        Ok(Applied { outcome, changes: vec![Change::Event(event)] })
    }
}

impl Room {
    fn append(
        &mut self,
        at: UnixMillis,
        room: RoomId,
        by: UserId,
        by_name: MemberName,
        kind: EventKind,
        op: Option<OpId>,
    ) -> StoredEvent {
        self.head = self.head.next();
        StoredEvent { room, seq: self.head, at, by, by_name, kind, op }
    }
}

#[cfg(test)]
mod tests;
