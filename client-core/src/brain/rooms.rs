use teahouse_protocol::{
    Ack, Command, ErrorCode, ErrorReply, Members, NameError, Presence, RoomInfo, RoomList, RoomName, Rooms,
    Who,
};

use super::{Asked, Brain};
use crate::limits::{INACTIVE_TIMELINE_EVENTS_MAX, MEMBERS_LISTED_MAX, ROOMS_LISTED_MAX};
use crate::output::{Change, Notice, RoomSummary};
use crate::room::{Member, Outside};
use crate::store::Key;

impl Brain {
    /// Makes a room the active one. Where the user is no member it is read.
    pub(super) fn open(&mut self, name: &RoomName) {
        if self.model.active.as_ref() != Some(name) {
            self.enter(Some(name));
        }
        self.reopening = false;
        let room = self.room_entry(name);
        room.reading.line_due = true;
        if room.outside == Outside::Missing {
            room.outside = Outside::Reader;
        }
        let watching = room.watching;
        self.place_unread_line(name);
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
        if !self.line.is_up() {
            return;
        }
        if watching {
            self.ask_who(name, false);
        } else {
            self.watch_active();
        }
    }

    /// Shows another room, or none; the one that was shown is looked at no more.
    fn enter(&mut self, name: Option<&RoomName>) {
        let before = self.model.active.clone();
        if let Some(room) = before.and_then(|name| self.model.rooms.get_mut(&name)) {
            room.timeline.unread_after = None;
            room.reading.line_due = false;
            room.show = None;
            room.timeline.reader = None;
            room.timeline.trim(INACTIVE_TIMELINE_EVENTS_MAX);
            let (name, read_only) = (room.name.clone(), !room.joined && !room.is_unwatched());
            self.changes.insert(Change::Timeline(name.clone()));
            if read_only && !room.is_joining() && self.line.is_up() {
                self.unwatch(&name);
            }
        }
        self.set_active(name.cloned());
        self.at_bottom = true;
    }

    /// The first welcome of a run in which no room was asked for: goes on in the room of the last run, if the user is
    /// still in it or has written there meanwhile; otherwise in this one.
    pub(super) fn reopen(&mut self, other: Option<RoomName>) {
        if !std::mem::take(&mut self.reopening) {
            return;
        }
        let last = self.model.active.as_ref().and_then(|name| self.model.rooms.get(name));
        if !last.is_some_and(|room| room.wanted) {
            self.enter(other.as_ref());
            if let Some(name) = other {
                self.room_entry(&name).reading.line_due = true;
                self.change(Change::Timeline(name));
            }
        }
    }

    pub(super) fn joined(&mut self, asked: &RoomName, ack: &Ack) {
        self.drop_join(asked);
        let name = self.spelled(asked, &ack.room);
        let room = self.room_entry(&name);
        room.joined_at = ack.seq.unwrap_or(room.head);
        if std::mem::take(&mut room.announce) {
            self.notice(Notice::Joined { room: name.clone() });
        }
        self.is_member(&name);
    }

    pub(super) fn join_refused(&mut self, name: &RoomName, error: ErrorReply) {
        self.drop_join(name);
        let room = self.room_entry(name);
        room.wanted = false;
        room.create = false;
        self.fail_waiting(name, error.code, &error.message);
        let missing = error.code == ErrorCode::NoSuchRoom;
        if missing {
            self.room_entry(name).outside = Outside::Missing;
        }
        let active = self.model.active.as_ref() == Some(name);
        let about = Some(name.clone());
        self.notice(match error.rule.as_deref().and_then(NameError::of_rule) {
            Some(reason) => Notice::BadName { reason },
            None => Notice::ServerError { room: about, code: error.code, message: error.message },
        });
        if !active && self.model.room(name).is_some_and(|room| !room.listed && !room.holds_words()) {
            self.model.rooms.remove(name);
        }
        if active && !missing {
            self.watch_active();
        }
        self.change(Change::Rooms);
    }

    pub(super) fn left(&mut self, name: &RoomName) {
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        let was_in = room.joined || room.wanted;
        room.joined = false;
        room.wanted = false;
        room.leaving = false;
        room.outside = Outside::Reader;
        self.drop_join(name);
        if !was_in {
            return;
        }
        self.unwatch(name);
        self.notice(Notice::Left { room: name.clone() });
        if !self.leave_for_another(name) {
            self.enter(None);
        }
        self.change(Change::Rooms);
    }

    /// When the active room is one that the user is not in, another one takes its place. Says whether there is one.
    fn leave_for_another(&mut self, name: &RoomName) -> bool {
        if self.model.active.as_ref() != Some(name) {
            return true;
        }
        let other = self.model.rooms.values().find(|room| room.joined).map(|room| room.name.clone());
        if let Some(other) = &other {
            self.open(other);
        }
        other.is_some()
    }

    pub(super) fn ask_rooms(&mut self, after: Option<RoomName>, shown: bool) {
        if after.is_none() {
            for room in self.model.rooms.values_mut() {
                room.listed = false;
            }
        }
        self.ask(Command::Rooms(Rooms { after }), Asked::Rooms { shown });
    }

    pub(super) fn rooms_listed(&mut self, list: RoomList, shown: bool) {
        let mut listed = self.model.rooms.values().filter(|room| room.listed).count();
        let last = list.rooms.last().map(|info| info.room.clone());
        for info in list.rooms {
            self.membership_told(&info);
            if listed >= ROOMS_LISTED_MAX {
                break;
            }
            let room = self.room_entry(&info.room);
            listed += usize::from(!room.listed);
            room.listed = true;
            if room.outside == Outside::Missing {
                room.outside = Outside::Reader;
            }
            room.head = room.head.max(info.head);
            if !room.members_known {
                room.member_total = info.members;
            }
        }
        self.change(Change::Rooms);
        if list.more && last.is_some() && listed < ROOMS_LISTED_MAX {
            return self.ask_rooms(last, shown);
        }
        // It may be a room that there was not a moment ago.
        self.watch_active();
        let active = self.model.active.clone();
        self.model.rooms.retain(|name, room| {
            room.listed || room.joined || room.wanted || room.holds_words() || active.as_ref() == Some(name)
        });
        if shown {
            let rooms = self.model.rooms.values().filter(|room| room.listed);
            let rooms = rooms.map(|room| RoomSummary {
                name: room.name.clone(),
                members: room.member_total,
                joined: room.joined,
            });
            let rooms = rooms.collect();
            self.notice(Notice::Rooms { rooms });
        }
    }

    /// The list of rooms says whether the user is in one: another program of the user's may have joined or left it.
    /// Answers come in the order of questions, so it cannot be older than what was asked here before.
    fn membership_told(&mut self, info: &RoomInfo) {
        let name = &info.room;
        let known = self.model.room(name).is_some_and(|room| room.joined);
        if info.joined && !known {
            // An earlier leaving, which is replayed to who has not heard of it, is over.
            self.room_entry(name).joined_at = info.head;
            self.is_member(name);
        } else if known && !info.joined {
            self.left_elsewhere(name);
        }
    }

    pub(super) fn ask_who(&mut self, room: &RoomName, shown: bool) {
        self.ask(Command::Who(Who { room: room.clone() }), Asked::Who { room: room.clone(), shown });
    }

    pub(super) fn members_listed(&mut self, asked: &RoomName, reply: Members, shown: bool) {
        let name = self.spelled(asked, &reply.room);
        let room = self.room_entry(&name);
        let members = reply.members.into_iter().take(MEMBERS_LISTED_MAX);
        room.set_members(
            members
                .map(|member| Member { user: member.user, name: member.name, online: member.online })
                .collect(),
        );
        room.members_known = true;
        room.member_total = reply.total;
        if shown {
            let members = room.members.clone();
            self.notice(Notice::Who { room: name.clone(), members, total: reply.total });
        }
        self.change(Change::Members(name));
    }

    pub(super) fn presence(&mut self, presence: Presence) {
        let Some(room) = self.model.rooms.get_mut(&presence.room) else { return };
        if room.presence(presence.user, presence.online) {
            self.change(Change::Members(presence.room));
        }
    }

    /// Takes over the server's spelling of a room's name: "Lobby" may be "lobby".
    pub(super) fn spelled(&mut self, asked: &RoomName, stored: &RoomName) -> RoomName {
        if asked != stored
            && let Some(mut old) = self.model.rooms.remove(asked)
        {
            let mut moved = Vec::new();
            moved.append(&mut old.timeline.pending);
            for post in &moved {
                self.store_post(stored, post);
            }
            for key in [Key::Draft(asked.clone()), Key::Read(asked.clone())] {
                self.store(&key, None);
            }
            let room = self.room_entry(stored);
            room.wanted |= old.wanted;
            room.announce |= old.announce;
            room.show = room.show.or(old.show);
            room.timeline.pending.append(&mut moved);
            if room.draft.is_empty() && !old.draft.is_empty() {
                room.draft.clone_from(&old.draft);
                room.draft_is_own = old.draft_is_own;
                self.store(&Key::Draft(stored.clone()), Some(old.draft));
                self.change(Change::Draft(stored.clone()));
            }
            if self.model.active.as_ref() == Some(asked) {
                self.set_active(Some(stored.clone()));
                self.room_entry(stored).reading.line_due = true;
            }
            self.change(Change::Rooms);
        }
        stored.clone()
    }
}
