//! The log: every change, on disk, in SQLite.
//!
//! One writer takes many changes per transaction and one fsync per transaction. Readers have connections of their own
//! and see a transaction only after its fsync. The tables that answer for the present (rooms, members, users) change
//! in the same transaction as the events.

mod backup;
mod checkpoint;
mod earlier;
mod header;
mod lock;
pub mod maintenance;
mod migrations;
mod open;
mod private;
mod reader;
mod rest;
mod row;
mod tables;
mod transfer;
mod verify;
mod writer;

use std::io;
use std::path::PathBuf;

pub use open::{cannot_begin, open};
pub use reader::{PAGE_BYTES_MAX, Page, PageQuery, Reader};
pub use verify::Report;
pub use writer::{Batch, Log};

use teahouse_protocol::Seq;

use crate::state::RoomId;

/// The database's file name inside the data directory.
pub const DATABASE_FILE: &str = "teahouse.db";

/// Why a log cannot be opened. Each is one sentence for the person who starts the server; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or written.
    #[error("the data directory {dir} cannot be written: {source}")]
    NotWritable {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room.
    #[error("there is no room left for the data in {dir}: {source}; make some and start again")]
    Full {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be read.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// The database.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database can be read, and not written.
    #[error("{file} cannot be written: {source}")]
    FileNotWritable {
        /// The database.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What belongs to a database lies there without it.
    #[error("{file} belongs to {database}, which is missing; put that back, or move {file} away")]
    Orphan {
        /// What is there.
        file: PathBuf,
        /// What is not.
        database: PathBuf,
    },
    /// Another server has it.
    #[error(
        "another teahouse-server is using the data directory {dir}; stop it or choose another with --data"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// Made by a version that knows more than this one.
    #[error(
        "{file} was written by a newer teahouse-server (data version {found}, this program knows {known}); \
         use that version"
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// The file is something else.
    #[error("{file} is not a Teahouse database; move it away or choose another directory with --data")]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file is damaged.
    #[error("{file} is damaged ({detail}); restore it from a backup, it was left as it is")]
    Corrupt {
        /// The database.
        file: PathBuf,
        /// What SQLite or a checksum found.
        detail: String,
    },
    /// Anything else that SQLite says.
    #[error("{file} cannot be opened: {source}")]
    Sqlite {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// Why a read or a write failed while the server runs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// SQLite failed: the disk is full, gone or read-only, or the file is damaged.
    #[error("the log failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row is not what was written.
    #[error("event {seq} of room {} is damaged on disk", room.0)]
    Damaged {
        /// The room.
        room: RoomId,
        /// The event.
        seq: Seq,
    },
    /// The room went away.
    #[error("there is no such room any more")]
    NoSuchRoom,
    /// It failed a moment ago, and it is too early to try again.
    #[error("the log failed a moment ago")]
    Broken,
    /// A table holds something that this program never writes.
    #[error("the log holds an impossible {0}")]
    Impossible(&'static str),
}

#[cfg(test)]
mod tests;
