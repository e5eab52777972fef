//! The brain of a Teahouse client, sans IO: `handle(Input, now) -> Vec<Output>` and `deadline()`.
//!
//! A driver owns the socket, the clock and the storage; it hands in what happened and does what it is told. A view
//! reads the [`Model`] and turns what people do into [`Intent`]s. This crate reads no clock, no randomness, no socket
//! and no file, and compiles to native and to wasm, so what is proved natively is what runs in the browser tab.
//!
//! ```
//! use teahouse_client_core::{Brain, Config, Input, Now, Output, Ticks};
//! use teahouse_protocol::{MemberName, RoomName, UnixMillis};
//!
//! let now = Now { ticks: Ticks(0), unix: UnixMillis::new(1_795_334_400_000) };
//! let config = Config {
//!     name: MemberName::parse("ana").ok(),
//!     ..Config::new("example/1.0", RoomName::parse("lobby").unwrap())
//! };
//! let mut brain = Brain::new(config, [], 7, now);
//! assert!(brain.handle(Input::Start, now).contains(&Output::OpenLink));
//! ```

mod backoff;
mod brain;
mod calendar;
mod commands;
mod covered;
mod drawn_rows;
mod follower;
mod input;
pub mod limits;
mod line;
mod mentions;
mod model;
mod outbox;
mod output;
mod printed_rows;
mod random;
mod reading;
mod room;
mod rows;
mod spans;
mod steps;
mod store;
mod timeline;

pub use brain::Brain;
pub use commands::{Argument, SlashCommand};
pub use drawn_rows::DrawnRows;
pub use follower::{FOLLOW_LAST_MAX, FollowConfig, FollowFrom, FollowOutput, Follower};
pub use input::{Config, Input, Intent, Now, Ticks};
pub use mentions::MemberNames;
pub use model::{Connection, Model, NameProblem, Standing};
pub use outbox::{LocalId, PendingPost, PostState};
pub use output::{Change, Notice, Output, RoomSummary};
pub use printed_rows::PrintedRows;
pub use room::{Member, Room};
pub use rows::{Row, RowKey};
pub use spans::{Names, Span, display_name, spans};
pub use store::{
    draft_room, is_contested, is_draft_key, is_identity_key, is_kept_post, is_operation_key, settle,
};
pub use timeline::{Entry, Gap, Timeline, TimelineEvent, TimelineKind};
