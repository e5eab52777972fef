//! The Teahouse server: one port, every door.
//!
//! In the order of the data's path: [`accept`] takes connections and lets their first bytes choose a [`door`]; a
//! [`connection`] reads and writes; its session turns requests into proposals for the [`order`]; the [`state`]
//! decides; the [`log`] brings it to the disk; [`fanout`] and [`directory`] show it to everybody.

#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

mod abort;
mod absences;
pub mod accept;
pub mod admission;
pub mod clock;
pub mod config;
pub mod connection;
pub mod crier;
pub mod directory;
pub mod door;
mod encoded;
pub mod fanout;
pub mod house;
pub mod http;
pub mod lanes;
pub mod log;
mod notices;
pub mod order;
pub mod origins;
pub mod pace;
pub mod proxies;
pub mod seat;
pub mod standard_error;
pub mod state;
pub mod turns;
pub mod wire_errors;
