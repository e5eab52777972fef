//! Ends the program when a thread panics without which nothing would ever be answered.

use std::thread;

/// Held by such a thread as long as it runs.
pub(crate) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
