//! The rooms that there are.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use teahouse_protocol::RoomName;

use super::events::{self, Made};
use super::{meta, run};
use crate::log::verify::Report;
use crate::log::{LogError, row};
use crate::state::{Change, Model, Room, RoomId};

/// `written` says whether anybody ever posted.
pub(super) const CREATE: &str = "
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    written INTEGER NOT NULL DEFAULT 0
) STRICT;
";

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::RoomAdded { id, at, room } => run(
            transaction,
            "INSERT INTO rooms (id, name, created_at, written) VALUES (?1, ?2, ?3, ?4)",
            params![id.0, room.name.as_str(), row::millis_column(*at), room.written],
        ),
        Change::RoomWritten { id } => {
            run(transaction, "UPDATE rooms SET written = 1 WHERE id = ?1", params![id.0])
        }
        Change::RoomRemoved { id } => run(transaction, "DELETE FROM rooms WHERE id = ?1", params![id.0]),
        Change::UserAdded { .. }
        | Change::UserSeen { .. }
        | Change::UserCame { .. }
        | Change::UserWent { .. }
        | Change::UserRenamed { .. }
        | Change::UserRetired { .. }
        | Change::Event(_) => Ok(()),
    }
}

/// Numbers of rooms up to this one have been given, those of rooms that went away included.
pub(in crate::log) fn last(connection: &Connection) -> Result<RoomId, LogError> {
    let last: Option<u32> = connection.query_row("SELECT max(id) FROM rooms", [], |row| row.get(0))?;
    Ok(RoomId(last.max(meta::last_room_gone(connection)?).unwrap_or(0)))
}

/// How many there are.
pub(in crate::log) fn count(connection: &Connection) -> Result<u32, LogError> {
    Ok(connection.query_row("SELECT count(*) FROM rooms", [], |row| row.get(0))?)
}

/// The room of this name, or else one whose name looks like it.
pub(in crate::log) fn find(
    connection: &Connection,
    room: &RoomName,
) -> Result<Option<(RoomId, RoomName)>, LogError> {
    let mut statement = connection.prepare("SELECT id, name FROM rooms ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut alike = None;
    while let Some(found) = rows.next()? {
        let (id, name): (u32, String) = (found.get(0)?, found.get(1)?);
        let name = RoomName::stored(name);
        if name == *room {
            return Ok(Some((RoomId(id), name)));
        }
        if alike.is_none() && name.keys().are_alike(&room.keys()) {
            alike = Some((RoomId(id), name));
        }
    }
    Ok(alike)
}

/// Adds them to an empty model.
pub(super) fn load(connection: &Connection, model: &mut Model) -> Result<(), LogError> {
    let mut statement = connection.prepare("SELECT id, name, created_at, written FROM rooms ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name): (u32, String) = (row.get(0)?, row.get(1)?);
        let (id, name) = (RoomId(id), RoomName::stored(name));
        let room = Room { name, head: events::head(connection, id)?, members: 0, written: row.get(3)? };
        model.absorb(&Change::RoomAdded { id, at: row::millis(row.get(2)?)?, room });
    }
    // The last number may have been given to a room that is gone.
    let last = last(connection)?;
    if model.room(last).is_none() {
        model.absorb(&Change::RoomRemoved { id: last });
    }
    Ok(())
}

/// What a room's row says.
pub(super) struct Place {
    /// Its handle.
    pub(super) name: String,
    /// Whether somebody wrote in it; version 1 does not say.
    written: Option<bool>,
}

/// Reads all rows of any version.
pub(super) fn read(
    connection: &Connection,
    version: u32,
    report: &mut Report,
) -> Result<BTreeMap<RoomId, Place>, LogError> {
    let mut rooms = BTreeMap::new();
    let written = if version == 1 { "NULL" } else { "written" };
    let mut statement = connection.prepare(&format!("SELECT id, name, {written} FROM rooms ORDER BY id"))?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (id, name, written): (u32, String, Option<bool>) = (found.get(0)?, found.get(1)?, found.get(2)?);
        if name.is_empty() {
            report.problem(format_args!("room {id} has no name"));
        }
        rooms.insert(RoomId(id), Place { name, written });
    }
    report.rooms = rooms.len() as u64;
    let last = last(connection)?;
    if last.0 >= RoomId::END {
        report.problem(format_args!("room {} has an impossible number", last.0));
    }
    Ok(rooms)
}

/// Compares the rows with what the events made.
pub(super) fn verify(rooms: &BTreeMap<RoomId, Place>, made: &Made, report: &mut Report) {
    for (room, Place { name, written: said }) in rooms {
        if !made.begun.contains(room) {
            report.problem(format_args!("{name}: event 1 is missing"));
        } else if said.is_some_and(|said| said != made.written.contains(room)) {
            report.problem(format_args!("{name}: it is not true whether anybody wrote in it"));
        }
    }
}
