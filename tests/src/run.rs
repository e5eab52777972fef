//! One run of one torture test: its seed, its size, and its row in the table of results.
//!
//! `TEAHOUSE_SEED` sets the seed. `TEAHOUSE_TORTURE=long` makes runs long, and `TEAHOUSE_SECONDS` shortens those that go
//! by the clock.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The table's file, in the target directory.
const RESULTS: &str = "torture-results.md";

const HEADER: &str = "\
| test | size | seed | cycles | messages | faults | lost | doubled | reordered | seconds | measured |\n\
|---|---|---|---|---|---|---|---|---|---|---|\n";

/// A run that has begun.
#[derive(Debug)]
pub struct Run {
    test: &'static str,
    /// What every random choice of the run follows from.
    pub seed: u64,
    /// Whether this is the long version.
    pub long: bool,
    began: Instant,
}

/// What a run counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How often everything went round: kills, cuts, steps, inputs.
    pub cycles: u64,
    /// Messages (or steps, or inputs) that were looked at in the end.
    pub messages: u64,
    /// Faults that were injected.
    pub faults: u64,
    /// Acknowledged or shown, and gone or altered.
    pub lost: u64,
    /// More than once where once is promised.
    pub doubled: u64,
    /// Against the order that is promised.
    pub reordered: u64,
    /// The first broken promises, in words.
    pub complaints: Vec<String>,
    /// What was measured and is not asserted, in words.
    pub measured: String,
}

impl Tally {
    /// So many complaints are kept.
    const COMPLAINTS_MAX: usize = 20;

    /// Keeps a complaint for the end.
    pub fn complain(&mut self, complaint: String) {
        if self.complaints.len() < Self::COMPLAINTS_MAX {
            self.complaints.push(complaint);
        }
    }

    /// Adds another tally's broken promises.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.faults += other.faults;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        other.complaints.into_iter().for_each(|complaint| self.complain(complaint));
    }
}

impl Run {
    /// Begins; prints the seed.
    pub fn begin(test: &'static str) -> Self {
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
    pub fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// How long a run by the clock takes: `long`, or what `TEAHOUSE_SECONDS` says; `None` for a short one.
    pub fn by_the_clock(&self, long: Duration) -> Option<Duration> {
        let told = std::env::var("TEAHOUSE_SECONDS").ok().map(|told| {
            let seconds =
                told.parse().unwrap_or_else(|_| panic!("TEAHOUSE_SECONDS={told} is no whole number"));
            Duration::from_secs(seconds)
        });
        self.long.then(|| told.unwrap_or(long))
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A source of choices of its own, so that tasks do not disturb each other's.
    pub fn random(&self, stream: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Writes the row, then fails if a promise was broken.
    pub fn finish(&self, tally: &Tally) {
        let Tally { cycles, messages, faults, lost, doubled, reordered, complaints, measured } = tally;
        let row = format!(
            "| {} | {} | {} | {cycles} | {messages} | {faults} | {lost} | {doubled} | {reordered} | {} | {measured} |",
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
