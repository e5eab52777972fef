//! Torture: what happens to a real server, done to it on purpose, again and again. `TORTURE.md` says what each test
//! promises.
//!
//! Every test prints its seed; `TEAHOUSE_SEED` sets it. `TEAHOUSE_TORTURE=long` makes the runs long.
#![cfg(target_os = "linux")]

use teahouse_tests::run;

mod host;
mod link;

mod writer;

mod watcher;

mod audit;
mod load;

mod disk;
mod proxy;

mod kill;
mod pipeline;
mod twins;

mod admin;
mod faults;
mod power;

mod brain;
mod links;

mod attack;
mod descriptors;

mod model;

mod stall;

mod clock;

#[cfg(feature = "autobahn")]
mod autobahn;
