use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, OpId, RequestId, Seq, UserId};
use crate::limits;
use crate::names::{MemberName, RoomName};
use crate::time::UnixMillis;

/// What a server says. Replies carry `re`, the number of the request; pushes do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Reply to `hello`.
    Welcome(Welcome),
    /// Reply to `rename`.
    Renamed(Renamed),
    /// Reply to `sign_out`.
    SignedOut(SignedOut),
    /// Reply to `join`, `leave` and `post`: it is on disk.
    Ack(Ack),
    /// Reply to `rooms`.
    Rooms(RoomList),
    /// Reply to `watch`.
    Watching(Watching),
    /// Reply to `unwatch`.
    Unwatched(Unwatched),
    /// Reply to `history`.
    History(HistoryPage),
    /// Reply to `who`.
    Members(Members),
    /// Reply to `ping`.
    Pong(Pong),
    /// Reply to a request that failed, or, without `re`, a word about the connection itself.
    Error(ErrorReply),
    /// Push: something happened in a room that this connection watches.
    Event(Event),
    /// Push: everything that was missed has been sent.
    CaughtUp(CaughtUp),
    /// Push: a watched room is gone.
    Gone(Gone),
    /// Push: a member came or went. May be dropped; ask `who` for the truth.
    Presence(Presence),
    /// Push: the server is about to close this connection.
    Goodbye(Goodbye),
    /// A type that this version does not know. Never sent; a client ignores it.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl ServerMessage {
    /// The JSON object, without a line ending.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("messages have text keys, and Unknown is never sent")
    }

    /// The number of the request that this answers.
    pub fn re(&self) -> Option<RequestId> {
        match self {
            Self::Welcome(Welcome { re, .. })
            | Self::Renamed(Renamed { re, .. })
            | Self::SignedOut(SignedOut { re })
            | Self::Ack(Ack { re, .. })
            | Self::Rooms(RoomList { re, .. })
            | Self::Watching(Watching { re, .. })
            | Self::Unwatched(Unwatched { re, .. })
            | Self::History(HistoryPage { re, .. })
            | Self::Members(Members { re, .. })
            | Self::Pong(Pong { re }) => Some(*re),
            Self::Error(ErrorReply { re, .. }) => *re,
            Self::Event(_)
            | Self::CaughtUp(_)
            | Self::Gone(_)
            | Self::Presence(_)
            | Self::Goodbye(_)
            | Self::Unknown => None,
        }
    }
}

/// The client is known; it may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The `hello` that this answers.
    pub re: RequestId,
    /// The version that both speak from now on.
    pub protocol: u32,
    /// Who the client is.
    pub user: NamedUser,
    /// Proves later that the client is this user; a secret. Missing when the client came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What the server puts up with.
    pub limits: Limits,
    /// The rooms that the user is a member of.
    pub rooms: Vec<JoinedRoom>,
    /// Whether the user is a member of further rooms, which the message has no room for; `rooms` says which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_rooms: bool,
    /// Name and version of the server's program.
    pub server: String,
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedUser {
    /// Which user: never another's.
    pub id: UserId,
    /// What everybody calls this user.
    pub name: MemberName,
}

/// The user is called something else from now on, and that is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The request that this answers.
    pub re: RequestId,
    /// Who the client is now.
    pub user: NamedUser,
}

/// The user is gone for good, and that is on disk. The connection is nobody's, as before its `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// The request that this answers.
    pub re: RequestId,
}

/// A room that the user is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedRoom {
    /// The room.
    pub room: RoomName,
    /// Its last event.
    pub head: Seq,
}

/// What the server puts up with. The names are those of [`crate::limits`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The longest line or message, in bytes.
    pub line_bytes_max: usize,
    /// The longest text of a post, in characters.
    pub text_chars_max: usize,
    /// The longest name, in characters.
    pub name_chars_max: usize,
    /// The largest page of history, in events.
    pub history_events_max: usize,
    /// The most rooms watched by one connection.
    pub watches_max: usize,
    /// The most posts of one connection that are worked on at a time.
    pub posts_in_flight_max: usize,
}

impl Limits {
    /// The limits of this version.
    pub const CURRENT: Self = Self {
        line_bytes_max: limits::LINE_BYTES_MAX,
        text_chars_max: limits::TEXT_CHARS_MAX,
        name_chars_max: limits::NAME_CHARS_MAX,
        history_events_max: limits::HISTORY_EVENTS_MAX,
        watches_max: limits::WATCHES_MAX,
        posts_in_flight_max: limits::POSTS_IN_FLIGHT_MAX,
    };
}

/// A change is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The request that this answers.
    pub re: RequestId,
    /// The room, spelled as it is stored.
    pub room: RoomName,
    /// The event that the request made. Missing where there was nothing to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

/// One page of the rooms, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomList {
    /// The request that this answers.
    pub re: RequestId,
    /// The rooms.
    pub rooms: Vec<RoomInfo>,
    /// Whether more rooms follow; ask with `after`, the last room of this page.
    pub more: bool,
}

/// What everybody may know of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room: RoomName,
    /// Its last event.
    pub head: Seq,
    /// How many members it has.
    pub members: u64,
    /// Whether the asking user is one of them.
    pub joined: bool,
}

/// The room is watched from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// The request that this answers.
    pub re: RequestId,
    /// The room, spelled as it is stored.
    pub room: RoomName,
    /// The life of the log that the room's seqs belong to.
    pub epoch: Epoch,
    /// The room's last event at this moment.
    pub head: Seq,
    /// What follows.
    pub resume: Resume,
    /// Why nothing is replayed, with [`Resume::Reset`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ResetReason>,
}

/// What follows `watching`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// Events after `head`, as they happen: the request had no `after`.
    Live,
    /// Every event after the request's `after`, then `caught_up`, then events as they happen.
    Replay,
    /// Events after `head`, as they happen. What the client has is of no use: it must read a page of history.
    Reset,
}

/// Why a `watch` with `after` was not replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The position is of another life of the log, for example from before a backup was restored.
    OtherEpoch,
    /// The position lies further back than the server replays.
    TooFar,
    /// The position lies after the room's last event.
    Ahead,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The room is watched no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatched {
    /// The request that this answers.
    pub re: RequestId,
    /// The room.
    pub room: RoomName,
}

/// A page of a room's events, oldest first, without gaps from the first to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The request that this answers.
    pub re: RequestId,
    /// The room, spelled as it is stored.
    pub room: RoomName,
    /// The life of the log that the seqs belong to.
    pub epoch: Epoch,
    /// The room's last event at this moment.
    pub head: Seq,
    /// The events, each as in a push but without `type` and `room`.
    pub events: Vec<PageEvent>,
    /// Whether there are events before the page; ask with `before`, the page's first seq.
    pub more_before: bool,
    /// Whether there are events after the page; ask with `after`, the page's last seq.
    pub more_after: bool,
}

/// An event in a page, whose room is the page's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it.
    pub at: UnixMillis,
    /// Who did it.
    pub user: UserId,
    /// What `user` was called then.
    pub by: MemberName,
    /// The author's id of this write, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
    /// What was done.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl PageEvent {
    /// The event as a push tells it.
    pub fn in_room(self, room: RoomName) -> Event {
        let Self { seq, at, user, by, op, kind } = self;
        Event { room, seq, at, user, by, op, kind }
    }
}

/// The members of a room: first those who are connected, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// The request that this answers.
    pub re: RequestId,
    /// The room, spelled as it is stored.
    pub room: RoomName,
    /// At most [`limits::WHO_MEMBERS_MAX`] of them.
    pub members: Vec<Member>,
    /// How many there are.
    pub total: u64,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What everybody calls the member.
    pub name: MemberName,
    /// Whether the member is connected.
    pub online: bool,
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The `ping` that this answers.
    pub re: RequestId,
}

/// Something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// The request that failed. Missing where the line had no number that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// What kind of failure it is, for programs.
    pub code: ErrorCode,
    /// What was wrong and what to do, for people.
    pub message: String,
    /// The field of the request that breaks a rule, such as `auth.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which rule a name breaks ([`crate::NameError::rule`]), for clients that say it in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// When to send the request again at the earliest, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The line is not UTF-8, not JSON, or not an object.
    Malformed,
    /// The `type` is none that this server knows.
    UnknownType,
    /// A field is missing, of the wrong type, or breaks its rule.
    InvalidField,
    /// The line or message is longer than the limit. The connection closes.
    FrameTooLong,
    /// Too many bad lines in a row. The connection closes.
    TooManyBadLines,
    /// The server does not speak the protocol version of the `hello`.
    UnsupportedProtocol,
    /// The first request must be `hello`.
    HelloFirst,
    /// `hello` was said already.
    AlreadyWelcome,
    /// Somebody else has this name, or one that looks like it.
    NameTaken,
    /// The token is unknown, or its guest's name has gone to somebody else.
    BadToken,
    /// There is no room of this name.
    NoSuchRoom,
    /// Only members may do this.
    NotMember,
    /// A limit of the server is reached; the message names it.
    LimitReached,
    /// This client posts too fast; `retry_after_ms` says how long to pause.
    RateLimited,
    /// The server has too much to do at the moment.
    Busy,
    /// The server cannot write to its disk at the moment. Reading works.
    StorageUnavailable,
    /// Nothing complete came within the time allowed. The connection closes.
    TimedOut,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Every code that this version knows.
    pub const KNOWN: [Self; Self::Unknown as usize] = [
        Self::Malformed,
        Self::UnknownType,
        Self::InvalidField,
        Self::FrameTooLong,
        Self::TooManyBadLines,
        Self::UnsupportedProtocol,
        Self::HelloFirst,
        Self::AlreadyWelcome,
        Self::NameTaken,
        Self::BadToken,
        Self::NoSuchRoom,
        Self::NotMember,
        Self::LimitReached,
        Self::RateLimited,
        Self::Busy,
        Self::StorageUnavailable,
        Self::TimedOut,
    ];
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The room.
    pub room: RoomName,
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it. `seq` and not this is the order of a room.
    pub at: UnixMillis,
    /// Who did it.
    pub user: UserId,
    /// What `user` was called then.
    pub by: MemberName,
    /// The author's id of this write, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
    /// What was done.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What was done. One variant for each value of `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The room was made; always the first event of a room.
    Create,
    /// `by` became a member.
    Join,
    /// `by` is a member no more.
    Leave,
    /// `by` wrote.
    Post {
        /// What was said.
        text: String,
        /// Whether it tells what the author does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        action: bool,
    },
    /// A kind that this version does not know. Never sent; a client counts its seq and shows nothing.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Everything that was missed has been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtUp {
    /// The room.
    pub room: RoomName,
    /// The last event that was sent.
    pub head: Seq,
}

/// A watched room is gone, and is watched no more: nobody wrote in it, and its last member left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The room. Another one may have this handle later.
    pub room: RoomName,
    /// The life of its log, which is over.
    pub epoch: Epoch,
}

/// A member of a watched room came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The room.
    pub room: RoomName,
    /// Who.
    pub user: UserId,
    /// What everybody calls the member.
    pub name: MemberName,
    /// Whether the member is connected now.
    pub online: bool,
}

/// The server is about to close this connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Why, for programs.
    pub reason: GoodbyeReason,
    /// Why, for people.
    pub message: String,
    /// Whether to connect again.
    pub reconnect: bool,
}

/// Why a server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodbyeReason {
    /// The server stops or starts anew.
    ShuttingDown,
    /// The user was given another name on another connection; the next `welcome` says which.
    Renamed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}
