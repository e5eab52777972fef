//! What there is one of.

use rusqlite::{Connection, OptionalExtension, params};
use teahouse_protocol::Epoch;

use super::run;
use crate::log::LogError;
use crate::state::Change;

/// The longest epoch of a log, in bytes: a room's has its number besides.
const EPOCH_BYTES_MAX: usize = 24;
/// The highest number of a room that went away.
const LAST_ROOM: &str = "last_room";

pub(super) const CREATE: &str =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;";

pub(super) fn begin(transaction: &Connection, epoch: &str) -> rusqlite::Result<()> {
    transaction.execute("INSERT INTO meta (name, value) VALUES ('epoch', ?1)", [epoch]).map(drop)
}

/// The life of the log.
pub(in crate::log) fn epoch(connection: &Connection) -> Result<Epoch, LogError> {
    let epoch: String =
        connection.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get(0))?;
    let epoch = Epoch::parse(&epoch).map_err(|_| LogError::Impossible("epoch"))?;
    if epoch.as_str().len() > EPOCH_BYTES_MAX {
        return Err(LogError::Impossible("epoch"));
    }
    Ok(epoch)
}

/// Begins another life.
pub(in crate::log) fn set_epoch(connection: &Connection, epoch: &Epoch) -> rusqlite::Result<()> {
    connection.execute("UPDATE meta SET value = ?1 WHERE name = 'epoch'", [epoch.as_str()]).map(drop)
}

/// The highest number of a room that went away, if one did.
pub(super) fn last_room_gone(connection: &Connection) -> Result<Option<u32>, LogError> {
    let sql = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?1";
    Ok(connection.query_row(sql, [LAST_ROOM], |row| row.get(0)).optional()?)
}

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::RoomRemoved { id } => run(
            transaction,
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name)
             DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
            params![LAST_ROOM, id.0.to_string()],
        ),
        Change::UserAdded { .. }
        | Change::UserSeen { .. }
        | Change::UserCame { .. }
        | Change::UserWent { .. }
        | Change::UserRenamed { .. }
        | Change::UserRetired { .. }
        | Change::RoomAdded { .. }
        | Change::RoomWritten { .. }
        | Change::Event(_) => Ok(()),
    }
}
