use std::collections::VecDeque;

use teahouse_protocol::Seq;

use super::feed::Feed;
use super::news::News;
use super::replay::Replay;
use super::tail::Behind;
use crate::door::Framing;

/// News that were taken out of a tail for one cursor, kept for the next.
#[derive(Debug, Default)]
pub struct Shelf {
    news: VecDeque<News>,
}

/// Cursors at more different places than this at the same time are rare.
const SHELF_NEWS_MAX: usize = 8;

impl Shelf {
    /// What lies after `seen` in the room's tail, or else in what was read of the log.
    pub fn news(
        &mut self,
        room: &Feed,
        seen: Seq,
        replay: Option<&Replay>,
        framing: Framing,
    ) -> Result<&News, Behind> {
        let found = self.news.iter().position(|news| news.is_for(framing, seen));
        let index = match found {
            Some(index) => index,
            None => {
                let live = room.tail().news(framing, seen);
                let replay = || replay?.news(room.id, framing, seen);
                let news = live.or_else(|behind| replay().ok_or(behind))?;
                self.news.truncate(SHELF_NEWS_MAX - 1);
                self.news.push_front(news);
                0
            }
        };
        Ok(&self.news[index])
    }
}
