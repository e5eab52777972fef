//! The few lanes on which the log is read: whoever wants something of it waits for a turn before a thread is taken.

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
}

impl Default for Lanes {
    fn default() -> Self {
        // A connection asks for one page and one replay at a time: connections bound what waits.
        let waiting = Turns::new(usize::MAX, usize::MAX);
        Self { state: Arc::new(Mutex::new(State { waiting, busy: 0 })) }
    }
}

impl Lanes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads when it is the source's turn, on a thread that may wait for the disk.
    pub fn read(&self, source: Source, read: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let taken_in = state.waiting.push(source, Box::new(read), 1);
        debug_assert!(taken_in.is_ok(), "there is no limit");
        if state.busy < LANES {
            state.busy += 1;
            let lane = Lane(self.clone());
            tokio::task::spawn_blocking(move || lane.run());
        }
    }
}

/// One of the lanes; given back when dropped.
struct Lane(Lanes);

impl Lane {
    fn run(self) {
        loop {
            let mut state = self.0.state();
            let Some((read, _)) = state.waiting.pop() else { return };
            drop(state);
            read();
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
    }
}
