use teahouse_protocol::{
    Auth, Command, ErrorCode, ErrorReply, MemberName, NameError, NamedUser, Rename, UserId, Welcome,
};

use super::{Asked, Brain};
use crate::input::Ticks;
use crate::model::{Connection, Me, NameProblem};
use crate::output::{Change, Notice};
use crate::room::Outside;
use crate::store::{self, Key, StoredIdentity};

impl Brain {
    /// This is the user: by name, and by number once the server has said it.
    pub(super) fn set_me(&mut self, name: Option<MemberName>, user: Option<UserId>) {
        let me = name.map(|name| Me { name, user });
        for room in self.model.rooms.values_mut() {
            room.timeline.me.clone_from(&me);
        }
        if self.model.me != me {
            self.model.me = me;
            self.change(Change::Identity);
        }
    }

    /// Whether the brain speaks for somebody, or for whomever the server makes of it.
    pub(super) fn is_somebody(&self) -> bool {
        self.anonymous || self.identity.is_some()
    }

    /// By what the server knows the user.
    pub(super) fn token(&self) -> Option<String> {
        self.identity.as_ref().and_then(|identity| identity.token.clone())
    }

    pub(super) fn say_hello(&mut self) {
        // Whoever the user was comes first: somebody may want to be called so again.
        if let Some(token) = self.farewells.first().cloned() {
            return self.greet(Auth::Token { token: token.clone() }, Asked::Farewell { token });
        }
        match self.token() {
            Some(token) => self.greet(Auth::Token { token }, Asked::Hello { token: true }),
            None => {
                let name = self.identity.as_ref().map(|identity| identity.name.clone());
                let keep = self.config.keep;
                self.greet(Auth::Guest { name, keep }, Asked::Hello { token: false });
            }
        }
    }

    fn greet(&mut self, auth: Auth, about: Asked) {
        let id = self.line.greet(auth, &self.config.client, &mut self.outputs);
        self.asked.insert(id, about);
    }

    pub(super) fn welcomed(&mut self, welcome: Welcome, with_token: bool, now: Ticks) {
        self.line.welcomed(now);
        self.limits = welcome.limits;
        let before = self.identity.take();
        let from = before.as_ref().map(|before| before.name.clone()).filter(|_| with_token);
        let token = welcome.token.or_else(|| before.and_then(|before| before.token));
        let NamedUser { id, name } = welcome.user;
        let identity = StoredIdentity { name, token };
        self.store(&Key::Identity, Some(store::encode(&identity)));
        self.set_me(Some(identity.name.clone()), Some(id));
        self.author_is(identity.token.as_deref());
        if self.renaming.as_ref() == Some(&identity.name) {
            self.renaming = None;
        }
        if let Some(from) = from.filter(|from| *from != identity.name) {
            self.notice(Notice::Renamed { from, to: identity.name.clone() });
        }
        self.identity = Some(identity);
        self.model.membership_known = true;
        // A known user is in those rooms that the server says; a new one goes back to where the old one was.
        let server_decides = with_token && self.was_welcome && !welcome.more_rooms;
        let first_rooms =
            if with_token || self.was_welcome { Vec::new() } else { self.config.first_rooms.clone() };
        self.was_welcome = true;
        let mut left = Vec::new();
        for room in self.model.rooms.values_mut() {
            if server_decides && room.joined {
                room.wanted = false;
                room.outside = Outside::Left;
                left.push(room.name.clone());
            }
            room.joined = false;
        }
        left.iter().for_each(|name| self.drop_join(name));
        for name in &first_rooms {
            self.room_entry(name).wanted = true;
        }
        let first = welcome.rooms.first().map(|joined| joined.room.clone());
        for joined in welcome.rooms {
            let room = self.room_entry(&joined.room);
            room.joined = true;
            room.wanted = true;
            room.joined_at = joined.head;
            room.head = room.head.max(joined.head);
            self.drop_join(&joined.room);
        }
        self.reopen(first.or_else(|| first_rooms.first().cloned()));
        self.store_active();
        self.change(Change::Rooms);
        self.watch_joined();
        self.watch_active();
        self.join_wanted();
        self.ask_rooms(None, false);
    }

    pub(super) fn hello_refused(&mut self, error: ErrorReply, with_token: bool, now: Ticks) {
        if error.temporary {
            return self.cut(error.message, now);
        }
        match error.code {
            ErrorCode::BadToken if with_token => {
                self.author_is(None);
                // What is kept stays until there is something better: another program of the user's may have that already.
                if let Some(identity) = &mut self.identity {
                    identity.token = None;
                }
                self.say_hello();
            }
            ErrorCode::NameTaken => {
                let name = self.identity.take().map(|identity| identity.name);
                self.ask_for_name(name.map(NameProblem::Taken));
            }
            ErrorCode::InvalidField if error.field.as_deref().is_some_and(|field| field.contains("name")) => {
                let refused = error.rule.as_deref().and_then(NameError::of_rule);
                let problem = refused.map_or(NameProblem::Refused(error.message), NameProblem::Rule);
                self.ask_for_name(Some(problem));
            }
            _ => self.stop(Connection::Stopped { code: Some(error.code), reason: error.message }),
        }
    }

    /// The name was refused, and whatever is kept belongs to whoever has it.
    fn ask_for_name(&mut self, problem: Option<NameProblem>) {
        self.identity = None;
        self.renaming = None;
        self.set_me(None, None);
        self.stop(Connection::NeedsName { problem });
    }

    /// Ends the link, if there is one, and opens another.
    pub(super) fn reconnect(&mut self, now: Ticks) {
        self.unlink();
        self.line.reconnect(now, &mut self.outputs);
    }

    pub(super) fn choose_name(&mut self, text: &str, now: Ticks) -> bool {
        let name = match MemberName::parse(text.trim()) {
            Ok(name) => name,
            Err(reason) if self.identity.is_none() => {
                self.set_connection(Connection::NeedsName { problem: Some(NameProblem::Rule(reason)) });
                return false;
            }
            Err(reason) => {
                self.notice(Notice::BadName { reason });
                return false;
            }
        };
        match &self.identity {
            None => {
                self.set_me(Some(name.clone()), None);
                self.identity = Some(StoredIdentity { name, token: None });
                if !self.line.held() {
                    self.connect(now);
                }
            }
            Some(identity) if identity.name == name => self.renaming = None,
            Some(_) => self.renaming = Some(name),
        }
        true
    }

    /// Asks for the name that was chosen. The user stays the same, with all that is on its way.
    pub(super) fn rename_when_possible(&mut self) {
        if !self.line.is_up() || self.is_renaming() {
            return;
        }
        if let Some(name) = self.renaming.clone() {
            self.ask(Command::Rename(Rename { name: name.clone() }), Asked::Rename { name });
        }
    }

    pub(super) fn renamed(&mut self, user: NamedUser) {
        let NamedUser { id, name: to } = user;
        let Some(identity) = &mut self.identity else { return };
        self.renaming = None;
        let from = std::mem::replace(&mut identity.name, to.clone());
        let kept = store::encode(identity);
        self.store(&Key::Identity, Some(kept));
        self.set_me(Some(to.clone()), Some(id));
        if from != to {
            self.notice(Notice::Renamed { from, to });
        }
    }

    pub(super) fn rename_refused(&mut self, name: MemberName, error: ErrorReply, now: Ticks) {
        if error.temporary {
            // It is asked again with the next link.
            return self.cut(error.message, now);
        }
        self.renaming = None;
        match error.code {
            ErrorCode::NameTaken => self.notice(Notice::NameTaken { name }),
            _ => match error.rule.as_deref().and_then(NameError::of_rule) {
                Some(reason) => self.notice(Notice::BadName { reason }),
                None => self.tell(None, error),
            },
        }
    }

    /// Whether the user's old name is being left, in every room at once.
    pub(super) fn is_renaming(&self) -> bool {
        self.asked.values().any(|asked| matches!(asked, Asked::Rename { .. }))
    }

    pub(super) fn forget_me(&mut self, now: Ticks) {
        let token = self.token();
        self.identity = None;
        self.store(&Key::Identity, None);
        self.store(&Key::Active, None);
        self.renaming = None;
        self.was_welcome = false;
        self.model.membership_known = false;
        self.discarded = None;
        let mut keys = Vec::new();
        for room in self.model.rooms.values_mut() {
            keys.extend(room.timeline.pending.iter().map(|post| Key::Operation(post.op.clone())));
            keys.extend(room.join.iter().map(|join| Key::Operation(join.op.clone())));
            keys.push(Key::Draft(room.name.clone()));
            keys.push(Key::Read(room.name.clone()));
        }
        for key in keys {
            self.store(&key, None);
        }
        self.model.rooms.clear();
        for name in self.config.rooms.clone() {
            self.room_entry(&name).wanted = true;
            self.change(Change::Timeline(name));
        }
        let first = self.config.first_shown();
        self.reopening = first.is_none();
        self.set_active(first);
        self.change(Change::Rooms);
        self.set_me(None, None);
        match token {
            None => self.stop(Connection::NeedsName { problem: None }),
            Some(token) => {
                self.set_connection(Connection::NeedsName { problem: None });
                self.say_farewell(token, now);
            }
        }
    }
}
