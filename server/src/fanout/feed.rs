use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use slab::Slab;
use teahouse_protocol::{MemberName, PageEvent, RoomName, Seq};

use super::members::Members;
use super::presence::{Kept, Presences};
use super::segment::encode_segments;
use super::shelf::Shelf;
use super::tail::{TAIL_BYTES_MAX, Tail};
use super::tails::Tails;
use super::watcher::{Delivery, Watcher};
use crate::door::Framing;
use crate::state::{RoomId, UserId};

/// A room as the read side knows it: only what is on disk.
#[derive(Debug)]
pub struct Feed {
    /// Its number.
    pub id: RoomId,
    /// Its handle.
    pub name: RoomName,
    members: RwLock<Members>,
    tail: RwLock<Tail>,
    tails: Arc<Tails>,
    /// When the tail was used last, by the count of [`Tails`]; 0: there is nothing in it.
    pub(super) tail_used: AtomicU64,
    presences: Mutex<Presences>,
    watchers: Mutex<Slab<Watch>>,
    /// How many watchers there are. For nobody nothing is kept.
    watching: AtomicUsize,
    /// Whether it has gone away with its last member.
    gone: AtomicBool,
    /// Whether the herald has been told of news and has not begun to walk.
    announced: AtomicBool,
    /// The head that the herald's last walk has brought to everybody.
    walked: AtomicU64,
}

/// So many watchers are taken out of the list at a time, so that nobody who comes or goes waits for a walk.
const WALK_STRIDE: usize = 64;

/// That a connection watches the room.
#[derive(Debug, Clone)]
struct Watch {
    watcher: Arc<dyn Watcher>,
    /// Where the connection keeps its cursor.
    slot: usize,
    /// Tells this watch from an earlier one in the same slot.
    number: u64,
}

impl Watch {
    /// Leaves word that there is something to read. Answers whether the connection must be woken.
    fn tell(&self) -> bool {
        self.watcher.tell(self.slot)
    }

    fn tell_and_wake(&self) {
        if self.tell() {
            self.watcher.wake();
        }
    }
}

/// A connection's end of a watch.
#[derive(Debug)]
pub struct WatchKey(usize);

impl Feed {
    /// A room whose last event is `head`.
    pub fn new(id: RoomId, name: RoomName, head: Seq, tails: Arc<Tails>) -> Self {
        Self {
            id,
            name,
            members: RwLock::default(),
            tail: RwLock::new(Tail::new(head)),
            tails,
            tail_used: AtomicU64::new(0),
            presences: Mutex::default(),
            watchers: Mutex::default(),
            watching: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            walked: AtomicU64::new(head.get()),
        }
    }

    /// The recent events.
    pub fn tail(&self) -> RwLockReadGuard<'_, Tail> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tail_mut(&self) -> RwLockWriteGuard<'_, Tail> {
        self.tail.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is a member.
    pub fn members(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn members_mut(&self) -> RwLockWriteGuard<'_, Members> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a member.
    pub fn add_member(&self, id: UserId, name: MemberName) {
        self.members_mut().add(id, name);
    }

    /// Takes a member away.
    pub fn remove_member(&self, id: UserId) {
        self.members_mut().remove(id);
    }

    fn watchers(&self) -> MutexGuard<'_, Slab<Watch>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presences(&self) -> MutexGuard<'_, Presences> {
        self.presences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings everything new from now on to a connection's cursor.
    pub fn watch(&self, watcher: Arc<dyn Watcher>, slot: usize, number: u64) -> WatchKey {
        let mut watchers = self.watchers();
        let key = WatchKey(watchers.insert(Watch { watcher, slot, number }));
        self.watching.store(watchers.len(), Ordering::Release);
        key
    }

    /// Ends that. The last one takes the tail along, and who came and went.
    #[expect(clippy::needless_pass_by_value, reason = "the key is used up")]
    pub fn unwatch(&self, key: WatchKey) {
        let mut watchers = self.watchers();
        watchers.remove(key.0);
        self.watching.store(watchers.len(), Ordering::Release);
        let last = watchers.is_empty();
        if last {
            *watchers = Slab::new();
        }
        drop(watchers);
        if last {
            let mut tail = self.tail_mut();
            if !self.is_watched() {
                tail.let_go();
            }
            drop(tail);
            self.tails.gone(self);
            let mut presences = self.presences();
            if !self.is_watched() {
                presences.clear();
            }
        }
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.watching.load(Ordering::Acquire) > 0
    }

    /// Adds what a commit wrote. The herald brings it to the watchers; where there are none, nothing is kept. Answers
    /// whether there are any.
    pub fn publish(self: &Arc<Self>, events: Vec<PageEvent>) -> bool {
        if !self.is_watched() {
            let mut tail = self.tail_mut();
            // Whoever has begun to watch by now reads the log, or finds the new head.
            tail.pass(events.len());
            return self.is_watched();
        }
        let segments = encode_segments(&self.name, events, self.tails.held());
        let mut tail = self.tail_mut();
        for segment in segments {
            tail.push(segment);
        }
        if !self.is_watched() {
            tail.let_go();
            return false;
        }
        drop(tail);
        self.tails.used(self);
        true
    }

    /// Lets go of the tail for the sake of others; cursors that want something of it read the log.
    pub(super) fn let_tail_go(&self) {
        self.tail_used.store(0, Ordering::Relaxed);
        self.tail_mut().let_go();
    }

    /// The room is gone, and nothing more will happen in it. Wakes its watchers.
    pub fn close(&self, wake: &mut Vec<Arc<dyn Watcher>>) {
        self.gone.store(true, Ordering::Release);
        self.tell(wake);
    }

    /// Whether the room is gone. Its head was its last one when this was so.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Whether the herald has to be told of news, once until its walk begins.
    pub(super) fn announce(&self) -> bool {
        !self.announced.swap(true, Ordering::AcqRel)
    }

    /// Whether so much is on its way to the watchers that more would make cursors fall off the tail.
    pub(super) fn is_crowded(&self) -> bool {
        let walked = Seq::new(self.walked.load(Ordering::Acquire)).expect("it was a head");
        self.tail().bytes_after(walked) > TAIL_BYTES_MAX / 2
    }

    /// Writes the news to every watcher whose socket takes them, and tells the others' tasks.
    pub fn walk(&self) {
        self.announced.store(false, Ordering::Release);
        let head = self.tail().head();
        let mut shelf = Shelf::default();
        self.each_watch(|watch| match watch.watcher.deliver(watch.slot, watch.number, head, &mut shelf) {
            Delivery::Done => {}
            Delivery::Wake => watch.watcher.wake(),
            Delivery::Busy => watch.tell_and_wake(),
        });
        self.walked.fetch_max(head.get(), Ordering::AcqRel);
    }

    /// Jumps to a head that was found in the log, and wakes those who have not read that far.
    pub fn reset(&self, head: Seq, wake: &mut Vec<Arc<dyn Watcher>>) {
        self.tail_mut().reset(head);
        self.tell(wake);
    }

    /// Notes that a member came or went, where anybody watches. Answers whether they are to be told.
    pub(crate) fn note_presence(
        self: &Arc<Self>,
        user: UserId,
        name: &MemberName,
        online: bool,
        kept: &mut Kept,
    ) -> bool {
        let mut presences = self.presences();
        if !self.is_watched() {
            return false;
        }
        let number = presences.note(user, name.clone(), online);
        drop(presences);
        kept.keep(self, number);
        true
    }

    pub(super) fn forget_presences(&self, number: u64) {
        self.presences().forget(number);
    }

    /// Tells every watcher that somebody came or went. Answers how many they are.
    pub(crate) fn tell_presences(&self) -> usize {
        let mut told = 0;
        self.each_watch(|watch| {
            watch.tell_and_wake();
            told += 1;
        });
        told
    }

    /// The number of the next coming or going.
    pub fn presence_cursor(&self) -> u64 {
        self.presences().next()
    }

    /// Appends the comings and goings from number `from` on that are still there; answers the next number.
    pub fn read_presences(&self, from: u64, framing: Framing, out: &mut VecDeque<Bytes>) -> u64 {
        self.presences().read(&self.name, from, framing, out)
    }

    /// Visits the watchers without holding anybody up who comes or goes.
    fn each_watch(&self, mut visit: impl FnMut(&Watch)) {
        let mut stride = Vec::with_capacity(WALK_STRIDE);
        let mut next = 0;
        loop {
            let watchers = self.watchers();
            let slots = watchers.capacity();
            while next < slots && stride.len() < WALK_STRIDE {
                stride.extend(watchers.get(next).cloned());
                next += 1;
            }
            drop(watchers);
            if stride.is_empty() {
                break;
            }
            stride.drain(..).for_each(|watch| visit(&watch));
        }
    }

    fn tell(&self, wake: &mut Vec<Arc<dyn Watcher>>) {
        for (_, watch) in self.watchers().iter() {
            if watch.tell() {
                wake.push(Arc::clone(&watch.watcher));
            }
        }
    }
}

#[cfg(test)]
impl Feed {
    /// As if somebody watched.
    pub(super) fn pretend_watched(&self) {
        self.watching.store(1, Ordering::Release);
    }

    /// How many comings and goings it keeps.
    pub(super) fn presences_held(&self) -> usize {
        self.presences().len()
    }
}
