use std::sync::Arc;

use teahouse_protocol::{MemberName, Seq, UnixMillis, UserId};

use crate::calendar::{civil_from_days, iso_weekday, local_day};
use crate::limits::GROUP_WITHIN_MS;
use crate::mentions::mentions;
use crate::model::Me;
use crate::outbox::{LocalId, PendingPost, PostState};
use crate::timeline::{Gap, TimelineEvent, TimelineKind};

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
        /// The last event before them.
        after: Seq,
        /// The first event after them; `None` where they reach to the room's head.
        before: Option<Seq>,
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

/// The rows so far, and what the next one depends on.
pub(crate) struct Drawing<'a, F> {
    pub(crate) rows: &'a mut Vec<Arc<Row>>,
    pub(crate) offset_minutes: F,
    pub(crate) so_far: SoFar,
}

/// What the next row depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SoFar {
    /// The latest day that has a divider. `seq` and not time orders a room, so a day may seem to come again.
    day: Option<i64>,
    group: Option<Group>,
    run: Option<Run>,
    /// Where the unread line is still to be drawn.
    unread_after: Option<Seq>,
}

impl SoFar {
    /// Before the first row.
    pub(crate) fn beginning(unread_after: Option<Seq>) -> Self {
        Self { unread_after, ..Self::default() }
    }

    /// Before the first row of a part, where this day has had its divider.
    pub(crate) fn on_day(day: Option<i64>) -> Self {
        Self { day, ..Self::default() }
    }

    /// The latest day that has a divider.
    pub(crate) fn day(&self) -> Option<i64> {
        self.day
    }
}

/// Of the last row, where it was a message that others may follow. Two people may have had one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    user: Option<UserId>,
    by: MemberName,
    at: UnixMillis,
}

/// Members who came and went without anything in between.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    first: Seq,
    at: UnixMillis,
    day: i64,
    joined: Vec<MemberName>,
    left: Vec<MemberName>,
}

impl<F: Fn(UnixMillis) -> i32> Drawing<'_, F> {
    fn push(&mut self, row: Row) {
        self.rows.push(Arc::new(row));
    }

    pub(crate) fn event(&mut self, event: &TimelineEvent, me: Option<&Me>) {
        match &event.kind {
            TimelineKind::Unknown => {}
            TimelineKind::Joined => self.membership(event, true),
            TimelineKind::Left => self.membership(event, false),
            TimelineKind::Created => {
                self.begin(event.at);
                self.so_far.group = None;
                let key = RowKey::Seq(event.seq);
                self.push(Row::Created { key, by: event.by.clone(), at: event.at });
            }
            TimelineKind::Posted { text, action } => {
                let mine = me.is_some_and(|me| me.is(event.user));
                self.begin(event.at);
                if !mine {
                    self.unread_line(event.seq);
                }
                let first_of_group = self.opens_group(Some(event.user), &event.by, event.at, *action);
                self.push(Row::Message {
                    key: event.local.map_or(RowKey::Seq(event.seq), RowKey::Local),
                    seq: Some(event.seq),
                    local: event.local,
                    by: event.by.clone(),
                    at: event.at,
                    text: text.clone(),
                    action: *action,
                    mine,
                    mentions_me: !mine && me.is_some_and(|me| mentions(text, &me.name)),
                    first_of_group,
                    state: None,
                });
            }
        }
    }

    pub(crate) fn gap(&mut self, gap: Gap) {
        self.end_run();
        self.so_far.group = None;
        let Gap { after, before, loading } = gap;
        self.push(Row::Gap { key: RowKey::Gap(after), after, before, loading });
    }

    pub(crate) fn pending(&mut self, post: &PendingPost, me: Option<&Me>) {
        let Some(me) = me else { return };
        self.begin(post.at);
        let first_of_group = self.opens_group(me.user, &me.name, post.at, post.action);
        self.push(Row::Message {
            key: RowKey::Local(post.local),
            seq: None,
            local: Some(post.local),
            by: me.name.clone(),
            at: post.at,
            text: post.text.clone(),
            action: post.action,
            mine: true,
            mentions_me: false,
            first_of_group,
            state: Some(post.state.clone()),
        });
    }

    /// A row that is no membership change begins: what is gathered goes before it, and a divider where a day begins.
    fn begin(&mut self, at: UnixMillis) {
        self.end_run();
        self.divide(self.day_of(at));
    }

    fn day_of(&self, at: UnixMillis) -> i64 {
        local_day(at, (self.offset_minutes)(at))
    }

    fn divide(&mut self, day: i64) {
        if self.so_far.day.is_none_or(|last| day > last) {
            self.so_far.day = Some(day);
            self.so_far.group = None;
            let (year, month, day_of_month) = civil_from_days(day);
            self.push(Row::Day {
                key: RowKey::Day(day),
                year,
                month,
                day: day_of_month,
                weekday: iso_weekday(day),
            });
        }
    }

    fn unread_line(&mut self, seq: Seq) {
        if self.so_far.unread_after.is_some_and(|after| seq > after) {
            self.so_far.unread_after = None;
            self.so_far.group = None;
            self.push(Row::Unread);
        }
    }

    fn opens_group(&mut self, user: Option<UserId>, by: &MemberName, at: UnixMillis, action: bool) -> bool {
        let follows = self.so_far.group.as_ref().is_some_and(|last| {
            last.user == user && last.by == *by && at.get().abs_diff(last.at.get()) < GROUP_WITHIN_MS
        });
        // What somebody does reads as a sentence with its name, so nothing is grouped with it.
        self.so_far.group = (!action).then(|| Group { user, by: by.clone(), at });
        action || !follows
    }

    fn membership(&mut self, event: &TimelineEvent, joins: bool) {
        let day = self.day_of(event.at);
        if self.so_far.run.as_ref().is_some_and(|run| day > run.day) {
            self.end_run();
        }
        let run = self.so_far.run.get_or_insert_with(|| Run {
            first: event.seq,
            at: event.at,
            day,
            joined: Vec::new(),
            left: Vec::new(),
        });
        let (here, there) =
            if joins { (&mut run.joined, &mut run.left) } else { (&mut run.left, &mut run.joined) };
        match there.iter().position(|name| *name == event.by) {
            Some(at) => {
                there.remove(at);
            }
            None => here.push(event.by.clone()),
        }
    }

    pub(crate) fn end_run(&mut self) {
        let Some(Run { first, at, joined, left, .. }) = self.so_far.run.take() else { return };
        if joined.is_empty() && left.is_empty() {
            return;
        }
        self.divide(self.day_of(at));
        self.so_far.group = None;
        self.push(Row::Members { key: RowKey::Seq(first), joined, left });
    }
}
