use std::fmt;

use teahouse_protocol::{MemberName, NameError, OpId, PostText, RoomName, UnixMillis};

use super::{RoomId, UserId};

/// What somebody asks the state to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// When the server took it.
    pub at: UnixMillis,
    /// What is asked.
    pub action: Action,
}

/// What is asked of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make what a new log begins with; nothing where it is there already.
    Found,
    /// Take away the rooms that nobody is a member of and nobody wrote in.
    DropEmptyRooms,
    /// Somebody new says hello.
    ArriveAsGuest {
        /// The wanted name; without one the state finds one.
        name: Option<MemberName>,
        /// Whether the name stays the guest's while it is away.
        keep: bool,
        /// The hash of the new token.
        token: TokenHash,
        /// The holder of that name, where nobody is connected as that user.
        away: Option<Away>,
    },
    /// Somebody says hello again.
    ArriveWithToken {
        /// The hash of the token.
        token: TokenHash,
    },
    /// Be called something else.
    Rename {
        /// Who.
        user: UserId,
        /// The wanted name.
        name: MemberName,
        /// The holder of that name, where nobody is connected as that user.
        away: Option<Away>,
    },
    /// A user has been away for a lease. Unless its name waits for it, it leaves its rooms and can come back no more.
    Depart {
        /// Who.
        user: UserId,
    },
    /// A user wants to be nobody from now on: it leaves its rooms, its name is free, its token worth nothing.
    SignOut {
        /// Who.
        user: UserId,
    },
    /// Become a member.
    Join {
        /// Who.
        user: UserId,
        /// Of what.
        room: RoomName,
        /// Whether to make the room when there is none of that name.
        create: bool,
    },
    /// Be a member no more.
    Leave {
        /// Who.
        user: UserId,
        /// Of what.
        room: RoomId,
    },
    /// Write into a room.
    Post {
        /// The author.
        user: UserId,
        /// Where to.
        room: RoomId,
        /// The author's id of this write; one that came before gets the answer that it got then.
        op: Option<OpId>,
        /// What is said.
        text: PostText,
        /// Whether it tells what the author does.
        action: bool,
    },
}

/// Somebody who holds a wanted name while nobody is connected as that user. Whether that is so is looked up when the
/// proposal's turn has come, and it is so until the proposal is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    /// Who.
    pub user: UserId,
    /// For how long, in milliseconds.
    pub ms: u64,
    /// Whether the user's last connection came from where the wish comes from.
    pub same_address: bool,
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
