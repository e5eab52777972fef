//! What an administrator does with a log: back it up, look it through, restore it, take a room out and put it in. What only
//! reads changes no byte of a log at rest, and works where nothing can be written.

use std::io;
use std::path::{Path, PathBuf};

use teahouse_protocol::limits::ROOMS_MAX;
use teahouse_protocol::{NameError, RoomName};

pub use super::backup::{backup, restore};
use super::rest::Source;
pub use super::transfer::{export, import};
use super::verify::{Report, verify};
use super::{LogError, OpenError};

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
    /// A directory stands where a file was to be made.
    #[error("{0} is a directory; name a file in it")]
    Directory(PathBuf),
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard input cannot be read.
    #[error("standard input cannot be read: {0}")]
    Input(io::Error),
    /// What was read cannot be given on; where nobody wants it any more, that is no failure.
    #[error("standard output cannot be written: {0}")]
    Output(io::Error),
    /// A server began to write while the log was read as one at rest.
    #[error("{0} was written while it was read, since a server was started; do it again")]
    Disturbed(PathBuf),
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
    /// The name breaks a rule for new ones.
    #[error("there can be no room {room}: its name {reason}; nothing was imported")]
    BadRoom {
        /// The name.
        room: RoomName,
        /// The rule.
        reason: NameError,
    },
    /// There is no place for another room.
    #[error("there are {ROOMS_MAX} rooms, which is the most; nothing was imported")]
    TooManyRooms,
    /// A line is no event, or not the next one.
    #[error("line {line} cannot be imported: {problem}; nothing was imported")]
    BadLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl MaintenanceError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

impl From<rusqlite::Error> for MaintenanceError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Log(error.into())
    }
}

/// Looks through the log of a data directory, or through a backup file.
pub fn verify_at(path: &Path) -> Result<Report, MaintenanceError> {
    let source = Source::of(path)?;
    let report = verify(&source.connection)?;
    source.check_rest()?;
    Ok(report)
}
