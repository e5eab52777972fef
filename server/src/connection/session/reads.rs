//! What a session reads for its client: the logs of rooms.

use std::sync::{Arc, Weak};

use teahouse_protocol::{
    History, HistoryPage, RequestId, ResetReason, Resume, Seq, ServerMessage, Watch, Watching, limits,
};

use super::Session;
use crate::connection::mailbox::Answer;
use crate::connection::outlet::Outlet;
use crate::connection::socket::Socket;
use crate::connection::watches::Watches;
use crate::fanout::Feed;
use crate::log::{LogError, Page, PageQuery};
use crate::state::{Deed, Rejection, Sight};
use crate::wire_errors::{SessionError, refused, unreadable};

/// Requests that lie further back than this many events are not replayed but reset.
const REPLAY_EVENTS_MAX: u64 = 100_000;

impl<S: Socket> Session<S> {
    pub(super) fn watch(
        &self,
        re: RequestId,
        watch: Watch,
        watches: &mut Watches,
    ) -> Result<ServerMessage, SessionError> {
        let room = self.feed(&watch.room)?;
        if watches.len() >= limits::WATCHES_MAX && !watches.is_watching(room.id) {
            return Err(SessionError::TooManyWatches);
        }
        let sight = self.sight(Deed::Watch, &room)?;
        let epoch = self.house.reader.epoch_of(room.id);
        let head = room.tail().head();
        let (resume, reason, after) = match watch.after {
            None => (Resume::Live, None, None),
            Some(after) => match reset_reason(after.epoch == epoch, after.seq, head) {
                Some(reason) => (Resume::Reset, Some(reason), None),
                None => (Resume::Replay, None, Some(after.seq)),
            },
        };
        let name = room.name.clone();
        let head = watches.watch(room, sight, Arc::<Outlet<S>>::clone(&self.outlet), after);
        Ok(ServerMessage::Watching(Watching { re, room: name, epoch, head, resume, reason }))
    }

    pub(super) fn history(
        &mut self,
        re: RequestId,
        history: &History,
    ) -> Result<Option<ServerMessage>, SessionError> {
        let room = self.feed(&history.room)?;
        // Whoever sees less of a room gets a page of that.
        let Sight::Whole = self.sight(Deed::ReadHistory, &room)?;
        let mut queries = [
            history.before.map(PageQuery::Before),
            history.after.map(PageQuery::After),
            history.around.map(PageQuery::Around),
            history.at.map(PageQuery::At),
        ]
        .into_iter()
        .flatten();
        let query = queries.next().unwrap_or(PageQuery::Latest);
        if queries.next().is_some() {
            return Err(SessionError::OneCursor);
        }
        let limit = history.limit.map_or(limits::HISTORY_EVENTS_DEFAULT, |limit| limit as usize);
        if limit == 0 {
            return Err(SessionError::NoLimit);
        }
        let limit = limit.min(limits::HISTORY_EVENTS_MAX);
        self.alone = true;
        let (outlet, reader) = (Arc::downgrade(&self.outlet), self.house.reader.clone());
        self.house.lanes.read(self.source, move || {
            let result = reader.page(room.id, query, limit).map(|page| (room, page));
            leave(&outlet, Answer::History { re, result });
        });
        Ok(None)
    }

    /// Reads what follows a cursor.
    pub(in crate::connection) fn replay(&self, room: Arc<Feed>, seen: Seq, slot: usize, watch: u64) {
        let (outlet, replays) = (Arc::downgrade(&self.outlet), Arc::clone(&self.house.replays));
        self.house.lanes.read(self.source, move || {
            let result = replays.read(&room, seen);
            leave(&outlet, Answer::Replay { slot, watch, result });
        });
    }

    pub(super) fn page(&self, re: RequestId, result: Result<(Arc<Feed>, Page), LogError>) -> ServerMessage {
        match result {
            Ok((room, page)) => ServerMessage::History(HistoryPage {
                re,
                room: room.name.clone(),
                epoch: self.house.reader.epoch_of(room.id),
                head: page.head,
                more_before: page.more_before(),
                more_after: page.more_after(),
                events: page.events,
            }),
            Err(LogError::NoSuchRoom) => ServerMessage::Error(refused(re, &Rejection::RoomGone.into())),
            Err(error) => {
                tracing::error!("a page of history cannot be read: {error}");
                ServerMessage::Error(unreadable(re, &error))
            }
        }
    }
}

/// Leaves what was read for whoever asked, if that is still there. Whoever reads holds nobody's socket open.
fn leave<S: Socket>(outlet: &Weak<Outlet<S>>, answer: Answer) {
    if let Some(outlet) = outlet.upgrade()
        && outlet.mailbox().answer(answer)
    {
        outlet.mailbox().wake();
    }
}

fn reset_reason(same_epoch: bool, seq: Seq, head: Seq) -> Option<ResetReason> {
    if !same_epoch {
        Some(ResetReason::OtherEpoch)
    } else if seq > head {
        Some(ResetReason::Ahead)
    } else if head.get() - seq.get() > REPLAY_EVENTS_MAX {
        Some(ResetReason::TooFar)
    } else {
        None
    }
}
