//! The version of a database, and how an earlier one becomes this one.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params};

use super::tables::{self, events, ops};
use super::{LogError, earlier, row};

/// Version of the tables, in the header's `user_version`.
pub(super) const VERSION: u32 = 3;
/// "TEAH" in the header's `application_id`.
pub(super) const APPLICATION_ID: u32 = 0x5445_4148;

/// What a version becomes the next one by.
type Step = fn(&Connection) -> Result<(), LogError>;
/// The first leads from version 1 to version 2.
const STEPS: [Step; VERSION as usize - 1] = [from_version_1, from_version_2];

/// The version of a database's tables.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Makes the tables of an empty database.
pub(super) fn create(connection: &mut Connection, epoch: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    tables::create(&transaction, epoch)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Brings the tables of an earlier version to this one, step by step, each all or nothing: whatever ends it in the middle,
/// the next try goes on from the last whole step.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), LogError> {
    for from in version(connection)?.max(1)..VERSION {
        let transaction = connection.transaction()?;
        STEPS[from as usize - 1](&transaction)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Version 1 had no names that changed and no rooms that went away. Whoever kept a name was promised 30 days.
fn from_version_1(transaction: &Connection) -> Result<(), LogError> {
    Ok(transaction.execute_batch(
        "
        ALTER TABLE users ADD COLUMN renamed TEXT;
        UPDATE users SET keep = 2 WHERE keep = 1;
        ALTER TABLE rooms ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
        UPDATE rooms SET written = EXISTS (
            SELECT 1 FROM events WHERE key > rooms.id << 40 AND key < rooms.id + 1 << 40 AND kind >= 3
        );
        ALTER TABLE events ADD COLUMN name TEXT;
        ",
    )?)
}

/// No sum of CRC-32 is this one.
const NO_SUM: i64 = -1;

/// Version 2 had one sum for an event and its text, and an event did not know its operation. What is damaged stays damaged.
fn from_version_2(transaction: &Connection) -> Result<(), LogError> {
    transaction.execute_batch(ops::FROM_VERSION_2)?;
    transaction.execute_batch("ALTER TABLE events RENAME TO events_of_version_2")?;
    transaction.execute_batch(events::CREATE)?;
    // Both in the order of their keys, side by side.
    let mut operations = transaction.prepare("SELECT key, op FROM ops ORDER BY key")?;
    let mut operations = operations.query([])?;
    let mut next_operation = || -> Result<Option<(i64, String)>, LogError> {
        let next = operations.next()?;
        Ok(next.map(|next| Ok::<_, rusqlite::Error>((next.get(0)?, next.get(1)?))).transpose()?)
    };
    let mut operation = next_operation()?;
    let mut insert = transaction.prepare(events::INSERT)?;
    let mut old = transaction
        .prepare("SELECT key, at, user, kind, text, sum, name FROM events_of_version_2 ORDER BY key")?;
    let mut old = old.query([])?;
    while let Some(found) = old.next()? {
        let (key, at, user, kind): (i64, i64, i64, i64) =
            (found.get(0)?, found.get(1)?, found.get(2)?, found.get(3)?);
        while operation.as_ref().is_some_and(|(place, _)| *place < key) {
            operation = next_operation()?;
        }
        let op = operation.as_ref().filter(|(place, _)| *place == key).map(|(_, op)| op.as_str());
        let [stored_text, stored_name] = [found.get_ref(4)?, found.get_ref(6)?];
        let words = stored_text.as_str_or_null().and_then(|text| Ok((text, stored_name.as_str_or_null()?)));
        let sum: i64 = found.get(5)?;
        let words =
            words.ok().filter(|(text, name)| earlier::checksum(key, at, user, kind, *text, *name) == sum);
        let sum = words.map_or(NO_SUM, |(_, name)| row::order_sum(key, at, user, kind, op, name));
        let text_sum = words.and_then(|(text, _)| Some(row::text_sum(key, text?)));
        let [text, name] = [stored_text, stored_name].map(ToSqlOutput::Borrowed);
        insert.execute(params![key, at, user, kind, op, name, sum, text_sum, text])?;
    }
    Ok(transaction.execute_batch("DROP TABLE events_of_version_2")?)
}
