//! A live connection, as far as those are concerned who end it.

use std::fmt;

/// A live connection.
pub trait Seat: fmt::Debug + Send + Sync {
    /// Asks it to answer what it was asked, to say why, and to close.
    fn part(&self, why: Parting);
}

/// Why the server parts from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// The server stops.
    ShuttingDown,
    /// The user is called something else since another connection asked for that.
    Renamed,
}
