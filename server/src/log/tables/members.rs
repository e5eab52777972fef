//! Who is a member of what.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use teahouse_protocol::MemberName;

use super::run;
use crate::log::verify::Report;
use crate::log::{LogError, row};
use crate::state::{Change, Model, RoomId, RoomSet, UserId, is_member_after};

pub(super) const CREATE: &str = "
CREATE TABLE members (
    user INTEGER NOT NULL,
    room INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;
";

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::Event(event) => {
            let member = params![row::user_column(event.by), event.room.0];
            match is_member_after(&event.kind) {
                Some(true) => run(transaction, "INSERT INTO members (user, room) VALUES (?1, ?2)", member),
                Some(false) => run(transaction, "DELETE FROM members WHERE user = ?1 AND room = ?2", member),
                None => Ok(()),
            }
        }
        // What happened in their rooms says who left.
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

/// The rooms of everybody, all of which are in the model.
pub(super) fn load(connection: &Connection, model: &Model) -> Result<BTreeMap<UserId, RoomSet>, LogError> {
    let mut rooms_of: BTreeMap<UserId, RoomSet> = BTreeMap::new();
    let mut statement = connection.prepare("SELECT user, room FROM members")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (user, room): (i64, u32) = (row.get(0)?, row.get(1)?);
        model.room(RoomId(room)).ok_or(LogError::Impossible("member of no room"))?;
        rooms_of.entry(row::user_of(user)?).or_default().insert(RoomId(room));
    }
    Ok(rooms_of)
}

/// Who is a member of what, and under which name each joined.
pub(super) type Members = BTreeMap<(UserId, RoomId), MemberName>;

/// Compares the rows with what the events made.
pub(super) fn verify(
    connection: &Connection,
    mut made: Members,
    names: &BTreeMap<UserId, MemberName>,
    report: &mut Report,
) -> Result<(), LogError> {
    let mut statement = connection.prepare("SELECT user, room FROM members")?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (user, room): (i64, u32) = (found.get(0)?, found.get(1)?);
        let id = row::user_of(user)?;
        match (made.remove(&(id, RoomId(room))), names.get(&id)) {
            (None, _) => {
                report.problem(format_args!("user {user} is a member of room {room} without having joined"));
            }
            (Some(joined), Some(name)) if joined != *name => {
                report.problem(format_args!("user {user} joined room {room} as {joined} and is {name} now"));
            }
            (Some(_), _) => {}
        }
    }
    for (user, room) in made.into_keys() {
        report.problem(format_args!("user {} joined room {} and is no member", user, room.0));
    }
    Ok(())
}
