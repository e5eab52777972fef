//! Loads Teahouse, its peers and the floor in one run, and says what it saw as ratios.

pub mod budgets;
pub mod comparison;
pub mod installed;
pub mod machine;
pub mod pairs;
pub mod peer;
pub mod peers;
pub mod plot;
pub mod report;
pub mod results;
pub mod websocket;
