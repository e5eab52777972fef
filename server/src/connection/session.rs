mod reads;

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use teahouse_protocol::{
    Ack, Auth, Command, Gone, Hello, Limits, MemberName, Members, NamedUser, OpId, PROTOCOL_VERSION, Pong,
    Renamed, Request, RequestId, RoomList, RoomName, ServerMessage, SignedOut, Unwatched, Welcome, limits,
};

use super::mailbox::{Answer, PersonalNews};
use super::outlet::{Outgoing, Outlet};
use super::pipeline::Pipeline;
use super::socket::Socket;
use super::thin_queue::ThinQueue;
use super::watches::Watches;
use crate::directory::Login;
use crate::door::Door;
use crate::encoded::{ANSWER_BYTES_MAX, joined_room_bytes, member_bytes, truncate};
use crate::fanout::Feed;
use crate::house::{House, SERVER};
use crate::log::LogError;
use crate::order::{Refusal, ReplyTo, Verdict, Wish};
use crate::pace::{Address, ConnectionPace, Kind, TooFast, Who};
use crate::seat::Seat;
use crate::state::{Action, Deed, Outcome, Rejection, SERVER_USER, Sight, TokenHash, permit};
use crate::turns::Source;
use crate::wire_errors::{SessionError, TooMany, refused, unreadable};

/// The texts of a connection's posts at work have at most so many bytes together, or are one; further ones wait in the
/// socket.
const POSTING_BYTES_MAX: usize = 256 * 1024;
/// What a list in an answer has at most, in bytes; the rest is what stands around it.
const LIST_BYTES_MAX: usize = ANSWER_BYTES_MAX - 1_024;

/// One connected client: who it is, what it watches, and what it waits for.
pub(super) struct Session<S> {
    house: Arc<House>,
    outlet: Arc<Outlet<S>>,
    peer: SocketAddr,
    source: Source,
    user: Option<(Login, MemberName)>,
    /// Whether a hello has come, accepted or not.
    pub(super) hello_came: bool,
    /// Proposals on their way; the answers come in this order.
    asked: ThinQueue<Asked>,
    /// What the texts among them have, in bytes.
    posting_bytes: usize,
    pace: ConnectionPace,
    pipeline: Pipeline,
    /// Whether the user has departed, with which this session is over.
    gone: bool,
    /// What happened to the user and was not looked at yet.
    news: PersonalNews,
    /// What another connection did to the user.
    elsewhere: Option<Elsewhere>,
    /// Whether something other than posts is on its way, before which nothing else begins.
    alone: bool,
}

/// What another connection did to the user of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// It has another name.
    Renamed,
    /// It signed out.
    Gone,
}

#[derive(Debug)]
enum Asked {
    Hello {
        token: String,
    },
    Rename,
    SignOut,
    Change,
    Post {
        op: Option<OpId>,
        pipeline: u64,
        bytes: usize,
    },
    /// Answered already, and those before it are not.
    Answered(Bytes),
}

impl<S: Socket> Session<S> {
    pub(super) fn new(house: Arc<House>, outlet: Arc<Outlet<S>>, peer: SocketAddr) -> Self {
        let source = Source { address: Address::of(peer.ip()), connection: house.number_connection() };
        Self {
            house,
            outlet,
            peer,
            source,
            user: None,
            hello_came: false,
            asked: ThinQueue::default(),
            posting_bytes: 0,
            pace: ConnectionPace::default(),
            pipeline: Pipeline::default(),
            gone: false,
            news: PersonalNews::default(),
            elsewhere: None,
            alone: false,
        }
    }

    /// Whether the user has departed, so that nothing can succeed any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Something may have happened to the user. It may be what this connection asked for, so that is answered first.
    pub(super) fn hear(&mut self, news: PersonalNews) {
        self.news.renamed |= news.renamed;
        self.news.gone |= news.gone;
        if self.alone {
            return;
        }
        let PersonalNews { renamed, gone, .. } = std::mem::take(&mut self.news);
        let Some((login, name)) = self.user.as_ref().filter(|_| renamed || gone) else { return };
        if gone {
            self.elsewhere = Some(Elsewhere::Gone);
        } else if self.house.directory.name_of(login.user()).is_some_and(|now| now != *name) {
            self.elsewhere = Some(Elsewhere::Renamed);
        }
    }

    /// What another connection did to the user, with which this session is over.
    pub(super) fn changed_elsewhere(&self) -> Option<Elsewhere> {
        self.elsewhere
    }

    fn seat(&self) -> Weak<dyn Seat> {
        let seat: Arc<dyn Seat> = Arc::<Outlet<S>>::clone(&self.outlet);
        Arc::downgrade(&seat)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_empty() && !self.alone
    }

    /// Whether the client may begin with this now. Replies come in the order of requests, so everything but posts
    /// waits for what came before it.
    pub(super) fn may_start(&self, command: &Command) -> bool {
        match command {
            Command::Post(post) => {
                let bytes = post.text.as_str().len();
                let fits = self.posting_bytes == 0 || self.posting_bytes + bytes <= POSTING_BYTES_MAX;
                !self.alone && fits && self.asked.len() < limits::POSTS_IN_FLIGHT_MAX
            }
            _ => self.is_idle(),
        }
    }

    /// Whether the answers that are due, if any, are those to posts.
    pub(super) fn posts_only(&self) -> bool {
        !self.alone && self.asked.iter().all(|asked| matches!(asked, Asked::Post { .. }))
    }

    /// How many answers are due.
    pub(super) fn in_flight(&self) -> usize {
        self.asked.len()
    }

    fn who(&self) -> Who {
        Who { user: self.user.as_ref().map(|(login, _)| login.user()), address: self.source.address }
    }

    /// How long to wait before something else is answered, because what was answered before was long.
    pub(super) fn next_answer(&self) -> Option<Duration> {
        self.house.paces.next_answer(&self.pace, self.who(), self.house.clock.now())
    }

    /// So many bytes were given as an answer.
    pub(super) fn sent(&mut self, bytes: usize) {
        if bytes > 0 {
            let who = self.who();
            self.house.paces.answered(&mut self.pace, bytes, who, self.house.clock.now());
        }
    }

    fn take(&mut self, costs: &[(Kind, f64)], what: TooMany) -> Result<(), SessionError> {
        let who = self.who();
        let taken = self.house.paces.take_all(&mut self.pace, costs, who, self.house.clock.now());
        taken.map_err(|TooFast(pause)| SessionError::TooFast(what, pause))
    }

    /// Gives back memory that nothing uses.
    pub(super) fn let_go(&mut self) {
        self.asked.let_go();
    }

    /// Begins with a request. What can be answered at once is.
    pub(super) fn start(&mut self, request: Request, door: &mut Door, outgoing: &mut Outgoing) {
        let Request { id: re, command } = request;
        let reply = match self.dispatch(re, command, &mut outgoing.watches) {
            Ok(Some(reply)) => reply,
            Ok(None) => return,
            Err(error) => ServerMessage::Error(error.reply(Some(re))),
        };
        let reply = door.encode(&reply);
        self.sent(reply.len());
        if self.asked.is_empty() {
            outgoing.out.push_back(reply);
        } else {
            self.asked.push_back(Asked::Answered(reply));
        }
    }

    /// Answers at once, or `None` where the answer comes by mail.
    fn dispatch(
        &mut self,
        re: RequestId,
        command: Command,
        watches: &mut Watches,
    ) -> Result<Option<ServerMessage>, SessionError> {
        if let Command::Hello(hello) = command {
            return self.hello(re, hello);
        }
        let (login, _) = self.user.as_ref().ok_or(SessionError::HelloFirst)?;
        let user = login.user();
        match command {
            Command::Hello(_) => unreachable!("taken above"),
            Command::Rename(rename) => {
                // Every room of the user's sees two events.
                let rooms = self.house.directory.rooms_joined(user);
                self.take(&[(Kind::Changes, 1.0 + rooms as f64)], TooMany::Changes)?;
                let action = Action::Rename { name: rename.name, from: self.source.address };
                Ok(self.propose(re, Wish::new(user, action), Asked::Rename))
            }
            Command::SignOut(_) => Ok(self.propose(re, Wish::new(user, Action::SignOut), Asked::SignOut)),
            Command::Join(join) => {
                match self.house.directory.feed(&join.room) {
                    Some(room) if room.members().contains(user) => {}
                    None if join.create => {
                        self.take(&[(Kind::Rooms, 1.0), (Kind::Changes, 1.0)], TooMany::Rooms)?
                    }
                    _ => self.take(&[(Kind::Changes, 1.0)], TooMany::Changes)?,
                }
                let action = Action::Join { room: join.room, create: join.create };
                Ok(self.propose(re, Wish::new(user, action), Asked::Change))
            }
            Command::Leave(leave) => {
                let room = self.feed(&leave.room)?;
                if room.members().contains(user) {
                    self.take(&[(Kind::Changes, 1.0)], TooMany::Changes)?;
                }
                let action = Action::Leave { room: room.id };
                Ok(self.propose(re, Wish::new(user, action), Asked::Change))
            }
            Command::Post(post) => {
                let room = self.feed(&post.room)?.id;
                let Some(pipeline) = self.pipeline.enter(post.op.as_ref()) else {
                    return Ok(Some(ServerMessage::Error(refused(re, &Refusal::Behind))));
                };
                let bytes = post.text.as_str().len();
                let asked = Asked::Post { op: post.op.clone(), pipeline, bytes };
                let (who, now) = (self.who(), self.house.clock.now());
                let paced = self.house.paces.take_post(&mut self.pace, bytes, who, now);
                if let Err(TooFast(pause)) = paced {
                    self.pipeline.turned_away(post.op);
                    return Err(SessionError::TooFast(TooMany::Posts, pause));
                }
                let action = Action::Post { room, text: post.text, action: post.action };
                Ok(self.propose(re, Wish { by: user, op: post.op, action }, asked))
            }
            Command::Rooms(rooms) => {
                permit(Deed::ListRooms, self.house.directory.standing(user, None))
                    .map_err(SessionError::NotPermitted)?;
                let (rooms, more) = self.house.directory.rooms(user, rooms.after.as_ref());
                Ok(Some(ServerMessage::Rooms(RoomList { re, rooms, more })))
            }
            Command::Watch(watch) => self.watch(re, watch, watches).map(Some),
            Command::Unwatch(unwatch) => {
                let room = self.feed(&unwatch.room)?;
                watches.unwatch(room.id);
                Ok(Some(ServerMessage::Unwatched(Unwatched { re, room: room.name.clone() })))
            }
            Command::History(history) => self.history(re, &history),
            Command::Who(who) => {
                let room = self.feed(&who.room)?;
                self.sight(Deed::ListMembers, &room)?;
                let (mut members, total) = self.house.directory.members(&room);
                truncate(&mut members, LIST_BYTES_MAX, member_bytes);
                Ok(Some(ServerMessage::Members(Members { re, room: room.name.clone(), members, total })))
            }
            Command::Ping(_) => Ok(Some(ServerMessage::Pong(Pong { re }))),
        }
    }

    /// What the user may see of a room.
    fn sight(&self, deed: Deed, room: &Feed) -> Result<Sight, SessionError> {
        let (login, _) = self.user.as_ref().ok_or(SessionError::HelloFirst)?;
        let standing = self.house.directory.standing(login.user(), Some(room.id));
        Sight::of(deed, standing).map_err(SessionError::NotPermitted)
    }

    fn feed(&self, name: &RoomName) -> Result<Arc<Feed>, SessionError> {
        self.house.directory.feed(name).ok_or_else(|| SessionError::NoSuchRoom(name.to_string()))
    }

    /// Puts a proposal into the queue; where the queue refuses it, that is the reply.
    fn propose(&mut self, re: RequestId, wish: Wish, asked: Asked) -> Option<ServerMessage> {
        let alone = !matches!(asked, Asked::Post { .. });
        let pipeline = match asked {
            Asked::Post { pipeline, .. } => Some(pipeline),
            _ => None,
        };
        let asker = Arc::<Outlet<S>>::clone(&self.outlet);
        let reply = ReplyTo { asker, from: self.source.address, re, pipeline };
        match self.house.order.submit(self.source, wish, Some(reply)) {
            Ok(()) => {
                if let Asked::Post { bytes, .. } = asked {
                    self.posting_bytes += bytes;
                }
                self.asked.push_back(asked);
                self.alone = alone;
                None
            }
            Err(refusal) => {
                if let Asked::Post { op, .. } = asked {
                    self.pipeline.turned_away(op);
                }
                Some(ServerMessage::Error(refused(re, &refusal)))
            }
        }
    }

    fn hello(&mut self, re: RequestId, hello: Hello) -> Result<Option<ServerMessage>, SessionError> {
        self.hello_came = true;
        if self.user.is_some() {
            return Err(SessionError::AlreadyWelcome);
        }
        if hello.protocol != PROTOCOL_VERSION {
            return Err(SessionError::UnsupportedProtocol { asked: hello.protocol });
        }
        let guest = matches!(hello.auth, Auth::Guest { .. });
        let costs = [(Kind::Hellos, 1.0), (Kind::Changes, f64::from(u8::from(guest)))];
        self.take(&costs, TooMany::Hellos)?;
        if let Some(client) = &hello.client {
            let shown: String = client.chars().take(limits::CLIENT_CHARS_MAX).collect();
            tracing::debug!("{} runs {}", self.peer, shown.escape_debug());
        }
        match hello.auth {
            Auth::Guest { name, keep } => {
                let (token, from) = (mint_token(), self.source.address);
                let action = Action::ArriveAsGuest { name, keep, token: hash(&token), from };
                Ok(self.propose(re, Wish::new(SERVER_USER, action), Asked::Hello { token }))
            }
            Auth::Token { token } => Ok(Some(self.hello_again(re, hash(&token)))),
        }
    }

    /// Lets in somebody who was here before. That writes nothing that anybody waits for, so it works when the disk does
    /// not.
    fn hello_again(&mut self, re: RequestId, token: TokenHash) -> ServerMessage {
        let Some((login, name)) =
            self.house.directory.connected_with(token, self.source.address, self.seat())
        else {
            return ServerMessage::Error(refused(re, &Rejection::BadToken.into()));
        };
        // Keeps the name for another 30 days; should this one be refused, the next hello does.
        let again = Wish::new(SERVER_USER, Action::ArriveWithToken { token });
        let _ = self.house.order.submit(self.source, again, None);
        self.welcome(re, login, name, None)
    }

    fn welcome(
        &mut self,
        re: RequestId,
        mut login: Login,
        name: MemberName,
        token: Option<String>,
    ) -> ServerMessage {
        tracing::info!("{} is {name}", self.peer);
        login.last = !self.outlet.framing().shows_tokens();
        let id = login.user();
        let mut rooms = self.house.directory.rooms_of(id);
        self.user = Some((login, name.clone()));
        let all = rooms.len();
        truncate(&mut rooms, LIST_BYTES_MAX, joined_room_bytes);
        ServerMessage::Welcome(Welcome {
            re,
            protocol: PROTOCOL_VERSION,
            user: NamedUser { id, name },
            token,
            limits: Limits::CURRENT,
            more_rooms: rooms.len() < all,
            rooms,
            server: SERVER.into(),
        })
    }

    /// Takes an answer out of the mailbox.
    pub(super) fn answered(&mut self, answer: Answer, door: &mut Door, outgoing: &mut Outgoing) {
        let reply = match answer {
            Answer::Decided(Verdict { re, result, login }) => {
                let asked = self.next_asked();
                self.alone = false;
                match result {
                    Ok(outcome) => {
                        if outcome == Outcome::SignedOut {
                            outgoing.watches.clear();
                        }
                        self.decided(re, asked, outcome, login)
                    }
                    Err(refusal) => {
                        self.log_refusal(&refusal);
                        self.gone |= refusal == Refusal::Rejected(Rejection::UserGone);
                        let mut reply = refused(re, &refusal);
                        if matches!(asked, Asked::Rename) && reply.field.as_deref() == Some("auth.name") {
                            reply.field = Some("name".into());
                            reply.message = reply.message.replacen("`auth.name`", "`name`", 1);
                        }
                        if let Asked::Post { op, pipeline, .. } = asked
                            && reply.temporary
                        {
                            self.pipeline.refused(pipeline, op);
                        }
                        ServerMessage::Error(reply)
                    }
                }
            }
            Answer::Acknowledged(bytes) => {
                // Nothing that is answered already lies behind it: then it would have come as the others do.
                self.next_asked();
                self.sent(bytes);
                return;
            }
            Answer::History { re, result } => {
                self.alone = false;
                self.page(re, result)
            }
            Answer::Replay { slot, watch, result } => {
                if let Ok(replay) = &result {
                    self.sent(replay.weight_bytes());
                }
                match outgoing.watches.replayed(slot, watch, result, outgoing.full) {
                    Ok(()) => return,
                    Err((room, LogError::NoSuchRoom)) => {
                        let epoch = self.house.reader.epoch_of(room.id);
                        ServerMessage::Gone(Gone { room: room.name.clone(), epoch })
                    }
                    Err((room, error)) => {
                        tracing::error!("{} loses its watch of {}: {error}", self.peer, room.name);
                        let mut reply = unreadable(RequestId::default(), &error);
                        reply.re = None;
                        reply.message = format!("{} is watched no more: {}", room.name, reply.message);
                        ServerMessage::Error(reply)
                    }
                }
            }
        };
        let reply = door.encode(&reply);
        self.sent(reply.len());
        outgoing.out.push_back(reply);
        while let Some(Asked::Answered(reply)) =
            self.asked.as_deque().pop_front_if(|asked| matches!(asked, Asked::Answered(_)))
        {
            outgoing.out.push_back(reply);
        }
    }

    fn next_asked(&mut self) -> Asked {
        let asked = self.asked.pop_front().expect("every answer was asked for");
        if let Asked::Post { bytes, .. } = asked {
            self.posting_bytes -= bytes;
        }
        asked
    }

    fn log_refusal(&self, refusal: &Refusal) {
        if matches!(refusal, Refusal::Storage | Refusal::Busy) {
            tracing::warn!("{} was refused: {refusal}", self.peer);
        }
    }

    fn decided(
        &mut self,
        re: RequestId,
        asked: Asked,
        outcome: Outcome,
        login: Option<Login>,
    ) -> ServerMessage {
        match (asked, outcome, login) {
            (Asked::Hello { token }, Outcome::Arrived { name, .. }, Some(login)) => {
                self.welcome(re, login, name, Some(token))
            }
            (Asked::Rename, Outcome::Renamed { user: id, name }, _) => {
                if let Some((_, called)) = &mut self.user {
                    tracing::info!("{} is {name}, and was {called}", self.peer);
                    called.clone_from(&name);
                }
                ServerMessage::Renamed(Renamed { re, user: NamedUser { id, name } })
            }
            (Asked::SignOut, Outcome::SignedOut, _) => {
                self.user = None;
                ServerMessage::SignedOut(SignedOut { re })
            }
            (_, Outcome::Done { name, seq, .. }, _) => ServerMessage::Ack(Ack { re, room: name, seq }),
            (asked, outcome, _) => unreachable!("{asked:?} was answered by {outcome:?}"),
        }
    }

    /// Who the client is, once it is welcome.
    pub(super) fn name(&self) -> Option<&MemberName> {
        self.user.as_ref().map(|(_, name)| name)
    }
}

fn mint_token() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}
