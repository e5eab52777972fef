//! Fan-out by pull: a room keeps its recent events as bytes that are ready for the wire; a connection is a cursor.
//!
//! Events are encoded once and framed once for each kind of door. A wake-up tells a connection which of its cursors
//! have something to read; what it does not read costs nobody anything.

mod room;
mod segment;
mod tail;

pub use room::{Room, WatchKey};
pub use segment::{Segment, encode_page, encode_segments};
pub use tail::{Behind, Tail};
