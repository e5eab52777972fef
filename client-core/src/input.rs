use teahouse_protocol::{MemberName, RoomName, Seq, UnixMillis};

use crate::outbox::LocalId;

/// A point on the driver's monotonic clock, in milliseconds since an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub u64);

impl Ticks {
    /// The point so many milliseconds later.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Both clocks at the moment of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock, for every delay.
    pub ticks: Ticks,
    /// The wall clock, for what people and operation ids see.
    pub unix: UnixMillis,
}

/// What the brain is told once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name and version of the program, for `hello`: `teahouse-web/0.1.0`.
    pub client: String,
    /// The name to ask for when no identity is stored. `None`: the user is asked.
    pub name: Option<MemberName>,
    /// Whether the server shall keep the name while nobody is connected under it.
    pub keep: bool,
    /// The rooms to join and watch at every start; the first is opened. Without any, the room of the last run is, if the
    /// user is still a member of it, or else the first that the server names.
    pub rooms: Vec<RoomName>,
    /// The room to open first where `rooms` has none: it is read, and joined only when the user says so.
    pub show: Option<RoomName>,
    /// The rooms that a user whom the server does not know yet joins besides. Whoever leaves them later stays out.
    pub first_rooms: Vec<RoomName>,
    /// Whether those rooms may be created.
    pub create_rooms: bool,
    /// How many events a page of history has, 1 to [`teahouse_protocol::limits::HISTORY_EVENTS_MAX`].
    pub history_page: u32,
}

impl Config {
    /// One room, a kept name, and the user is asked for it.
    pub fn new(client: impl Into<String>, room: RoomName) -> Self {
        Self {
            client: client.into(),
            name: None,
            keep: true,
            rooms: vec![room],
            show: None,
            first_rooms: Vec::new(),
            create_rooms: false,
            history_page: 50,
        }
    }

    /// The room that is open at first; without one, that of the last run is.
    pub(crate) fn first_shown(&self) -> Option<RoomName> {
        self.rooms.first().or(self.show.as_ref()).cloned()
    }
}

/// Something that happened outside the brain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The program runs. Given once, first.
    Start,
    /// The link that [`crate::Output::OpenLink`] asked for stands.
    LinkOpened,
    /// One JSON object from the server.
    Received(String),
    /// The link could not be opened, or is gone. Not given for a link that [`crate::Output::CloseLink`] closed.
    LinkClosed {
        /// What went wrong, for people.
        reason: String,
    },
    /// The server sent something longer than [`teahouse_protocol::limits::SERVER_MESSAGE_BYTES_MAX`], and the driver has
    /// closed the link. The next link asks for shorter pages.
    MessageTooLong,
    /// [`crate::Brain::deadline`] has come.
    Deadline,
    /// The network came back, the machine woke, or the tab became visible: reconnects at once or checks the link.
    Woke,
    /// The system says that there is no network: checks the link, since a server on this machine may still be there.
    WentOffline,
    /// Whether the user looks at this program, and whether the active room is scrolled to its bottom.
    Attention {
        /// The program has the focus and is visible.
        focused: bool,
        /// The last message of the active room is in view.
        at_bottom: bool,
    },
    /// Posts that another program of this user's left behind in the store that both share, as [`crate::Brain::new`] is
    /// given them: (key, value) pairs, in any order.
    Inherited(Vec<(String, String)>),
    /// What other programs of this user's have put into the store that they share: keys with their values, `None` for
    /// what they removed. [`crate::settle`] says which of two values counts.
    Shared(Vec<(String, Option<String>)>),
    /// The user wants something.
    User(Intent),
}

/// What a user may want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Be called this. While connected under another name this signs in anew; when the name is taken the old one stays.
    ChooseName(String),
    /// Sign out: token, name, outbox, drafts and read positions are dropped, and the name is given back. Where the server
    /// cannot be told, the token alone is kept until it can, and no longer.
    ForgetMe,
    /// Make it the active room. Where the user is no member it is read, and nobody is told of it.
    Open(RoomName),
    /// Become a member of it.
    Join(RoomName),
    /// Join it, make it where there is none, and open it.
    Create(RoomName),
    /// Stop being a member of it.
    Leave(RoomName),
    /// A finished line of the composer: a message or a slash command. It clears the room's draft unless it is refused.
    Submit {
        /// The room of the composer.
        room: RoomName,
        /// What was typed.
        text: String,
    },
    /// What stands in the composer. Kept per room and stored.
    Draft {
        /// The room of the composer.
        room: RoomName,
        /// What stands there.
        text: String,
    },
    /// Send a failed post again.
    Retry(LocalId),
    /// Drop a failed or waiting post: back into the room's draft where that is empty.
    Discard(LocalId),
    /// Take back the last [`Self::Discard`] that came with a [`crate::Notice::Discarded`].
    Undiscard,
    /// Read a page of older events: the newest gap first, then what lies before the oldest event.
    LoadOlder(RoomName),
    /// As [`Self::Open`], and read the events around this one where it is not loaded.
    Show {
        /// Which room.
        room: RoomName,
        /// Which event.
        seq: Seq,
    },
    /// Read the page of missing events that ends before this one, which is loaded.
    LoadBefore {
        /// Which room.
        room: RoomName,
        /// Which event.
        seq: Seq,
    },
    /// Read the page of missing events that begins after this one, which is loaded.
    LoadAfter {
        /// Which room.
        room: RoomName,
        /// Which event.
        seq: Seq,
    },
    /// Do not wait for the next attempt.
    ReconnectNow,
    /// Ask for the server's list of rooms again.
    RefreshRooms,
}
