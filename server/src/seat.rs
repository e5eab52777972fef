//! A live connection, as far as those are concerned who tell it what became of its user, or end it.

use std::fmt;

/// A live connection.
pub trait Seat: fmt::Debug + Send + Sync {
    /// Its user has another name, which this connection may have asked for.
    fn user_renamed(&self);

    /// Its user is gone. When this returns, nothing that is committed from now on is shown to it.
    fn user_gone(&self);

    /// The server stops: it answers what it was asked, says goodbye, and closes.
    fn shut_down(&self);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Seat;

    /// A connection that is told nothing.
    #[derive(Debug)]
    pub(crate) struct Nowhere;

    impl Seat for Nowhere {
        fn user_renamed(&self) {}

        fn user_gone(&self) {}

        fn shut_down(&self) {}
    }
}
