//! Who comes, goes, and is called what.

use teahouse_protocol::{EventKind, MemberName, RoomName, UnixMillis};

use super::{Author, Change, Draft, Outcome, Rejection, User, UserId};
use crate::state::{Address, Away, Deed, Keep, LOBBY, RoomSet, SERVER_USER, SERVER_USER_NAME, TokenHash};

/// What guests without a name of their own are called, with a number behind it.
const GUEST: &str = "茶客";

/// Whether a name is like those that guests are given who have none.
fn is_guest_name(name: &MemberName) -> bool {
    let number = name.as_str().strip_prefix(GUEST);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Draft<'_> {
    /// Makes what a new log begins with: the server's own user and the lobby.
    pub(super) fn found(&mut self) -> Result<Outcome, Rejection> {
        if self.model.user(SERVER_USER).is_some() {
            return Ok(Outcome::Unchanged);
        }
        let name = MemberName::parse(SERVER_USER_NAME).expect("a constant that follows the rules");
        let lobby = RoomName::parse(LOBBY).expect("a constant that follows the rules");
        // No token has this hash: that would be a preimage of SHA-256.
        let token = TokenHash([0; 32]);
        let user = User {
            name,
            renamed: false,
            keep: Keep::Proven,
            token,
            seen_at: self.at,
            rooms: RoomSet::default(),
        };
        let author = Author::new(SERVER_USER, &user);
        self.changes.push(Change::UserAdded { id: SERVER_USER, user });
        self.create_room(author, &lobby)?;
        Ok(Outcome::Unchanged)
    }

    /// Nobody is here when the server begins.
    pub(super) fn begin(&mut self) -> Outcome {
        let away = Away { since: self.at, from: None };
        let users = self.model.users().map(|(id, _)| id).filter(|id| *id != SERVER_USER);
        self.changes.extend(users.map(|id| Change::UserWent { id, away }));
        Outcome::Unchanged
    }

    pub(super) fn arrive_as_guest(
        &mut self,
        name: Option<&MemberName>,
        keep: bool,
        token: TokenHash,
        from: Address,
    ) -> Result<Outcome, Rejection> {
        let id = self.model.next_user();
        let name = match name {
            Some(name) => {
                self.free_name(name, None, from)?;
                name.clone()
            }
            None => self.free_guest_name(id),
        };
        let keep = if keep { Keep::Asked } else { Keep::No };
        let seen_at = self.at;
        let user =
            User { name: name.clone(), renamed: false, keep, token, seen_at, rooms: RoomSet::default() };
        self.changes.push(Change::UserAdded { id, user });
        Ok(Outcome::Arrived { user: id, name })
    }

    /// Takes a name that may be given from whoever holds it, unless it is `own`, or its holder is here, or it waits for its
    /// holder. A guest on a lease is called something else from then on and loses nothing besides; a kept name that waits no more goes with its guest.
    /// What that one is called then is not taken from it again: else each further hello would cost two events in all of its
    /// rooms.
    fn free_name(&mut self, name: &MemberName, own: Option<UserId>, from: Address) -> Result<(), Rejection> {
        name.check_new().map_err(Rejection::BadMemberName)?;
        let taken = || Rejection::NameTaken(name.clone());
        let keys = name.keys();
        let Some(holder) = self.model.holder(&keys, own) else { return Ok(()) };
        let is_another_s = self.model.holders(&keys, own).any(|other| other != holder);
        let user = self.model.user(holder).ok_or_else(taken)?;
        let away = self.model.away(holder).filter(|_| holder != SERVER_USER && !is_another_s);
        match (away, user.keep) {
            (Some(_), Keep::No) if !is_guest_name(&user.name) => {
                let other = self.free_guest_name(holder);
                self.call(holder, user, &other);
                Ok(())
            }
            (Some(away), Keep::Asked | Keep::Proven)
                if !user.is_kept_at(self.at) || user.is_forgotten(away, name, from, self.at) =>
            {
                self.retire(holder, user);
                Ok(())
            }
            (Some(_) | None, Keep::No | Keep::Asked | Keep::Proven) => Err(taken()),
        }
    }

    fn free_guest_name(&self, id: UserId) -> MemberName {
        (id.get()..)
            .map(|number| MemberName::parse(&format!("{GUEST}{number}")).expect("at most 22 characters"))
            .find(|name| self.model.holder(&name.keys(), None).is_none())
            .expect("there are more numbers than users")
    }

    pub(super) fn arrive_with_token(&mut self, token: &TokenHash) -> Result<Outcome, Rejection> {
        let (id, user) = self.model.bearer(token).ok_or(Rejection::BadToken)?;
        let keep = match user.keep {
            Keep::No => Keep::No,
            Keep::Asked | Keep::Proven => Keep::Proven,
        };
        self.come(id);
        self.changes.push(Change::UserSeen { id, at: self.at, keep });
        Ok(Outcome::Arrived { user: id, name: user.name.clone() })
    }

    pub(super) fn come(&mut self, id: UserId) -> Outcome {
        if self.model.away(id).is_some() {
            self.changes.push(Change::UserCame { id });
        }
        Outcome::Unchanged
    }

    pub(super) fn go(&mut self, id: UserId, from: Option<Address>) -> Outcome {
        if self.model.user(id).is_some() && id != SERVER_USER {
            self.changes.push(Change::UserWent { id, away: Away { since: self.at, from } });
        }
        Outcome::Unchanged
    }

    pub(super) fn rename(
        &mut self,
        id: UserId,
        name: &MemberName,
        from: Address,
    ) -> Result<Outcome, Rejection> {
        let user = self.permit(Deed::Rename, id, None)?;
        if user.name != *name {
            self.free_name(name, Some(id), from)?;
            self.call(id, user, name);
        }
        Ok(Outcome::Renamed { user: id, name: name.clone() })
    }

    /// Gives a user another name. Its rooms see somebody leave under the old name and join under the new one.
    fn call(&mut self, id: UserId, user: &User, name: &MemberName) {
        self.changes.push(Change::UserRenamed { id, name: name.clone() });
        let old = Author::new(id, user);
        let new = Author { id, name: name.clone(), renamed: true };
        for room in user.rooms.iter() {
            self.happen(room, old.clone(), EventKind::Leave);
            self.happen(room, new.clone(), EventKind::Join);
        }
    }

    /// Where the user came back meanwhile, be it that it went again, or the name waits for it, nothing happens.
    pub(super) fn depart(&mut self, id: UserId, since: UnixMillis) -> Outcome {
        let is_away = self.model.away(id).is_some_and(|away| away.since == since);
        let user = self.model.user(id).filter(|user| is_away && !user.is_kept_at(self.at));
        if let Some(user) = user {
            self.retire(id, user);
        }
        Outcome::Unchanged
    }

    pub(super) fn sign_out(&mut self, id: UserId) -> Result<Outcome, Rejection> {
        let user = self.permit(Deed::SignOut, id, None)?;
        self.retire(id, user);
        Ok(Outcome::SignedOut)
    }

    /// Lets a user leave its rooms and frees its name.
    fn retire(&mut self, id: UserId, user: &User) {
        for room in user.rooms.iter() {
            self.leave_room(room, Author::new(id, user));
        }
        self.changes.push(Change::UserRetired { id });
    }
}
