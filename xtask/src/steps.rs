use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Whether a step had something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was there already.
    Ready,
    /// The step did its work.
    Done,
}

/// Says how far a command is: `[2/5] …` before each step and its time after it.
pub(crate) struct Steps {
    total: usize,
    begun: usize,
    started: Instant,
}

impl Steps {
    /// A command of so many steps.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, begun: 0, started: Instant::now() }
    }

    /// Runs the next step. An error carries the step's name.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        self.begun += 1;
        debug_assert!(self.begun <= self.total, "more steps than announced");
        let place = format!("[{}/{}]", self.begun, self.total);
        eprintln!("{place} {name} …");
        let started = Instant::now();
        let outcome = work().with_context(|| format!("step {place} failed: {name}"))?;
        match outcome {
            Outcome::Ready => eprintln!("{place} nothing to do"),
            Outcome::Done => eprintln!("{place} done in {}", in_words(started.elapsed())),
        }
        Ok(())
    }

    /// The time since the first step, in words.
    pub(crate) fn total_time(&self) -> String {
        in_words(self.started.elapsed())
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(in_words(Duration::from_millis(440)), "0.4 s");
        assert_eq!(in_words(Duration::from_millis(12_900)), "12 s");
        assert_eq!(in_words(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn an_error_names_its_step() {
        let mut steps = Steps::new(2);
        steps.step("first", || Ok(Outcome::Ready)).unwrap();
        let error = steps.step("second", || anyhow::bail!("the disk is full")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step [2/2] failed: second: the disk is full");
    }
}
