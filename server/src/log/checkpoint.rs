use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::LogError;
use super::open::configure;

/// The write-ahead log is moved into the database each time it has grown by so many pages, which are 16 MiB.
const WAL_PAGES_DUE: u32 = 4_096;
/// When it has grown to so many pages in spite of that, because somebody has read all the time, the writer stops for it.
const WAL_PAGES_MAX: u32 = 16 * WAL_PAGES_DUE;

/// Moves the write-ahead log into the database beside the writer, on a thread and a connection of its own, so that no
/// commit waits for it.
pub(super) struct Checkpointer {
    /// How many pages the write-ahead log held after the last commit.
    pages: Arc<AtomicU32>,
    /// How many it held when the last checkpoint was asked for.
    asked_at: u32,
    /// Holds one request at the most; a second one would ask for the same.
    due: Option<SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(file: &Path) -> Self {
        let (due, requests) = sync_channel(1);
        let database = file.to_owned();
        let thread = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&database, &requests))
            .expect("the system has room for one thread");
        Self { pages: Arc::default(), asked_at: 0, due: Some(due), thread: Some(thread) }
    }

    /// Follows what a writer's connection commits.
    pub(super) fn follow(&self, writer: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.pages);
        writer.wal_hook(Some(move |_: &mut Wal, now| {
            pages.store(u32::try_from(now).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Asks for a checkpoint when one is due. The writer calls this between batches with its own connection, which is
    /// used only when the thread cannot keep up.
    pub(super) fn after_batch(&mut self, writer: &Connection) -> Result<(), LogError> {
        let pages = self.pages.load(Ordering::Relaxed);
        // After a whole checkpoint the next commit begins at the front again.
        self.asked_at = self.asked_at.min(pages);
        if pages >= WAL_PAGES_MAX {
            writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
        } else if pages - self.asked_at >= WAL_PAGES_DUE {
            self.asked_at = pages;
            // Full: one is asked for already.
            let _ = self.due.as_ref().map(|due| due.try_send(()));
        }
        Ok(())
    }
}

impl Drop for Checkpointer {
    /// Waits for the thread, so that nothing touches the files once a log is closed.
    fn drop(&mut self) {
        self.due = None;
        if let Some(thread) = self.thread.take() {
            // It panicked, and has said so.
            let _ = thread.join();
        }
    }
}

fn run(database: &Path, requests: &Receiver<()>) {
    // From the start, since later there may be no file descriptor left.
    let mut open = connect(database).ok();
    while requests.recv().is_ok() {
        if let Err(error) = checkpoint(database, &mut open) {
            // It may be the disk, after which a connection is not used again.
            open = None;
            tracing::warn!("the write-ahead log could not be moved into the database: {error}");
        }
    }
}

fn checkpoint(database: &Path, open: &mut Option<Connection>) -> rusqlite::Result<()> {
    let connection = match open {
        Some(connection) => connection,
        empty => empty.insert(connect(database)?),
    };
    // PASSIVE waits for nobody and nobody waits for it.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn connect(database: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(database)?;
    configure(&connection)?;
    Ok(connection)
}
