use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::feed::Feed;

/// The tails of all rooms together hold at most this, in bytes, in all framings; the rooms that were written to least
/// recently let go first.
pub const TAILS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Counts the bytes that segments hold, in all their framings, as long as anybody holds the segments.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<AtomicUsize>);

impl Held {
    /// How many bytes.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The tails of all rooms, which share one budget.
#[derive(Debug, Default)]
pub struct Tails {
    held: Held,
    order: Mutex<Uses>,
}

/// The rooms with a tail, in the order of their last use.
#[derive(Debug, Default)]
struct Uses {
    last: u64,
    rooms: BTreeMap<u64, Weak<Feed>>,
}

impl Tails {
    /// Counts the bytes of all tails.
    pub fn held(&self) -> &Held {
        &self.held
    }

    fn uses(&self) -> std::sync::MutexGuard<'_, Uses> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A room's tail was written to. Others let go of theirs when all together hold too much.
    pub(super) fn used(&self, room: &Arc<Feed>) {
        let mut uses = self.uses();
        uses.last += 1;
        let now = uses.last;
        uses.rooms.remove(&room.tail_used.swap(now, Ordering::Relaxed));
        uses.rooms.insert(now, Arc::downgrade(room));
        while self.held.bytes() > TAILS_BYTES_MAX
            && let Some((_, oldest)) = uses.rooms.pop_first()
        {
            if let Some(oldest) = oldest.upgrade() {
                oldest.let_tail_go();
            }
        }
    }

    /// A room has no tail any more.
    pub(super) fn gone(&self, room: &Feed) {
        self.uses().rooms.remove(&room.tail_used.swap(0, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use teahouse_protocol::{EventKind, MemberName, PageEvent, RoomName, Seq, UnixMillis};

    use super::*;
    use crate::state::{RoomId, UserId};

    fn room(id: u32, tails: &Arc<Tails>) -> Arc<Feed> {
        let name = RoomName::parse(&format!("room{id}")).expect("legal");
        Arc::new(Feed::new(RoomId(id), name, Seq::ZERO, Arc::clone(tails)))
    }

    fn write(room: &Arc<Feed>, text_bytes: usize) -> bool {
        let kind = EventKind::Post { text: "x".repeat(text_bytes), action: false };
        let by = MemberName::parse("ana").expect("legal");
        let head = room.tail().head();
        let told = room.publish(vec![PageEvent {
            seq: head.next(),
            at: UnixMillis::new(0),
            user: UserId::of(1),
            by,
            op: None,
            kind,
        }]);
        assert_eq!(room.tail().head(), head.next());
        told
    }

    #[test]
    fn where_nobody_watches_nothing_is_kept() {
        let tails = Arc::new(Tails::default());
        let room = room(1, &tails);
        assert!(!write(&room, 1_000), "nobody is to be told");
        assert_eq!(tails.held().bytes(), 0);
        room.pretend_watched();
        assert!(write(&room, 1_000));
        assert!(tails.held().bytes() > 1_000);
        drop(room);
        assert_eq!(tails.held().bytes(), 0, "what is held is counted until it is let go");
    }

    #[test]
    fn all_tails_together_hold_so_much_and_the_least_used_is_let_go_first() {
        let tails = Arc::new(Tails::default());
        let rooms: Vec<_> = (1..=1_000).map(|id| room(id, &tails)).collect();
        for room in &rooms {
            room.pretend_watched();
            for _ in 0..4 {
                write(room, 30_000);
                write(&rooms[0], 100);
                assert!(tails.held().bytes() <= TAILS_BYTES_MAX);
            }
        }
        let kept = |room: &Feed| room.tail().news(crate::door::Framing::Json, Seq::ZERO).is_ok();
        assert!(kept(&rooms[999]), "the last one is kept");
        assert!(!kept(&rooms[1]), "the one that was not used for long is not");
        assert!(rooms[0].tail_used.load(Ordering::Relaxed) > 0, "the one that is used all the time is");
    }
}
