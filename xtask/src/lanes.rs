//! Steps side by side. Each build has a tail that keeps one core busy; another build fills the others.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Result, anyhow};

use crate::screen::say;

/// Which of two builds that go side by side one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The one that everything waits for in the end: it gets every core.
    Long,
    /// The one that fills what is left.
    Short,
}

impl Lane {
    /// Options of cargo.
    pub(crate) fn jobs(self) -> Option<String> {
        match self {
            Self::Long => None,
            Self::Short => {
                let cores = thread::available_parallelism().map_or(1, NonZero::get);
                Some(format!("--jobs={}", cores.div_ceil(2)))
            }
        }
    }
}

/// Does two things at once. When one fails the other is finished all the same, since its work is kept for the next time.
pub(crate) fn side_by_side(
    long: impl FnOnce() -> Result<()>,
    short: impl FnOnce() -> Result<()> + Send,
) -> Result<()> {
    let going_on = AtomicUsize::new(2);
    let said = |result: Result<()>| {
        let others = going_on.fetch_sub(1, Ordering::Relaxed) - 1;
        if let Err(error) = &result
            && others > 0
        {
            // Why is told at the end.
            say!("{error}; what goes on beside it is finished first …");
        }
        result
    };
    let (long, short) = thread::scope(|scope| {
        let short = scope.spawn(|| said(short()));
        let long = said(long());
        (long, short.join().map_err(|_| anyhow!("a thread panicked")).flatten())
    });
    match (long, short) {
        (Err(long), Err(short)) => Err(anyhow!("{long:#}\nerror: {short:#}")),
        (long, short) => long.and(short),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn both_go_on_at_once_and_both_errors_are_told() {
        let (to_short, from_long) = mpsc::channel();
        let (to_long, from_short) = mpsc::channel();
        let error = side_by_side(
            || {
                to_short.send(()).unwrap();
                from_short.recv().unwrap();
                Err(anyhow!("the disk is full"))
            },
            move || {
                from_long.recv().unwrap();
                to_long.send(()).unwrap();
                Err(anyhow!("offline"))
            },
        );
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("the disk is full") && error.contains("offline"), "{error}");
        side_by_side(|| Ok(()), || Ok(())).unwrap();
    }
}
