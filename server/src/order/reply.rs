use std::sync::{Arc, Weak};

use teahouse_protocol::RequestId;

use super::Refusal;
use crate::directory::Login;
use crate::pace::Address;
use crate::seat::Seat;
use crate::state::Outcome;

/// Whoever asked, as far as the order is concerned.
pub trait Reply: Seat {
    /// Whether an earlier post of this pipeline was refused for the moment.
    fn is_broken(&self, pipeline: u64) -> bool;

    /// A post of this pipeline was refused for the moment.
    fn break_pipeline(&self, pipeline: u64);

    /// Takes what was decided, which is on disk unless refused. Answers whether the caller must [`Reply::wake`].
    fn take(&self, verdict: Verdict) -> bool;

    /// Makes whoever asked look.
    fn wake(&self);
}

/// Where to leave the answer to a proposal.
#[derive(Debug, Clone)]
pub struct ReplyTo {
    /// Who asked.
    pub asker: Arc<dyn Reply>,
    /// The address that it comes from.
    pub from: Address,
    /// The request.
    pub re: RequestId,
    /// Of a post: the number of the pipeline that it belongs to.
    pub pipeline: Option<u64>,
}

/// The answer to a proposal.
#[derive(Debug)]
pub struct Verdict {
    /// The request behind it.
    pub re: RequestId,
    /// What came of it.
    pub result: Result<Outcome, Refusal>,
    /// Of a hello: that the connection is the user's. Where nobody takes it out, it ends with the answer.
    pub login: Option<Login>,
}

impl ReplyTo {
    /// Who asked, as the connection of whoever it is or becomes.
    pub(super) fn seat(&self) -> Weak<dyn Seat> {
        let asker: Arc<dyn Seat> = Arc::<dyn Reply>::clone(&self.asker);
        Arc::downgrade(&asker)
    }

    pub(super) fn is_behind(&self) -> bool {
        self.pipeline.is_some_and(|pipeline| self.asker.is_broken(pipeline))
    }
}
