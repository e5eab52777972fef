use std::collections::VecDeque;
use std::sync::Arc;

use teahouse_protocol::{Event, EventKind, MemberName, PageEvent, Position, Seq, UnixMillis};

use crate::drawn_rows::DrawnRows;
use crate::limits::INACTIVE_TIMELINE_EVENTS_MAX;
use crate::outbox::{LocalId, PendingPost};
use crate::rows::Row;

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

impl From<EventKind> for TimelineKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Create => Self::Created,
            EventKind::Join => Self::Joined,
            EventKind::Leave => Self::Left,
            EventKind::Post { text, action } => Self::Posted { text, action },
            EventKind::Unknown => Self::Unknown,
        }
    }
}

impl From<Event> for TimelineEvent {
    fn from(event: Event) -> Self {
        Self { seq: event.seq, at: event.at, by: event.by, kind: event.kind.into(), local: None }
    }
}

impl From<PageEvent> for TimelineEvent {
    fn from(event: PageEvent) -> Self {
        Self { seq: event.seq, at: event.at, by: event.by, kind: event.kind.into(), local: None }
    }
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

/// The page of history that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loading {
    /// The one that ends at the room's head.
    Latest,
    /// The one that ends before this event.
    Before(Seq),
    /// The one that begins after this event.
    After(Seq),
    /// The one that has an event in its middle.
    Around,
}

/// The loaded events of a room in the order of their seqs, with the gaps between them, then the pending posts.
#[derive(Debug, Default)]
pub struct Timeline {
    /// In the order of their seqs, each once. Seqs have no gaps of their own, so a jump is something missing.
    events: VecDeque<TimelineEvent>,
    /// In the order of submission.
    pub(crate) pending: Vec<PendingPost>,
    /// Everything up to here came as it happened, or lay before the watch.
    pub(crate) position: Option<Position>,
    /// The unread line stands before the first message of others after this.
    pub(crate) unread_after: Option<Seq>,
    pub(crate) loading: Option<Loading>,
    pub(crate) me: Option<MemberName>,
    /// The event near which the user reads, away from the end; no page that is asked for there may be dropped for others.
    pub(crate) reader: Option<Seq>,
    /// How often an event that was there may have become another one.
    changes: u64,
}

impl Timeline {
    /// Everything, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        let events = (0..self.events.len())
            .flat_map(|at| [self.gap_before(at).map(Entry::Gap), Some(Entry::Event(&self.events[at]))])
            .flatten();
        events.chain(self.gap_at_end().map(Entry::Gap)).chain(self.pending.iter().map(Entry::Pending))
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
    /// Whoever draws again and again keeps [`crate::DrawnRows`].
    pub fn rows(&self, offset_minutes: impl Fn(UnixMillis) -> i32) -> Vec<Arc<Row>> {
        DrawnRows::default().draw(self, offset_minutes).to_vec()
    }

    pub(crate) fn me(&self) -> Option<&MemberName> {
        self.me.as_ref()
    }

    pub(crate) fn unread_after(&self) -> Option<Seq> {
        self.unread_after
    }

    pub(crate) fn events(&self) -> &VecDeque<TimelineEvent> {
        &self.events
    }

    pub(crate) fn has_older(&self) -> bool {
        self.events.front().is_some_and(|first| first.seq.get() > 1)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// The oldest event that is loaded.
    pub fn first_seq(&self) -> Option<Seq> {
        self.events.front().map(|event| event.seq)
    }

    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.events.back().map(|event| event.seq)
    }

    /// Where watching stands; before the first event while nothing is watched.
    pub(crate) fn cursor(&self) -> Seq {
        self.position.as_ref().map_or(Seq::ZERO, |position| position.seq)
    }

    /// Whether events before the cursor are missing at the end.
    pub(crate) fn lacks_latest(&self) -> bool {
        self.last_seq().unwrap_or(Seq::ZERO) < self.cursor()
    }

    pub(crate) fn contains(&self, seq: Seq) -> bool {
        self.find(seq).is_ok()
    }

    pub(crate) fn event_mut(&mut self, seq: Seq) -> Option<&mut TimelineEvent> {
        self.changes += 1;
        self.find(seq).ok().and_then(|at| self.events.get_mut(at))
    }

    /// Puts an event in its place. One that is there already stays as it is.
    pub(crate) fn insert(&mut self, event: TimelineEvent) {
        if let Err(at) = self.find(event.seq) {
            self.events.insert(at, event);
        }
    }

    /// Drops events beyond `max`: the oldest, or, where they are close to the reader, those between the reader and the
    /// latest. A tenth more goes than has to, so that it is rare.
    pub(crate) fn trim(&mut self, max: usize) {
        let length = self.events.len();
        if length <= max {
            return;
        }
        let excess = length - (max - max / 10);
        let latest = length.saturating_sub(INACTIVE_TIMELINE_EVENTS_MAX);
        let reader = self.reader.map_or(length, |seq| self.find(seq).unwrap_or_else(|at| at));
        if reader < latest / 2 && reader + excess <= latest {
            self.events.drain(latest - excess..latest);
        } else {
            self.events.drain(..excess);
        }
    }

    /// Forgets the log, because its seqs mean something else now. Pending posts stay.
    pub(crate) fn forget_log(&mut self) {
        self.events.clear();
        self.changes += 1;
        self.position = None;
        self.unread_after = None;
        self.loading = None;
        self.reader = None;
    }

    /// The gap closest to the end.
    pub(crate) fn newest_gap(&self) -> Option<Gap> {
        self.gap_at_end().or_else(|| (0..self.events.len()).rev().find_map(|at| self.gap_before(at)))
    }

    fn find(&self, seq: Seq) -> Result<usize, usize> {
        // Nearly every event goes to the end.
        if self.last_seq().is_none_or(|last| last < seq) {
            return Err(self.events.len());
        }
        self.events.binary_search_by_key(&seq, |event| event.seq)
    }

    pub(crate) fn gap_before(&self, at: usize) -> Option<Gap> {
        let after = self.events[at.checked_sub(1)?].seq;
        let before = self.events[at].seq;
        let loading = matches!(self.loading, Some(Loading::Before(at)) if at == before)
            || self.loading == Some(Loading::After(after));
        (before > after.next()).then_some(Gap { after, before: Some(before), loading })
    }

    pub(crate) fn gap_at_end(&self) -> Option<Gap> {
        let after = self.last_seq()?;
        let loading = self.loading == Some(Loading::Latest);
        self.lacks_latest().then_some(Gap { after, before: None, loading })
    }
}
