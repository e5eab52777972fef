//! The deterministic model of users, rooms and memberships: who may do what, decided in order.
//!
//! `apply` takes proposals one after the other and says what changes. It reads no clock, no randomness and no file:
//! times, tokens and ids of connections stand in the proposal. The same proposals give the same changes everywhere.

mod change;
mod people;
mod places;
mod proposal;
mod room_index;
mod room_set;
mod user_index;

use std::collections::BTreeMap;

use teahouse_protocol::{EventKind, MemberName, NameKeys, OpId, RoomName, Seq, UnixMillis};

pub use change::{Applied, Change, Outcome, StoredEvent};
pub use proposal::{Action, Away, Proposal, Rejection, TokenHash};
pub use room_index::RoomIndex;
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

/// What guests without a name of their own are called, with a number behind it.
const GUEST: &str = "茶客";
/// The user who stands for the server itself and made the first room.
pub const SERVER_USER: UserId = UserId(0);
/// What [`SERVER_USER`] is called. Nobody else can take the name.
pub const SERVER_USER_NAME: &str = "teahouse";
/// The room that exists from the start and never goes away.
pub const LOBBY: &str = "lobby";
/// The number of [`LOBBY`].
pub const LOBBY_ROOM: RoomId = RoomId(1);

/// A user who holds a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What everybody calls the user.
    pub name: MemberName,
    /// Whether the user was called something else before: the log keeps the name of then with every event of its.
    pub renamed: bool,
    /// Whether the name is kept while the user is away.
    pub keep: Keep,
    /// What proves that a connection is this user.
    pub token: TokenHash,
    /// When the user last said hello.
    pub seen_at: UnixMillis,
    /// The rooms that the user is a member of.
    pub rooms: RoomSet,
}

/// Whether a name waits for its guest while that one is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// No: the guest departs when its lease is over.
    No,
    /// It was asked for, and nobody has come back yet with the token.
    Asked,
    /// Somebody has come back with the token, so it is kept where it is of use.
    Proven,
}

impl User {
    /// Whether the name waits for this user. Not for one who is in no room: who gave its rooms up gave the name up, and
    /// who never joined one may have lost its welcome, and then nobody has the token.
    fn is_kept_at(&self, now: UnixMillis) -> bool {
        let silent_ms = now.get().saturating_sub(self.seen_at.get());
        let kept_ms = match self.keep {
            Keep::No => return false,
            Keep::Asked => UNPROVEN_NAME_MS,
            Keep::Proven => KEPT_NAME_MS,
        };
        !self.rooms.is_empty() && silent_ms < kept_ms
    }

    /// Whether somebody from the same address may have the name again, spelled the same: nobody ever came back with its
    /// token, as where a program has no place to keep one.
    fn is_forgotten(&self, name: &MemberName, away: Away) -> bool {
        self.keep == Keep::Asked && away.same_address && away.ms >= FORGOTTEN_NAME_MS && self.name == *name
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
    /// Whether anybody has ever posted to it. One that nobody wrote in goes away with its last member.
    pub written: bool,
}

/// How long a kept name waits for its guest after the last hello, in milliseconds: 30 days.
pub const KEPT_NAME_MS: u64 = 30 * 86_400_000;
/// How long it waits for one who never came back with the token, in milliseconds: 7 days.
pub const UNPROVEN_NAME_MS: u64 = 7 * 86_400_000;
/// After so long an absence of one who never came back, the same address may have the same name, in milliseconds: an
/// hour.
pub const FORGOTTEN_NAME_MS: u64 = 3_600_000;

/// Users, rooms, memberships and heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In boxes: users come in the order of their ids, which leaves the leaves of a tree half empty.
    users: BTreeMap<UserId, Box<User>>,
    users_by_key: UserIndex,
    users_by_token: UserIndex,
    rooms: BTreeMap<RoomId, Room>,
    rooms_by_key: RoomIndex,
    next_user: u64,
    next_room: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            users_by_key: UserIndex::default(),
            users_by_token: UserIndex::default(),
            rooms: BTreeMap::new(),
            rooms_by_key: RoomIndex::default(),
            next_user: SERVER_USER.0 + 1,
            next_room: LOBBY_ROOM.0,
        }
    }
}

impl State {
    /// Adds a user who holds a name: a new one, or one out of the log. Of two whose names are alike, the older one is
    /// found by them.
    pub fn add_user(&mut self, id: UserId, user: User) {
        user.name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        self.users_by_token.insert(&user.token, id);
        self.next_user = self.next_user.max(id.0 + 1);
        self.users.insert(id, Box::new(user));
    }

    /// Adds a room: a new one, or one out of the log. Its members come with their users. Of two whose handles look
    /// alike, the older one is found by any spelling, the younger one by its own.
    pub fn add_room(&mut self, id: RoomId, room: Room) {
        self.rooms_by_key.insert(&room.name, id);
        self.next_room = self.next_room.max(id.0 + 1);
        self.rooms.insert(id, room);
    }

    /// Says from which number on ids of users are free: users who hold no name are not added.
    pub fn restore_next_user(&mut self, next: u64) {
        self.next_user = self.next_user.max(next);
    }

    /// Says from which number on ids of rooms are free: those of rooms that went away are given to no other.
    pub fn restore_next_room(&mut self, next: u32) {
        self.next_room = self.next_room.max(next);
    }

    /// A user who holds a name.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id).map(|user| &**user)
    }

    /// All users who hold a name.
    pub fn users(&self) -> impl Iterator<Item = (UserId, &User)> {
        self.users.iter().map(|(id, user)| (*id, &**user))
    }

    /// Everybody who holds a name that is like this one, `but` left out. Rules may be younger than names, so they may be
    /// several.
    fn holders(&self, keys: &NameKeys, but: Option<UserId>) -> impl Iterator<Item = UserId> {
        let candidates = keys.iter().flat_map(|key| self.users_by_key.all(key));
        candidates.filter(move |id| Some(*id) != but && self.users[id].name.keys().are_alike(keys))
    }

    /// The oldest user who holds a name that is like this one, `but` left out.
    pub fn holder(&self, keys: &NameKeys, but: Option<UserId>) -> Option<UserId> {
        self.holders(keys, but).min()
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    /// A room.
    pub fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(&id)
    }

    /// Decides one proposal. A rejection changes nothing.
    pub fn apply(&mut self, proposal: Proposal) -> Result<Applied, Rejection> {
        let at = proposal.at;
        match proposal.action {
            Action::Found => self.found(at),
            Action::DropEmptyRooms => Ok(self.drop_empty_rooms()),
            Action::ArriveAsGuest { name, keep, token, away } => {
                self.arrive_as_guest(at, name, keep, token, away)
            }
            Action::ArriveWithToken { token } => self.arrive_with_token(at, token),
            Action::Rename { user, name, away } => self.rename(at, user, name, away),
            Action::Depart { user } => Ok(self.depart(at, user)),
            Action::SignOut { user } => self.sign_out(at, user),
            Action::Join { user, room, create } => self.join(at, user, &room, create),
            Action::Leave { user, room } => self.leave(at, user, room),
            Action::Post { user, room, op, text, action } => {
                let kind = EventKind::Post { text: text.as_str().into(), action };
                self.post(at, user, room, kind, op)
            }
        }
    }
}

/// Who does something in a room.
struct Author {
    id: UserId,
    name: MemberName,
    renamed: bool,
}

impl User {
    /// The user as the author of what comes.
    fn author(&self, id: UserId) -> Author {
        Author { id, name: self.name.clone(), renamed: self.renamed }
    }
}

impl Room {
    fn append(
        &mut self,
        at: UnixMillis,
        room: RoomId,
        by: Author,
        kind: EventKind,
        op: Option<OpId>,
    ) -> StoredEvent {
        self.head = self.head.next();
        let Author { id: by, name: by_name, renamed } = by;
        StoredEvent { room, seq: self.head, at, by, by_name, renamed, kind, op }
    }
}

#[cfg(test)]
mod tests;
