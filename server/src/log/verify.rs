use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rusqlite::Connection;
use teahouse_protocol::{EventKind, MemberName, Seq};

use super::writer::last_room;
use super::{LogError, row, schema};
use crate::state::{RoomId, counts_as_written, is_member_after};

/// The most problems that are listed; the rest is counted.
const PROBLEMS_LISTED_MAX: usize = 20;

/// What a look through a whole log found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many rooms there are.
    pub rooms: u64,
    /// How many events there are.
    pub events: u64,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// How many further problems there are.
    pub unlisted: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, problem: impl fmt::Display) {
        if self.problems.len() < PROBLEMS_LISTED_MAX {
            self.problems.push(problem.to_string());
        } else {
            self.unlisted += 1;
        }
    }
}

/// Looks through a whole log: every page intact, every event as it was written, seqs without gaps, and the tables that
/// answer for the present equal to what the events make.
pub(super) fn verify(connection: &Connection) -> Result<Report, LogError> {
    let snapshot = connection.unchecked_transaction()?;
    let mut report = Report::default();
    let mut statement = snapshot.prepare("PRAGMA integrity_check(20)")?;
    for verdict in statement.query_map([], |row| row.get::<_, String>(0))? {
        let verdict = verdict?;
        if verdict != "ok" {
            report.problem(format_args!("pages: {verdict}"));
        }
    }

    let old = schema::version(&snapshot)? == 1;
    let mut rooms: BTreeMap<RoomId, Place> = BTreeMap::new();
    let columns = if old { "id, name, NULL" } else { "id, name, written" };
    let mut statement = snapshot.prepare(&format!("SELECT {columns} FROM rooms ORDER BY id"))?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (id, name, written): (u32, String, Option<bool>) = (found.get(0)?, found.get(1)?, found.get(2)?);
        if name.is_empty() {
            report.problem(format_args!("room {id} has no name"));
        }
        rooms.insert(RoomId(id), Place { name, written });
    }
    report.rooms = rooms.len() as u64;
    let last = last_room(&snapshot)?;
    if last >= RoomId::END {
        report.problem(format_args!("room {last} has an impossible number"));
    }

    let rebuilt = verify_events(&snapshot, &rooms, &mut report)?;
    let names = verify_users(&snapshot, old, &mut report)?;
    verify_members(&snapshot, rebuilt, &names, &mut report)?;
    verify_ops(&snapshot, &mut report)?;
    Ok(report)
}

/// A room, and whether its row says that somebody wrote in it.
struct Place {
    name: String,
    written: Option<bool>,
}

/// Who is a member of what, and under which name each joined.
type Members = BTreeMap<(i64, RoomId), MemberName>;

/// Checks each event and its place. Answers the members that the events make.
fn verify_events(
    connection: &Connection,
    rooms: &BTreeMap<RoomId, Place>,
    report: &mut Report,
) -> Result<Members, LogError> {
    let sql = format!(
        "SELECT {}, events.user FROM events LEFT JOIN users ON users.id = events.user ORDER BY events.key",
        row::event_columns(connection)?
    );
    let mut members = Members::new();
    let mut expected: Option<(RoomId, Seq)> = None;
    let mut seen = BTreeSet::new();
    let mut written = BTreeSet::new();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        report.events += 1;
        let (key, user): (i64, i64) = (found.get(0)?, found.get(8)?);
        let (room, seq) = (row::room_of(key), row::seq_of(key));
        let name = rooms.get(&room).map_or("a room that is not there", |place| &place.name);
        if seen.insert(room) && !rooms.contains_key(&room) {
            report.problem(format_args!("events of room {}, which is not there", room.0));
        }
        let due = match expected {
            Some((last, due)) if last == room => due,
            _ => Seq::ZERO.next(),
        };
        if seq != due {
            report.problem(format_args!("{name}: event {due} is missing"));
        }
        expected = Some((room, seq.next()));
        match row::read_event(found) {
            Ok(event) => {
                if counts_as_written(&event.kind) {
                    written.insert(room);
                }
                if event.kind == EventKind::Create && seq != Seq::ZERO.next() {
                    report.problem(format_args!("{name}: made a second time by event {seq}"));
                }
                match is_member_after(&event.kind) {
                    Some(true) => drop(members.insert((user, room), event.by)),
                    Some(false) => drop(members.remove(&(user, room))),
                    None => {}
                }
            }
            Err(error) => {
                // Whatever it was, it may have been a post.
                written.insert(room);
                report.problem(format_args!("{name}: {error}"));
            }
        }
    }
    for (room, Place { name, written: said }) in rooms {
        if !seen.contains(room) {
            report.problem(format_args!("{name}: event 1 is missing"));
        } else if said.is_some_and(|said| said != written.contains(room)) {
            report.problem(format_args!("{name}: it is not true whether anybody wrote in it"));
        }
    }
    Ok(members)
}

fn verify_members(
    connection: &Connection,
    rebuilt: Members,
    names: &BTreeMap<i64, MemberName>,
    report: &mut Report,
) -> Result<(), LogError> {
    let mut rebuilt = rebuilt;
    let mut statement = connection.prepare("SELECT user, room FROM members")?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (user, room): (i64, u32) = (found.get(0)?, found.get(1)?);
        match (rebuilt.remove(&(user, RoomId(room))), names.get(&user)) {
            (None, _) => {
                report.problem(format_args!("user {user} is a member of room {room} without having joined"));
            }
            (Some(joined), Some(name)) if joined != *name => {
                report.problem(format_args!("user {user} joined room {room} as {joined} and is {name} now"));
            }
            (Some(_), _) => {}
        }
    }
    for (user, room) in rebuilt.into_keys() {
        report.problem(format_args!("user {user} joined room {} and is no member", room.0));
    }
    Ok(())
}

/// Answers what everybody who is not gone is called.
fn verify_users(
    connection: &Connection,
    old: bool,
    report: &mut Report,
) -> Result<BTreeMap<i64, MemberName>, LogError> {
    let mut holders = BTreeSet::new();
    let mut names = BTreeMap::new();
    let columns =
        if old { "id, name, retired, token" } else { "id, coalesce(renamed, name), retired, token" };
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM users"))?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let (id, name, retired): (i64, String, bool) = (found.get(0)?, found.get(1)?, found.get(2)?);
        if name.is_empty() {
            report.problem(format_args!("user {id} has no name"));
        }
        let name = MemberName::stored(name);
        if !retired {
            // Names that are merely alike may be older than the rule.
            if !holders.insert(name.clone()) {
                report.problem(format_args!("two users hold the name {name}"));
            }
            names.insert(id, name);
        }
        let token: Option<Vec<u8>> = found.get(3)?;
        let token_fits = if retired { token.is_none() } else { token.is_some_and(|token| token.len() == 32) };
        if !token_fits {
            report.problem(format_args!("the token of user {id} does not fit"));
        }
    }
    Ok(names)
}

fn verify_ops(connection: &Connection, report: &mut Report) -> Result<(), LogError> {
    let orphans: i64 = connection.query_row(
        "SELECT count(*) FROM ops LEFT JOIN events ON events.key = ops.key AND events.user = ops.user
         WHERE events.key IS NULL",
        [],
        |row| row.get(0),
    )?;
    if orphans > 0 {
        report.problem(format_args!("{orphans} operations point at no event of their author"));
    }
    Ok(())
}
