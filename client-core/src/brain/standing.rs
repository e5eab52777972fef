use teahouse_protocol::{Command, ErrorCode, ErrorReply, RoomName, Unwatch};

use super::{Asked, Brain};
use crate::input::Ticks;
use crate::output::{Change, Notice};
use crate::room::Outside;

impl Brain {
    /// Makes the user a member of a room.
    pub(super) fn want(&mut self, name: &RoomName, create: bool) {
        let room = self.room_entry(name);
        room.wanted = true;
        room.create |= create;
        room.announce = !room.joined;
        room.outside = Outside::Reader;
        if !room.joined {
            self.queue_join(name, true);
        }
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
        self.join_wanted();
    }

    /// The open room is read, whether or not the user is a member of it.
    pub(super) fn watch_active(&mut self) {
        let Some(name) = self.model.active.clone() else { return };
        let up = self.line.is_up();
        let room = self.room_entry(&name);
        // A room that is to be joined is watched when that is done.
        let to_come = room.wanted && !room.joined;
        if up && room.is_unwatched() && !to_come && room.outside != Outside::Missing {
            self.watch(&name);
        }
    }

    /// Reads a room no more.
    pub(super) fn unwatch(&mut self, name: &RoomName) {
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        room.watching = false;
        room.watch_asked = false;
        room.set_members(Vec::new());
        room.members_known = false;
        room.reading.forget_counts();
        self.ask(Command::Unwatch(Unwatch { room: name.clone() }), Asked::Unwatch);
        self.change(Change::Members(name.clone()));
    }

    /// The user is in this room, whichever program of the user's has joined it.
    pub(super) fn is_member(&mut self, name: &RoomName) {
        let room = self.room_entry(name);
        room.joined = true;
        room.wanted = true;
        room.leaving = false;
        room.outside = Outside::Reader;
        self.drop_join(name);
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
        if self.model.rooms[name].is_unwatched() {
            self.watch(name);
        }
    }

    /// Another program of the user's has left the room. Nobody's words may go elsewhere for that: where it is open it
    /// stays open, to be read.
    pub(super) fn left_elsewhere(&mut self, name: &RoomName) {
        let active = self.model.active.as_ref() == Some(name);
        let room = self.room_entry(name);
        room.joined = false;
        room.wanted = false;
        room.outside = Outside::Left;
        self.drop_join(name);
        if !active {
            self.unwatch(name);
        }
        self.notice(Notice::LeftElsewhere { room: name.clone() });
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
    }

    pub(super) fn watch_refused(&mut self, name: &RoomName, error: ErrorReply, now: Ticks) {
        if error.temporary {
            // Without its watch a room would stand still in silence; a new link tries everything again.
            return self.cut(error.message, now);
        }
        let room = self.room_entry(name);
        room.watch_asked = false;
        if error.code != ErrorCode::NoSuchRoom {
            return self.tell(Some(name.clone()), error);
        }
        room.outside = Outside::Missing;
        room.timeline.loading = None;
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
    }
}
