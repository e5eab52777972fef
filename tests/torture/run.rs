//! One run of one torture test: its seed, its size, and its row in the table of results.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The table's file, in the target directory.
const RESULTS: &str = "torture-results.md";

const HEADER: &str = "\
| test | size | seed | cycles | messages | faults | lost | doubled | reordered | seconds |\n\
|---|---|---|---|---|---|---|---|---|---|\n";

/// A run that has begun.
#[derive(Debug)]
pub(crate) struct Run {
    test: &'static str,
    /// What every random choice of the run follows from.
    pub(crate) seed: u64,
    /// Whether this is the long version.
    pub(crate) long: bool,
    began: Instant,
}

/// What a run counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How often everything went round: kills, cuts, steps, inputs.
    pub(crate) cycles: u64,
    /// Messages (or steps, or inputs) that were looked at in the end.
    pub(crate) messages: u64,
    /// Faults that were injected.
    pub(crate) faults: u64,
    /// Acknowledged or shown, and gone or altered.
    pub(crate) lost: u64,
    /// More than once where once is promised.
    pub(crate) doubled: u64,
    /// Against the order that is promised.
    pub(crate) reordered: u64,
    /// The first broken promises, in words.
    pub(crate) complaints: Vec<String>,
}

impl Tally {
    /// So many complaints are kept.
    const COMPLAINTS_MAX: usize = 20;

    /// Keeps a complaint for the end.
    pub(crate) fn complain(&mut self, complaint: String) {
        if self.complaints.len() < Self::COMPLAINTS_MAX {
            self.complaints.push(complaint);
        }
    }

    /// Adds another tally's broken promises.
    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.faults += other.faults;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        other.complaints.into_iter().for_each(|complaint| self.complain(complaint));
    }
}

impl Run {
    /// Begins; prints the seed. `TEAHOUSE_SEED` sets it, `TEAHOUSE_TORTURE=long` makes the run long.
    pub(crate) fn begin(test: &'static str) -> Self {
        let seed = match std::env::var("TEAHOUSE_SEED") {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("TEAHOUSE_SEED={seed} is no whole number")),
            Err(_) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(now.as_nanos() % 1_000_000_000_000).expect("small")
            }
        };
        let long = std::env::var("TEAHOUSE_TORTURE").is_ok_and(|size| size == "long");
        println!("{test}: TEAHOUSE_SEED={seed}{}", if long { ", long" } else { "" });
        Self { test, seed, long, began: Instant::now() }
    }

    /// The short or the long number.
    pub(crate) fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// A source of choices of its own, so that tasks do not disturb each other's.
    pub(crate) fn random(&self, stream: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Writes the row, then fails if a promise was broken.
    pub(crate) fn finish(&self, tally: &Tally) {
        let Tally { cycles, messages, faults, lost, doubled, reordered, complaints } = tally;
        let row = format!(
            "| {} | {} | {} | {cycles} | {messages} | {faults} | {lost} | {doubled} | {reordered} | {} |",
            self.test,
            if self.long { "long" } else { "short" },
            self.seed,
            self.began.elapsed().as_secs(),
        );
        println!("{HEADER}{row}");
        if let Err(error) = append(&row) {
            println!("the table could not be written: {error}");
        }
        assert!(
            (*lost, *doubled, *reordered) == (0, 0, 0) && complaints.is_empty(),
            "{lost} lost, {doubled} doubled, {reordered} reordered (TEAHOUSE_SEED={}):\n  {}",
            self.seed,
            complaints.join("\n  ")
        );
    }
}

fn append(row: &str) -> std::io::Result<()> {
    let file = results();
    if !file.exists() {
        fs::write(&file, HEADER)?;
    }
    OpenOptions::new().append(true).open(&file)?.write_all(format!("{row}\n").as_bytes())
}

/// `TARGET/torture-results.md`.
fn results() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(3).expect("TARGET/PROFILE/deps/torture-…").join(RESULTS)
}
