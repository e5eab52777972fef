use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use teahouse_protocol::Epoch;

use super::header::{check_header, check_version};
use super::reader::Reader;
use super::writer::Log;
use super::{DATABASE_FILE, LogError, OpenError, lock, migrations, private, tables};
use crate::state::Model;

/// Databases up to this size are checked page by page at every start, in bytes; it takes about a second.
const QUICK_CHECK_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Opens the log of a data directory, or makes a new one, and reads the model out of it. `fresh_epoch` names a new log.
pub fn open(dir: &Path, fresh_epoch: &Epoch) -> Result<(Log, Model, Reader), OpenError> {
    let file = dir.join(DATABASE_FILE);
    let sqlite = |source: rusqlite::Error| classify(&file, source);
    private::make_directory(dir).map_err(|source| cannot_write(dir, source))?;
    let lock = lock::take(dir)?;
    let version = if is_there(&file) {
        let version = check_header(&file)?;
        can_be_written(&file)?;
        private::tighten(dir);
        version
    } else {
        private::tighten(dir);
        create(dir, &file, fresh_epoch)?;
        migrations::VERSION
    };
    let mut connection = Connection::open(&file).map_err(sqlite)?;
    // A damaged database must stay as it is, so nothing is moved into it before it has been looked through.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    if fs::metadata(&file).map_or(0, |meta| meta.len()) <= QUICK_CHECK_BYTES_MAX {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
        if verdict != "ok" {
            return Err(OpenError::Corrupt { file, detail: verdict });
        }
    }
    check_version(&connection, &file)?;
    configure(&connection).map_err(sqlite)?;
    migrations::migrate(&mut connection).map_err(|error| unreadable(&file, error))?;
    if version < migrations::VERSION {
        // An earlier program looks at the header alone, and must not write into tables that it does not know. What was moved
        // is as long as everything, and a write-ahead log keeps its length.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sqlite)?;
    }

    let epoch = tables::meta::epoch(&connection).map_err(|error| unreadable(&file, error))?;
    let model = tables::load(&connection).map_err(|error| unreadable(&file, error))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(sqlite)?;
    let log = Log::new(connection, file.clone(), lock).map_err(sqlite)?;
    let reader = Reader::new(file.clone(), epoch).map_err(|error| unreadable(&file, error))?;
    Ok((log, model, reader))
}

/// Whether the name is taken, be it by a link that leads nowhere.
pub(super) fn is_there(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok()
}

/// A file beside a database: SQLite adds to its name.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes an empty database under another name and gives it its own when it is whole, so that a power cut leaves no
/// half of one.
fn create(dir: &Path, file: &Path, epoch: &Epoch) -> Result<(), OpenError> {
    // It would be taken for the new database's own.
    if let Some(orphan) =
        ["-wal", "-journal"].map(|suffix| beside(file, suffix)).into_iter().find(|file| is_there(file))
    {
        return Err(OpenError::Orphan { file: orphan, database: file.into() });
    }
    let cannot_write = |source| cannot_write(dir, source);
    let partial = dir.join(format!("{DATABASE_FILE}.new"));
    for leftover in [partial.clone(), beside(&partial, "-journal")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot_write(error)),
            _ => {}
        }
    }
    let sqlite = |source: rusqlite::Error| classify(file, source);
    drop(private::create_new(&partial).map_err(cannot_write)?);
    let mut connection = Connection::open(&partial).map_err(sqlite)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
    migrations::create(&mut connection, epoch.as_str()).map_err(sqlite)?;
    drop(connection);
    private::sync_file(&partial).map_err(cannot_write)?;
    fs::rename(&partial, file).map_err(cannot_write)?;
    private::sync_directory(dir).map_err(cannot_write)
}

/// Each room's events end on a page of its own, which each post to the room needs: the pages of a thousand busy rooms
/// fit in here. SQLite takes the memory as it needs it.
const WRITER_CACHE_KIB: i64 = 6 * 1024;

/// For so long a connection waits for another one's lock; none is held for so long while everything is well.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Sets what the promises rest on, and reads it back.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
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
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn can_be_written(file: &Path) -> Result<(), OpenError> {
    let opened = File::options().read(true).write(true).open(file);
    opened.map(drop).map_err(|source| OpenError::FileNotWritable { file: file.into(), source })
}

/// What a failure of the first writes means.
pub fn cannot_begin(dir: &Path, error: LogError) -> OpenError {
    unreadable(&dir.join(DATABASE_FILE), error)
}

fn unreadable(file: &Path, error: LogError) -> OpenError {
    match error {
        LogError::Sqlite(source) => classify(file, source),
        other => OpenError::Corrupt { file: file.into(), detail: other.to_string() },
    }
}

/// SQLite says of a full disk, a read-only one and a missing right that something went wrong with the disk. To try is
/// to know.
pub(super) fn classify(file: &Path, source: rusqlite::Error) -> OpenError {
    let dir = file.parent().unwrap_or(file);
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { file: file.into(), detail: source.to_string() }
        }
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
        ) => match private::write_trouble(dir) {
            Some(trouble) => cannot_write(dir, trouble),
            None => OpenError::Sqlite { file: file.into(), source },
        },
        _ => OpenError::Sqlite { file: file.into(), source },
    }
}

pub(super) fn cannot_write(dir: &Path, source: io::Error) -> OpenError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            OpenError::Full { dir: dir.into(), source }
        }
        _ => OpenError::NotWritable { dir: dir.into(), source },
    }
}
