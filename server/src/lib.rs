//! The Teahouse server: one port, every door.

pub mod state;
