//! Loads Teahouse, its peers and the floor in one run, and says what it saw as ratios.
//!
//! # How it measures
//! - **Two cores.** The server and all its threads run on the first, the generator, one thread with epoll, on the second
//!   ([`cores`]). Each run starts the server anew, in an empty folder on the disk.
//! - **Open loop.** Under a pace each post goes at its time, whatever became of the earlier ones, and that time stands in the
//!   post itself ([`payload`]). A latency is the time from then to the receipt, so what a slow server delays is not left out.
//! - **Flood.** The posters are at most 4,000 posts ahead of the slowest sampled receiver; the same for all servers. One
//!   write then carries hundreds of messages, so bytes decide and not calls. An event of Teahouse with 128 bytes of text
//!   has about 230 bytes, the floor's 129.
//! - **All receivers are counted, a few are read.** Frames are counted by their framing alone ([`framing`]); about ten
//!   receivers, in many rooms fifty, find each post in what they get, take its latency, and see what is missing, doubled
//!   or out of order ([`ledger`]). When a stretch is over, every single receiver must have as many frames as were posted
//!   in its room.
//! - **A stretch** begins after a warm-up, and ends when everything has come, or nothing has come for five seconds. What
//!   comes in the 300 ms after that counts for completeness, not for time and CPU.
//! - **CPU** of the server is the time of its threads on a core, from `/proc/PID/task/*/schedstat`, with what its threads
//!   cost that ended meanwhile. The kernel's work for a socket is done in the sender's name and counts; what the disk's own
//!   kernel threads do does not. **Memory** is what is resident, from `smaps_rollup`, without the kernel's buffers.
//! - **The generator's CPU** is reported too. Where it is near 100 % the server waits for it: deliveries for each second of
//!   server CPU stay right, deliveries for each second of the clock are then a lower bound, and latencies hold the generator's
//!   own delay. That is so for the floor and bun at 500 posts/s in a room of 1,000, where all servers need their whole core:
//!   they write as often as they can, and each write costs the generator a read.
//! - **Posters** are members who do not receive. In `connect` and `idle` members are in rooms of 100. In `history` the files
//!   are in the system's cache. In `stalled` the share that the stalled one lacks in the end is not counted as missing.

pub mod browser;
pub mod budgets;
pub mod clock;
pub mod comparison;
pub mod cores;
pub mod floor;
pub mod framing;
pub mod installed;
pub mod ledger;
pub mod machine;
pub mod neighbour;
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
