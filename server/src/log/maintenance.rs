//! What an administrator does with a log: back it up, look it through, restore it, take a room out and put it in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension, params};
use teahouse_protocol::{
    Epoch, Event, EventKind, MemberName, PageEvent, RoomName, Seq, ServerMessage, UnixMillis,
    decode_server_message,
};

use super::open::{self, check_header, open_reader};
use super::verify::{Report, verify};
use super::{DATABASE_FILE, LogError, OpenError, row};
use crate::state::RoomId;

/// So many pages are copied at a time, between which the running server may write.
const BACKUP_PAGES: i32 = 1_024;

/// Why maintenance failed.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no log.
    #[error("there is no database {0}")]
    Missing(PathBuf),
    /// Something stands where something new was to be made.
    #[error("{0} is there already; name another place")]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A backup is damaged.
    #[error("{path} is damaged: {problem}; nothing was restored")]
    Unsound {
        /// The backup.
        path: PathBuf,
        /// The first thing that is wrong with it.
        problem: String,
    },
    /// There is no such room.
    #[error("there is no room {0}")]
    NoSuchRoom(RoomName),
    /// There is such a room already.
    #[error("there is a room {0} already; import into another with --room")]
    RoomExists(RoomName),
    /// A line is no event, or not the next one.
    #[error("line {line} cannot be imported: {problem}; nothing was imported")]
    BadLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl From<rusqlite::Error> for MaintenanceError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Log(error.into())
    }
}

fn reader_of(dir: &Path) -> Result<Connection, MaintenanceError> {
    let file = dir.join(DATABASE_FILE);
    if !file.exists() {
        return Err(MaintenanceError::Missing(file));
    }
    check_header(&file)?;
    Ok(open_reader(&file)?)
}

/// Copies the log of a directory into one file, while the server may be writing. The copy is of one moment.
pub fn backup(dir: &Path, to: &Path) -> Result<(), MaintenanceError> {
    let from = reader_of(dir)?;
    if to.exists() {
        return Err(MaintenanceError::Exists(to.into()));
    }
    // Under another name until it is whole, so that a file of the wanted name is never half a backup.
    let partial = partial_name(to);
    let copied = copy(&from, &partial);
    if let Err(error) = copied {
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    fs::rename(&partial, to).map_err(|source| MaintenanceError::Io { path: to.into(), source })?;
    sync_parent(to)
}

fn copy(from: &Connection, to: &Path) -> Result<(), MaintenanceError> {
    let mut copy = Connection::open(to)?;
    // A read transaction holds the moment: what is written meanwhile does not start the copy anew.
    let snapshot = from.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    Backup::new(&snapshot, &mut copy)?.run_to_completion(BACKUP_PAGES, Duration::ZERO, None)?;
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    drop(copy);
    let io = |source| MaintenanceError::Io { path: to.into(), source };
    fs::File::open(to).and_then(|file| file.sync_all()).map_err(io)
}

fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn sync_parent(path: &Path) -> Result<(), MaintenanceError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    open::sync_directory(parent).map_err(|source| MaintenanceError::Io { path: parent.into(), source })
}

/// Looks through the log of a data directory, or through a backup file.
pub fn verify_at(path: &Path) -> Result<Report, MaintenanceError> {
    let connection = if path.is_dir() {
        reader_of(path)?
    } else if path.exists() {
        check_header(path)?;
        open_reader(path)?
    } else {
        return Err(MaintenanceError::Missing(path.into()));
    };
    Ok(verify(&connection)?)
}

/// Makes a data directory out of a backup. Its log begins a new life: clients that saw events after the backup was
/// taken must not believe numbers that are given out a second time.
pub fn restore(from: &Path, dir: &Path, epoch: &Epoch) -> Result<Report, MaintenanceError> {
    let report = verify_at(from)?;
    if let Some(problem) = report.problems.first() {
        return Err(MaintenanceError::Unsound { path: from.into(), problem: problem.clone() });
    }
    let to = dir.join(DATABASE_FILE);
    if to.exists() {
        return Err(MaintenanceError::Exists(to));
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| MaintenanceError::Io { path, source }
    };
    open::make_directory(dir).map_err(io(dir))?;
    let _lock = open::lock(dir)?;
    let partial = partial_name(&to);
    fs::copy(from, &partial).map_err(io(&partial))?;
    let connection = Connection::open(&partial)?;
    connection.execute("UPDATE meta SET value = ?1 WHERE name = 'epoch'", [epoch.as_str()])?;
    drop(connection);
    fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io(&partial))?;
    fs::rename(&partial, &to).map_err(io(&to))?;
    sync_parent(&to)?;
    Ok(report)
}

/// Writes a room's events as JSON Lines, as the wire has them. Answers how many.
pub fn export(dir: &Path, room: &RoomName, out: &mut impl Write) -> Result<u64, MaintenanceError> {
    let connection = reader_of(dir)?;
    let snapshot = connection.unchecked_transaction()?;
    let (id, name) = find_room(&snapshot, room)?.ok_or_else(|| MaintenanceError::NoSuchRoom(room.clone()))?;
    let sql = format!(
        "SELECT {} FROM events LEFT JOIN users ON users.id = events.user
         WHERE events.key > ?1 AND events.key < ?2 ORDER BY events.key",
        row::EVENT_COLUMNS
    );
    let mut statement = snapshot.prepare(&sql)?;
    let mut rows = statement.query([row::key(id, Seq::ZERO), row::key(RoomId(id.0 + 1), Seq::ZERO)])?;
    let mut events = 0;
    while let Some(found) = rows.next()? {
        let PageEvent { seq, at, by, kind } = row::read_event(found)?;
        let event = Event { room: name.clone(), seq, at, by, kind };
        writeln!(out, "{}", ServerMessage::Event(event).to_json())
            .map_err(|source| MaintenanceError::Io { path: "standard output".into(), source })?;
        events += 1;
    }
    Ok(events)
}

fn find_room(connection: &Connection, room: &RoomName) -> Result<Option<(RoomId, RoomName)>, LogError> {
    let mut statement = connection.prepare("SELECT id, name FROM rooms")?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (id, name): (u32, String) = (found.get(0)?, found.get(1)?);
        let name = RoomName::parse(&name).map_err(|_| LogError::Impossible("room"))?;
        if name.keys().are_alike(&room.keys()) {
            return Ok(Some((RoomId(id), name)));
        }
    }
    Ok(None)
}

/// Makes a room out of exported events, all or nothing. The server must not be running. The authors are kept by name
/// and can never come back as users; who was a member then is no member now.
pub fn import(dir: &Path, room: &RoomName, lines: impl BufRead) -> Result<u64, MaintenanceError> {
    let file = dir.join(DATABASE_FILE);
    if !file.exists() {
        return Err(MaintenanceError::Missing(file));
    }
    let _lock = open::lock(dir)?;
    check_header(&file)?;
    let mut connection = Connection::open(&file)?;
    open::configure(&connection)?;
    let transaction = connection.transaction()?;
    if find_room(&transaction, room)?.is_some() {
        return Err(MaintenanceError::RoomExists(room.clone()));
    }
    let last: Option<u32> = transaction.query_row("SELECT max(id) FROM rooms", [], |row| row.get(0))?;
    let id = RoomId(last.unwrap_or(0) + 1);

    let mut authors = Authors::default();
    let mut present: BTreeMap<MemberName, i64> = BTreeMap::new();
    let mut head = Seq::ZERO;
    let mut last_at = UnixMillis::default();
    for (index, line) in lines.lines().enumerate() {
        let line = line.map_err(|source| MaintenanceError::Io { path: "standard input".into(), source })?;
        let bad = |problem: String| MaintenanceError::BadLine { line: index + 1, problem };
        let event = match decode_server_message(line.as_bytes()) {
            Ok(ServerMessage::Event(event)) if event.kind != EventKind::Unknown => event,
            Ok(_) => return Err(bad("it is no event that this program knows".into())),
            Err(error) => return Err(bad(error.to_string())),
        };
        if event.seq != head.next() {
            return Err(bad(format!("it has seq {}, and {} is due", event.seq, head.next())));
        }
        if head == Seq::ZERO {
            if event.kind != EventKind::Create {
                return Err(bad("a room begins with its create event".into()));
            }
            transaction.execute(
                "INSERT INTO rooms (id, name, created_at) VALUES (?1, ?2, ?3)",
                params![id.0, room.as_str(), row::millis_column(event.at)],
            )?;
        }
        let author = authors.id(&transaction, &event.by, event.at)?;
        match event.kind {
            EventKind::Join => {
                present.insert(event.by.clone(), author);
            }
            EventKind::Leave => {
                present.remove(&event.by);
            }
            _ => {}
        }
        head = event.seq;
        last_at = event.at;
        insert_event(&transaction, row::key(id, event.seq), event.at, author, &event.kind)?;
    }
    if head == Seq::ZERO {
        return Err(MaintenanceError::BadLine { line: 1, problem: "there is nothing".into() });
    }
    for author in present.into_values() {
        head = head.next();
        insert_event(&transaction, row::key(id, head), last_at, author, &EventKind::Leave)?;
    }
    transaction.commit()?;
    Ok(head.get())
}

fn insert_event(
    connection: &Connection,
    key: i64,
    at: UnixMillis,
    author: i64,
    kind: &EventKind,
) -> Result<(), LogError> {
    let at = row::millis_column(at);
    let (kind, text) = row::columns(kind);
    let sum = row::checksum(key, at, author, kind, text);
    connection
        .prepare_cached(
            "INSERT INTO events (key, at, user, kind, text, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![key, at, author, kind, text, sum])?;
    Ok(())
}

/// Users who hold no name, one for each author of an import.
#[derive(Default)]
struct Authors(BTreeMap<MemberName, i64>);

impl Authors {
    fn id(&mut self, connection: &Connection, name: &MemberName, at: UnixMillis) -> Result<i64, LogError> {
        if let Some(id) = self.0.get(name) {
            return Ok(*id);
        }
        let last: Option<Option<i64>> =
            connection.query_row("SELECT max(id) FROM users", [], |row| row.get(0)).optional()?;
        let id = last.flatten().unwrap_or(0) + 1;
        connection.execute(
            "INSERT INTO users (id, name, keep, token, seen_at, retired) VALUES (?1, ?2, 0, NULL, ?3, 1)",
            params![id, name.as_str(), row::millis_column(at)],
        )?;
        self.0.insert(name.clone(), id);
        Ok(id)
    }
}
