use teahouse_protocol::{Position, RoomName};

use super::Brain;
use crate::input::Ticks;
use crate::output::{Change, Notice};
use crate::store::{self, Key, StoredIdentity};

impl Brain {
    /// What another program of the user's keeps now in the store that both share.
    pub(super) fn shared(&mut self, values: Vec<(String, Option<String>)>, now: Ticks) {
        for (key, value) in values {
            match Key::parse(&key) {
                Some(Key::Identity) => self.identity_elsewhere(value.as_deref(), now),
                Some(Key::Read(room)) => self.read_elsewhere(&room, value.as_deref()),
                Some(Key::Draft(room)) => self.draft_elsewhere(&room, value.unwrap_or_default()),
                // An operation belongs to the program that it was written in, and so does the open room.
                Some(Key::Operation(_) | Key::Active | Key::Farewell(_)) | None => {}
            }
        }
    }

    /// There is one identity for all programs: the one that is kept.
    fn identity_elsewhere(&mut self, value: Option<&str>, now: Ticks) {
        let welcome = self.identity.as_ref().is_some_and(|identity| identity.token.is_some());
        match value.map(store::decode::<StoredIdentity>) {
            // Who is only just choosing a name has nothing that could have been taken away.
            None if welcome => {
                self.forget_me(now);
                self.notice(Notice::SignedOutElsewhere);
            }
            Some(Some(theirs)) if self.identity.as_ref() != Some(&theirs) => self.become_kept(theirs, now),
            // Nothing new, or nothing that this version can read.
            None | Some(None | Some(_)) => {}
        }
    }

    fn become_kept(&mut self, theirs: StoredIdentity, now: Ticks) {
        let mine = self.identity.replace(theirs.clone()).filter(|identity| identity.token.is_some());
        if let Some(mine) = &mine
            && mine.name != theirs.name
        {
            self.notice(Notice::Renamed { from: mine.name.clone(), to: theirs.name.clone() });
        }
        self.renaming = None;
        self.set_me(Some(theirs.name), None);
        match mine.and_then(|mine| mine.token).filter(|token| Some(token) != theirs.token.as_ref()) {
            // Nobody keeps who the user was here, and so nobody could come back to that name.
            Some(token) => self.say_farewell(token, now),
            None => self.reconnect(now),
        }
    }

    fn read_elsewhere(&mut self, name: &RoomName, value: Option<&str>) {
        let Some(theirs) = value.and_then(store::decode::<Position>) else { return };
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        let other_log =
            room.timeline.position.as_ref().is_some_and(|position| position.epoch != theirs.epoch);
        if other_log || room.reading.read.as_ref().is_some_and(|read| !store::is_newer(&theirs, read)) {
            return;
        }
        room.reading.read = Some(theirs);
        room.reading.recount(&room.timeline);
        self.change(Change::Rooms);
    }

    /// What the user types stands where it is typed, in two programs two drafts of one room. Only a copy of what was typed
    /// elsewhere follows that, so that it is not sent twice.
    fn draft_elsewhere(&mut self, name: &RoomName, text: String) {
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        if !room.draft_is_own && !room.draft.is_empty() && room.draft != text {
            room.draft = text;
            self.change(Change::Draft(name.clone()));
        }
    }
}
