use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use slab::Slab;
use teahouse_protocol::{MemberName, Presence, RoomName, Seq, ServerMessage};

use super::segment::Segment;
use super::tail::Tail;
use crate::connection::Mailbox;
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
    watchers: Mutex<Slab<Arc<Watcher>>>,
}

/// One connection that watches a room.
#[derive(Debug)]
struct Watcher {
    mailbox: Arc<Mailbox>,
    /// The connection's own number of this watch.
    slot: usize,
    /// Whether the connection has been told and has not looked yet.
    told: AtomicBool,
}

/// A connection's end of a watch.
#[derive(Debug)]
pub struct WatchKey {
    index: usize,
    watcher: Arc<Watcher>,
}

impl WatchKey {
    /// Says that the connection is about to look, so that it is told again of what comes after.
    pub fn looked(&self) {
        self.watcher.told.store(false, Ordering::Release);
    }
}

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

    fn watchers(&self) -> MutexGuard<'_, Slab<Arc<Watcher>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presences(&self) -> MutexGuard<'_, Presences> {
        self.presences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a mailbox of everything new from now on, under the connection's number `slot`.
    pub fn watch(&self, mailbox: Arc<Mailbox>, slot: usize) -> WatchKey {
        let watcher = Arc::new(Watcher { mailbox, slot, told: AtomicBool::new(false) });
        let index = self.watchers().insert(Arc::clone(&watcher));
        WatchKey { index, watcher }
    }

    /// Tells that mailbox no more.
    #[expect(clippy::needless_pass_by_value, reason = "the key is used up")]
    pub fn unwatch(&self, key: WatchKey) {
        self.watchers().remove(key.index);
    }

    /// Adds what a commit wrote and collects the mailboxes to wake.
    pub fn publish(&self, segments: Vec<Segment>, wake: &mut Vec<Arc<Mailbox>>) {
        let mut tail = self.tail_mut();
        for segment in segments {
            tail.push(segment);
        }
        drop(tail);
        self.tell(wake);
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
            if !watcher.told.swap(true, Ordering::AcqRel) && watcher.mailbox.tell(watcher.slot) {
                wake.push(Arc::clone(&watcher.mailbox));
            }
        }
    }
}
