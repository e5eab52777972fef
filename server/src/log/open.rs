use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use teahouse_protocol::Epoch;

use super::reader::Reader;
use super::writer::{self, Log};
use super::{DATABASE_FILE, LogError, OpenError, schema};
use crate::state::State;

/// Databases up to this size are checked page by page at every start, in bytes; it takes about a second.
const QUICK_CHECK_BYTES_MAX: u64 = 256 * 1024 * 1024;
const LOCK_FILE: &str = "teahouse.lock";

/// Opens the log of a data directory, or makes a new one, and reads the state out of it. `fresh_epoch` names a new log.
pub fn open(dir: &Path, fresh_epoch: &Epoch) -> Result<(Log, State, Reader), OpenError> {
    let file = dir.join(DATABASE_FILE);
    let not_writable = |source| OpenError::NotWritable { dir: dir.into(), source };
    let sqlite = |source: rusqlite::Error| classify(&file, source);
    make_directory(dir).map_err(not_writable)?;
    let lock = lock(dir)?;
    check_header(&file)?;
    if !file.exists() {
        create(dir, &file, fresh_epoch)?;
    }
    let connection = Connection::open(&file).map_err(sqlite)?;
    // A damaged database must stay as it is, so nothing is moved into it before it has been looked through.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    if fs::metadata(&file).map_or(0, |meta| meta.len()) <= QUICK_CHECK_BYTES_MAX {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
        if verdict != "ok" {
            return Err(OpenError::Corrupt { file, detail: verdict });
        }
    }
    configure(&connection).map_err(sqlite)?;

    let (state, epoch) = writer::load(&connection).map_err(|error| unreadable(&file, error))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(sqlite)?;
    let log = Log::new(connection, file.clone(), lock).map_err(sqlite)?;
    let reader = Reader::new(file.clone(), epoch).map_err(|error| unreadable(&file, error))?;
    Ok((log, state, reader))
}

/// Makes the directory and sees to it that it is still there after a power cut: the name of a directory is on disk
/// when its parent is.
pub(super) fn make_directory(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let made: Vec<&Path> = dir.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    fs::create_dir_all(&dir)?;
    for path in made.into_iter().filter_map(Path::parent) {
        sync_directory(path)?;
    }
    // An earlier start may have been cut between making it and this.
    match dir.parent().map(sync_directory) {
        Some(Err(error)) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_directory(dir: &Path) -> io::Result<()> {
    // Windows opens no directories, and needs none of this.
    if cfg!(windows) { Ok(()) } else { File::open(dir)?.sync_all() }
}

/// Makes an empty database under another name and gives it its own when it is whole, so that a power cut leaves no
/// half of one.
fn create(dir: &Path, file: &Path, epoch: &Epoch) -> Result<(), OpenError> {
    let not_writable = |source| OpenError::NotWritable { dir: dir.into(), source };
    let partial = dir.join(format!("{DATABASE_FILE}.new"));
    for leftover in [partial.clone(), dir.join(format!("{DATABASE_FILE}.new-journal"))] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(not_writable(error)),
            _ => {}
        }
    }
    let sqlite = |source: rusqlite::Error| classify(file, source);
    let mut connection = Connection::open(&partial).map_err(sqlite)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
    schema::create(&mut connection, epoch.as_str()).map_err(sqlite)?;
    drop(connection);
    File::open(&partial).and_then(|made| made.sync_all()).map_err(not_writable)?;
    fs::rename(&partial, file).map_err(not_writable)?;
    sync_directory(dir).map_err(not_writable)
}

/// Each room's events end on a page of its own, which each post to the room needs: the pages of a thousand busy rooms
/// fit in here. SQLite takes the memory as it needs it.
const WRITER_CACHE_KIB: i64 = 6 * 1024;

/// Sets what the promises rest on, and reads it back.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 {
        let detail = format!("journal_mode is {mode} and synchronous is {synchronous}, not wal and 2");
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(detail),
        ));
    }
    Ok(())
}

/// A connection that only reads.
pub(super) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    let not_writable = |source| OpenError::NotWritable { dir: dir.into(), source };
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK_FILE))
        .map_err(not_writable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.into() }),
        Err(fs::TryLockError::Error(error)) => Err(not_writable(error)),
    }
}

/// Reads the header's own bytes, since to open a database with SQLite may already change files.
pub(super) fn check_header(file: &Path) -> Result<(), OpenError> {
    let foreign = || OpenError::Foreign { file: file.into() };
    let mut opened = match OpenOptions::new().read(true).write(true).open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            let dir = file.parent().unwrap_or(file).into();
            return Err(OpenError::NotWritable { dir, source });
        }
    };
    // Offsets: section 1.3 of the SQLite file format.
    let mut header = [0; 100];
    opened.read_exact(&mut header).map_err(|_| foreign())?;
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if !header.starts_with(b"SQLite format 3\0") || number(68) != schema::APPLICATION_ID {
        return Err(foreign());
    }
    if number(60) > schema::VERSION {
        return Err(OpenError::Newer { file: file.into(), found: number(60), known: schema::VERSION });
    }
    Ok(())
}

fn unreadable(file: &Path, error: LogError) -> OpenError {
    match error {
        LogError::Sqlite(source) => classify(file, source),
        other => OpenError::Corrupt { file: file.into(), detail: other.to_string() },
    }
}

fn classify(file: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { file: file.into(), detail: source.to_string() }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::NotWritable {
                dir: file.parent().unwrap_or(file).into(),
                source: io::Error::other(source),
            }
        }
        _ => OpenError::Sqlite { file: file.into(), source },
    }
}
