//! The wire of Teahouse: what a client may say, what a server answers, and the rules both sides share.
//!
//! The objects are the same through every door: one JSON object per line over TCP, one per text message over
//! WebSocket. This crate reads no clock, no randomness, no socket and no file; it compiles to native and to wasm.
//! `PROTOCOL.md` at the repository root is the same contract in words.

mod client;
mod decode;
mod framing;
mod harmless;
mod ids;
mod invisible;
pub mod limits;
mod names;
mod server;
mod text;
mod time;

pub use client::{
    Auth, Command, Hello, History, Join, Leave, Ping, Post, Rename, Request, Rooms, SignOut, Unwatch, Watch,
    Who,
};
pub use decode::{DecodeError, decode_request, decode_server_message};
pub use framing::{LineFramer, LineTooLong};
pub use harmless::harmless;
pub use ids::{Epoch, IdError, OpId, Position, RequestId, Seq, UserId};
pub use invisible::is_invisible;
pub use names::{MemberName, NameError, RoomName};
#[cfg(feature = "name-rules")]
pub use names::{NameKey, NameKeys};
pub use server::{
    Ack, CaughtUp, ErrorCode, ErrorReply, Event, EventKind, Gone, Goodbye, GoodbyeReason, HistoryPage,
    JoinedRoom, Limits, Member, Members, NamedUser, PageEvent, Pong, Presence, Renamed, ResetReason, Resume,
    RoomInfo, RoomList, ServerMessage, SignedOut, Unwatched, Watching, Welcome,
};
pub use text::{PostText, TextError};
pub use time::{TimeError, UnixMillis};

/// The version of the protocol that `hello` asks for and `welcome` confirms.
pub const PROTOCOL_VERSION: u32 = 1;
