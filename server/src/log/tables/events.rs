//! Everything that happened, in order.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use teahouse_protocol::{EventKind, Seq};

use super::members::Members;
use super::rooms::Place;
use super::run;
use crate::log::verify::Report;
use crate::log::{LogError, earlier, row};
use crate::state::{Change, RoomId, StoredEvent, counts_as_written, is_member_after};

/// `key` is `room << 40 | seq`, so that the events of a room lie together in the order of their seqs. `sum` is CRC-32 of the
/// order: all that stands before it. A text has a sum of its own, so that it can be taken away while the order stays true.
/// `name` is the author's of then where that was not the first one. Texts stand last, since only they are long.
pub(in crate::log) const CREATE: &str = "
CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    user INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    op TEXT,
    name TEXT,
    sum INTEGER NOT NULL,
    text_sum INTEGER,
    text TEXT
) STRICT;
";
/// Fills all columns, in their order.
pub(in crate::log) const INSERT: &str =
    "INSERT INTO events (key, at, user, kind, op, name, sum, text_sum, text)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::Event(event) => {
            let (key, at) = (row::key(event.room, event.seq), row::millis_column(event.at));
            let user = row::user_column(event.by);
            let (kind, text) = row::columns(&event.kind);
            let op = event.op.as_ref().map(|op| op.as_str());
            let name = event.renamed.then_some(event.by_name.as_str());
            let sum = row::order_sum(key, at, user, kind, op, name);
            let text_sum = text.map(|text| row::text_sum(key, text));
            run(transaction, INSERT, params![key, at, user, kind, op, name, sum, text_sum, text])
        }
        Change::RoomRemoved { id } => {
            let (floor, ceiling) = row::keys_of(*id);
            let sql = "DELETE FROM events WHERE key > ?1 AND key < ?2";
            run(transaction, sql, params![floor, ceiling])
        }
        Change::UserAdded { .. }
        | Change::UserSeen { .. }
        | Change::UserCame { .. }
        | Change::UserWent { .. }
        | Change::UserRenamed { .. }
        | Change::UserRetired { .. }
        | Change::RoomAdded { .. }
        | Change::RoomWritten { .. } => Ok(()),
    }
}

/// Whether an event is there.
pub(super) fn holds(connection: &Connection, event: &StoredEvent) -> Result<bool, LogError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM events WHERE key = ?1")?;
    Ok(statement.exists([row::key(event.room, event.seq)])?)
}

/// A room's last event.
pub(super) fn head(connection: &Connection, room: RoomId) -> Result<Seq, LogError> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(key) FROM events WHERE key > ?1 AND key < ?2")?
        .query_row(row::keys_of(room), |row| row.get(0))?;
    Ok(last.map_or(Seq::ZERO, row::seq_of))
}

/// What the events make of the other tables.
pub(super) struct Made {
    /// Rooms that have events.
    pub(super) begun: BTreeSet<RoomId>,
    /// Rooms in which somebody wrote.
    pub(super) written: BTreeSet<RoomId>,
    /// Who is a member.
    pub(super) members: Members,
}

/// Checks each event and its place.
pub(super) fn verify(
    connection: &Connection,
    version: u32,
    rooms: &BTreeMap<RoomId, Place>,
    report: &mut Report,
) -> Result<Made, LogError> {
    let columns = earlier::event_columns(version);
    let sql =
        format!("SELECT {columns} FROM events LEFT JOIN users ON users.id = events.user ORDER BY events.key");
    let mut made = Made { begun: BTreeSet::new(), written: BTreeSet::new(), members: Members::new() };
    let mut expected: Option<(RoomId, Seq)> = None;
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        report.events += 1;
        let (key, user): (i64, i64) = (found.get(0)?, found.get(2)?);
        let (room, seq, user) = (row::room_of(key), row::seq_of(key), row::user_of(user)?);
        let name = rooms.get(&room).map_or("a room that is not there", |place| &place.name);
        if made.begun.insert(room) && !rooms.contains_key(&room) {
            report.problem(format_args!("events of room {}, which is not there", room.0));
        }
        let due = match expected {
            Some((last, due)) if last == room => due,
            _ => Seq::ZERO.next(),
        };
        if seq != due {
            report.problem(format_args!("{name}: event {due} is missing"));
        }
        expected = Some((room, seq.next()));
        match earlier::read_event(version, found) {
            Ok(event) => {
                if counts_as_written(&event.kind) {
                    made.written.insert(room);
                }
                if event.kind == EventKind::Create && seq != Seq::ZERO.next() {
                    report.problem(format_args!("{name}: made a second time by event {seq}"));
                }
                match is_member_after(&event.kind) {
                    Some(true) => drop(made.members.insert((user, room), event.by)),
                    Some(false) => drop(made.members.remove(&(user, room))),
                    None => {}
                }
            }
            Err(error) => {
                // Whatever it was, it may have been a post.
                made.written.insert(room);
                report.problem(format_args!("{name}: {error}"));
            }
        }
    }
    Ok(made)
}
