use teahouse_protocol::{Position, Seq};

use crate::mentions::mentions;
use crate::model::Me;
use crate::store;
use crate::timeline::{Timeline, TimelineEvent, TimelineKind};

/// How far a room is read, and what has come since.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Everything up to here was seen. `None`: this client was never in the room before.
    pub(crate) read: Option<Position>,
    /// Messages of others after that, as far as they are loaded.
    pub(crate) unread: u64,
    /// Those of them that mention the user.
    pub(crate) mentions: u64,
    /// The first and the last event that the counts have in them, those in between included.
    counted: Option<(Seq, Seq)>,
    /// The room was entered, and the unread line waits for the counts.
    pub(crate) line_due: bool,
}

impl Reading {
    /// The last event that was seen.
    pub(crate) fn read_seq(&self) -> Seq {
        self.read.as_ref().map_or(Seq::ZERO, |read| read.seq)
    }

    /// Counts an event, once. Says whether it mentions the user.
    pub(crate) fn count(&mut self, event: &TimelineEvent, me: Option<&Me>) -> bool {
        let again = self.counted.is_some_and(|(first, last)| first <= event.seq && event.seq <= last);
        if again || event.seq <= self.read_seq() {
            return false;
        }
        self.counted = Some(match self.counted {
            Some((first, last)) => (first.min(event.seq), last.max(event.seq)),
            None => (event.seq, event.seq),
        });
        let TimelineKind::Posted { text, .. } = &event.kind else { return false };
        if me.is_some_and(|me| me.is(event.user)) {
            return false;
        }
        let mentioned = me.is_some_and(|me| mentions(text, &me.name));
        self.unread += 1;
        self.mentions += u64::from(mentioned);
        mentioned
    }

    /// Counts anew what is loaded after the read position, from the end as far as nothing is missing.
    pub(crate) fn recount(&mut self, timeline: &Timeline) {
        self.forget_counts();
        let from = timeline.latest_from();
        for event in timeline.events().iter().rev() {
            if event.seq <= self.read_seq() || event.seq < from {
                break;
            }
            self.count(event, timeline.me());
        }
    }

    /// Everything up to here has been seen. Says whether that is news.
    pub(crate) fn mark(&mut self, position: &Position) -> bool {
        let news = self.read.as_ref().is_none_or(|read| store::is_newer(position, read));
        if news {
            self.read = Some(position.clone());
        }
        self.forget_counts();
        news
    }

    /// Nothing after the read position is loaded any more.
    pub(crate) fn forget_counts(&mut self) {
        self.unread = 0;
        self.mentions = 0;
        self.counted = None;
    }
}
