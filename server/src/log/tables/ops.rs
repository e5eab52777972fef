//! What the operations of authors were for, so that each gets the same answer for ever.

use rusqlite::{Connection, OptionalExtension, params};
use teahouse_protocol::{EventKind, OpId};

use super::run;
use crate::log::verify::Report;
use crate::log::{LogError, row};
use crate::state::{Change, Made, UserId, Work};

/// `work` is what the operation was for, `key` the place that it got, as `events.key`. That it is there no more does not
/// make the operation new.
pub(super) const CREATE: &str = "
CREATE TABLE ops (
    user INTEGER NOT NULL,
    op TEXT NOT NULL,
    key INTEGER NOT NULL,
    work INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user, op)
) STRICT, WITHOUT ROWID;
";
/// From versions 1 and 2, where all operations are posts.
pub(in crate::log) const FROM_VERSION_2: &str = "ALTER TABLE ops ADD COLUMN work INTEGER NOT NULL DEFAULT 0;";

fn work_column(work: Work) -> i64 {
    match work {
        Work::Post => 0,
    }
}

fn work_of(column: i64) -> Result<Work, LogError> {
    match column {
        0 => Ok(Work::Post),
        _ => Err(LogError::Impossible("work of an operation")),
    }
}

/// What an operation is for that makes such an event.
fn work_behind(kind: &EventKind) -> Option<Work> {
    match kind {
        EventKind::Post { .. } => Some(Work::Post),
        EventKind::Create | EventKind::Join | EventKind::Leave | EventKind::Unknown => None,
    }
}

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::Event(event) => match (&event.op, work_behind(&event.kind)) {
            (Some(op), Some(work)) => {
                let (user, key) = (row::user_column(event.by), row::key(event.room, event.seq));
                let sql = "INSERT INTO ops (user, op, key, work) VALUES (?1, ?2, ?3, ?4)";
                run(transaction, sql, params![user, op.as_str(), key, work_column(work)])
            }
            (Some(_) | None, None) | (None, Some(_)) => Ok(()),
        },
        // They are remembered for ever.
        Change::UserAdded { .. }
        | Change::UserSeen { .. }
        | Change::UserCame { .. }
        | Change::UserWent { .. }
        | Change::UserRenamed { .. }
        | Change::UserRetired { .. }
        | Change::RoomAdded { .. }
        | Change::RoomWritten { .. }
        | Change::RoomRemoved { .. } => Ok(()),
    }
}

/// What an author's operation made, if it was seen before.
pub(in crate::log) fn find(
    connection: &Connection,
    author: UserId,
    op: &OpId,
) -> Result<Option<Made>, LogError> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT key, work FROM ops WHERE user = ?1 AND op = ?2")?
        .query_row(params![row::user_column(author), op.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found
        .map(|(key, work)| Ok(Made { work: work_of(work)?, room: row::room_of(key), seq: row::seq_of(key) }))
        .transpose()
}

/// Looks whether operations and events know each other.
pub(super) fn verify(connection: &Connection, version: u32, report: &mut Report) -> Result<(), LogError> {
    // Of a room that went away its events went too.
    let lost: i64 = connection.query_row(
        "SELECT count(*) FROM ops JOIN rooms ON rooms.id = ops.key >> 40
         LEFT JOIN events ON events.key = ops.key AND events.user = ops.user WHERE events.key IS NULL",
        [],
        |row| row.get(0),
    )?;
    if lost > 0 {
        report.problem(format_args!("{lost} operations point at no event of their author"));
    }
    if version >= 3 {
        let forgotten: i64 = connection.query_row(
            "SELECT count(*) FROM events LEFT JOIN ops ON ops.user = events.user AND ops.op = events.op
             WHERE events.op IS NOT NULL AND ops.key IS NOT events.key",
            [],
            |row| row.get(0),
        )?;
        if forgotten > 0 {
            report.problem(format_args!("{forgotten} events have an operation that is not remembered"));
        }
    }
    Ok(())
}
