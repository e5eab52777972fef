use std::collections::BTreeMap;

use teahouse_protocol::{
    Ack, Auth, CaughtUp, Command, Epoch, ErrorCode, ErrorReply, HistoryPage, Limits, Member, MemberName,
    Members, NamedUser, OpId, PageEvent, Pong, PostText, Renamed, Request, RequestId, ResetReason, Resume,
    RoomInfo, RoomList, RoomName, Seq, ServerMessage, SignedOut, UnixMillis, Unwatched, Watching, Welcome,
    decode_request,
};
use teahouse_server::state::{
    self, Action, Address, Change, Decision, Made, Model, Outcome, Proposal, Records, Rejection, RoomId,
    SERVER_USER, StoredEvent, TokenHash, UserId, Work,
};

use teahouse_simulation::network::{Dice, LinkId};

/// The server's state with a log in memory, and connections that are cursors.
pub(crate) struct Server {
    model: Model,
    log: BTreeMap<RoomId, Vec<StoredEvent>>,
    ops: Ops,
    connections: BTreeMap<LinkId, Connection>,
    tokens: u64,
    /// The most events that a `watch` replays.
    pub(crate) replay_max: u64,
    /// Whether a post is refused for the moment now and then.
    pub(crate) busy: bool,
    /// Whether a name can be had while whoever holds it is away.
    pub(crate) leases: bool,
    pub(crate) dice: Dice,
}

/// What each author's operations made.
#[derive(Default)]
struct Ops(BTreeMap<(UserId, OpId), Made>);

impl Records for Ops {
    fn made_by(&self, author: UserId, op: &OpId) -> Option<Made> {
        self.0.get(&(author, op.clone())).copied()
    }
}

#[derive(Default)]
struct Connection {
    user: Option<UserId>,
    watches: BTreeMap<RoomId, Seq>,
    /// The first post that was refused for the moment: until it comes again, every other is too.
    awaited: Option<OpId>,
}

fn epoch() -> Epoch {
    Epoch::parse("sim").expect("letters")
}

fn token_hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    for (at, byte) in token.bytes().enumerate() {
        hash[at % 32] ^= byte;
    }
    TokenHash(hash)
}

impl Server {
    pub(crate) fn new(seed: u64) -> Self {
        let mut server = Self {
            model: Model::default(),
            log: BTreeMap::new(),
            ops: Ops::default(),
            connections: BTreeMap::new(),
            tokens: 0,
            replay_max: u64::MAX,
            busy: false,
            leases: false,
            dice: Dice::new(seed),
        };
        server.apply(SERVER_USER, Action::Found, UnixMillis::new(0)).expect("a new log can be founded");
        server
    }

    pub(crate) fn open(&mut self, link: LinkId) {
        self.connections.insert(link, Connection::default());
    }

    /// Closes a connection. Answers who is away now, if absences matter.
    pub(crate) fn close(&mut self, link: LinkId, at: UnixMillis) -> Option<UserId> {
        let user = self.connections.remove(&link)?.user.filter(|_| self.leases)?;
        if self.connections.values().any(|connection| connection.user == Some(user)) {
            return None;
        }
        self.apply(user, Action::Go { from: None }, at).expect("anybody may go");
        Some(user)
    }

    /// The lease of a guest who went then is over: it is let go, unless it came back meanwhile. What that tells, to whom.
    pub(crate) fn lease_over(
        &mut self,
        user: UserId,
        since: UnixMillis,
        at: UnixMillis,
    ) -> Vec<(LinkId, String)> {
        self.apply(user, Action::Depart { since }, at).expect("it is not refused");
        self.fan_out()
    }

    /// Somebody comes in words under a name, says something and goes, if the name can be had.
    pub(crate) fn visit(&mut self, name: &str, text: &str, at: UnixMillis) -> Vec<(LinkId, String)> {
        let name = MemberName::parse(name).expect("a legal name");
        self.tokens += 1;
        let token = token_hash(&format!("visitor{}", self.tokens));
        let arrive = Action::ArriveAsGuest { name: Some(name), keep: false, token, from: Address::HOUSE };
        if let Ok(Decision { outcome: Outcome::Arrived { user, .. }, .. }) =
            self.apply(SERVER_USER, arrive, at)
        {
            let room = RoomName::parse("lobby").expect("a legal name");
            let id = self.room_id(&room).expect("the lobby is always there");
            let text = PostText::parse(text).expect("a legal text");
            for action in [
                Action::Join { room, create: false },
                Action::Post { room: id, text, action: false },
                Action::Go { from: None },
                Action::Depart { since: at },
            ] {
                self.apply(user, action, at).expect("a visitor may do that");
            }
        }
        self.fan_out()
    }

    pub(crate) fn room(&self, name: &RoomName) -> &[StoredEvent] {
        let id = self.room_id(name).expect("a room of the story");
        &self.log[&id]
    }

    fn room_id(&self, name: &RoomName) -> Option<RoomId> {
        self.model.rooms().find(|(_, room)| room.name.as_str() == name.as_str()).map(|(id, _)| id)
    }

    fn apply(&mut self, by: UserId, action: Action, at: UnixMillis) -> Result<Decision, Rejection> {
        self.apply_op(by, None, action, at)
    }

    fn apply_op(
        &mut self,
        by: UserId,
        op: Option<OpId>,
        action: Action,
        at: UnixMillis,
    ) -> Result<Decision, Rejection> {
        let applied = state::apply(&mut self.model, &self.ops, &Proposal { at, by, op, action })?;
        for change in &applied.changes {
            if let Change::Event(event) = change {
                if let Some(op) = &event.op {
                    let made = Made { work: Work::Post, room: event.room, seq: event.seq };
                    self.ops.0.insert((event.by, op.clone()), made);
                }
                self.log.entry(event.room).or_default().push(event.clone());
            }
        }
        Ok(applied)
    }

    /// One line from a client. Everything that goes out because of it, to whom.
    pub(crate) fn receive(&mut self, link: LinkId, line: &str, at: UnixMillis) -> Vec<(LinkId, String)> {
        if !self.connections.contains_key(&link) {
            return Vec::new();
        }
        let Request { id, command } = decode_request(line.as_bytes()).expect("brains write legal requests");
        let replies = match self.answer(link, id, command, at) {
            Ok(replies) => replies,
            Err(error) => vec![ServerMessage::Error(error)],
        };
        let mut out: Vec<_> = replies.into_iter().map(|reply| (link, reply.to_json())).collect();
        // The acknowledgement and the event may come in either order.
        let events = self.fan_out();
        if self.dice.one_in(2) {
            out.splice(0..0, events);
        } else {
            out.extend(events);
        }
        out
    }

    fn fan_out(&mut self) -> Vec<(LinkId, String)> {
        let mut out = Vec::new();
        for (link, connection) in &mut self.connections {
            for (room, cursor) in &mut connection.watches {
                let name = &self.model.rooms().find(|(id, _)| id == room).expect("rooms stay").1.name;
                for event in &self.log[room][cursor.get() as usize..] {
                    out.push((*link, push(name, event).to_json()));
                    *cursor = event.seq;
                }
            }
        }
        out
    }

    fn answer(
        &mut self,
        link: LinkId,
        re: RequestId,
        command: Command,
        at: UnixMillis,
    ) -> Result<Vec<ServerMessage>, ErrorReply> {
        let refuse = |code, message: String| ErrorReply {
            re: Some(re),
            code,
            message,
            field: None,
            rule: None,
            temporary: code == ErrorCode::Busy,
            retry_after_ms: None,
        };
        let reject = |rejection: Rejection| {
            let code = match rejection {
                Rejection::NameTaken(_) => ErrorCode::NameTaken,
                Rejection::BadMemberName(_) | Rejection::BadRoomName(_) | Rejection::OpReused => {
                    ErrorCode::InvalidField
                }
                Rejection::BadToken => ErrorCode::BadToken,
                Rejection::NoSuchRoom(_) | Rejection::RoomGone => ErrorCode::NoSuchRoom,
                Rejection::NotMember => ErrorCode::NotMember,
                Rejection::UserGone | Rejection::TooManyRoomsJoined | Rejection::TooManyRooms => {
                    ErrorCode::LimitReached
                }
            };
            refuse(code, rejection.to_string())
        };
        let room_of = |server: &Self, name: &RoomName| {
            server
                .room_id(name)
                .ok_or_else(|| refuse(ErrorCode::NoSuchRoom, format!("there is no room {name}")))
        };
        let user = self.connections[&link].user;
        let user = || user.ok_or_else(|| refuse(ErrorCode::HelloFirst, "say hello first".into()));
        Ok(vec![match command {
            Command::Hello(hello) => {
                let (action, token) = match hello.auth {
                    Auth::Guest { name, keep } => {
                        self.tokens += 1;
                        let token = format!("token{}", self.tokens);
                        let hash = token_hash(&token);
                        (Action::ArriveAsGuest { name, keep, token: hash, from: Address::HOUSE }, Some(token))
                    }
                    Auth::Token { token } => (Action::ArriveWithToken { token: token_hash(&token) }, None),
                };
                let applied = self.apply(SERVER_USER, action, at).map_err(reject)?;
                let Outcome::Arrived { user, name } = applied.outcome else { unreachable!("they arrive") };
                self.connections.get_mut(&link).expect("it speaks").user = Some(user);
                let member = self.model.user(user).expect("just arrived");
                let rooms = member.rooms.iter().map(|id| {
                    let room = self.model.rooms().find(|(room, _)| *room == id).expect("rooms stay").1;
                    teahouse_protocol::JoinedRoom { room: room.name.clone(), head: room.head }
                });
                ServerMessage::Welcome(Welcome {
                    re,
                    protocol: 1,
                    user: NamedUser { id: user, name },
                    token,
                    limits: Limits { posts_in_flight_max: 8, ..Limits::CURRENT },
                    rooms: rooms.collect(),
                    more_rooms: false,
                    server: "sim".into(),
                })
            }
            Command::Rename(rename) => {
                let action = Action::Rename { name: rename.name, from: Address::HOUSE };
                let Outcome::Renamed { user: id, name } =
                    self.apply(user()?, action, at).map_err(reject)?.outcome
                else {
                    unreachable!("they are renamed")
                };
                ServerMessage::Renamed(Renamed { re, user: NamedUser { id, name } })
            }
            Command::SignOut(_) => {
                self.apply(user()?, Action::SignOut, at).map_err(reject)?;
                self.connections.get_mut(&link).expect("it speaks").user = None;
                ServerMessage::SignedOut(SignedOut { re })
            }
            Command::Join(join) => {
                let action = Action::Join { room: join.room.clone(), create: join.create };
                let Outcome::Done { seq, .. } = self.apply(user()?, action, at).map_err(reject)?.outcome
                else {
                    unreachable!("joins are done")
                };
                ServerMessage::Ack(Ack { re, room: join.room, seq })
            }
            Command::Leave(leave) => {
                let room = room_of(self, &leave.room)?;
                let Outcome::Done { seq, .. } =
                    self.apply(user()?, Action::Leave { room }, at).map_err(reject)?.outcome
                else {
                    unreachable!("leaves are done")
                };
                ServerMessage::Ack(Ack { re, room: leave.room, seq })
            }
            Command::Post(post) => {
                let (user, room) = (user()?, room_of(self, &post.room)?);
                let op = post.op.clone().expect("brains give every post an op");
                let connection = self.connections.get_mut(&link).expect("it speaks");
                if connection.awaited.as_ref().is_some_and(|awaited| *awaited != op) {
                    return Err(refuse(ErrorCode::Busy, "send the one before it first".into()));
                }
                connection.awaited = None;
                if self.busy && self.dice.one_in(6) {
                    connection.awaited = Some(op);
                    return Err(refuse(ErrorCode::Busy, "try again".into()));
                }
                let (text, action) = (post.text, post.action);
                let action = Action::Post { room, text, action };
                let Outcome::Done { seq, .. } =
                    self.apply_op(user, Some(op), action, at).map_err(reject)?.outcome
                else {
                    unreachable!("posts are done")
                };
                ServerMessage::Ack(Ack { re, room: post.room, seq })
            }
            Command::Rooms(_) => {
                let mine = &self.model.user(user()?).expect("who asks is known").rooms;
                let rooms = self.model.rooms().map(|(id, room)| RoomInfo {
                    room: room.name.clone(),
                    head: room.head,
                    members: room.members,
                    joined: mine.contains(id),
                });
                ServerMessage::Rooms(RoomList { re, rooms: rooms.collect(), more: false })
            }
            Command::Watch(watch) => return self.watch(link, re, &watch, room_of(self, &watch.room)?),
            Command::Unwatch(unwatch) => {
                let room = room_of(self, &unwatch.room)?;
                self.connections.get_mut(&link).expect("it speaks").watches.remove(&room);
                ServerMessage::Unwatched(Unwatched { re, room: unwatch.room })
            }
            Command::History(history) => {
                let log = &self.log[&room_of(self, &history.room)?];
                let end = history.before.map_or(log.len(), |before| before.get() as usize - 1);
                let start = end.saturating_sub(history.limit.unwrap_or(50) as usize);
                ServerMessage::History(HistoryPage {
                    re,
                    room: history.room,
                    epoch: epoch(),
                    head: log.last().map_or(Seq::ZERO, |event| event.seq),
                    events: log[start..end].iter().cloned().map(PageEvent::from).collect(),
                    more_before: start > 0,
                    more_after: end < log.len(),
                })
            }
            Command::Who(who) => {
                let room = room_of(self, &who.room)?;
                let members = self.model.users().filter(|(_, user)| user.rooms.contains(room));
                let members: Vec<Member> = members
                    .map(|(id, user)| Member { user: id, name: user.name.clone(), online: true })
                    .collect();
                let total = members.len() as u64;
                ServerMessage::Members(Members { re, room: who.room, members, total })
            }
            Command::Ping(_) => ServerMessage::Pong(Pong { re }),
        }])
    }

    fn watch(
        &mut self,
        link: LinkId,
        re: RequestId,
        watch: &teahouse_protocol::Watch,
        id: RoomId,
    ) -> Result<Vec<ServerMessage>, ErrorReply> {
        let log = &self.log[&id];
        let head = log.last().map_or(Seq::ZERO, |event| event.seq);
        let (resume, reason) = match &watch.after {
            None => (Resume::Live, None),
            Some(after) if after.epoch != epoch() => (Resume::Reset, Some(ResetReason::OtherEpoch)),
            Some(after) if after.seq > head => (Resume::Reset, Some(ResetReason::Ahead)),
            Some(after) if head.get() - after.seq.get() > self.replay_max => {
                (Resume::Reset, Some(ResetReason::TooFar))
            }
            Some(_) => (Resume::Replay, None),
        };
        let room = watch.room.clone();
        let mut out = vec![ServerMessage::Watching(Watching {
            re,
            room: room.clone(),
            epoch: epoch(),
            head,
            resume,
            reason,
        })];
        if let (Resume::Replay, Some(after)) = (resume, &watch.after) {
            out.extend(log[after.seq.get() as usize..].iter().map(|event| push(&room, event)));
            out.push(ServerMessage::CaughtUp(CaughtUp { room, head }));
        }
        self.connections.get_mut(&link).expect("it speaks").watches.insert(id, head);
        Ok(out)
    }
}

fn push(room: &RoomName, event: &StoredEvent) -> ServerMessage {
    ServerMessage::Event(PageEvent::from(event.clone()).in_room(room.clone()))
}
