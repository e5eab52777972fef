use teahouse_protocol::UnixMillis;

/// Names a pending post of this program, for as long as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u64);

/// A post of this program that is not yet in the room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPost {
    /// Its name.
    pub local: LocalId,
    /// What is said; to be shown through [`crate::spans`] only.
    pub text: String,
    /// Whether it tells what the author does.
    pub action: bool,
    /// When it was submitted, by the client's clock.
    pub at: UnixMillis,
    /// How far it is.
    pub state: PostState,
}

/// How far a pending post is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostState {
    /// It waits for the link, or for its turn.
    Queued,
    /// It is on its way.
    Sent,
    /// The server refused it.
    Failed {
        /// Why, in the server's words.
        reason: String,
        /// Whether [`crate::Intent::Retry`] can help.
        retryable: bool,
    },
}
