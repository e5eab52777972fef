//! What happens in rooms.

use teahouse_protocol::{EventKind, OpId, RoomName, Seq, UnixMillis, limits};

use super::{
    Applied, Author, Change, LOBBY_ROOM, Outcome, Rejection, Room, RoomId, State, StoredEvent, UserId,
};

impl State {
    pub(super) fn join(
        &mut self,
        at: UnixMillis,
        id: UserId,
        name: &RoomName,
        create: bool,
    ) -> Result<Applied, Rejection> {
        let user = self.users.get(&id).ok_or(Rejection::UserGone)?;
        let mut changes = Vec::new();
        let existing = self.rooms_by_key.find(name, |id| &self.rooms[&id].name);
        if let Some(room) = existing
            && user.rooms.contains(room)
        {
            return Ok(Applied::nothing(self.done(room, None)));
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
        let by = user.author(id);
        let joined = self.rooms.get_mut(&room).expect("found or made above");
        joined.members += 1;
        let event = joined.append(at, room, by, EventKind::Join, None);
        let outcome = self.done(room, Some(event.seq));
        changes.push(Change::Event(event));
        Ok(Applied { outcome, changes })
    }

    fn done(&self, room: RoomId, seq: Option<Seq>) -> Outcome {
        Outcome::Done { room, name: self.rooms[&room].name.clone(), seq }
    }

    pub(super) fn create_room(
        &mut self,
        at: UnixMillis,
        by: UserId,
        name: &RoomName,
        changes: &mut Vec<Change>,
    ) -> Result<RoomId, Rejection> {
        name.check_new().map_err(Rejection::BadRoomName)?;
        if self.rooms.len() >= limits::ROOMS_MAX || self.next_room >= RoomId::END {
            return Err(Rejection::TooManyRooms);
        }
        let id = RoomId(self.next_room);
        let author = self.users.get(&by).ok_or(Rejection::UserGone)?.author(by);
        let mut room = Room { name: name.clone(), head: Seq::ZERO, members: 0, written: false };
        changes.push(Change::RoomAdded { id, name: name.clone(), at });
        changes.push(Change::Event(room.append(at, id, author, EventKind::Create, None)));
        self.add_room(id, room);
        Ok(id)
    }

    pub(super) fn leave(&mut self, at: UnixMillis, id: UserId, room: RoomId) -> Result<Applied, Rejection> {
        let user = self.users.get_mut(&id).ok_or(Rejection::UserGone)?;
        // Who asks may have seen the room before it went away.
        let place = self.rooms.get(&room).ok_or(Rejection::RoomGone)?;
        let name = place.name.clone();
        if !user.rooms.remove(room) {
            return Ok(Applied::nothing(Outcome::Done { room, name, seq: None }));
        }
        let by = user.author(id);
        let mut changes = Vec::new();
        let seq = self.leave_room(at, room, by, &mut changes);
        Ok(Applied { outcome: Outcome::Done { room, name, seq: Some(seq) }, changes })
    }

    /// One member less; a room that nobody wrote in goes away with its last.
    pub(super) fn leave_room(
        &mut self,
        at: UnixMillis,
        room: RoomId,
        by: Author,
        changes: &mut Vec<Change>,
    ) -> Seq {
        let left = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
        left.members -= 1;
        let event = left.append(at, room, by, EventKind::Leave, None);
        let seq = event.seq;
        changes.push(Change::Event(event));
        self.drop_if_empty(room, changes);
        seq
    }

    fn drop_if_empty(&mut self, id: RoomId, changes: &mut Vec<Change>) {
        let room = &self.rooms[&id];
        if room.members == 0 && !room.written && id != LOBBY_ROOM {
            self.rooms_by_key.remove(&room.name, id);
            self.rooms.remove(&id);
            changes.push(Change::RoomRemoved { id });
        }
    }

    /// Earlier versions kept such rooms.
    pub(super) fn drop_empty_rooms(&mut self) -> Applied {
        let mut changes = Vec::new();
        for id in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.drop_if_empty(id, &mut changes);
        }
        Applied { outcome: Outcome::Unchanged, changes }
    }

    pub(super) fn post(
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
        let by = user.author(id);
        let posted = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
        let mut changes = Vec::new();
        if !std::mem::replace(&mut posted.written, true) {
            changes.push(Change::RoomWritten { id: room });
        }
        let event: StoredEvent = posted.append(at, room, by, kind, op);
        let outcome = Outcome::Done { room, name: posted.name.clone(), seq: Some(event.seq) };
        changes.push(Change::Event(event));
        Ok(Applied { outcome, changes })
    }
}
