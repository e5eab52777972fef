use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use teahouse_protocol::Seq;

use super::feed::Feed;
use super::news::News;
use super::segment::{Segment, encode_segments};
use super::tails::Held;
use crate::door::Framing;
use crate::log::{LogError, PageQuery, Reader};
use crate::state::RoomId;

/// The most events in one replay.
const EVENTS_MAX: usize = 500;
/// The latest replays are kept for others until they weigh more than this, in bytes of JSON Lines.
const KEPT_BYTES_MAX: usize = 3 * 1024 * 1024;
/// What is read of the log for one replay, in bytes.
const REPLAY_BYTES_MAX: usize = 256 * 1024;
/// Rooms share so many locks: nobody reads what somebody else is reading.
const LOCKS: usize = 8;

/// A page of the log, framed for every cursor that stands in it or right before it.
#[derive(Debug)]
pub struct Replay {
    room: RoomId,
    first: Seq,
    last: Seq,
    segments: Vec<Arc<Segment>>,
}

/// Replays for cursors that fell off their room's tail. Where many fall off together, one of them reads the log and the
/// others read what it read.
pub struct Replays {
    reader: Reader,
    recent: Mutex<VecDeque<Arc<Replay>>>,
    held: Held,
    locks: [Mutex<()>; LOCKS],
}

impl Replay {
    /// Whether the event after `seen` is in here.
    fn follows(&self, room: RoomId, seen: Seq) -> bool {
        self.room == room && self.first <= seen.next() && seen < self.last
    }

    /// What follows `seen` in here, as much as one write takes.
    pub fn news(&self, room: RoomId, framing: Framing, seen: Seq) -> Option<News> {
        self.follows(room, seen).then(|| News::gather(&self.segments, framing, seen)).flatten()
    }

    /// What it holds, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.weight_bytes()).sum()
    }
}

impl Replays {
    /// Nothing is kept yet.
    pub fn new(reader: Reader) -> Self {
        Self { reader, recent: Mutex::default(), held: Held::default(), locks: Default::default() }
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Arc<Replay>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A replay that somebody else asked for and that serves a cursor at `seen` as well.
    pub fn find(&self, room: RoomId, seen: Seq) -> Option<Arc<Replay>> {
        self.recent().iter().find(|replay| replay.follows(room, seen)).cloned()
    }

    /// What follows `seen`. Blocks on the disk.
    pub fn read(&self, room: &Feed, seen: Seq) -> Result<Arc<Replay>, LogError> {
        let lock = &self.locks[room.id.0 as usize % LOCKS];
        let _locked = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.find(room.id, seen) {
            return Ok(found);
        }
        let page =
            self.reader.page_of_bytes(room.id, PageQuery::After(seen), EVENTS_MAX, REPLAY_BYTES_MAX)?;
        let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else {
            return Err(LogError::Impossible("end of a room"));
        };
        let (first, last) = (first.seq, last.seq);
        let segments =
            encode_segments(&room.name, page.events, &self.held).into_iter().map(Arc::new).collect();
        let replay = Arc::new(Replay { room: room.id, first, last, segments });
        let mut recent = self.recent();
        recent.push_front(Arc::clone(&replay));
        let mut bytes = 0;
        let kept = recent.iter().take_while(|replay| {
            bytes += replay.weight_bytes();
            bytes <= KEPT_BYTES_MAX
        });
        let kept = kept.count();
        recent.truncate(kept);
        Ok(replay)
    }
}
