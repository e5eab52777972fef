use std::collections::BTreeMap;

use teahouse_protocol::{MemberName, NameKeys, RoomName, UnixMillis};

use super::{
    Away, Change, LOBBY_ROOM, Room, RoomId, RoomIndex, SERVER_USER, Standing, StoredEvent, TokenHash, User,
    UserId, UserIndex, is_member_after,
};

/// Users, rooms, memberships and heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// In boxes: users come in the order of their ids, which leaves the leaves of a tree half empty.
    users: BTreeMap<UserId, Box<User>>,
    users_by_key: UserIndex,
    users_by_token: UserIndex,
    /// Of those who are not here.
    away: BTreeMap<UserId, Away>,
    rooms: BTreeMap<RoomId, Room>,
    rooms_by_key: RoomIndex,
    next_user: UserId,
    next_room: u32,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            users_by_key: UserIndex::default(),
            users_by_token: UserIndex::default(),
            away: BTreeMap::new(),
            rooms: BTreeMap::new(),
            rooms_by_key: RoomIndex::default(),
            next_user: SERVER_USER.next(),
            next_room: LOBBY_ROOM.0,
        }
    }
}

impl Model {
    /// Takes a change over. It is the only way in which a model changes: while proposals are decided, after a commit, and
    /// when a log is read. What does not fit, as only a damaged log has it, changes nothing. Of two whose names are alike,
    /// the older one is found by them.
    pub fn absorb(&mut self, change: &Change) {
        match change {
            Change::UserAdded { id, user } => self.add_user(*id, user),
            Change::UserSeen { id, at, keep } => {
                if let Some(user) = self.users.get_mut(id) {
                    user.seen_at = *at;
                    user.keep = *keep;
                }
            }
            Change::UserCame { id } => {
                self.away.remove(id);
            }
            Change::UserWent { id, away } => {
                if self.users.contains_key(id) {
                    self.away.insert(*id, *away);
                }
            }
            Change::UserRenamed { id, name } => self.rename(*id, name),
            Change::UserRetired { id } => self.retire(*id),
            Change::RoomAdded { id, room, .. } => {
                self.next_room = self.next_room.max(id.0 + 1);
                self.rooms_by_key.insert(&room.name, *id);
                self.rooms.insert(*id, Room { members: 0, ..room.clone() });
            }
            Change::RoomWritten { id } => {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.written = true;
                }
            }
            Change::RoomRemoved { id } => {
                self.next_room = self.next_room.max(id.0 + 1);
                if let Some(room) = self.rooms.remove(id) {
                    self.rooms_by_key.remove(&room.name, *id);
                }
            }
            Change::Event(event) => self.happen(event),
        }
    }

    fn add_user(&mut self, id: UserId, user: &User) {
        self.next_user = self.next_user.max(id.next());
        user.name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        self.users_by_token.insert(&user.token, id);
        for room in user.rooms.iter() {
            if let Some(room) = self.rooms.get_mut(&room) {
                room.members += 1;
            }
        }
        self.users.insert(id, Box::new(user.clone()));
    }

    fn rename(&mut self, id: UserId, name: &MemberName) {
        let Some(user) = self.users.get_mut(&id) else { return };
        user.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
        name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        user.name = name.clone();
        user.renamed = true;
    }

    fn retire(&mut self, id: UserId) {
        self.next_user = self.next_user.max(id.next());
        let Some(user) = self.users.remove(&id) else { return };
        self.away.remove(&id);
        user.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
        self.users_by_token.remove(&user.token, id);
        for room in user.rooms.iter() {
            if let Some(room) = self.rooms.get_mut(&room) {
                room.members -= 1;
            }
        }
    }

    fn happen(&mut self, event: &StoredEvent) {
        let Some(room) = self.rooms.get_mut(&event.room) else { return };
        room.head = event.seq;
        let Some(is_member) = is_member_after(&event.kind) else { return };
        let Some(user) = self.users.get_mut(&event.by) else { return };
        if is_member && user.rooms.insert(event.room) {
            room.members += 1;
        } else if !is_member && user.rooms.remove(event.room) {
            room.members -= 1;
        }
    }

    /// A user who holds a name.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id).map(|user| &**user)
    }

    /// That nobody is connected as a user, if that is so.
    pub fn away(&self, id: UserId) -> Option<Away> {
        self.away.get(&id).copied()
    }

    /// Takes over who is here and who is not, which is in no log. Somebody whom the other model does not know is away since
    /// `at`.
    pub fn take_presence_of(&mut self, other: &Self, at: UnixMillis) {
        let users = self.users.keys().copied().filter(|id| *id != SERVER_USER);
        let away = users.filter_map(|id| match other.users.get(&id) {
            Some(_) => Some((id, other.away(id)?)),
            None => Some((id, Away { since: at, from: None })),
        });
        self.away = away.collect();
    }

    /// How a user stands to the house, and to a room.
    pub fn standing(&self, user: UserId, room: Option<RoomId>) -> Standing {
        match (self.users.get(&user), room) {
            // The house itself has no session.
            (Some(_), _) if user == SERVER_USER => Standing::Nobody,
            (None, _) => Standing::Nobody,
            (Some(user), Some(room)) if user.rooms.contains(room) => Standing::Member,
            (Some(_), _) => Standing::Visitor,
        }
    }

    /// All users who hold a name.
    pub fn users(&self) -> impl Iterator<Item = (UserId, &User)> {
        self.users.iter().map(|(id, user)| (*id, &**user))
    }

    /// Everybody who holds a name that is like this one, `but` left out. Rules may be younger than names, so they may be
    /// several.
    pub(super) fn holders(&self, keys: &NameKeys, but: Option<UserId>) -> impl Iterator<Item = UserId> {
        let candidates = keys.iter().flat_map(|key| self.users_by_key.all(key));
        candidates.filter(move |id| Some(*id) != but && self.users[id].name.keys().are_alike(keys))
    }

    /// The oldest user who holds a name that is like this one, `but` left out.
    pub fn holder(&self, keys: &NameKeys, but: Option<UserId>) -> Option<UserId> {
        self.holders(keys, but).min()
    }

    /// The user who has this token.
    pub fn bearer(&self, token: &TokenHash) -> Option<(UserId, &User)> {
        let id = self.users_by_token.find(token, |id| self.users[&id].token == *token)?;
        self.user(id).map(|user| (id, user))
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    /// How many rooms there are.
    pub fn rooms_len(&self) -> usize {
        self.rooms.len()
    }

    /// A room.
    pub fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(&id)
    }

    /// The room that is meant by a handle: the one that is spelled so, or else the oldest one that looks like it.
    pub fn room_called(&self, name: &RoomName) -> Option<RoomId> {
        self.rooms_by_key.find(name, |id| &self.rooms[&id].name)
    }

    /// The number of the next new user.
    pub(super) fn next_user(&self) -> UserId {
        self.next_user
    }

    /// The number of the next new room; there may be no such number any more.
    pub(super) fn next_room(&self) -> RoomId {
        RoomId(self.next_room)
    }
}
