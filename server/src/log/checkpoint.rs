use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;

use super::LogError;
use super::open::configure;

/// The write-ahead log is moved into the database when it has grown to so many bytes.
const WAL_BYTES_DUE: u64 = 16 * 1024 * 1024;
/// When it has grown to so many bytes in spite of that, because somebody has read all the time, the writer stops for it.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Moves the write-ahead log into the database beside the writer, on a thread and a connection of its own, so that no
/// commit waits for it.
pub(super) struct Checkpointer {
    wal: PathBuf,
    /// Holds one request at the most; a second one would ask for the same.
    due: SyncSender<()>,
}

impl Checkpointer {
    /// Starts the thread; it ends with its checkpointer.
    pub(super) fn start(file: &Path) -> Self {
        let (due, requests) = sync_channel(1);
        let database = file.to_owned();
        thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&database, &requests))
            .expect("the system has room for one thread");
        Self { wal: file.with_extension("db-wal"), due }
    }

    /// Asks for a checkpoint when one is due. The writer calls this between batches with its own connection, which is
    /// used only when the thread cannot keep up.
    pub(super) fn after_batch(&self, writer: &Connection) -> Result<(), LogError> {
        let bytes = std::fs::metadata(&self.wal).map_or(0, |meta| meta.len());
        if bytes >= WAL_BYTES_MAX {
            writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
        } else if bytes >= WAL_BYTES_DUE {
            // Full: one is asked for already.
            let _ = self.due.try_send(());
        }
        Ok(())
    }
}

fn run(database: &Path, requests: &Receiver<()>) {
    while requests.recv().is_ok() {
        let moved = Connection::open(database).and_then(|connection| {
            configure(&connection)?;
            // PASSIVE waits for nobody and nobody waits for it.
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        });
        if let Err(error) = moved {
            tracing::warn!("the write-ahead log could not be moved into the database: {error}");
        }
    }
}
