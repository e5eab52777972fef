use rusqlite::Connection;

/// Version of the tables, in the header's `user_version`.
pub(super) const VERSION: u32 = 1;
/// "TEAH" in the header's `application_id`.
pub(super) const APPLICATION_ID: u32 = 0x5445_4148;

/// `events.key` is `room << 40 | seq`, so that the events of a room lie together in the order of their seqs.
/// `events.sum` is CRC-32 of the row's other columns. `users` keeps everybody who ever wrote, for their names.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    keep INTEGER NOT NULL,
    token BLOB,
    seen_at INTEGER NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX users_who_hold_a_name ON users (id) WHERE retired = 0;
CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE members (
    user INTEGER NOT NULL,
    room INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    user INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    text TEXT,
    sum INTEGER NOT NULL
) STRICT;
CREATE TABLE ops (
    user INTEGER NOT NULL,
    op TEXT NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (user, op)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables of an empty database.
pub(super) fn create(connection: &mut Connection, epoch: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO meta (name, value) VALUES ('epoch', ?1)", [epoch])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
