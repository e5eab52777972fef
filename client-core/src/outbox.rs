use teahouse_protocol::{ErrorCode, OpId, RequestId, Seq, UnixMillis, UserId};

use crate::random::Random;

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
    /// The operation id that makes a second sending harmless.
    pub(crate) op: OpId,
    /// The request that it is on its way in.
    pub(crate) request: Option<RequestId>,
    /// Whether it may have reached the server.
    pub(crate) tried: bool,
    /// The token of whoever has sent it, or was to send it when it was stored.
    pub(crate) author: Option<String>,
    /// The number of whoever has sent it. `None`: an earlier version did not keep it.
    pub(crate) user: Option<UserId>,
    /// The event that it became, where the acknowledgement came first.
    pub(crate) landed: Option<Seq>,
}

impl PendingPost {
    /// Whether it is neither on its way nor left to the user.
    pub(crate) fn waits(&self) -> bool {
        self.request.is_none() && !self.rests()
    }

    /// Whether it is the user who has to say what becomes of it.
    pub(crate) fn rests(&self) -> bool {
        matches!(self.state, PostState::Failed { .. } | PostState::Unknown)
    }

    /// Whether this is the operation of an event.
    pub(crate) fn became(&self, user: UserId, op: &OpId) -> bool {
        self.tried && self.op == *op && self.user.is_none_or(|sender| sender == user)
    }

    /// Whether it was sent, and neither taken nor refused: it may be in the room's log already.
    pub fn may_have_arrived(&self) -> bool {
        let refused = matches!(self.state, PostState::Failed { .. });
        self.tried && self.landed.is_none() && !refused
    }
}

/// The user is to become a member of a room. To join twice is to join, so that an answer which was lost harms nobody.
#[derive(Debug)]
pub(crate) struct PendingJoin {
    pub(crate) op: OpId,
    /// The request that it is on its way in.
    pub(crate) request: Option<RequestId>,
    /// The user asked for it, so that it outlives the program; other joinings are found anew.
    pub(crate) kept: bool,
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
        /// What kind of failure, by which a view finds words of its own. `None`: an earlier version did not keep it.
        code: Option<ErrorCode>,
        /// Why, in the server's words.
        reason: String,
        /// Whether [`crate::Intent::Retry`] can help.
        retryable: bool,
    },
    /// It was sent and not answered, and the server does not know any more who sent it: whether it is in the room's log,
    /// nobody can say. [`crate::Intent::Retry`] posts it once more, [`crate::Intent::Discard`] does not.
    Unknown,
}

/// Makes operation ids whose order is the order of submission: 12 hexadecimal digits of milliseconds, 8 of chance.
#[derive(Debug, Default)]
pub(crate) struct OpSource {
    last_ms: u64,
}

impl OpSource {
    pub(crate) fn next(&mut self, now: UnixMillis, random: &mut Random) -> OpId {
        // Two posts of one millisecond, or after the clock was set back, must keep their order too.
        self.last_ms = now.get().max(self.last_ms.saturating_add(1));
        let chance = random.next() >> 32;
        OpId::parse(&format!("{:012x}{chance:08x}", self.last_ms))
            .expect("hexadecimal digits, 20 or 24 of them")
    }

    /// Makes later ids follow this one.
    pub(crate) fn follow(&mut self, op: &OpId) {
        let ms = op.as_str().get(..12).and_then(|ms| u64::from_str_radix(ms, 16).ok());
        self.last_ms = self.last_ms.max(ms.unwrap_or(0));
    }
}
