use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use teahouse_protocol::Epoch;
use tempfile::NamedTempFile;

use super::maintenance::MaintenanceError;
use super::open::{self, beside};
use super::rest::Source;
use super::verify::{Report, verify};
use super::{DATABASE_FILE, LogError, lock, migrations, private, tables};

/// So many pages are copied at a time, between which the running server may write.
const BACKUP_PAGES: i32 = 1_024;
/// What SQLite may put beside a database.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Copies the log of a directory into one file, while the server may be writing. The copy is of one moment. Answers
/// what earlier backups into that file left behind when they were ended in the middle.
pub fn backup(dir: &Path, to: &Path) -> Result<Vec<PathBuf>, MaintenanceError> {
    let source = Source::of_directory(dir)?;
    let place = Place::new(to)?;
    let leftovers = place.leftovers();
    let partial = place.partial()?;
    copy(&source, partial.path()).map_err(|error| place.cannot_write(error))?;
    source.check_rest()?;
    place.take(partial)?;
    Ok(leftovers)
}

/// Makes a data directory out of a backup. Its log begins a new life: clients that saw events after the backup was
/// taken must not believe numbers that are given out a second time.
pub fn restore(from: &Path, dir: &Path, epoch: &Epoch) -> Result<Report, MaintenanceError> {
    let source = Source::of(from)?;
    let report = verify(&source.connection)?;
    if let Some(problem) = report.problems.first() {
        return Err(MaintenanceError::Unsound { path: from.into(), problem: problem.clone() });
    }
    let to = dir.join(DATABASE_FILE);
    // A write-ahead log without its database would be taken for the new one's.
    let wal = beside(&to, "-wal");
    if let Some(there) = [&to, &wal].into_iter().find(|file| open::is_there(file)) {
        return Err(MaintenanceError::Exists(there.clone()));
    }
    private::make_directory(dir).map_err(|source| MaintenanceError::io(dir, source))?;
    let _lock = lock::take(dir)?;
    private::tighten(dir);
    let place = Place::new(&to)?;
    let partial = place.partial()?;
    let begun = copy(&source, partial.path()).map_err(LogError::from).and_then(|()| {
        let mut connection = open_copy(partial.path())?;
        tables::meta::set_epoch(&connection, epoch)?;
        migrations::migrate(&mut connection)?;
        Ok(connection.close().map_err(|(_, error)| error)?)
    });
    begun.map_err(|error| match error {
        LogError::Sqlite(error) => place.cannot_write(error),
        error => error.into(),
    })?;
    source.check_rest()?;
    place.take(partial)?;
    Ok(report)
}

/// Where a file is to be made that is not there.
struct Place<'a> {
    file: &'a Path,
    /// The directory above, without links.
    parent: PathBuf,
    name: &'a OsStr,
}

impl<'a> Place<'a> {
    fn new(file: &'a Path) -> Result<Self, MaintenanceError> {
        match fs::symlink_metadata(file) {
            Ok(meta) if meta.is_dir() => return Err(MaintenanceError::Directory(file.into())),
            Ok(_) => return Err(MaintenanceError::Exists(file.into())),
            Err(_) => {}
        }
        let name = file.file_name().ok_or_else(|| MaintenanceError::Directory(file.into()))?;
        let parent = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = parent.canonicalize().map_err(|source| MaintenanceError::io(parent, source))?;
        Ok(Self { file, parent, name })
    }

    /// What the file is made of, under another name until it is whole.
    fn partial(&self) -> Result<Partial, MaintenanceError> {
        let file = private::partial_file(&self.parent, &self.name.to_string_lossy());
        file.map(|file| Partial(Some(file))).map_err(|source| MaintenanceError::io(&self.parent, source))
    }

    /// Gives it its name, unless somebody took that meanwhile.
    fn take(&self, partial: Partial) -> Result<(), MaintenanceError> {
        let io = |source| MaintenanceError::io(self.file, source);
        private::sync_file(partial.path()).map_err(io)?;
        let target = self.parent.join(self.name);
        match partial.persist(&target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(MaintenanceError::Exists(self.file.into()));
            }
            taken => taken.map_err(io)?,
        }
        private::sync_directory(&self.parent).map_err(|source| MaintenanceError::io(&self.parent, source))
    }

    /// Partial files for this place that nobody finishes any more, or another backup that is under way.
    fn leftovers(&self) -> Vec<PathBuf> {
        let prefix = private::partial_prefix(&self.name.to_string_lossy());
        let entries = fs::read_dir(&self.parent).into_iter().flatten().flatten();
        let left = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(private::PARTIAL)
        });
        left.map(|entry| entry.path()).collect()
    }

    /// What SQLite said of the copy: its disk may be another one than the log's.
    fn cannot_write(&self, error: rusqlite::Error) -> MaintenanceError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                match private::write_trouble(&self.parent) {
                    Some(source) => MaintenanceError::io(self.file, source),
                    None if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                        MaintenanceError::io(self.file, io::ErrorKind::StorageFull.into())
                    }
                    None => error.into(),
                }
            }
            _ => error.into(),
        }
    }
}

/// A copy that takes shape; it goes with everything that SQLite put beside it, unless it gets its name.
struct Partial(Option<NamedTempFile>);

impl Partial {
    fn path(&self) -> &Path {
        self.0.as_ref().expect("it has not got its name").path()
    }

    fn persist(mut self, to: &Path) -> io::Result<()> {
        let partial = self.0.take().expect("it has not got its name");
        partial.persist_noclobber(to).map(drop).map_err(|failed| failed.error)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let Some(partial) = &self.0 else { return };
        for suffix in COMPANIONS {
            // Most are not there.
            let _ = fs::remove_file(beside(partial.path(), suffix));
        }
    }
}

fn open_copy(file: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(file, flags)
}

fn copy(source: &Source, to: &Path) -> rusqlite::Result<()> {
    let mut copy = open_copy(to)?;
    // A read transaction holds the moment: what is written meanwhile does not start the copy anew.
    let snapshot = source.connection.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    Backup::new(&snapshot, &mut copy)?.run_to_completion(BACKUP_PAGES, Duration::ZERO, None)?;
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)
}
