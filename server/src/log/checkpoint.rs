use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::open::{BUSY, beside, configure};
use super::{LogError, private};

/// The write-ahead log is moved into the database each time it has grown by so many pages, which are 16 MiB.
const WAL_PAGES_DUE: u32 = 4_096;
/// When it has grown to so many pages in spite of that, because somebody has read all the time, the writer stops for it.
const WAL_PAGES_MAX: u32 = 16 * WAL_PAGES_DUE;
/// For so long, each time that it has grown by another [`WAL_PAGES_DUE`]. Who reads for longer, as a backup does, is not
/// waited for: the write-ahead log grows until then.
const STOP: Duration = Duration::from_millis(20);
/// What a write-ahead log that grew longer is cut to when it begins at the front again, in bytes.
const WAL_BYTES_KEPT: i64 = 256 * 1024 * 1024;

/// A write-ahead log that is shorter than this is made so long before its first use, in bytes.
const WAL_BYTES_MADE: u64 = 4 * 1024 * 1024;

/// Moves the write-ahead log into the database beside the writer, on a thread and a connection of its own, so that no
/// commit waits for it. What was committed meanwhile, which is little, the writer moves itself; then the log is empty
/// and begins at the front again. A commit that overwrites costs half of one that makes the file longer.
pub(super) struct Checkpointer {
    /// How many pages the write-ahead log held after the last commit.
    pages: Arc<AtomicU32>,
    /// Whether the thread has moved what there was when it was asked.
    nearly: Arc<AtomicBool>,
    /// How many it held when the last checkpoint was asked for.
    asked_at: u32,
    /// From so many on the writer stops for it.
    pages_max: u32,
    /// Holds one request at the most; a second one would ask for the same.
    due: Option<SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(file: &Path) -> Self {
        let (due, requests) = sync_channel(1);
        if let Err(error) = make_room(file) {
            // It is slower without, and whoever has no room will hear of it from the first commit that needs some.
            tracing::debug!("the write-ahead log could not be made longer: {error}");
        }
        let database = file.to_owned();
        let nearly = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&nearly);
        let thread = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&database, &requests, &tell))
            .expect("the system has room for one thread");
        Self {
            pages: Arc::default(),
            nearly,
            asked_at: 0,
            pages_max: WAL_PAGES_MAX,
            due: Some(due),
            thread: Some(thread),
        }
    }

    /// Follows what a writer's connection commits.
    pub(super) fn follow(&self, writer: &mut Connection) -> rusqlite::Result<()> {
        writer.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
        let pages = Arc::clone(&self.pages);
        writer.wal_hook(Some(move |_: &mut Wal, now| {
            pages.store(u32::try_from(now).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Asks for a checkpoint when one is due, and ends it. The writer calls this between batches with its own
    /// connection.
    pub(super) fn after_batch(&mut self, writer: &Connection) -> Result<(), LogError> {
        let pages = self.pages.load(Ordering::Relaxed);
        // After a whole checkpoint the next commit begins at the front again.
        self.asked_at = self.asked_at.min(pages);
        if self.nearly.swap(false, Ordering::Relaxed) {
            if pages < self.pages_max {
                writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            } else {
                writer.busy_timeout(STOP)?;
                let stopped = writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
                writer.busy_timeout(BUSY)?;
                stopped?;
            }
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

/// Makes a short write-ahead log longer, with zeros, which SQLite takes for an empty one or for the end of one.
fn make_room(database: &Path) -> io::Result<()> {
    let mut file = private::open_or_create(&beside(database, "-wal"))?;
    let length = file.seek(SeekFrom::End(0))?;
    if let Some(missing) = WAL_BYTES_MADE.checked_sub(length) {
        file.write_all(&vec![0; usize::try_from(missing).expect("below 4 MiB")])?;
        file.sync_all()?;
    }
    Ok(())
}

fn run(database: &Path, requests: &Receiver<()>, nearly: &AtomicBool) {
    // From the start, since later there may be no file descriptor left.
    let mut open = connect(database).ok();
    while requests.recv().is_ok() {
        match checkpoint(database, &mut open) {
            Ok(()) => nearly.store(true, Ordering::Relaxed),
            Err(error) => {
                // It may be the disk, after which a connection is not used again.
                open = None;
                tracing::warn!("the write-ahead log could not be moved into the database: {error}");
            }
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

#[cfg(test)]
mod tests {
    use super::super::tests::TempDir;
    use super::*;

    /// What was committed while the thread was at work does not keep the log from beginning at the front again.
    #[test]
    fn a_log_that_is_always_written_begins_at_the_front_again() {
        let dir = TempDir::new();
        let file = dir.database();
        let mut writer = connect(&file).expect("a new database");
        let mut checkpointer = Checkpointer::start(&file);
        checkpointer.follow(&mut writer).expect("a writer");
        let length = || std::fs::metadata(beside(&file, "-wal")).map_or(0, |meta| meta.len());
        assert_eq!(length(), WAL_BYTES_MADE, "made before its first use");

        let write = |kibibytes: u32| {
            let sql = "INSERT INTO filler VALUES (zeroblob(?1 * 1024))";
            writer.execute(sql, [kibibytes]).expect("the disk works");
        };
        writer.execute("CREATE TABLE filler (bytes BLOB)", []).expect("the disk works");
        let pages = Arc::clone(&checkpointer.pages);
        while pages.load(Ordering::Relaxed) < WAL_PAGES_DUE {
            write(1024);
        }
        // The thread can move what this reader sees and nothing after it, as if that came while it was at work.
        let mut reader = connect(&file).expect("a database");
        let reading = reader.transaction().expect("a snapshot");
        reading.query_row("SELECT count(*) FROM filler", [], |_| Ok(())).expect("readable");
        write(1);
        checkpointer.after_batch(&writer).expect("the disk works");
        while !checkpointer.nearly.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        drop(reading);
        write(1);
        checkpointer.after_batch(&writer).expect("the disk works");
        write(1);
        assert!(pages.load(Ordering::Relaxed) < 10, "{pages:?} pages");
        assert!(length() > WAL_BYTES_MADE, "nothing is cut off");
    }

    /// Else every batch of a house would wait for as long as a backup is copied to a slow disk.
    #[test]
    fn who_reads_for_long_is_not_waited_for_at_each_batch() {
        let dir = TempDir::new();
        let file = dir.database();
        let mut writer = connect(&file).expect("a new database");
        let mut checkpointer = Checkpointer::start(&file);
        checkpointer.follow(&mut writer).expect("a writer");
        checkpointer.pages_max = 1;
        let write = |kibibytes: u32| {
            let sql = "INSERT INTO filler VALUES (zeroblob(?1 * 1024))";
            writer.execute(sql, [kibibytes]).expect("the disk works");
        };
        writer.execute("CREATE TABLE filler (bytes BLOB)", []).expect("the disk works");
        let pages = Arc::clone(&checkpointer.pages);
        let now = || pages.load(Ordering::Relaxed);
        let grow = |checkpointer: &mut Checkpointer| {
            let due = checkpointer.asked_at + WAL_PAGES_DUE;
            while now() < due {
                write(1024);
            }
            checkpointer.after_batch(&writer).expect("the disk works");
            while !checkpointer.nearly.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            checkpointer.after_batch(&writer).expect("a reader in the way is no failure");
        };
        let mut reader = connect(&file).expect("a database");
        let reading = reader.transaction().expect("a snapshot");
        reading.query_row("SELECT count(*) FROM filler", [], |_| Ok(())).expect("readable");
        grow(&mut checkpointer);
        drop(reading);
        // Nobody is in the way any more, and nevertheless it is not tried again yet.
        let held = now();
        checkpointer.after_batch(&writer).expect("the disk works");
        write(1);
        assert!(now() > held, "{} pages after {held}", now());
        grow(&mut checkpointer);
        write(1);
        assert!(now() < 10, "{} pages", now());
    }
}
