//! `cargo xtask simulate`: more seeds than the tests take, or one again.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

/// Real clients and the real server in virtual time.
#[derive(Parser)]
struct Options {
    /// How many seeds
    #[arg(default_value_t = 10_000)]
    seeds: u64,
    /// Run this one alone
    #[arg(long)]
    seed: Option<u64>,
    /// Begin with this one
    #[arg(long, default_value_t = 0)]
    from: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let (first, seeds) = options.seed.map_or((options.from, options.seeds), |seed| (seed, 1));
    let begin = Instant::now();
    let failed = teahouse_simulation::run_all(first, seeds);
    let took = begin.elapsed();
    let said = match failed {
        None => format!("{seeds} seeds kept every promise, after {:.1} s", took.as_secs_f64()),
        Some(seed) => {
            format!("seed {seed} broke a promise; `cargo xtask simulate --seed {seed}` replays it")
        }
    };
    // Where nobody reads it, the status says it.
    let _ = writeln!(std::io::stdout(), "{said}");
    ExitCode::from(u8::from(failed.is_some()))
}
