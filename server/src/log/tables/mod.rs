//! The tables. Each is a module that says what it is made of, what it keeps of a change, and what must be true of it.

pub(super) mod events;
pub(super) mod members;
pub(super) mod meta;
pub(super) mod ops;
pub(super) mod rooms;
pub(super) mod users;

use rusqlite::Connection;

use crate::log::LogError;
use crate::log::verify::Report;
use crate::state::{Change, Model};

/// Makes them in an empty database.
pub(super) fn create(transaction: &Connection, epoch: &str) -> rusqlite::Result<()> {
    for table in [meta::CREATE, users::CREATE, rooms::CREATE, members::CREATE, events::CREATE, ops::CREATE] {
        transaction.execute_batch(table)?;
    }
    meta::begin(transaction, epoch)
}

/// Writes a change into each table that it concerns.
pub(super) fn absorb(transaction: &Connection, change: &Change) -> Result<(), LogError> {
    events::absorb(transaction, change)?;
    ops::absorb(transaction, change)?;
    members::absorb(transaction, change)?;
    users::absorb(transaction, change)?;
    rooms::absorb(transaction, change)?;
    meta::absorb(transaction, change)
}

/// Whether they hold the changes of a batch; `None` where that is not to be seen.
pub(super) fn hold(connection: &Connection, changes: &[Change]) -> Result<Option<bool>, LogError> {
    let is_gone = |room| changes.iter().any(|change| *change == Change::RoomRemoved { id: room });
    for change in changes {
        match change {
            Change::Event(event) if !is_gone(event.room) => {
                return events::holds(connection, event).map(Some);
            }
            Change::UserAdded { id, .. } => return users::holds(connection, *id).map(Some),
            Change::Event(_)
            | Change::UserSeen { .. }
            | Change::UserCame { .. }
            | Change::UserWent { .. }
            | Change::UserRenamed { .. }
            | Change::UserRetired { .. }
            | Change::RoomAdded { .. }
            | Change::RoomWritten { .. }
            | Change::RoomRemoved { .. } => {}
        }
    }
    Ok((!changes.iter().any(Change::is_kept)).then_some(false))
}

/// The model that they hold.
pub(super) fn load(connection: &Connection) -> Result<Model, LogError> {
    let mut model = Model::default();
    rooms::load(connection, &mut model)?;
    users::load(connection, members::load(connection, &model)?, &mut model)?;
    Ok(model)
}

/// Looks through tables of any version.
pub(super) fn verify(connection: &Connection, version: u32, report: &mut Report) -> Result<(), LogError> {
    let rooms = rooms::read(connection, version, report)?;
    let made = events::verify(connection, version, &rooms, report)?;
    rooms::verify(&rooms, &made, report);
    let names = users::verify(connection, version, report)?;
    members::verify(connection, made.members, &names, report)?;
    ops::verify(connection, version, report)
}

/// Runs a statement that is run again and again.
fn run(transaction: &Connection, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Result<(), LogError> {
    transaction.prepare_cached(sql)?.execute(params)?;
    Ok(())
}
