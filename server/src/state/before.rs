use std::collections::BTreeMap;

use super::{Change, Model, Room, RoomId, User, UserId, is_member_after};

/// How what changed was before, so that a batch that failed can be given up without reading everything anew.
#[derive(Debug)]
pub struct Before {
    pub(super) users: BTreeMap<UserId, Option<Box<User>>>,
    pub(super) rooms: BTreeMap<RoomId, Option<Room>>,
    pub(super) next_user: UserId,
    pub(super) next_room: RoomId,
}

impl Before {
    /// Nothing has changed.
    pub fn new(model: &Model) -> Self {
        Self {
            users: BTreeMap::new(),
            rooms: BTreeMap::new(),
            next_user: model.next_user(),
            next_room: model.next_room(),
        }
    }

    /// The model is about to absorb this change.
    pub fn note(&mut self, model: &Model, change: &Change) {
        match change {
            Change::UserAdded { id, user } => {
                self.note_user(model, *id);
                user.rooms.iter().for_each(|room| self.note_room(model, room));
            }
            Change::UserRetired { id } => {
                self.note_user(model, *id);
                let rooms = model.user(*id).into_iter().flat_map(|user| user.rooms.iter());
                rooms.for_each(|room| self.note_room(model, room));
            }
            Change::UserSeen { id, .. } | Change::UserRenamed { id, .. } => self.note_user(model, *id),
            Change::RoomAdded { id, .. } | Change::RoomWritten { id } | Change::RoomRemoved { id } => {
                self.note_room(model, *id);
            }
            Change::Event(event) => {
                self.note_room(model, event.room);
                if is_member_after(&event.kind).is_some() {
                    self.note_user(model, event.by);
                }
            }
        }
    }

    fn note_user(&mut self, model: &Model, id: UserId) {
        self.users.entry(id).or_insert_with(|| model.user(id).cloned().map(Box::new));
    }

    fn note_room(&mut self, model: &Model, id: RoomId) {
        self.rooms.entry(id).or_insert_with(|| model.room(id).cloned());
    }
}
