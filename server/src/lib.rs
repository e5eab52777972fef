//! The Teahouse server: one port, every door.

pub mod log;
pub mod state;
