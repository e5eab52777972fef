use rusqlite::Connection;

/// Version of the tables, in the header's `user_version`.
pub(super) const VERSION: u32 = 2;
/// "TEAH" in the header's `application_id`.
pub(super) const APPLICATION_ID: u32 = 0x5445_4148;

/// `events.key` is `room << 40 | seq`, so that the events of a room lie together in the order of their seqs.
/// `events.sum` is CRC-32 of the row's other columns. `users` keeps everybody who ever wrote, for their names:
/// `users.name` is the first one, which is that of all events without a name of their own; `users.renamed` is the one of
/// now where that is another. `users.keep` is 0, 1 where it was asked for, and 2 once somebody came back with the token.
/// `rooms.written` says whether anybody ever posted.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    keep INTEGER NOT NULL,
    token BLOB,
    seen_at INTEGER NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0,
    renamed TEXT
) STRICT;
CREATE INDEX users_who_hold_a_name ON users (id) WHERE retired = 0;
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    written INTEGER NOT NULL DEFAULT 0
) STRICT;
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
    sum INTEGER NOT NULL,
    name TEXT
) STRICT;
CREATE TABLE ops (
    user INTEGER NOT NULL,
    op TEXT NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (user, op)
) STRICT, WITHOUT ROWID;
";

/// From version 1, which had no names that changed and no rooms that went away. Whoever kept a name was promised 30 days.
const FROM_VERSION_1: &str = "
ALTER TABLE users ADD COLUMN renamed TEXT;
UPDATE users SET keep = 2 WHERE keep = 1;
ALTER TABLE rooms ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET written = EXISTS (
    SELECT 1 FROM events WHERE key > rooms.id << 40 AND key < rooms.id + 1 << 40 AND kind >= 3
);
ALTER TABLE events ADD COLUMN name TEXT;
";

/// The version of a database's tables.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the tables of an earlier version to this one, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    if version(connection)? == 1 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(FROM_VERSION_1)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Makes the tables of an empty database.
pub(super) fn create(connection: &mut Connection, epoch: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO meta (name, value) VALUES ('epoch', ?1)", [epoch])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
