use teahouse_protocol::{OpId, Seq};

use super::{RoomId, UserId};

/// Answers point questions about what is written, earlier changes of the same batch included. So what grows without end
/// needs no place in a model.
pub trait Records {
    /// What an author's operation made when it came first. Where this cannot be read it says that there is nothing, and
    /// what is decided then must not be believed.
    fn made_by(&self, author: UserId, op: &OpId) -> Option<Made>;
}

/// What an operation made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// What it was for.
    pub work: Work,
    /// Where its event is.
    pub room: RoomId,
    /// Which event it is.
    pub seq: Seq,
}

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A post.
    Post,
}

/// Nothing is written, so every operation is new.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecords;

impl Records for NoRecords {
    fn made_by(&self, _: UserId, _: &OpId) -> Option<Made> {
        None
    }
}
