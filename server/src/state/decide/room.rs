//! Who is in which room, and which rooms there are.

use teahouse_protocol::{EventKind, RoomName, Seq, limits};

use super::{Author, Change, Draft, Outcome, Rejection, RoomId, UserId};
use crate::state::{Deed, LOBBY_ROOM, Room};

impl Draft<'_> {
    pub(super) fn join(&mut self, id: UserId, name: &RoomName, create: bool) -> Result<Outcome, Rejection> {
        let user = self.permit(Deed::Join, id, None)?;
        let existing = self.model.room_called(name).and_then(|id| Some((id, self.model.room(id)?)));
        if let Some((room, place)) = existing
            && user.rooms.contains(room)
        {
            return Ok(Outcome::Done { room, name: place.name.clone(), seq: None });
        }
        if user.rooms.len() >= limits::ROOMS_JOINED_MAX {
            return Err(Rejection::TooManyRoomsJoined);
        }
        let author = Author::new(id, user);
        let (room, name) = match existing {
            Some((room, place)) => (room, place.name.clone()),
            None if create => (self.create_room(author.clone(), name)?, name.clone()),
            None => return Err(Rejection::NoSuchRoom(name.clone())),
        };
        let seq = self.happen(room, author, EventKind::Join);
        Ok(Outcome::Done { room, name, seq: Some(seq) })
    }

    pub(super) fn create_room(&mut self, by: Author, name: &RoomName) -> Result<RoomId, Rejection> {
        name.check_new().map_err(Rejection::BadRoomName)?;
        let id = self.model.next_room();
        if self.model.rooms_len() >= limits::ROOMS_MAX || id.0 >= RoomId::END {
            return Err(Rejection::TooManyRooms);
        }
        let room = Room { name: name.clone(), head: Seq::ZERO, members: 0, written: false };
        self.changes.push(Change::RoomAdded { id, at: self.at, room });
        self.happen(id, by, EventKind::Create);
        Ok(id)
    }

    pub(super) fn leave(&mut self, id: UserId, room: RoomId) -> Result<Outcome, Rejection> {
        let user = self.permit(Deed::Leave, id, Some(room))?;
        // Who asks may have seen the room before it went away.
        let name = self.model.room(room).ok_or(Rejection::RoomGone)?.name.clone();
        let is_member = user.rooms.contains(room);
        let seq = is_member.then(|| self.leave_room(room, Author::new(id, user)));
        Ok(Outcome::Done { room, name, seq })
    }

    /// One member less; a room that nobody wrote in goes away with its last.
    pub(super) fn leave_room(&mut self, room: RoomId, by: Author) -> Seq {
        let seq = self.happen(room, by, EventKind::Leave);
        self.drop_if_left_with(1, room);
        seq
    }

    /// Takes away a room that nobody wrote in, if it has so many members before this.
    fn drop_if_left_with(&mut self, members: u64, id: RoomId) {
        let room = self.model.room(id);
        if room.is_some_and(|room| room.members == members && !room.written) && id != LOBBY_ROOM {
            self.changes.push(Change::RoomRemoved { id });
        }
    }

    /// Earlier versions kept such rooms.
    pub(super) fn drop_empty_rooms(&mut self) -> Outcome {
        for (id, _) in self.model.rooms() {
            self.drop_if_left_with(0, id);
        }
        Outcome::Unchanged
    }
}
