use std::fmt;

use teahouse_protocol::{MemberName, NameError, OpId, PostText, RoomName, UnixMillis};

use super::{Address, RoomId, UserId};

/// What somebody asks the state to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// When the server took it.
    pub at: UnixMillis,
    /// Whose doing it is; [`super::SERVER_USER`] where it is the house's own, or that of somebody who is nobody yet.
    pub by: UserId,
    /// The author's id of this write; one that came before gets the answer that it got then.
    pub op: Option<OpId>,
    /// What is asked.
    pub action: Action,
}

impl Proposal {
    /// One without an op.
    pub fn new(at: UnixMillis, by: UserId, action: Action) -> Self {
        Self { at, by, op: None, action }
    }
}

/// What is asked of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make what a new log begins with; nothing where it is there already.
    Found,
    /// Take away the rooms that nobody is a member of and nobody wrote in.
    DropEmptyRooms,
    /// The server runs, and nobody is connected yet.
    Begin,
    /// Somebody new says hello.
    ArriveAsGuest {
        /// The wanted name; without one the state finds one.
        name: Option<MemberName>,
        /// Whether the name stays the guest's while it is away.
        keep: bool,
        /// The hash of the new token.
        token: TokenHash,
        /// Where the wish comes from.
        from: Address,
    },
    /// Somebody says hello again.
    ArriveWithToken {
        /// The hash of the token.
        token: TokenHash,
    },
    /// There is a connection that is the user's.
    Come,
    /// There is none any more.
    Go {
        /// Where the last one came from, as far as that is known.
        from: Option<Address>,
    },
    /// The user has been away for a lease. Unless it came back meanwhile, or its name waits for it, it leaves its rooms and
    /// can come back no more.
    Depart {
        /// When it went.
        since: UnixMillis,
    },
    /// Be called something else.
    Rename {
        /// The wanted name.
        name: MemberName,
        /// Where the wish comes from.
        from: Address,
    },
    /// Be nobody from now on: the user leaves its rooms, its name is free, its token worth nothing.
    SignOut,
    /// Become a member.
    Join {
        /// Of what.
        room: RoomName,
        /// Whether to make the room when there is none of that name.
        create: bool,
    },
    /// Be a member no more.
    Leave {
        /// Of what.
        room: RoomId,
    },
    /// Write into a room.
    Post {
        /// Where to.
        room: RoomId,
        /// What is said.
        text: PostText,
        /// Whether it tells what the author does.
        action: bool,
    },
}

/// SHA-256 of a token. The token itself is stored nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// Why a proposal changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Somebody else holds the name, or one that looks like it.
    #[error("the name {0}, or one that looks like it, is taken; choose another")]
    NameTaken(MemberName),
    /// Nobody gets such a name any more.
    #[error("`auth.name` {0}")]
    BadMemberName(NameError),
    /// No room gets such a name any more.
    #[error("`room` {0}")]
    BadRoomName(NameError),
    /// No user has this token.
    #[error("this token is not known here; say hello as a guest")]
    BadToken,
    /// The user has departed and cannot act any more.
    #[error("this guest is gone; say hello anew")]
    UserGone,
    /// There is no room of this name.
    #[error("there is no room {0}; join it with \"create\":true to make it")]
    NoSuchRoom(RoomName),
    /// The room went away with its last member.
    #[error("this room is gone: nobody wrote in it, and its last member left")]
    RoomGone,
    /// The author's operation was for something else when it came first.
    #[error("`op` was used before, for something else; every operation has its own")]
    OpReused,
    /// Only members post.
    #[error("join the room before posting to it")]
    NotMember,
    /// The user is a member of as many rooms as one may be.
    #[error(
        "you are a member of {} rooms, which is the most; leave one first",
        teahouse_protocol::limits::ROOMS_JOINED_MAX
    )]
    TooManyRoomsJoined,
    /// The server holds as many rooms as it may.
    #[error("this server holds {} rooms, which is the most", teahouse_protocol::limits::ROOMS_MAX)]
    TooManyRooms,
}
