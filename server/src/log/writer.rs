use std::cell::Cell;
use std::fs::File;
use std::path::PathBuf;

use rusqlite::Connection;
use teahouse_protocol::OpId;

use super::checkpoint::Checkpointer;
use super::open::configure;
use super::{LogError, tables};
use crate::state::{Change, Made, Model, Records, UserId};

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

    /// Closes and opens the database anew, after a failure.
    pub fn reopen(&mut self) -> Result<(), LogError> {
        let mut connection = Connection::open(&self.file)?;
        configure(&connection)?;
        self.checkpointer.follow(&mut connection)?;
        self.connection = connection;
        Ok(())
    }

    /// Reads the model as it is on disk.
    pub fn load(&self) -> Result<Model, LogError> {
        tables::load(&self.connection)
    }

    /// Whether these changes of a batch that failed are on the disk all the same; `None` where that is not to be seen from
    /// what is there. All of a batch are there or none.
    pub fn holds(&self, changes: &[Change]) -> Result<Option<bool>, LogError> {
        tables::hold(&self.connection, changes)
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

/// A transaction: the changes of many proposals that reach the disk together.
pub struct Batch<'a> {
    connection: &'a Connection,
    open: bool,
    /// Why a question about records had no answer. Nothing that was decided then is committed.
    unreadable: Cell<Option<LogError>>,
}

impl Records for Batch<'_> {
    fn made_by(&self, author: UserId, op: &OpId) -> Option<Made> {
        tables::ops::find(self.connection, author, op).unwrap_or_else(|error| {
            self.unreadable.set(Some(error));
            None
        })
    }
}

impl Batch<'_> {
    /// Writes one change.
    pub fn write(&self, change: &Change) -> Result<(), LogError> {
        tables::absorb(self.connection, change)
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
