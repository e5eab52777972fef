use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Refusal;
use super::reply::ReplyTo;
use crate::state::Proposal;
use crate::turns::{Full, Source, Turns};

/// So many proposals wait for their turn, half of that of one address; a further one is refused with [`Refusal::Busy`].
const QUEUE_MAX: usize = 8_192;
/// They have at most so many bytes, half of that those of one address.
const QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most proposals in one transaction.
const BATCH_MAX: usize = 1_024;
/// A batch ends when its proposals have so many bytes.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// A proposal, and who waits for what comes of it.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) proposal: Proposal,
    pub(super) reply: Option<ReplyTo>,
}

/// What waits to be decided.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// There is a proposal, or nothing more will come.
    called: Condvar,
}

#[derive(Debug)]
struct Waiting {
    turns: Turns<Submission>,
    closed: bool,
    /// Whether the thread waits for the first proposal.
    idle: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let turns = Turns::new(QUEUE_MAX, QUEUE_BYTES_MAX);
        Self { waiting: Mutex::new(Waiting { turns, closed: false, idle: false }), called: Condvar::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.called.notify_one();
    }

    /// How many proposals wait, once there are any; `None` when it is over.
    pub(super) fn wait(&self) -> Option<usize> {
        let mut waiting = self.waiting();
        while waiting.turns.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting.idle = true;
            waiting = self.called.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.idle = false;
        Some(waiting.turns.len())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting().turns.is_empty()
    }

    /// Takes out a batch, everybody in turn.
    pub(super) fn batch(&self) -> Vec<Submission> {
        let mut waiting = self.waiting();
        let mut batch = Vec::with_capacity(waiting.turns.len().min(BATCH_MAX));
        let mut bytes = 0;
        while batch.len() < BATCH_MAX
            && bytes < BATCH_BYTES_MAX
            && let Some((submission, weight)) = waiting.turns.pop()
        {
            bytes += weight;
            batch.push(submission);
        }
        batch
    }

    /// Takes in what weighs so many bytes. A refusal is the answer.
    pub(super) fn push(&self, source: Source, submission: Submission, bytes: usize) -> Result<(), Refusal> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Refusal::Closing);
        }
        waiting.turns.push(source, submission, bytes).map_err(|Full| Refusal::Busy)?;
        let wake = std::mem::take(&mut waiting.idle);
        drop(waiting);
        if wake {
            self.called.notify_one();
        }
        Ok(())
    }
}
