use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value};
use teahouse_protocol::limits::{ROOMS_MAX, SERVER_MESSAGE_BYTES_MAX, TEXT_CHARS_MAX};
use teahouse_protocol::{
    Event, EventKind, LineFramer, MemberName, RoomName, Seq, ServerMessage, UnixMillis, UserId,
    decode_server_message,
};

use super::header::{check_header, check_version};
use super::maintenance::MaintenanceError;
use super::rest::Source;
use super::tables::{self, rooms, users};
use super::{DATABASE_FILE, LogError, earlier, lock, migrations, open, private, row};
use crate::state::{
    Change, Keep, Room, RoomId, RoomSet, SERVER_USER, SERVER_USER_NAME, StoredEvent, TokenHash, User,
    counts_as_written, is_member_after,
};

/// How many bytes are read at a time.
const READ_BYTES: usize = 64 * 1024;
/// What some programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes a room's events as JSON Lines, as the wire has them. Answers how many.
pub fn export(dir: &Path, room: &RoomName, out: &mut impl Write) -> Result<u64, MaintenanceError> {
    let source = Source::of_directory(dir)?;
    let snapshot = source.connection.unchecked_transaction()?;
    let (id, name) =
        rooms::find(&snapshot, room)?.ok_or_else(|| MaintenanceError::NoSuchRoom(room.clone()))?;
    let version = migrations::version(&snapshot)?;
    let sql = format!(
        "SELECT {} FROM events LEFT JOIN users ON users.id = events.user
         WHERE events.key > ?1 AND events.key < ?2 ORDER BY events.key",
        earlier::event_columns(version)
    );
    let mut statement = snapshot.prepare(&sql)?;
    let mut rows = statement.query(row::keys_of(id))?;
    let mut events = 0;
    while let Some(found) = rows.next()? {
        let event = earlier::read_event(version, found)?.in_room(name.clone());
        writeln!(out, "{}", ServerMessage::Event(event).to_json()).map_err(MaintenanceError::Output)?;
        events += 1;
    }
    out.flush().map_err(MaintenanceError::Output)?;
    source.check_rest()?;
    Ok(events)
}

/// Makes a room out of exported events, all or nothing. The server must not be running. The authors are kept by name
/// and can never come back as users; who was a member then is no member now: such a one leaves at the end.
pub fn import(dir: &Path, room: &RoomName, lines: impl Read) -> Result<u64, MaintenanceError> {
    import_into(dir, room, lines).map_err(|error| match error {
        // Of a disk that is full or cannot be written SQLite says less than the disk does.
        MaintenanceError::Log(error @ LogError::Sqlite(_)) => open::cannot_begin(dir, error).into(),
        error => error,
    })
}

fn import_into(dir: &Path, room: &RoomName, lines: impl Read) -> Result<u64, MaintenanceError> {
    let file = dir.join(DATABASE_FILE);
    if !open::is_there(&file) {
        return Err(MaintenanceError::Missing(file));
    }
    room.check_new().map_err(|reason| MaintenanceError::BadRoom { room: room.clone(), reason })?;
    let _lock = lock::take(dir)?;
    check_header(&file)?;
    private::tighten(dir);
    let mut connection = Connection::open(&file)?;
    check_version(&connection, &file)?;
    open::configure(&connection)?;
    migrations::migrate(&mut connection)?;
    let transaction = connection.transaction()?;
    if rooms::find(&transaction, room)?.is_some() {
        return Err(MaintenanceError::RoomExists(room.clone()));
    }
    let id = RoomId(rooms::last(&transaction)?.0 + 1);
    if rooms::count(&transaction)? as usize >= ROOMS_MAX || id.0 >= RoomId::END {
        return Err(MaintenanceError::TooManyRooms);
    }

    let mut imported = Imported::default();
    let mut lines = Lines::new(lines);
    while let Some(line) = lines.next()? {
        let number = lines.number;
        let bad = |problem: String| MaintenanceError::BadLine { line: number, problem };
        let event = imported.check(&line).map_err(bad)?;
        if imported.head == Seq::ZERO {
            let room = Room { name: room.clone(), head: Seq::ZERO, members: 0, written: false };
            tables::absorb(&transaction, &Change::RoomAdded { id, at: event.at, room })?;
        }
        if counts_as_written(&event.kind) && !imported.written {
            imported.written = true;
            tables::absorb(&transaction, &Change::RoomWritten { id })?;
        }
        let author = imported.authors.id(&transaction, &event.by, event.at)?;
        tables::absorb(&transaction, &imported.absorb(id, event, author))?;
    }
    if imported.head == Seq::ZERO {
        return Err(MaintenanceError::BadLine {
            line: lines.number.max(1),
            problem: "there is nothing".into(),
        });
    }
    for (name, author) in std::mem::take(&mut imported.present) {
        let (seq, at) = (imported.head.next(), imported.last_at);
        tables::absorb(&transaction, &happened(id, seq, at, author, name, EventKind::Leave))?;
        imported.head = seq;
    }
    transaction.commit()?;
    Ok(imported.head.get())
}

/// What is in the log of an event that was imported: no operation, since nobody can come back as its author.
fn happened(
    room: RoomId,
    seq: Seq,
    at: UnixMillis,
    by: UserId,
    by_name: MemberName,
    kind: EventKind,
) -> Change {
    Change::Event(StoredEvent { room, seq, at, by, by_name, renamed: false, kind, op: None })
}

/// The room as far as it has been read.
#[derive(Default)]
struct Imported {
    /// What the lines call it.
    room: Option<RoomName>,
    head: Seq,
    last_at: UnixMillis,
    authors: Authors,
    /// Whether somebody wrote.
    written: bool,
    /// Who joined and has not left.
    present: BTreeMap<MemberName, UserId>,
}

impl Imported {
    /// The next event, if that is what the line says, in words if not.
    fn check(&self, line: &[u8]) -> Result<Event, String> {
        std::str::from_utf8(line)
            .map_err(|error| format!("it is not UTF-8 at byte {}", error.valid_up_to()))?;
        let event = match decode_event(line) {
            Ok(ServerMessage::Event(event)) => event,
            Ok(_) => return Err("it is no event that this program knows".into()),
            Err(error) => return Err(error.to_string()),
        };
        let due = self.head.next();
        if event.seq != due {
            return Err(format!("it has seq {}, and {due} is due", event.seq));
        }
        if let Some(room) = self.room.as_ref().filter(|room| **room != event.room) {
            return Err(format!("it belongs to the room {}, and those before to {room}", event.room));
        }
        let is_first = self.head == Seq::ZERO;
        match &event.kind {
            EventKind::Unknown => return Err("it is no event that this program knows".into()),
            EventKind::Create if !is_first => return Err("the room is made already".into()),
            EventKind::Create => return Ok(event),
            EventKind::Post { .. } | EventKind::Join | EventKind::Leave if is_first => {
                return Err("a room begins with its create event".into());
            }
            // The rules of today bind what is written today; of old texts no more is asked than what `verify` asks.
            EventKind::Post { text, .. } if text.is_empty() => return Err("its text is empty".into()),
            EventKind::Post { text, .. } if text.chars().count() > TEXT_CHARS_MAX => {
                let length = text.chars().count();
                return Err(format!("its text has {length} characters, and {TEXT_CHARS_MAX} is the most"));
            }
            EventKind::Post { .. } | EventKind::Join | EventKind::Leave => {}
        }
        if is_server(&event.by) {
            return Err(format!(
                "it is by {SERVER_USER_NAME}, which is the server itself and makes rooms only"
            ));
        }
        Ok(event)
    }

    /// Goes on behind an event, and answers what it is in the log.
    fn absorb(&mut self, id: RoomId, event: Event, author: UserId) -> Change {
        let Event { room, seq, at, by, kind, .. } = event;
        match is_member_after(&kind) {
            Some(true) => drop(self.present.insert(by.clone(), author)),
            Some(false) => drop(self.present.remove(&by)),
            None => {}
        }
        self.head = seq;
        self.last_at = at;
        self.room = Some(room);
        happened(id, seq, at, author, by, kind)
    }
}

/// What a line says. Exports of earlier versions have no numbers of users.
fn decode_event(line: &[u8]) -> serde_json::Result<ServerMessage> {
    decode_server_message(line).or_else(|error| match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(mut object) if !object.contains_key("user") => {
            object.insert("user".into(), UserId::SERVER.get().into());
            decode_server_message(Value::Object(object).to_string().as_bytes())
        }
        Ok(_) | Err(_) => Err(error),
    })
}

fn is_server(name: &MemberName) -> bool {
    MemberName::parse(SERVER_USER_NAME).is_ok_and(|server| server.keys().are_alike(&name.keys()))
}

/// The lines of a file, in bounded memory; empty ones are passed over.
struct Lines<R> {
    input: R,
    framer: LineFramer,
    chunk: Vec<u8>,
    /// What of the chunk is still to be read.
    rest: std::ops::Range<usize>,
    /// Of the last line, counted from 1.
    number: usize,
    ended: bool,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        let framer = LineFramer::new(SERVER_MESSAGE_BYTES_MAX);
        Self { input, framer, chunk: vec![0; READ_BYTES], rest: 0..0, number: 0, ended: false }
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, MaintenanceError> {
        loop {
            let Some(mut line) = self.any()? else { return Ok(None) };
            self.number += 1;
            if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn any(&mut self) -> Result<Option<Vec<u8>>, MaintenanceError> {
        loop {
            let mut input = &self.chunk[self.rest.clone()];
            let line = self.framer.next_line(&mut input).map(|line| line.map(std::borrow::Cow::into_owned));
            let line = line.map_err(|error| MaintenanceError::BadLine {
                line: self.number + 1,
                problem: error.to_string(),
            })?;
            self.rest.start = self.rest.end - input.len();
            if line.is_some() {
                return Ok(line);
            }
            if self.ended {
                return Ok(None);
            }
            match self.input.read(&mut self.chunk) {
                Ok(0) => {
                    self.ended = true;
                    let last = self.framer.take_partial();
                    if !last.is_empty() {
                        return Ok(Some(last));
                    }
                }
                Ok(length) => self.rest = 0..length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(MaintenanceError::Input(error)),
            }
        }
    }
}

/// Users who hold no name, one for each author of an import.
#[derive(Default)]
struct Authors(BTreeMap<MemberName, UserId>);

impl Authors {
    fn id(
        &mut self,
        transaction: &Connection,
        name: &MemberName,
        at: UnixMillis,
    ) -> Result<UserId, LogError> {
        if let Some(id) = self.0.get(name) {
            return Ok(*id);
        }
        let id = match users::last(transaction)? {
            // It has a row of its own from the first start on.
            Some(_) if is_server(name) => SERVER_USER,
            last => {
                let id = last.unwrap_or(SERVER_USER).next();
                let (name, token, rooms) = (name.clone(), TokenHash([0; 32]), RoomSet::default());
                let user = User { name, renamed: false, keep: Keep::No, token, seen_at: at, rooms };
                tables::absorb(transaction, &Change::UserAdded { id, user })?;
                tables::absorb(transaction, &Change::UserRetired { id })?;
                id
            }
        };
        self.0.insert(name.clone(), id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_of_before_users_had_numbers_can_be_read() {
        let old = r#"{"type":"event","room":"old","seq":1,"at":"2026-11-22T08:00:00.000Z","by":"ana","kind":"create"}"#;
        let Ok(ServerMessage::Event(event)) = decode_event(old.as_bytes()) else { panic!("{old}") };
        assert_eq!((event.user, event.by.as_str()), (UserId::SERVER, "ana"));
        assert!(decode_event(old.replace("\"by\"", "\"user\":-1,\"by\"").as_bytes()).is_err());
        assert!(decode_event(b"{\"type\":").is_err());
    }
}
