use std::collections::BTreeMap;

use teahouse_protocol::{ErrorCode, MemberName, NameError, RoomName, UserId};

use crate::input::Ticks;
use crate::limits::BANNER_AFTER_MS;
use crate::room::{Outside, Room};

/// Who the user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Me {
    /// What the user is called.
    pub(crate) name: MemberName,
    /// The number, once the server has said it. Only by this anything is the user's: others had the name, or will.
    pub(crate) user: Option<UserId>,
}

impl Me {
    pub(crate) fn is(&self, user: UserId) -> bool {
        self.user == Some(user)
    }
}

/// Everything that a view shows. Only the brain changes it.
#[derive(Debug)]
pub struct Model {
    pub(crate) connection: Connection,
    pub(crate) me: Option<Me>,
    pub(crate) active: Option<RoomName>,
    /// The server has said in this run which rooms the user is in.
    pub(crate) membership_known: bool,
    pub(crate) rooms: BTreeMap<RoomName, Room>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            connection: Connection::NeedsName { problem: None },
            me: None,
            active: None,
            membership_known: false,
            rooms: BTreeMap::new(),
        }
    }

    /// How the link stands.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What the user is called, once the server or the store has said so.
    pub fn me(&self) -> Option<&MemberName> {
        self.me.as_ref().map(|me| &me.name)
    }

    /// Whether this is the user. Before the server has said who the user is, nobody is.
    pub fn is_me(&self, user: UserId) -> bool {
        self.me.as_ref().is_some_and(|me| me.is(user))
    }

    /// The open room.
    pub fn active(&self) -> Option<&RoomName> {
        self.active.as_ref()
    }

    /// First the rooms that the user is a member of, then the others of the server's list, each by name.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        let joined = self.rooms.values().filter(|room| room.joined());
        joined.chain(self.rooms.values().filter(|room| !room.joined()))
    }

    /// A room by its name.
    pub fn room(&self, name: &RoomName) -> Option<&Room> {
        self.rooms.get(name)
    }

    /// What the user may do in the open room.
    pub fn standing(&self) -> Option<Standing> {
        let room = self.rooms.get(self.active.as_ref()?)?;
        Some(match room.outside {
            _ if room.joined || room.wanted || !self.membership_known => Standing::Member,
            Outside::Reader => Standing::Reader,
            Outside::Left => Standing::Left,
            Outside::Missing => Standing::Missing,
        })
    }

    /// Messages not yet seen, over all rooms.
    pub fn unread_total(&self) -> u64 {
        self.rooms.values().map(Room::unread).sum()
    }

    /// Messages not yet seen that mention the user, over all rooms.
    pub fn mentions_total(&self) -> u64 {
        self.rooms.values().map(Room::mentions).sum()
    }
}

/// What the user may do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Read and write. Also while that is not known yet: what is written waits.
    Member,
    /// Read it, and join it ([`crate::Intent::Join`]).
    Reader,
    /// The same, after another program of the user's has left it.
    Left,
    /// There is no such room; it can be made ([`crate::Intent::Create`]).
    Missing,
}

/// How the link to the server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// The user has to choose a name ([`crate::Intent::ChooseName`]).
    NeedsName {
        /// What was wrong with the last one.
        problem: Option<NameProblem>,
    },
    /// The link is being opened, or `hello` is not yet answered.
    Connecting {
        /// When the trouble began: the start, or the loss of the last good link.
        since: Ticks,
    },
    /// The server has said welcome.
    Online,
    /// The link is gone; the next attempt comes by itself.
    Waiting {
        /// When the next attempt comes.
        retry_at: Ticks,
        /// When the trouble began.
        since: Ticks,
        /// What went wrong, for people.
        reason: String,
    },
    /// No attempt comes by itself any more; [`crate::Intent::ReconnectNow`] tries again.
    Stopped {
        /// What kind of refusal; `None`: the server said goodbye for good.
        code: Option<ErrorCode>,
        /// Why, in the server's words.
        reason: String,
    },
}

impl Connection {
    /// True from [`BANNER_AFTER_MS`] after trouble began until the server is back: views show the offline banner.
    pub fn banner_due(&self, now: Ticks) -> bool {
        match self {
            Self::Connecting { since } | Self::Waiting { since, .. } => now >= since.after(BANNER_AFTER_MS),
            Self::Stopped { .. } => true,
            Self::NeedsName { .. } | Self::Online => false,
        }
    }
}

/// Why the user has to choose a name again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameProblem {
    /// Somebody else has this name, or one that looks like it.
    Taken(MemberName),
    /// It breaks a rule.
    Rule(NameError),
    /// The server refused it, in its words.
    Refused(String),
}
