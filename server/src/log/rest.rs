//! Reads a log without changing a byte of it or of what lies beside it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::header::{check_header, check_version};
use super::maintenance::MaintenanceError;
use super::open::{beside, open_reader};
use super::{DATABASE_FILE, OpenError, lock};

/// What a write-ahead log with something in it begins with, but for the lowest bit.
const WAL_MAGIC: [u8; 4] = 0x377f_0682_u32.to_be_bytes();
/// SQLite's way to the files without locks and without shared memory.
const WITHOUT_LOCKS: &str = if cfg!(windows) { "win32-none" } else { "unix-none" };

/// A log that is read: one that a server is writing, with its locks, or one at rest, which stays as it is.
pub(super) struct Source {
    pub(super) connection: Connection,
    file: PathBuf,
    /// Of a log at rest, how its files looked before.
    stamp: Option<[Option<Stamp>; 2]>,
}

/// Length and time of a file.
type Stamp = (u64, SystemTime);

impl Source {
    /// The log of a data directory.
    pub(super) fn of_directory(dir: &Path) -> Result<Self, MaintenanceError> {
        let file = dir.join(DATABASE_FILE);
        check(&file)?;
        if lock::is_taken(dir) {
            let connection = open_reader(&file)?;
            check_version(&connection, &file)?;
            return Ok(Self { connection, file, stamp: None });
        }
        Self::at_rest(file)
    }

    /// The log in a file, such as a backup.
    pub(super) fn of_file(file: &Path) -> Result<Self, MaintenanceError> {
        check(file)?;
        Self::at_rest(file.to_owned())
    }

    /// Either.
    pub(super) fn of(path: &Path) -> Result<Self, MaintenanceError> {
        if path.is_dir() { Self::of_directory(path) } else { Self::of_file(path) }
    }

    fn at_rest(file: PathBuf) -> Result<Self, MaintenanceError> {
        let stamp = Some(stamps(&file));
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = if begins_with_wal_magic(&beside(&file, "-wal")) {
            let connection = Connection::open_with_flags_and_vfs(&file, read_only, WITHOUT_LOCKS)?;
            // Its index of the write-ahead log lies in memory then.
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection
        } else {
            let flags = read_only | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(immutable(&file)?, flags)?
        };
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "query_only", true)?;
        check_version(&connection, &file)?;
        Ok(Self { connection, file, stamp })
    }

    /// Fails where a log at rest was written while it was read: then what was read means nothing.
    pub(super) fn check_rest(&self) -> Result<(), MaintenanceError> {
        match &self.stamp {
            Some(stamp) if *stamp != stamps(&self.file) => {
                Err(MaintenanceError::Disturbed(self.file.clone()))
            }
            _ => Ok(()),
        }
    }
}

fn check(file: &Path) -> Result<(), MaintenanceError> {
    match fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(MaintenanceError::Missing(file.into()))
        }
        Err(source) => Err(OpenError::Unreadable { file: file.into(), source }.into()),
        // To open a pipe would wait for whoever writes it.
        Ok(meta) if !meta.is_file() => Err(OpenError::Foreign { file: file.into() }.into()),
        Ok(_) => Ok(check_header(file).map(drop)?),
    }
}

fn begins_with_wal_magic(file: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    magic[3] &= !1;
    read.is_ok() && magic == WAL_MAGIC
}

/// The address of a file that nobody changes, as SQLite wants it.
fn immutable(file: &Path) -> Result<String, MaintenanceError> {
    let path =
        std::path::absolute(file).map_err(|source| OpenError::Unreadable { file: file.into(), source })?;
    let mut address = if cfg!(windows) { "file:///".to_owned() } else { "file://".to_owned() };
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => address.push('/'),
            b'/' | b'.' | b'-' | b'_' | b':' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => address.push_str(&format!("%{byte:02x}")),
        }
    }
    Ok(address + "?immutable=1")
}

fn stamps(file: &Path) -> [Option<Stamp>; 2] {
    [file.to_owned(), beside(file, "-wal")].map(|file| {
        let meta = fs::metadata(file).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    })
}
