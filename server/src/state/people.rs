//! Who comes, goes, and is called what.

use teahouse_protocol::{EventKind, MemberName, RoomName, UnixMillis};

use super::{
    Applied, Author, Away, Change, GUEST, Keep, LOBBY, Outcome, Rejection, RoomSet, SERVER_USER,
    SERVER_USER_NAME, State, TokenHash, User, UserId,
};

/// Whether a name is like those that guests are given who have none.
fn is_guest_name(name: &MemberName) -> bool {
    let number = name.as_str().strip_prefix(GUEST);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl State {
    /// Makes what a new log begins with: the server's own user and the lobby.
    pub(super) fn found(&mut self, at: UnixMillis) -> Result<Applied, Rejection> {
        if self.users.contains_key(&SERVER_USER) {
            return Ok(Applied::nothing(Outcome::Unchanged));
        }
        let name = MemberName::parse(SERVER_USER_NAME).expect("a constant that follows the rules");
        let lobby = RoomName::parse(LOBBY).expect("a constant that follows the rules");
        // No token has this hash: that would be a preimage of SHA-256.
        let token = TokenHash([0; 32]);
        let user =
            User { name, renamed: false, keep: Keep::Proven, token, seen_at: at, rooms: RoomSet::default() };
        let added = Change::UserAdded { id: SERVER_USER, user: user.clone() };
        self.add_user(SERVER_USER, user);
        let mut changes = vec![added];
        self.create_room(at, SERVER_USER, &lobby, &mut changes)?;
        Ok(Applied { outcome: Outcome::Unchanged, changes })
    }

    pub(super) fn arrive_as_guest(
        &mut self,
        at: UnixMillis,
        name: Option<MemberName>,
        keep: bool,
        token: TokenHash,
        away: Option<Away>,
    ) -> Result<Applied, Rejection> {
        let id = UserId(self.next_user);
        let mut changes = Vec::new();
        let name = match name {
            Some(name) => {
                self.free_name(at, &name, None, away, &mut changes)?;
                name
            }
            None => self.free_guest_name(id),
        };
        let keep = if keep { Keep::Asked } else { Keep::No };
        let user =
            User { name: name.clone(), renamed: false, keep, token, seen_at: at, rooms: RoomSet::default() };
        changes.push(Change::UserAdded { id, user: user.clone() });
        self.add_user(id, user);
        Ok(Applied { outcome: Outcome::Arrived { user: id, name }, changes })
    }

    /// Takes a name that may be given from whoever holds it, unless it is `own` or waits for its holder. A guest on a lease is
    /// called something else from then on and loses nothing besides; a kept name that waits no more goes with its guest.
    /// What that one is called then is not taken from it again: else each further hello would cost two events in all of its
    /// rooms.
    fn free_name(
        &mut self,
        at: UnixMillis,
        name: &MemberName,
        own: Option<UserId>,
        away: Option<Away>,
        changes: &mut Vec<Change>,
    ) -> Result<(), Rejection> {
        name.check_new().map_err(Rejection::BadMemberName)?;
        let keys = name.keys();
        let Some(holder) = self.holder(&keys, own) else { return Ok(()) };
        let is_another_s = self.holders(&keys, own).any(|other| other != holder);
        let user = &self.users[&holder];
        let away = away.filter(|away| away.user == holder && holder != SERVER_USER && !is_another_s);
        match (away, user.keep) {
            (Some(_), Keep::No) if !is_guest_name(&user.name) => {
                let other = self.free_guest_name(holder);
                self.call(at, holder, other, changes);
                Ok(())
            }
            (Some(away), Keep::Asked | Keep::Proven)
                if !user.is_kept_at(at) || user.is_forgotten(name, away) =>
            {
                self.retire(at, holder, changes);
                Ok(())
            }
            _ => Err(Rejection::NameTaken(name.clone())),
        }
    }

    fn free_guest_name(&self, id: UserId) -> MemberName {
        (id.0..)
            .map(|number| MemberName::parse(&format!("{GUEST}{number}")).expect("at most 22 characters"))
            .find(|name| self.holder(&name.keys(), None).is_none())
            .expect("there are more numbers than users")
    }

    pub(super) fn arrive_with_token(
        &mut self,
        at: UnixMillis,
        token: TokenHash,
    ) -> Result<Applied, Rejection> {
        let holder = self.users_by_token.find(&token, |id| self.users[&id].token == token);
        let id = holder.ok_or(Rejection::BadToken)?;
        let user = self.users.get_mut(&id).ok_or(Rejection::BadToken)?;
        user.seen_at = at;
        if user.keep == Keep::Asked {
            user.keep = Keep::Proven;
        }
        let outcome = Outcome::Arrived { user: id, name: user.name.clone() };
        Ok(Applied { outcome, changes: vec![Change::UserSeen { id, at, keep: user.keep }] })
    }

    pub(super) fn rename(
        &mut self,
        at: UnixMillis,
        id: UserId,
        name: MemberName,
        away: Option<Away>,
    ) -> Result<Applied, Rejection> {
        let user = self.users.get(&id).ok_or(Rejection::UserGone)?;
        let mut changes = Vec::new();
        if user.name != name {
            self.free_name(at, &name, Some(id), away, &mut changes)?;
            self.call(at, id, name.clone(), &mut changes);
        }
        Ok(Applied { outcome: Outcome::Renamed { name }, changes })
    }

    /// Gives a user another name. Its rooms see somebody leave under the old name and join under the new one.
    fn call(&mut self, at: UnixMillis, id: UserId, name: MemberName, changes: &mut Vec<Change>) {
        let user = self.users.get_mut(&id).expect("looked up before");
        let old = user.author(id);
        old.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
        name.keys().iter().for_each(|key| self.users_by_key.insert(key, id));
        user.name = name.clone();
        user.renamed = true;
        changes.push(Change::UserRenamed { id, name });
        for room in user.rooms.iter() {
            let place = self.rooms.get_mut(&room).expect("users are members of rooms that exist");
            let left = Author { name: old.name.clone(), ..old };
            changes.push(Change::Event(place.append(at, room, left, EventKind::Leave, None)));
            changes.push(Change::Event(place.append(at, room, user.author(id), EventKind::Join, None)));
        }
    }

    /// Where the name waits for the user, nothing happens.
    pub(super) fn depart(&mut self, at: UnixMillis, user: UserId) -> Applied {
        let mut changes = Vec::new();
        if user != SERVER_USER && self.users.get(&user).is_some_and(|user| !user.is_kept_at(at)) {
            self.retire(at, user, &mut changes);
        }
        Applied { outcome: Outcome::Unchanged, changes }
    }

    pub(super) fn sign_out(&mut self, at: UnixMillis, user: UserId) -> Result<Applied, Rejection> {
        if user == SERVER_USER || !self.users.contains_key(&user) {
            return Err(Rejection::UserGone);
        }
        let mut changes = Vec::new();
        self.retire(at, user, &mut changes);
        Ok(Applied { outcome: Outcome::SignedOut, changes })
    }

    /// Lets a user leave its rooms and frees its name.
    fn retire(&mut self, at: UnixMillis, id: UserId, changes: &mut Vec<Change>) {
        let Some(mut user) = self.users.remove(&id) else { return };
        user.name.keys().iter().for_each(|key| self.users_by_key.remove(key, id));
        self.users_by_token.remove(&user.token, id);
        for room in std::mem::take(&mut user.rooms).iter() {
            self.leave_room(at, room, user.author(id), changes);
        }
        changes.push(Change::UserRetired { id });
    }
}
