use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::{Connection, params};
use teahouse_protocol::{Epoch, PageEvent, Seq, UnixMillis};

use super::open::open_reader;
use super::{LogError, row};
use crate::encoded::{ANSWER_BYTES_MAX, event_bytes};
use crate::state::RoomId;

/// How many reads go on at a time; a further one waits. All connections are open from the start, so that history can be
/// read while the system has no file descriptors left.
const CONNECTIONS: usize = 4;

/// The events of a page have at most so many bytes in any encoding; the rest of an answer is what stands around them.
pub const PAGE_BYTES_MAX: usize = ANSWER_BYTES_MAX - 1_024;

/// Reads what is on disk, beside the writer. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    epoch: Epoch,
    /// A connection that failed leaves its place empty and is opened anew by the next read.
    idle: Mutex<Vec<Option<Connection>>>,
    returned: Condvar,
}

/// Which part of a room is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageQuery {
    /// The last events.
    Latest,
    /// The events right before one.
    Before(Seq),
    /// The events right after one.
    After(Seq),
    /// An event with its neighbours on both sides.
    Around(Seq),
    /// The first events at a time or later.
    At(UnixMillis),
}

/// Some events of a room, oldest first, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The room's last event when the page was read.
    pub head: Seq,
    /// The events.
    pub events: Vec<PageEvent>,
    /// Where an empty page lies: right after this event.
    place: Seq,
}

impl Page {
    /// Whether there are events before the page.
    pub fn more_before(&self) -> bool {
        self.events.first().map_or(self.place, |first| first.seq.prev()) > Seq::ZERO
    }

    /// Whether there are events after the page.
    pub fn more_after(&self) -> bool {
        self.events.last().map_or(self.place, |last| last.seq) < self.head
    }
}

impl Reader {
    pub(super) fn new(file: PathBuf, epoch: Epoch) -> Result<Self, LogError> {
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            let connection = open_reader(&file)?;
            // Opens the files that only a read opens.
            connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
            idle.push(Some(connection));
        }
        Ok(Self { shared: Arc::new(Shared { file, epoch, idle: idle.into(), returned: Condvar::new() }) })
    }

    /// The life of the log.
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// The life of a room's log, which no other room of the same handle shares.
    pub fn epoch_of(&self, room: RoomId) -> Epoch {
        let text = format!("{}r{}", self.shared.epoch, room.0);
        // As many characters as a room's number has are kept free when the log's epoch is read.
        Epoch::parse(&text).expect("letters and digits, few enough")
    }

    /// Reads a page of at most `limit` events, which in any encoding have at most [`PAGE_BYTES_MAX`] bytes; one event
    /// always fits. Blocks on the disk.
    pub fn page(&self, room: RoomId, query: PageQuery, limit: usize) -> Result<Page, LogError> {
        self.page_of_bytes(room, query, limit, PAGE_BYTES_MAX)
    }

    /// Reads a page of at most `limit` events and `bytes_max` bytes, or one event that has more. Blocks on the disk.
    pub fn page_of_bytes(
        &self,
        room: RoomId,
        query: PageQuery,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Page, LogError> {
        let mut place = Place { shared: &self.shared, connection: self.shared.take() };
        let connection = match &mut place.connection {
            Some(connection) => connection,
            empty => empty.insert(open_reader(&self.shared.file)?),
        };
        let page = read_page(connection, room, query, limit, bytes_max);
        if page.as_ref().is_err_and(|error| !matches!(error, LogError::NoSuchRoom)) {
            place.connection = None;
        }
        page
    }
}

impl Shared {
    fn take(&self) -> Option<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle =
            self.returned.wait_while(idle, |idle| idle.is_empty()).unwrap_or_else(PoisonError::into_inner);
        idle.pop().flatten()
    }
}

/// One of the places for a connection; given back when dropped.
struct Place<'a> {
    shared: &'a Shared,
    connection: Option<Connection>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(self.connection.take());
        self.shared.returned.notify_one();
    }
}

pub(super) fn read_page(
    connection: &Connection,
    room: RoomId,
    query: PageQuery,
    limit: usize,
    bytes_max: usize,
) -> Result<Page, LogError> {
    // One transaction, so that head and events are of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let (floor, ceiling) = row::keys_of(room);
    let last: Option<i64> = snapshot
        .prepare_cached("SELECT max(key) FROM events WHERE key > ?1 AND key < ?2")?
        .query_row([floor, ceiling], |row| row.get(0))?;
    // Every room begins with the event that made it.
    let head = last.map(row::seq_of).ok_or(LogError::NoSuchRoom)?;
    let key = |seq: Seq| row::key(room, seq.min(head.next()));
    let most = |events, bytes| Most { events, bytes };
    let mut place = head;
    let events = match query {
        PageQuery::Latest => read_down(&snapshot, floor, key(head.next()), most(limit, bytes_max))?,
        PageQuery::Before(seq) => {
            place = seq.prev().min(head);
            read_down(&snapshot, floor, key(seq), most(limit, bytes_max))?
        }
        PageQuery::After(seq) => {
            place = seq.min(head);
            read_up(&snapshot, key(seq), ceiling, most(limit, bytes_max))?
        }
        PageQuery::At(at) => {
            place = first_at(&snapshot, room, head, at)?.prev();
            read_up(&snapshot, key(place), ceiling, most(limit, bytes_max))?
        }
        PageQuery::Around(seq) => {
            let mut before = read_down(&snapshot, floor, key(seq), most(limit / 2, bytes_max / 2))?;
            let bytes = |events: &[PageEvent]| events.iter().map(event_bytes).sum::<usize>();
            let rest = bytes_max.saturating_sub(bytes(&before));
            let after = read_up(&snapshot, key(seq.prev()), ceiling, most(limit - before.len(), rest))?;
            // The event itself comes first, however long it is.
            while !after.is_empty() && !before.is_empty() && bytes(&before) + bytes(&after) > bytes_max {
                before.remove(0);
            }
            before.extend(after);
            before
        }
    };
    Ok(Page { head, events, place })
}

/// How much is read, at least one event.
#[derive(Debug, Clone, Copy)]
struct Most {
    events: usize,
    bytes: usize,
}

/// Events between two keys, both excluded, from the lower on.
fn read_up(connection: &Connection, above: i64, below: i64, most: Most) -> Result<Vec<PageEvent>, LogError> {
    read(connection, "ASC", above, below, most)
}

/// Events between two keys, both excluded, the last ones, oldest first.
fn read_down(
    connection: &Connection,
    above: i64,
    below: i64,
    most: Most,
) -> Result<Vec<PageEvent>, LogError> {
    let mut events = read(connection, "DESC", above, below, most)?;
    events.reverse();
    Ok(events)
}

fn read(
    connection: &Connection,
    direction: &str,
    above: i64,
    below: i64,
    most: Most,
) -> Result<Vec<PageEvent>, LogError> {
    let sql = format!(
        "SELECT {} FROM events LEFT JOIN users ON users.id = events.user
         WHERE events.key > ?1 AND events.key < ?2 ORDER BY events.key {direction} LIMIT ?3",
        row::EVENT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(most.events).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![above, below, limit])?;
    let mut events = Vec::new();
    let mut bytes = 0;
    while let Some(found) = rows.next()? {
        let event = row::read_event(found)?;
        bytes += event_bytes(&event);
        if bytes > most.bytes && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

/// The first event at a time or later, by halving: times grow with seqs but for a clock that was set back.
fn first_at(connection: &Connection, room: RoomId, head: Seq, at: UnixMillis) -> Result<Seq, LogError> {
    let mut statement = connection.prepare_cached("SELECT at FROM events WHERE key = ?1")?;
    let (mut low, mut high) = (1, head.get() + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let seq = Seq::new(middle).map_err(|_| LogError::Impossible("seq"))?;
        let found: i64 = statement.query_row([row::key(room, seq)], |row| row.get(0))?;
        if row::millis(found)? < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Seq::new(low).map_err(|_| LogError::Impossible("seq"))
}
