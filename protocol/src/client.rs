use serde::{Deserialize, Serialize};

use crate::ids::{OpId, Position, RequestId, Seq};
use crate::names::{MemberName, RoomName};
use crate::text::PostText;
use crate::time::UnixMillis;

/// One thing that a client asks for. The server answers requests in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The client's own number; the reply repeats it in `re`.
    pub id: RequestId,
    /// What is asked.
    #[serde(flatten)]
    pub command: Command,
}

impl Request {
    /// The JSON object, without a line ending.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("requests have text keys and no fallible values")
    }
}

/// What a client may ask. One variant for each value of `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Who is there; the first request of every connection.
    Hello(Hello),
    /// Be called something else.
    Rename(Rename),
    /// Be nobody from now on.
    SignOut(SignOut),
    /// Become a member of a room.
    Join(Join),
    /// Stop being a member of a room.
    Leave(Leave),
    /// Which rooms there are.
    Rooms(Rooms),
    /// Receive a room's events from now on, or from where the client left off.
    Watch(Watch),
    /// Receive a room's events no more.
    Unwatch(Unwatch),
    /// Write into a room.
    Post(Post),
    /// Read a page of a room's events.
    History(History),
    /// Who is a member of a room, and who of them is connected.
    Who(Who),
    /// Ask for a sign of life.
    Ping(Ping),
}

/// The first request of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Who the client says it is.
    pub auth: Auth,
    /// Name and version of the program, for the server's log; at most 64 characters count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "AuthFields")]
pub enum Auth {
    /// A guest, new to the server.
    Guest {
        /// The name it would like. Without one the server finds one.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<MemberName>,
        /// Whether the name stays this guest's while nobody is connected under it. The guest must then keep the
        /// token, and be a member of a room. Otherwise the guest leaves its rooms, and the name is free again, when
        /// its last connection has been closed for a minute.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        keep: bool,
    },
    /// Somebody whom an earlier `welcome` gave this token.
    Token {
        /// The token of that `welcome`.
        token: String,
    },
}

/// [`Auth`] with the fields of all its kinds: read this way, an error names the field.
#[derive(Deserialize)]
struct AuthFields {
    #[serde(rename = "type")]
    kind: AuthKind,
    name: Option<MemberName>,
    #[serde(default)]
    keep: bool,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthKind {
    Guest,
    Token,
}

impl TryFrom<AuthFields> for Auth {
    type Error = &'static str;

    fn try_from(fields: AuthFields) -> Result<Self, Self::Error> {
        match fields.kind {
            AuthKind::Guest => Ok(Self::Guest { name: fields.name, keep: fields.keep }),
            // In serde's own words, as for every other missing field.
            AuthKind::Token => fields.token.map(|token| Self::Token { token }).ok_or("missing field `token`"),
        }
    }
}

/// Asks to be called something else: the same user, in the same rooms, with the same token. Answered by `renamed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    /// The new name.
    pub name: MemberName,
}

/// Asks to be nobody from now on: the user leaves its rooms, its name is free, its token worth nothing. Answered by
/// `signed_out`; then another `hello` may follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOut {}

/// Asks to become a member of a room. Answered by `ack`; a member already gets an `ack` without `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The room.
    pub room: RoomName,
    /// Whether to make the room when there is none of that name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// Asks to be a member of a room no more. Answered by `ack`; somebody who is no member gets one without `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// The room.
    pub room: RoomName,
}

/// Asks for the list of rooms, in the order of their names. Answered by `rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rooms {
    /// The last room of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RoomName>,
}

/// Asks for a room's events as they happen. Answered by `watching`, then the events that were missed, `caught_up`,
/// and then events as they come. Watching a room again starts afresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The room. One need not be a member.
    pub room: RoomName,
    /// The last event that the client has; without it, watching starts at the room's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
}

/// Asks for a room's events no more. Answered by `unwatched`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatch {
    /// The room.
    pub room: RoomName,
}

/// Writes into a room. Answered by `ack` once it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The room. The author must be a member.
    pub room: RoomName,
    /// The client's id of this write; without one a retry may post twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
    /// What is said.
    pub text: PostText,
    /// Whether it tells what the author does ("/me waves") instead of what the author says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub action: bool,
}

/// Asks for a page of a room's events, oldest first. At most one of `before`, `after`, `around` and `at` may be
/// given; without any of them the page ends at the room's head. Answered by `history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The room. One need not be a member.
    pub room: RoomName,
    /// The page ends before this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// The page begins after this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
    /// The page has this event in its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<Seq>,
    /// The page begins with the first event at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixMillis>,
    /// The most events wanted, 1 to [`crate::limits::HISTORY_EVENTS_MAX`]; more are cut to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl History {
    /// The latest page of a room.
    pub fn latest(room: RoomName) -> Self {
        Self { room, before: None, after: None, around: None, at: None, limit: None }
    }
}

/// Asks who is a member of a room. Answered by `members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The room.
    pub room: RoomName,
}

/// Asks for a sign of life. Answered by `pong`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {}
