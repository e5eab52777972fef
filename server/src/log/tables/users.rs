//! Everybody who ever wrote, for their names, and who holds a name now.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use teahouse_protocol::MemberName;

use super::run;
use crate::log::verify::Report;
use crate::log::{LogError, row};
use crate::state::{Change, Keep, Model, RoomSet, TokenHash, User, UserId};

/// `name` is the first one, which is that of all events without a name of their own; `renamed` is the one of now where
/// that is another. `keep` is 0, 1 where it was asked for, and 2 once somebody came back with the token.
pub(super) const CREATE: &str = "
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    keep INTEGER NOT NULL,
    token BLOB,
    seen_at INTEGER NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0,
    renamed TEXT
) STRICT;
CREATE INDEX users_who_hold_a_name ON users (id) WHERE retired = 0;
";

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

pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    match change {
        Change::UserAdded { id, user } => run(
            transaction,
            "INSERT INTO users (id, name, keep, token, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row::user_column(*id),
                user.name.as_str(),
                keep_column(user.keep),
                user.token.0,
                row::millis_column(user.seen_at)
            ],
        ),
        Change::UserSeen { id, at, keep } => run(
            transaction,
            "UPDATE users SET seen_at = ?2, keep = ?3 WHERE id = ?1",
            params![row::user_column(*id), row::millis_column(*at), keep_column(*keep)],
        ),
        Change::UserRenamed { id, name } => {
            let sql = "UPDATE users SET renamed = ?2 WHERE id = ?1";
            run(transaction, sql, params![row::user_column(*id), name.as_str()])
        }
        Change::UserRetired { id } => {
            let sql = "UPDATE users SET retired = 1, token = NULL WHERE id = ?1";
            run(transaction, sql, params![row::user_column(*id)])
        }
        Change::UserCame { .. }
        | Change::UserWent { .. }
        | Change::RoomAdded { .. }
        | Change::RoomWritten { .. }
        | Change::RoomRemoved { .. }
        | Change::Event(_) => Ok(()),
    }
}

/// Whether a user is there, be it one who is gone.
pub(super) fn holds(connection: &Connection, id: UserId) -> Result<bool, LogError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM users WHERE id = ?1")?;
    Ok(statement.exists([row::user_column(id)])?)
}

/// The highest number of a user that was given, also to one who is gone.
pub(in crate::log) fn last(connection: &Connection) -> Result<Option<UserId>, LogError> {
    let last: Option<i64> = connection.query_row("SELECT max(id) FROM users", [], |row| row.get(0))?;
    last.map(row::user_of).transpose()
}

/// Adds those who hold a name to a model that has the rooms already.
pub(super) fn load(
    connection: &Connection,
    mut rooms_of: BTreeMap<UserId, RoomSet>,
    model: &mut Model,
) -> Result<(), LogError> {
    let mut statement =
        connection.prepare("SELECT id, name, keep, token, seen_at, renamed FROM users WHERE retired = 0")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name, token): (i64, String, [u8; 32]) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let id = row::user_of(id)?;
        let renamed: Option<String> = row.get(5)?;
        let user = User {
            renamed: renamed.is_some(),
            name: MemberName::stored(renamed.unwrap_or(name)),
            keep: keep_of(row.get(2)?)?,
            token: TokenHash(token),
            seen_at: row::millis(row.get(4)?)?,
            rooms: rooms_of.remove(&id).unwrap_or_default(),
        };
        model.absorb(&Change::UserAdded { id, user });
    }
    // The last number may have been given to somebody who is gone.
    if let Some(id) = last(connection)?.filter(|last| model.user(*last).is_none()) {
        model.absorb(&Change::UserRetired { id });
    }
    Ok(())
}

/// Answers what everybody who is not gone is called.
pub(super) fn verify(
    connection: &Connection,
    version: u32,
    report: &mut Report,
) -> Result<BTreeMap<UserId, MemberName>, LogError> {
    let mut holders = BTreeSet::new();
    let mut names = BTreeMap::new();
    let name = if version == 1 { "name" } else { "coalesce(renamed, name)" };
    let mut statement = connection.prepare(&format!("SELECT id, {name}, retired, token FROM users"))?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (id, name, retired): (i64, String, bool) = (found.get(0)?, found.get(1)?, found.get(2)?);
        if name.is_empty() {
            report.problem(format_args!("user {id} has no name"));
        }
        let name = MemberName::stored(name);
        if !retired {
            // Names that are merely alike may be older than the rule.
            if !holders.insert(name.clone()) {
                report.problem(format_args!("two users hold the name {name}"));
            }
            names.insert(row::user_of(id)?, name);
        }
        let token: Option<Vec<u8>> = found.get(3)?;
        let token_fits = if retired { token.is_none() } else { token.is_some_and(|token| token.len() == 32) };
        if !token_fits {
            report.problem(format_args!("the token of user {id} does not fit"));
        }
    }
    Ok(names)
}
