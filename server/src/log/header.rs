//! What a database says of itself before it is read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use super::{OpenError, migrations, open};

/// Reads the header's own bytes, since to open a database with SQLite may already change files. Answers the version of the
/// tables that it names.
pub(super) fn check_header(file: &Path) -> Result<u32, OpenError> {
    let foreign = || OpenError::Foreign { file: file.into() };
    let mut opened =
        File::open(file).map_err(|source| OpenError::Unreadable { file: file.into(), source })?;
    // Offsets: section 1.3 of the SQLite file format.
    let mut header = [0; 100];
    opened.read_exact(&mut header).map_err(|_| foreign())?;
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if !header.starts_with(b"SQLite format 3\0") || number(68) != migrations::APPLICATION_ID {
        return Err(foreign());
    }
    known(file, number(60))
}

/// The same of a database that is open: what its header is to say may still lie in the write-ahead log.
pub(super) fn check_version(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let found = migrations::version(connection).map_err(|source| open::classify(file, source))?;
    known(file, found).map(drop)
}

fn known(file: &Path, found: u32) -> Result<u32, OpenError> {
    if found > migrations::VERSION {
        return Err(OpenError::Newer { file: file.into(), found, known: migrations::VERSION });
    }
    Ok(found)
}
