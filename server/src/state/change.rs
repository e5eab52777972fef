use teahouse_protocol::{EventKind, MemberName, OpId, PageEvent, RoomName, Seq, UnixMillis};

use super::{Away, Keep, Room, RoomId, User, UserId};

/// What becomes of a proposal that is not rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer to whoever proposed it.
    pub outcome: Outcome,
    /// What the model absorbs and the log writes, in this order, in one transaction.
    pub changes: Vec<Change>,
}

impl Decision {
    /// An answer, and nothing to write.
    pub fn nothing(outcome: Outcome) -> Self {
        Self { outcome, changes: Vec::new() }
    }
}

/// The answer to whoever made a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A user is there.
    Arrived {
        /// Who.
        user: UserId,
        /// The user's name.
        name: MemberName,
    },
    /// A user is called this from now on.
    Renamed {
        /// Who.
        user: UserId,
        /// The name.
        name: MemberName,
    },
    /// A user is gone for good.
    SignedOut,
    /// Something was done in a room.
    Done {
        /// The room.
        room: RoomId,
        /// Its handle, as it is stored: the room may be gone with this.
        name: RoomName,
        /// The event it made; `None` where there was nothing to change.
        seq: Option<Seq>,
    },
    /// Nothing to say.
    Unchanged,
}

/// One thing that a model absorbs, the log writes and the read side takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A user holds a name and is here: a new one, or one out of the log, whose rooms were added before.
    UserAdded {
        /// Who.
        id: UserId,
        /// The rest.
        user: User,
    },
    /// A user said hello again.
    UserSeen {
        /// Who.
        id: UserId,
        /// When.
        at: UnixMillis,
        /// Whether its name waits for it from now on.
        keep: Keep,
    },
    /// Somebody is connected as a user who was away. This one and the next are not kept: a start begins with everybody away.
    UserCame {
        /// Who.
        id: UserId,
    },
    /// Nobody is connected as a user any more.
    UserWent {
        /// Who.
        id: UserId,
        /// Since when, and from where it was here last.
        away: Away,
    },
    /// A user has another name. The events that tell its rooms follow.
    UserRenamed {
        /// Who.
        id: UserId,
        /// The new name.
        name: MemberName,
    },
    /// A user holds its name no more and can never come back.
    UserRetired {
        /// Who.
        id: UserId,
    },
    /// There is a room: a new one, whose `create` event follows, or one out of the log. Its members come with the users.
    RoomAdded {
        /// Its number.
        id: RoomId,
        /// When it was made.
        at: UnixMillis,
        /// The rest, without members.
        room: Room,
    },
    /// A room is about to get its first post.
    RoomWritten {
        /// Its number.
        id: RoomId,
    },
    /// A room that nobody wrote in and nobody is a member of is gone, with its events; its number is not given again.
    RoomRemoved {
        /// Its number.
        id: RoomId,
    },
    /// Something happened in a room. [`is_member_after`] says what that makes of its author's membership.
    Event(StoredEvent),
}

impl Change {
    /// Whether the log keeps it. Who is here is known to the running server alone.
    pub const fn is_kept(&self) -> bool {
        match self {
            Self::UserCame { .. } | Self::UserWent { .. } => false,
            Self::UserAdded { .. }
            | Self::UserSeen { .. }
            | Self::UserRenamed { .. }
            | Self::UserRetired { .. }
            | Self::RoomAdded { .. }
            | Self::RoomWritten { .. }
            | Self::RoomRemoved { .. }
            | Self::Event(_) => true,
        }
    }
}

/// Whether the author of an event is a member of its room from then on; `None` where the event changes nothing about that.
pub const fn is_member_after(kind: &EventKind) -> Option<bool> {
    match kind {
        EventKind::Join => Some(true),
        EventKind::Leave => Some(false),
        EventKind::Create | EventKind::Post { .. } | EventKind::Unknown => None,
    }
}

/// Whether somebody wrote in a room that has such an event, so that it does not go away with its last member.
pub const fn counts_as_written(kind: &EventKind) -> bool {
    match kind {
        EventKind::Post { .. } => true,
        EventKind::Create | EventKind::Join | EventKind::Leave | EventKind::Unknown => false,
    }
}

/// An event as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The room.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it.
    pub at: UnixMillis,
    /// Who did it.
    pub by: UserId,
    /// The name of `by` at that time.
    pub by_name: MemberName,
    /// Whether `by` had another name before.
    pub renamed: bool,
    /// What was done.
    pub kind: EventKind,
    /// The author's id of this write.
    pub op: Option<OpId>,
}

impl From<StoredEvent> for PageEvent {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { room: _, seq, at, by, by_name, renamed: _, kind, op } = event;
        Self { seq, at, user: by, by: by_name, op, kind }
    }
}
