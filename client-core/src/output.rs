use teahouse_protocol::{ErrorCode, GoodbyeReason, MemberName, NameError, RoomName, Seq, TextError};

use crate::commands::SlashCommand;
use crate::line::Order;
use crate::room::Member;

/// Something that the driver or the view shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a link to the one address there is; answer [`crate::Input::LinkOpened`] or [`crate::Input::LinkClosed`].
    OpenLink,
    /// Close the link, or stop opening it. From here on nothing of that link may be handed in, its end neither.
    CloseLink,
    /// Send this JSON object; the driver adds the line ending where the link needs one.
    Send(String),
    /// Keep a small value durably for the next [`crate::Brain::new`]. The last one for a key counts.
    Store {
        /// Unique name of the value.
        key: String,
        /// The value; `None` removes it.
        value: Option<String>,
    },
    /// This part of the model may have changed. At most once per part and `handle`.
    Changed(Change),
    /// Say this to the user once. It is no part of any room's log.
    Notice(Notice),
    /// Somebody mentions the user, live, whether the user looks or not; not given for replayed history or the user's
    /// own words.
    Mentioned {
        /// Where.
        room: RoomName,
        /// Which event.
        seq: Seq,
        /// Who did it.
        by: MemberName,
        /// The whole text, to be shown through [`crate::spans`] only.
        text: String,
    },
}

impl From<Order> for Output {
    fn from(order: Order) -> Self {
        match order {
            Order::Open => Self::OpenLink,
            Order::Close => Self::CloseLink,
            Order::Send(line) => Self::Send(line),
        }
    }
}

/// A part of the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// [`crate::Model::connection`].
    Connection,
    /// [`crate::Model::me`].
    Identity,
    /// The list of rooms, or a room's counts.
    Rooms,
    /// [`crate::Model::active`].
    Active,
    /// A room's timeline, its pending posts included.
    Timeline(RoomName),
    /// A room's members.
    Members(RoomName),
    /// A room's draft, changed by the brain and not by [`crate::Intent::Draft`].
    Draft(RoomName),
}

/// Something to tell the user once. It carries data; views have the words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The answer to `/help`: list [`SlashCommand::ALL`].
    Help,
    /// There is no such command. The text stays in the draft.
    UnknownCommand {
        /// As typed, without the slash. To be shown through [`crate::spans`].
        command: String,
    },
    /// A command lacks what it needs. The text stays in the draft.
    Usage {
        /// Which one.
        command: SlashCommand,
    },
    /// A member's or room's name breaks a rule.
    BadName {
        /// Which rule.
        reason: NameError,
    },
    /// A text breaks a rule. It stays in the draft.
    BadText {
        /// Which rule.
        reason: TextError,
    },
    /// A post was dropped, and the room's composer had no place for its words; [`crate::Intent::Undiscard`] brings it back.
    Discarded,
    /// The user is called something else now.
    Renamed {
        /// The old name.
        from: MemberName,
        /// The new one.
        to: MemberName,
    },
    /// Another program of the user's has left this room. It stays open, to be read.
    LeftElsewhere {
        /// The room.
        room: RoomName,
    },
    /// Another program of the user's has signed out, and so has this one.
    SignedOutElsewhere,
    /// Somebody else has the name; the user goes on under the old one.
    NameTaken {
        /// The name that was asked for.
        name: MemberName,
    },
    /// The user is no member of the room, so nothing can be posted there. The text stays in the draft.
    NotMember {
        /// The room.
        room: RoomName,
    },
    /// Too much waits to be sent. The text stays in the draft.
    OutboxFull,
    /// The command needs a connection. The text stays in the draft.
    Offline,
    /// As many events of the room as this program keeps are loaded already.
    TimelineFull {
        /// The room.
        room: RoomName,
    },
    /// The answer to `/rooms`.
    Rooms {
        /// The server's rooms by name, at most [`crate::limits::ROOMS_LISTED_MAX`].
        rooms: Vec<RoomSummary>,
    },
    /// The answer to `/who`.
    Who {
        /// The room.
        room: RoomName,
        /// Its members, those online first.
        members: Vec<Member>,
        /// How many there are.
        total: u64,
    },
    /// The user is a member of this room now, after a join that the user asked for.
    Joined {
        /// The room.
        room: RoomName,
    },
    /// The user is no member of this room any more.
    Left {
        /// The room.
        room: RoomName,
    },
    /// The server refused something, in its own words.
    ServerError {
        /// The room that it was about, if it was about one.
        room: Option<RoomName>,
        /// What kind of failure.
        code: ErrorCode,
        /// What was wrong and what to do.
        message: String,
    },
    /// The server is about to close the connection.
    Goodbye {
        /// Why, for programs.
        reason: GoodbyeReason,
        /// Why, in the server's words.
        message: String,
        /// Whether the brain connects again.
        reconnect: bool,
    },
}

impl Notice {
    /// Whether it says why a submitted text was not taken: it stays where it was typed, and the notice is about it until it
    /// is changed.
    pub fn is_about_draft(&self) -> bool {
        matches!(
            self,
            Self::UnknownCommand { .. }
                | Self::Usage { .. }
                | Self::BadName { .. }
                | Self::BadText { .. }
                | Self::NotMember { .. }
                | Self::OutboxFull
                | Self::Offline
        )
    }
}

/// One line of the answer to `/rooms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// The room.
    pub name: RoomName,
    /// How many members it has.
    pub members: u64,
    /// Whether the user is one of them.
    pub joined: bool,
}
