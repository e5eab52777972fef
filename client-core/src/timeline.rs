use std::collections::VecDeque;

use teahouse_protocol::{MemberName, Seq, UnixMillis};

use crate::outbox::{LocalId, PendingPost};
use crate::rows::{self, Row};

/// An event of a room, as a view sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEvent {
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it.
    pub at: UnixMillis,
    /// Who did it.
    pub by: MemberName,
    /// What was done.
    pub kind: TimelineKind,
    /// The pending post of this program that became this event, so that it keeps its row.
    pub local: Option<LocalId>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimelineKind {
    /// The room was made.
    Created,
    /// Somebody became a member.
    Joined,
    /// Somebody is a member no more.
    Left,
    /// Somebody wrote.
    Posted {
        /// What was said; to be shown through [`crate::spans`] only.
        text: String,
        /// Whether it tells what the author does.
        action: bool,
    },
    /// Something that this version does not know. It counts and shows nothing.
    Unknown,
}

/// Events that are known to be missing, between two that are loaded or after the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last event before it.
    pub after: Seq,
    /// The first event after it; `None` where the gap reaches to the room's head.
    pub before: Option<Seq>,
    /// Whether a page for it is on its way.
    pub loading: bool,
}

/// One thing in a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Something in the room's log.
    Event(&'a TimelineEvent),
    /// Something missing.
    Gap(Gap),
    /// A post of this program that is not yet in the log.
    Pending(&'a PendingPost),
}

/// The loaded events of a room in the order of their seqs, with the gaps between them, then the pending posts.
#[derive(Debug, Default)]
pub struct Timeline {
    pub(crate) events: VecDeque<TimelineEvent>,
    pub(crate) pending: Vec<PendingPost>,
    pub(crate) me: Option<MemberName>,
    pub(crate) unread_after: Option<Seq>,
}

impl Timeline {
    /// Everything, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        self.events.iter().map(Entry::Event).chain(self.pending.iter().map(Entry::Pending))
    }

    /// How many loaded events and pending posts there are; gaps do not count.
    pub fn len(&self) -> usize {
        self.events.len() + self.pending.len()
    }

    /// Whether there is nothing, not even a pending post.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a view draws: entries with day dividers, the unread line, grouping and collapsed membership runs.
    /// `offset_minutes(at)` is the local offset from UTC at that time, east positive.
    pub fn rows(&self, offset_minutes: impl Fn(UnixMillis) -> i32) -> Vec<Row> {
        rows::rows(self, offset_minutes)
    }

    pub(crate) fn has_older(&self) -> bool {
        self.events.front().is_some_and(|first| first.seq.get() > 1)
    }
}
