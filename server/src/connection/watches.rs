use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;
use teahouse_protocol::{CaughtUp, Gone, Seq, ServerMessage};

use super::thin_queue::ThinQueue;
use crate::door::Door;
use crate::fanout::{Feed, Replay, WatchKey, Watcher};
use crate::log::{LogError, Reader};
use crate::state::{RoomId, Sight};

/// The rooms that a connection watches, each with a cursor.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Most connections watch one room, and the herald passes by often: the first cursor lies here.
    cursors: SmallVec<[Option<Cursor>; 1]>,
    /// Slots of cursors that may have something to read.
    ready: ThinQueue<usize>,
    /// Slots of cursors that want something of the log. They read one after the other.
    behind: ThinQueue<usize>,
    /// Whether one of them is reading.
    reading: bool,
    /// Numbers watches, since slots are used again.
    next_watch: u64,
}

#[derive(Debug)]
pub(super) struct Cursor {
    watch: u64,
    pub(super) room: Arc<Feed>,
    key: WatchKey,
    /// The last event that was given to the peer.
    pub(super) seen: Seq,
    /// Where a replay ends and `caught_up` is due.
    catch_up_at: Option<Seq>,
    presence: u64,
    /// What was read from the log for this cursor, until it is written or the socket takes no more.
    pub(super) replay: Option<Arc<Replay>>,
    /// Whether a read from the log is under way, or waits for its turn.
    replaying: bool,
    /// Whether the slot stands in `ready`.
    ready: bool,
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.each().count()
    }

    pub(super) fn is_watching(&self, room: RoomId) -> bool {
        self.each().any(|(_, cursor)| cursor.room.id == room)
    }

    fn each(&self) -> impl Iterator<Item = (usize, &Cursor)> {
        let slots = self.cursors.iter().enumerate();
        slots.filter_map(|(slot, cursor)| cursor.as_ref().map(|cursor| (slot, cursor)))
    }

    /// Begins to watch. With `after`, what lies after it comes first, then `caught_up`. Answers the room's head.
    pub(super) fn watch(
        &mut self,
        room: Arc<Feed>,
        sight: Sight,
        watcher: Arc<dyn Watcher>,
        after: Option<Seq>,
    ) -> Seq {
        // The cursor of whoever sees less ends there. All of them end with their user.
        let Sight::Whole = sight;
        self.unwatch(room.id);
        self.next_watch += 1;
        let slot = self.cursors.iter().position(Option::is_none).unwrap_or_else(|| {
            self.cursors.push(None);
            self.cursors.len() - 1
        });
        let key = room.watch(watcher, slot, self.next_watch);
        let presence = room.presence_cursor();
        let head = room.tail().head();
        self.cursors[slot] = Some(Cursor {
            watch: self.next_watch,
            room,
            key,
            seen: after.unwrap_or(head),
            catch_up_at: after.map(|_| head),
            presence,
            replay: None,
            replaying: false,
            ready: false,
        });
        self.mark_ready(slot);
        head
    }

    /// Stops watching. Answers whether the room was watched.
    pub(super) fn unwatch(&mut self, room: RoomId) -> bool {
        let found = self.each().find(|(_, cursor)| cursor.room.id == room).map(|(slot, _)| slot);
        match found.and_then(|slot| self.cursors[slot].take()) {
            Some(cursor) => {
                cursor.room.unwatch(cursor.key);
                true
            }
            None => false,
        }
    }

    /// Says that the room of a watch is gone, which ends the watch.
    pub(super) fn say_gone(
        &mut self,
        slot: usize,
        reader: &Reader,
        door: &mut Door,
        out: &mut VecDeque<Bytes>,
    ) {
        let Some(room) = self.cursor(slot).map(|cursor| Arc::clone(&cursor.room)) else { return };
        self.unwatch(room.id);
        let gone = Gone { room: room.name.clone(), epoch: reader.epoch_of(room.id) };
        out.push_back(door.encode(&ServerMessage::Gone(gone)));
    }

    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.behind.clear();
        for cursor in self.cursors.drain(..).flatten() {
            cursor.room.unwatch(cursor.key);
        }
    }

    /// A watch has something to read.
    pub(super) fn mark_ready(&mut self, slot: usize) {
        if let Some(cursor) = self.cursor(slot)
            && !std::mem::replace(&mut cursor.ready, true)
        {
            self.ready.push_back(slot);
        }
    }

    /// The cursor in a slot.
    pub(super) fn cursor(&mut self, slot: usize) -> Option<&mut Cursor> {
        self.cursors.get_mut(slot)?.as_mut()
    }

    /// Whether this watch stands in the slot and nothing but live events is next for it. Otherwise what is next will
    /// look at the tail by itself.
    pub(super) fn may_be_written(&self, slot: usize, watch: u64) -> bool {
        self.cursors.get(slot).and_then(Option::as_ref).is_some_and(|cursor| {
            cursor.watch == watch && !cursor.replaying && !cursor.ready && cursor.catch_up_at.is_none()
        })
    }

    /// Whether the herald is about to bring this event of a room to the peer.
    pub(super) fn will_be_written(&self, room: RoomId, seq: Seq) -> bool {
        self.each().any(|(slot, cursor)| {
            cursor.room.id == room && cursor.seen < seq && self.may_be_written(slot, cursor.watch)
        })
    }

    /// Gives back memory that nothing uses.
    pub(super) fn let_go(&mut self) {
        self.ready.let_go();
        self.behind.let_go();
    }

    /// The next cursor that may have something to read.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        while let Some(slot) = self.ready.pop_front() {
            if let Some(cursor) = self.cursor(slot) {
                cursor.ready = false;
                if !cursor.replaying {
                    return Some(slot);
                }
            }
        }
        None
    }

    /// What a cursor wants is in the log.
    pub(super) fn fell_behind(&mut self, slot: usize) {
        if let Some(cursor) = self.cursor(slot)
            && !std::mem::replace(&mut cursor.replaying, true)
        {
            self.behind.push_back(slot);
        }
    }

    /// The next cursor that wants something of the log, unless one is reading.
    pub(super) fn next_behind(&mut self) -> Option<(usize, &mut Cursor)> {
        if self.reading {
            return None;
        }
        while let Some(slot) = self.behind.front().copied() {
            if self.cursor(slot).is_some_and(|cursor| cursor.replaying) {
                return self.cursor(slot).map(|cursor| (slot, cursor));
            }
            // It is watched no more.
            self.behind.pop_front();
        }
        None
    }

    /// Another cursor's replay serves the next one as well.
    pub(super) fn found(&mut self, replay: Arc<Replay>) {
        let Some(slot) = self.behind.pop_front() else { return };
        if let Some(cursor) = self.cursor(slot) {
            cursor.replaying = false;
            cursor.replay = Some(replay);
            self.mark_ready(slot);
        }
    }

    /// The next one reads the log.
    pub(super) fn begin_reading(&mut self) {
        self.behind.pop_front();
        self.reading = true;
    }

    /// A read from the log has come back. Where `full`, nobody can take it now; it is read again. Answers the error that
    /// ends the watch, and its room.
    pub(super) fn replayed(
        &mut self,
        slot: usize,
        watch: u64,
        result: Result<Arc<Replay>, LogError>,
        full: bool,
    ) -> Result<(), (Arc<Feed>, LogError)> {
        self.reading = false;
        let Some(cursor) = self.cursor(slot).filter(|cursor| cursor.watch == watch) else {
            return Ok(());
        };
        cursor.replaying = false;
        match result {
            Ok(replay) => {
                cursor.replay = Some(replay).filter(|_| !full);
                self.mark_ready(slot);
                Ok(())
            }
            Err(error) => {
                let room = Arc::clone(&cursor.room);
                self.unwatch(room.id);
                Err((room, error))
            }
        }
    }
}

impl Cursor {
    /// Says who came and went. Answers the room's head.
    pub(super) fn look(&mut self, door: &Door, out: &mut VecDeque<Bytes>) -> Seq {
        self.presence = self.room.read_presences(self.presence, door.framing(), out);
        self.room.tail().head()
    }

    /// Whether nothing but comings and goings is next, when the room's head is this.
    pub(super) fn is_settled(&self, head: Seq) -> bool {
        self.seen >= head && self.catch_up_at.is_none()
    }

    pub(super) fn catch_up(&mut self, door: &mut Door, out: &mut VecDeque<Bytes>) {
        if self.catch_up_at.is_some_and(|head| self.seen >= head) {
            self.catch_up_at = None;
            let caught_up = CaughtUp { room: self.room.name.clone(), head: self.seen };
            out.push_back(door.encode(&ServerMessage::CaughtUp(caught_up)));
        }
    }

    /// Tells this watch from an earlier one in the same slot.
    pub(super) fn watch(&self) -> u64 {
        self.watch
    }
}
