use teahouse_protocol::{MemberName, Seq, UnixMillis};

use crate::outbox::{LocalId, PostState};
use crate::timeline::{Entry, Timeline, TimelineKind};

/// Which row it is, as long as it stands: for keyed lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// The divider before the first event of a day, as days since 1970-01-01 in local time.
    Day(i64),
    /// The unread line.
    Unread,
    /// The row that begins with this event.
    Seq(Seq),
    /// A post of this program; it keeps this key when it has become an event.
    Local(LocalId),
    /// The gap after this event.
    Gap(Seq),
}

/// One row of a timeline, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A day begins.
    Day {
        /// Which row.
        key: RowKey,
        /// The year.
        year: i32,
        /// The month, 1 to 12.
        month: u32,
        /// The day of the month, 1 to 31.
        day: u32,
        /// The day of the week as in ISO 8601: 1 is Monday, 7 is Sunday.
        weekday: u32,
    },
    /// What follows is new.
    Unread,
    /// Somebody wrote.
    Message {
        /// Which row.
        key: RowKey,
        /// Its place in the room; `None` while it is pending.
        seq: Option<Seq>,
        /// The post of this program that it is or was.
        local: Option<LocalId>,
        /// Who wrote.
        by: MemberName,
        /// When.
        at: UnixMillis,
        /// What; to be shown through [`crate::spans`] only.
        text: String,
        /// Whether it tells what the author does.
        action: bool,
        /// Whether the user wrote it.
        mine: bool,
        /// Whether it mentions the user.
        mentions_me: bool,
        /// Whether the author and time are to be shown: false for what follows within five minutes.
        first_of_group: bool,
        /// How far it is; `None` once it is in the room's log.
        state: Option<PostState>,
    },
    /// Members came and went, without anything in between. Who came and went again is in neither list.
    Members {
        /// Which row.
        key: RowKey,
        /// Who came, in the order of coming.
        joined: Vec<MemberName>,
        /// Who went, in the order of going.
        left: Vec<MemberName>,
    },
    /// The room was made.
    Created {
        /// Which row.
        key: RowKey,
        /// Who made it.
        by: MemberName,
        /// When.
        at: UnixMillis,
    },
    /// Events are missing here.
    Gap {
        /// Which row.
        key: RowKey,
        /// Whether they are on their way.
        loading: bool,
    },
}

impl Row {
    /// Which row it is.
    pub fn key(&self) -> RowKey {
        match self {
            Self::Unread => RowKey::Unread,
            Self::Day { key, .. }
            | Self::Message { key, .. }
            | Self::Members { key, .. }
            | Self::Created { key, .. }
            | Self::Gap { key, .. } => *key,
        }
    }
}

pub(crate) fn rows(timeline: &Timeline, _offset_minutes: impl Fn(UnixMillis) -> i32) -> Vec<Row> {
    timeline
        .entries()
        .filter_map(|entry| match entry {
            Entry::Event(event) => match &event.kind {
                TimelineKind::Posted { text, action } => Some(Row::Message {
                    key: RowKey::Seq(event.seq),
                    seq: Some(event.seq),
                    local: event.local,
                    by: event.by.clone(),
                    at: event.at,
                    text: text.clone(),
                    action: *action,
                    mine: timeline.me.as_ref() == Some(&event.by),
                    mentions_me: false,
                    first_of_group: true,
                    state: None,
                }),
                _ => None,
            },
            _ => None,
        })
        .collect()
}
