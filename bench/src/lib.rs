//! Loads Teahouse, its peers and the floor in one run, and says what it saw as ratios.

pub mod installed;
pub mod peer;
pub mod peers;
pub mod websocket;
