//! Fan-out by pull: a room keeps its recent events as bytes that are ready for the wire; a connection is a cursor.
//!
//! Events are encoded once and framed once for each kind of door. After a commit the herald walks along the watchers and
//! writes to each socket what its cursor has not seen, without waking its task. A socket that takes no more is left to
//! its own task; what it does not read costs nobody anything.

mod feed;
mod herald;
mod members;
mod news;
mod presence;
mod replay;
mod segment;
mod shelf;
mod tail;
mod tails;
mod watcher;

pub use feed::{Feed, WatchKey};
pub use herald::Herald;
pub use members::Members;
pub use news::News;
pub(crate) use presence::Kept;
pub use replay::{Replay, Replays};
pub use segment::{Segment, encode_segments};
pub use shelf::Shelf;
pub use tail::{Behind, Tail};
pub use tails::{Held, TAILS_BYTES_MAX, Tails};
pub use watcher::{Delivery, Watcher};
