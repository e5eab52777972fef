//! The few lanes on which the log is read: whoever wants something of it waits for a turn before a thread is taken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::turns::{Source, Turns};

/// So many reads go on at a time, as many as the log has readers.
const LANES: usize = 4;

/// What is to be done on a lane.
type Read = Box<dyn FnOnce() + Send>;

/// Reads that wait, and how many go on.
#[derive(Clone)]
pub struct Lanes {
    state: Arc<Mutex<State>>,
}

struct State {
    waiting: Turns<Read>,
    busy: usize,
    /// How many there are.
    most: usize,
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new(LANES)
    }
}

impl Lanes {
    fn new(most: usize) -> Self {
        // A connection asks for one page and one replay at a time: connections bound what waits.
        let waiting = Turns::new(usize::MAX, usize::MAX);
        Self { state: Arc::new(Mutex::new(State { waiting, busy: 0, most })) }
    }

    /// No lanes: everything waits until somebody calls [`Lanes::read_next`].
    pub fn by_hand() -> Self {
        Self::new(0)
    }

    /// Whether something waits.
    pub fn has_work(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Does what is next, in the caller's own time. Answers whether there was anything.
    pub fn read_next(&self) -> bool {
        let next = self.state().waiting.pop();
        next.map(|(read, _)| read()).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads when it is the source's turn, on a thread that may wait for the disk.
    pub fn read(&self, source: Source, read: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let taken_in = state.waiting.push(source, Box::new(read), 1);
        debug_assert!(taken_in.is_ok(), "there is no limit");
        if state.busy < state.most {
            state.busy += 1;
            let lanes = self.clone();
            tokio::task::spawn_blocking(move || {
                while let Some(read) = lanes.next() {
                    // It says so itself when it panics, and those that wait behind it do not wait for ever.
                    let _ = catch_unwind(AssertUnwindSafe(read));
                }
            });
        }
    }

    /// What a lane does next. Where there is nothing it is given back with the same lock, so that whoever comes then finds
    /// it free.
    fn next(&self) -> Option<Read> {
        let mut state = self.state();
        let next = state.waiting.pop().map(|(read, _)| read);
        state.busy -= usize::from(next.is_none());
        next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn reads_that_panic_cost_no_lane() {
        let lanes = Lanes::default();
        let (done, finished) = mpsc::channel();
        for number in 0..3 * LANES {
            let done = done.clone();
            lanes.read(Source::HOUSE, move || {
                assert_ne!(number % 3, 0, "on purpose");
                done.send(number).expect("it is waited for");
            });
        }
        drop((lanes, done));
        let finished = tokio::task::spawn_blocking(move || finished.iter().count()).await;
        assert_eq!(finished.expect("it counts"), 2 * LANES);
    }
}
