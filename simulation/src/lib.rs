//! Real clients and the real server in virtual time: every run is a function of its seed, so a failure is replayed by it.
//!
//! Brains of `client-core` speak over links that delay, swallow and cut with the server's own connections, sessions, order,
//! log and fan-out. What the server would do in tasks and threads is done one deed at a time, in an order that the seed
//! chooses: so it may crash between any two of them. Batches fail, clocks jump, names and guests come and go.

pub mod network;
mod pipe;
mod promises;
mod server;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use world::World;

/// Databases lie in memory where there is such a place, since every seed makes one.
const MEMORY: &str = "/dev/shm";

/// Runs one seed. Panics where a promise is broken.
pub fn run(seed: u64) {
    let dir = if Path::new(MEMORY).is_dir() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() };
    let mut world = World::new(seed, dir.expect("a temporary folder"));
    world.run();
    world.check();
}

/// Runs so many seeds from `first` on, on all cores. Answers the lowest that failed, after which no higher one begins.
pub fn run_all(first: u64, seeds: u64) -> Option<u64> {
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(u64::MAX);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || seed > failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if catch_unwind(AssertUnwindSafe(|| run(seed))).is_err() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Some(failed.into_inner()).filter(|seed| *seed != u64::MAX)
}
