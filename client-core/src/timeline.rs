use std::collections::VecDeque;
use std::sync::Arc;

use teahouse_protocol::{EventKind, MemberName, PageEvent, Position, Seq, UnixMillis, UserId};

use crate::covered::{Covered, Range};
use crate::drawn_rows::DrawnRows;
use crate::limits::INACTIVE_TIMELINE_EVENTS_MAX;
use crate::model::Me;
use crate::outbox::{LocalId, PendingPost};
use crate::rows::Row;

/// Of so many changes to loaded events it is remembered where they were. Whoever draws more rarely draws everything anew.
const CHANGES_REMEMBERED_MAX: usize = 256;

/// An event of a room, as a view sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEvent {
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it.
    pub at: UnixMillis,
    /// Who did it.
    pub user: UserId,
    /// What `user` was called then.
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

impl From<PageEvent> for TimelineEvent {
    fn from(event: PageEvent) -> Self {
        let PageEvent { seq, at, user, by, op: _, kind } = event;
        Self { seq, at, user, by, kind: kind.into(), local: None }
    }
}

/// Seqs of which nothing is known, between two parts that are loaded or after the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last seq before it.
    pub after: Seq,
    /// The first seq after it; `None` where the gap reaches to the room's head.
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
    /// In the order of their seqs, each once.
    events: VecDeque<TimelineEvent>,
    /// The parts of the log that are here. What lies between them is missing, and nothing else is.
    covered: Covered,
    /// In the order of submission.
    pub(crate) pending: Vec<PendingPost>,
    /// Everything up to here came as it happened, or lay before the watch.
    pub(crate) position: Option<Position>,
    /// The unread line stands before the first message of others after this.
    pub(crate) unread_after: Option<Seq>,
    pub(crate) loading: Option<Loading>,
    pub(crate) me: Option<Me>,
    /// The event near which the user reads, away from the end; no page that is asked for there may be dropped for others.
    pub(crate) reader: Option<Seq>,
    /// How often the log was forgotten.
    lives: u64,
    /// Which events that were there became other ones of late, the last of them last.
    changed: VecDeque<Seq>,
    /// How many they were in all.
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

    pub(crate) fn me(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    pub(crate) fn unread_after(&self) -> Option<Seq> {
        self.unread_after
    }

    pub(crate) fn events(&self) -> &VecDeque<TimelineEvent> {
        &self.events
    }

    pub(crate) fn has_older(&self) -> bool {
        self.first_seq().is_some_and(|first| first.get() > 1)
    }

    /// How often the log was forgotten: what was drawn before is of another one.
    pub(crate) fn lives(&self) -> u64 {
        self.lives
    }

    /// How many times an event that was there became another one.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Which events became other ones since there were so many changes. `None`: too many to be remembered.
    pub(crate) fn changed_since(&self, changes: u64) -> Option<impl Iterator<Item = Seq>> {
        let news = usize::try_from(self.changes.checked_sub(changes)?).ok()?;
        let known = self.changed.len().checked_sub(news)?;
        Some(self.changed.range(known..).copied())
    }

    /// The oldest part of the log that is loaded begins here.
    pub fn first_seq(&self) -> Option<Seq> {
        self.covered.first()
    }

    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.covered.latest().map(|range| range.last)
    }

    /// The first seq from which on nothing is missing up to the last.
    pub(crate) fn latest_from(&self) -> Seq {
        self.covered.latest().map_or(Seq::ZERO, |range| range.first)
    }

    /// Whether nothing is missing between two seqs, both included.
    pub(crate) fn is_whole(&self, first: Seq, last: Seq) -> bool {
        self.covered.around(first).is_some_and(|range| last <= range.last)
    }

    /// Everything from `first` to `last`, both included, has been told.
    pub(crate) fn cover(&mut self, first: Seq, last: Seq) {
        self.covered.add(first, last);
    }

    /// Where watching stands; before the first event while nothing is watched.
    pub(crate) fn cursor(&self) -> Seq {
        self.position.as_ref().map_or(Seq::ZERO, |position| position.seq)
    }

    /// Whether events before the cursor are missing at the end.
    pub(crate) fn lacks_latest(&self) -> bool {
        self.last_seq().unwrap_or(Seq::ZERO) < self.cursor()
    }

    /// Whether it is known what has this seq.
    pub(crate) fn contains(&self, seq: Seq) -> bool {
        self.covered.contains(seq)
    }

    pub(crate) fn event_mut(&mut self, seq: Seq) -> Option<&mut TimelineEvent> {
        let at = self.find(seq).ok()?;
        self.changes += 1;
        if self.changed.len() >= CHANGES_REMEMBERED_MAX {
            self.changed.pop_front();
        }
        self.changed.push_back(seq);
        self.events.get_mut(at)
    }

    /// Puts an event in its place. One that is there already stays as it is.
    pub(crate) fn insert(&mut self, event: TimelineEvent) {
        if let Err(at) = self.find(event.seq) {
            self.covered.add(event.seq, event.seq);
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
        let in_the_middle = reader < latest / 2 && reader + excess <= latest;
        let dropped = if in_the_middle { latest - excess..latest } else { 0..excess };
        let first = if in_the_middle { self.events[dropped.start].seq } else { Seq::ZERO };
        self.covered.remove(first, self.events[dropped.end - 1].seq);
        self.events.drain(dropped);
    }

    /// Forgets the log, because its seqs mean something else now. Pending posts stay.
    pub(crate) fn forget_log(&mut self) {
        self.events.clear();
        self.covered.clear();
        self.lives += 1;
        self.position = None;
        self.unread_after = None;
        self.loading = None;
        self.reader = None;
    }

    /// The gap closest to the end.
    pub(crate) fn newest_gap(&self) -> Option<Gap> {
        self.gap_at_end().or_else(|| self.gap_in_front_of(self.covered.latest()?))
    }

    fn find(&self, seq: Seq) -> Result<usize, usize> {
        // Nearly every event goes to the end.
        if self.events.back().is_none_or(|last| last.seq < seq) {
            return Err(self.events.len());
        }
        self.events.binary_search_by_key(&seq, |event| event.seq)
    }

    pub(crate) fn gap_before(&self, at: usize) -> Option<Gap> {
        let earlier = self.events[at.checked_sub(1)?].seq;
        let range = self.covered.around(self.events[at].seq)?;
        (earlier < range.first).then(|| self.gap_in_front_of(range))?
    }

    fn gap_in_front_of(&self, range: Range) -> Option<Gap> {
        let (after, before) = (self.covered.before(range)?.last, range.first);
        let loading = matches!(self.loading, Some(Loading::Before(at)) if at == before)
            || self.loading == Some(Loading::After(after));
        Some(Gap { after, before: Some(before), loading })
    }

    pub(crate) fn gap_at_end(&self) -> Option<Gap> {
        let after = self.last_seq()?;
        let loading = self.loading == Some(Loading::Latest);
        self.lacks_latest().then_some(Gap { after, before: None, loading })
    }
}
