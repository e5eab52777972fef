//! Loads Teahouse, its peers and the floor in one run, and says what it saw as ratios.

pub mod budgets;
pub mod clock;
pub mod comparison;
pub mod cores;
pub mod floor;
pub mod framing;
pub mod installed;
pub mod ledger;
pub mod machine;
pub mod pairs;
pub mod payload;
pub mod peer;
pub mod peers;
pub mod plot;
pub mod record;
pub mod report;
pub mod results;
pub mod server;
pub mod swarm;
pub mod websocket;
pub mod workloads;
