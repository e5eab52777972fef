use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};
use teahouse_protocol::{Epoch, MemberName, OpId, RoomName, Seq};

use super::checkpoint::Checkpointer;
use super::open::configure;
use super::row::{user_column, user_of};
use super::{LogError, row};
use crate::state::{
    Change, Keep, Made, Model, Records, Room, RoomId, RoomSet, TokenHash, User, UserId, Work, is_member_after,
};

/// The one writer of a log.
pub struct Log {
    connection: Connection,
    file: PathBuf,
    checkpointer: Checkpointer,
    /// Held as long as this program uses the directory.
    _lock: File,
}

impl Log {
    pub(super) fn new(mut connection: Connection, file: PathBuf, lock: File) -> rusqlite::Result<Self> {
        let checkpointer = Checkpointer::start(&file);
        checkpointer.follow(&mut connection)?;
        Ok(Self { connection, file, checkpointer, _lock: lock })
    }

    /// Closes and opens the database anew, after a failure, and reads the model as it is on disk.
    pub fn reopen(&mut self) -> Result<Model, LogError> {
        let mut connection = Connection::open(&self.file)?;
        configure(&connection)?;
        self.checkpointer.follow(&mut connection)?;
        self.connection = connection;
        load(&self.connection).map(|(model, _)| model)
    }

    /// Begins a transaction. Dropped without [`Batch::commit`], it leaves no trace.
    pub fn begin(&mut self) -> Result<Batch<'_>, LogError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Batch { connection: &self.connection, open: true, unreadable: Cell::new(None) })
    }

    /// Has the write-ahead log moved into the database when it has grown. Called between batches.
    pub fn checkpoint_if_due(&mut self) -> Result<(), LogError> {
        self.checkpointer.after_batch(&self.connection)
    }
}

/// The longest epoch of a log, in bytes: a room's has its number besides.
const EPOCH_BYTES_MAX: usize = 24;

/// Where `meta` keeps the highest number of a room that went away.
const LAST_ROOM: &str = "last_room";

/// Numbers of rooms up to this one have been given, those of rooms that went away included.
pub(super) fn last_room(connection: &Connection) -> Result<u32, LogError> {
    let last: Option<u32> = connection.query_row("SELECT max(id) FROM rooms", [], |row| row.get(0))?;
    let gone: Option<u32> = connection
        .query_row("SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?1", [LAST_ROOM], |row| row.get(0))
        .optional()?;
    Ok(last.max(gone).unwrap_or(0))
}

/// Reads the model and the epoch.
pub(super) fn load(connection: &Connection) -> Result<(Model, Epoch), LogError> {
    let epoch: String =
        connection.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get(0))?;
    let epoch = Epoch::parse(&epoch).map_err(|_| LogError::Impossible("epoch"))?;
    if epoch.as_str().len() > EPOCH_BYTES_MAX {
        return Err(LogError::Impossible("epoch"));
    }
    let mut model = Model::default();
    let mut statement = connection.prepare("SELECT id, name, created_at, written FROM rooms ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name): (u32, String) = (row.get(0)?, row.get(1)?);
        let (id, name) = (RoomId(id), RoomName::stored(name));
        let room = Room { name, head: head(connection, id)?, members: 0, written: row.get(3)? };
        model.absorb(&Change::RoomAdded { id, at: row::millis(row.get(2)?)?, room });
    }
    let mut rooms_of: BTreeMap<i64, RoomSet> = BTreeMap::new();
    let mut statement = connection.prepare("SELECT user, room FROM members")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (user, room) = (row.get(0)?, RoomId(row.get(1)?));
        model.room(room).ok_or(LogError::Impossible("member of no room"))?;
        rooms_of.entry(user).or_default().insert(room);
    }
    let mut statement =
        connection.prepare("SELECT id, name, keep, token, seen_at, renamed FROM users WHERE retired = 0")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name, token): (i64, String, [u8; 32]) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let renamed: Option<String> = row.get(5)?;
        let user = User {
            renamed: renamed.is_some(),
            name: MemberName::stored(renamed.unwrap_or(name)),
            keep: keep_of(row.get(2)?)?,
            token: TokenHash(token),
            seen_at: row::millis(row.get(4)?)?,
            rooms: rooms_of.remove(&id).unwrap_or_default(),
        };
        model.absorb(&Change::UserAdded { id: user_of(id)?, user });
    }
    // The last numbers may have been given to those who are gone.
    let last = RoomId(last_room(connection)?);
    if model.room(last).is_none() {
        model.absorb(&Change::RoomRemoved { id: last });
    }
    let last: Option<i64> = connection.query_row("SELECT max(id) FROM users", [], |row| row.get(0))?;
    let last = last.map(user_of).transpose()?;
    if let Some(id) = last.filter(|last| model.user(*last).is_none()) {
        model.absorb(&Change::UserRetired { id });
    }
    Ok((model, epoch))
}

fn keep_column(keep: Keep) -> i64 {
    match keep {
        Keep::No => 0,
        Keep::Asked => 1,
        Keep::Proven => 2,
    }
}

fn keep_of(column: i64) -> Result<Keep, LogError> {
    match column {
        0 => Ok(Keep::No),
        1 => Ok(Keep::Asked),
        2 => Ok(Keep::Proven),
        _ => Err(LogError::Impossible("keep")),
    }
}

fn head(connection: &Connection, room: RoomId) -> Result<Seq, LogError> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(key) FROM events WHERE key > ?1 AND key < ?2")?
        .query_row(row::keys_of(room), |row| row.get(0))?;
    Ok(last.map_or(Seq::ZERO, row::seq_of))
}

/// A transaction: the changes of many proposals that reach the disk together.
pub struct Batch<'a> {
    connection: &'a Connection,
    open: bool,
    /// Why a question about records had no answer. Nothing that was decided then is committed.
    unreadable: Cell<Option<LogError>>,
}

impl Records for Batch<'_> {
    fn made_by(&self, author: UserId, op: &OpId) -> Option<Made> {
        self.find_op(author, op).unwrap_or_else(|error| {
            self.unreadable.set(Some(error));
            None
        })
    }
}

impl Batch<'_> {
    fn find_op(&self, user: UserId, op: &OpId) -> Result<Option<Made>, LogError> {
        let key: Option<i64> = self
            .connection
            .prepare_cached("SELECT key FROM ops WHERE user = ?1 AND op = ?2")?
            .query_row(params![user_column(user), op.as_str()], |row| row.get(0))
            .optional()?;
        Ok(key.map(|key| Made { work: Work::Post, room: row::room_of(key), seq: row::seq_of(key) }))
    }

    /// Writes one change.
    pub fn write(&self, change: &Change) -> Result<(), LogError> {
        let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<(), LogError> {
            self.connection.prepare_cached(sql)?.execute(params)?;
            Ok(())
        };
        match change {
            Change::UserAdded { id, user } => run(
                "INSERT INTO users (id, name, keep, token, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    user_column(*id),
                    user.name.as_str(),
                    keep_column(user.keep),
                    user.token.0,
                    row::millis_column(user.seen_at)
                ],
            ),
            Change::UserSeen { id, at, keep } => run(
                "UPDATE users SET seen_at = ?2, keep = ?3 WHERE id = ?1",
                params![user_column(*id), row::millis_column(*at), keep_column(*keep)],
            ),
            Change::UserRenamed { id, name } => {
                run("UPDATE users SET renamed = ?2 WHERE id = ?1", params![user_column(*id), name.as_str()])
            }
            Change::UserRetired { id } => {
                run("UPDATE users SET retired = 1, token = NULL WHERE id = ?1", params![user_column(*id)])
            }
            Change::RoomAdded { id, at, room } => run(
                "INSERT INTO rooms (id, name, created_at, written) VALUES (?1, ?2, ?3, ?4)",
                params![id.0, room.name.as_str(), row::millis_column(*at), room.written],
            ),
            Change::RoomWritten { id } => run("UPDATE rooms SET written = 1 WHERE id = ?1", params![id.0]),
            Change::RoomRemoved { id } => {
                let (floor, ceiling) = row::keys_of(*id);
                run("DELETE FROM events WHERE key > ?1 AND key < ?2", params![floor, ceiling])?;
                run("DELETE FROM rooms WHERE id = ?1", params![id.0])?;
                run(
                    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name)
                     DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
                    params![LAST_ROOM, id.0.to_string()],
                )
            }
            Change::Event(event) => {
                let (key, at) = (row::key(event.room, event.seq), row::millis_column(event.at));
                let user = user_column(event.by);
                let (kind, text) = row::columns(&event.kind);
                let name = event.renamed.then_some(event.by_name.as_str());
                let sum = row::checksum(key, at, user, kind, text, name);
                run(
                    "INSERT INTO events (key, at, user, kind, text, sum, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![key, at, user, kind, text, sum, name],
                )?;
                if let Some(op) = &event.op {
                    let sql = "INSERT INTO ops (user, op, key) VALUES (?1, ?2, ?3)";
                    run(sql, params![user, op.as_str(), key])?;
                }
                match is_member_after(&event.kind) {
                    Some(true) => {
                        let sql = "INSERT INTO members (user, room) VALUES (?1, ?2)";
                        run(sql, params![user, event.room.0])
                    }
                    Some(false) => {
                        let sql = "DELETE FROM members WHERE user = ?1 AND room = ?2";
                        run(sql, params![user, event.room.0])
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// Brings everything to the disk, and nothing where there is nothing. When this returns an error, nobody may believe that any of it was written.
    pub fn commit(mut self) -> Result<(), LogError> {
        if let Some(error) = self.unreadable.take() {
            return Err(error);
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.open {
            // It fails where SQLite has rolled back by itself, and then there is nothing left to do.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
