use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use slab::Slab;
use teahouse_protocol::{MemberName, Presence, RoomName, Seq, ServerMessage};

use super::segment::Segment;
use super::tail::{TAIL_BYTES_MAX, Tail};
use crate::connection::{Delivery, Mailbox, Outlet, Shelf};
use crate::door::DoorKind;
use crate::state::{RoomId, UserId};

/// So many comings and goings wait for a connection; older ones are dropped.
const PRESENCES_MAX: usize = 64;

/// A room as the read side knows it: only what is on disk.
#[derive(Debug)]
pub struct Room {
    /// Its number.
    pub id: RoomId,
    /// Its handle.
    pub name: RoomName,
    members: RwLock<BTreeMap<UserId, MemberName>>,
    tail: RwLock<Tail>,
    presences: Mutex<Presences>,
    watchers: Mutex<Slab<Watcher>>,
    /// Whether the herald has been told of news and has not begun to walk.
    announced: AtomicBool,
    /// The head that the herald's last walk has brought to everybody.
    walked: AtomicU64,
}

/// So many watchers are taken out of the list at a time, so that nobody who comes or goes waits for a walk.
const WALK_STRIDE: usize = 64;

/// One connection that watches a room.
#[derive(Debug, Clone)]
struct Watcher {
    outlet: Arc<Outlet>,
    /// Where the connection keeps its cursor.
    slot: usize,
    /// Tells this watch from an earlier one in the same slot.
    watch: u64,
}

impl Watcher {
    /// Leaves word that there is something to read. Answers whether the connection must be woken.
    fn tell(&self) -> bool {
        self.outlet.mailbox().tell(self.slot)
    }
}

/// A connection's end of a watch.
#[derive(Debug)]
pub struct WatchKey(usize);

/// Comings and goings, which take no seq and may be dropped.
#[derive(Debug, Default)]
struct Presences {
    next: u64,
    recent: VecDeque<Arc<Segment>>,
}

impl Room {
    /// A room whose last event is `head`.
    pub fn new(id: RoomId, name: RoomName, head: Seq) -> Self {
        Self {
            id,
            name,
            members: RwLock::default(),
            tail: RwLock::new(Tail::new(head)),
            presences: Mutex::default(),
            watchers: Mutex::default(),
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
    pub fn members(&self) -> RwLockReadGuard<'_, BTreeMap<UserId, MemberName>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a member.
    pub fn add_member(&self, id: UserId, name: MemberName) {
        self.members.write().unwrap_or_else(PoisonError::into_inner).insert(id, name);
    }

    /// Takes a member away.
    pub fn remove_member(&self, id: UserId) {
        self.members.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn watchers(&self) -> MutexGuard<'_, Slab<Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presences(&self) -> MutexGuard<'_, Presences> {
        self.presences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings everything new from now on to a connection's cursor.
    pub fn watch(&self, outlet: Arc<Outlet>, slot: usize, watch: u64) -> WatchKey {
        WatchKey(self.watchers().insert(Watcher { outlet, slot, watch }))
    }

    /// Ends that.
    #[expect(clippy::needless_pass_by_value, reason = "the key is used up")]
    pub fn unwatch(&self, key: WatchKey) {
        self.watchers().remove(key.0);
    }

    /// Adds what a commit wrote. The herald brings it to the watchers.
    pub fn publish(&self, segments: Vec<Segment>) {
        let mut tail = self.tail_mut();
        for segment in segments {
            tail.push(segment);
        }
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
    pub(super) fn walk(&self) {
        self.announced.store(false, Ordering::Release);
        let head = self.tail().head();
        let mut shelf = Shelf::default();
        let mut stride = Vec::with_capacity(WALK_STRIDE);
        let mut next = 0;
        loop {
            let watchers = self.watchers();
            let end = watchers.capacity();
            while next < end && stride.len() < WALK_STRIDE {
                stride.extend(watchers.get(next).cloned());
                next += 1;
            }
            drop(watchers);
            if stride.is_empty() {
                break;
            }
            for watcher in stride.drain(..) {
                match watcher.outlet.deliver(watcher.slot, watcher.watch, head, &mut shelf) {
                    Delivery::Done => {}
                    Delivery::Wake => watcher.outlet.mailbox().wake(),
                    Delivery::Busy => {
                        if watcher.tell() {
                            watcher.outlet.mailbox().wake();
                        }
                    }
                }
            }
        }
        self.walked.fetch_max(head.get(), Ordering::AcqRel);
    }

    /// Jumps to a head that was found in the log, and wakes those who have not read that far.
    pub fn reset(&self, head: Seq, wake: &mut Vec<Arc<Mailbox>>) {
        self.tail_mut().reset(head);
        self.tell(wake);
    }

    /// Says that a member came or went.
    pub fn publish_presence(&self, name: MemberName, online: bool, wake: &mut Vec<Arc<Mailbox>>) {
        let presence = Presence { room: self.name.clone(), name, online };
        let segment = Segment::take(Seq::ZERO, &mut std::iter::once(ServerMessage::Presence(presence)));
        let mut presences = self.presences();
        presences.next += 1;
        presences.recent.push_back(Arc::new(segment));
        if presences.recent.len() > PRESENCES_MAX {
            presences.recent.pop_front();
        }
        drop(presences);
        self.tell(wake);
    }

    /// The number of the next coming or going.
    pub fn presence_cursor(&self) -> u64 {
        self.presences().next
    }

    /// Appends the comings and goings from number `from` on that are still there; answers the next number.
    pub fn read_presences(&self, from: u64, kind: DoorKind, out: &mut VecDeque<Bytes>) -> u64 {
        let presences = self.presences();
        let kept = presences.recent.len();
        let missed = usize::try_from(presences.next - from).unwrap_or(usize::MAX).min(kept);
        out.extend(presences.recent.range(kept - missed..).map(|segment| segment.frames(kind, 0)));
        presences.next
    }

    fn tell(&self, wake: &mut Vec<Arc<Mailbox>>) {
        for (_, watcher) in self.watchers().iter() {
            if watcher.tell() {
                wake.push(Arc::clone(watcher.outlet.mailbox()));
            }
        }
    }
}
