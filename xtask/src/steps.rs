use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::screen::{passing_line, say};

/// Where no line can be replaced, so often a new one says how far the steps are.
const NEWS_EVERY: Duration = Duration::from_secs(15);

/// Whether a step had something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was there already.
    Ready,
    /// The step did its work.
    Done,
}

/// Says how far a command is: `[2/5] …` before each step and its time after it. Steps of several threads may go side by
/// side.
pub(crate) struct Steps {
    total: usize,
    begun: AtomicUsize,
    started: Instant,
    running: Mutex<Running>,
}

/// The steps that have begun and not ended.
struct Running {
    steps: Vec<(String, Count)>,
    said: Instant,
}

/// How much of a step's work is done, in parts that take about as long as each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Done so far.
    pub(crate) done: u32,
    /// In all; 0 while that is not known.
    pub(crate) of: u32,
}

/// How a step says how far it is.
pub(crate) struct Progress<'a> {
    steps: &'a Steps,
    name: &'a str,
}

impl Steps {
    /// A command of so many steps.
    pub(crate) fn new(total: usize) -> Self {
        let started = Instant::now();
        let running = Mutex::new(Running { steps: Vec::new(), said: started });
        Self { total, begun: AtomicUsize::new(0), started, running }
    }

    /// Runs the next step. An error carries the step's name.
    pub(crate) fn step(&self, name: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        self.long_step(name, |_| work())
    }

    /// Runs the next step, which says how far it is.
    pub(crate) fn long_step(
        &self,
        name: &str,
        work: impl FnOnce(&Progress<'_>) -> Result<Outcome>,
    ) -> Result<()> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        debug_assert!(number <= self.total, "more steps than announced");
        let place = format!("[{number}/{}]", self.total);
        say!("{place} {name} …");
        let started = Instant::now();
        self.running().steps.push((name.to_owned(), Count::default()));
        let outcome = work(&Progress { steps: self, name });
        self.running().steps.retain(|(running, _)| running != name);
        match outcome.with_context(|| format!("step {place} failed: {name}"))? {
            Outcome::Ready => say!("{place} {name}: nothing to do"),
            Outcome::Done => say!("{place} {name}: done in {}", in_words(started.elapsed())),
        }
        Ok(())
    }

    /// The time since the first step, in words.
    pub(crate) fn total_time(&self) -> String {
        in_words(self.started.elapsed())
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().expect("nothing panics while it counts")
    }
}

impl Progress<'_> {
    /// Says that so much is done.
    pub(crate) fn at(&self, count: Count) {
        let mut running = self.steps.running();
        for (name, old) in &mut running.steps {
            if name == self.name {
                *old = count;
            }
        }
        let words = format!("      {} · {}", far(&running.steps), self.steps.total_time());
        if !passing_line(&words) && running.said.elapsed() >= NEWS_EVERY {
            running.said = Instant::now();
            say!("{words}");
        }
    }
}

/// `trunk 12/400, wasm-bindgen 3/146`
fn far(steps: &[(String, Count)]) -> String {
    let counted = steps.iter().filter(|(_, count)| count.of > 0);
    counted.map(|(name, count)| format!("{name} {}/{}", count.done, count.of)).collect::<Vec<_>>().join(", ")
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
        let steps = Steps::new(2);
        steps.step("first", || Ok(Outcome::Ready)).unwrap();
        let error = steps.step("second", || anyhow::bail!("the disk is full")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step [2/2] failed: second: the disk is full");
    }

    #[test]
    fn only_what_has_begun_to_count_is_shown() {
        let steps = [
            ("trunk".to_owned(), Count { done: 12, of: 400 }),
            ("the wasm target".to_owned(), Count::default()),
            ("wasm-bindgen".to_owned(), Count { done: 3, of: 146 }),
        ];
        assert_eq!(far(&steps), "trunk 12/400, wasm-bindgen 3/146");
    }
}
