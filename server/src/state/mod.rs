//! The deterministic model of users, rooms and memberships: who may do what, decided in order.
//!
//! [`decide`] says what a proposal changes, and changes nothing; [`Model::absorb`] is the only way in which a model
//! changes. Neither reads a clock, randomness or a file: times, tokens and ids of connections stand in the proposal, and
//! what is no part of the model is asked of [`Records`]. The same proposals give the same changes everywhere.

mod address;
mod change;
mod decide;
mod model;
mod permit;
mod proposal;
mod records;
mod room_index;
mod room_set;
mod user_index;

use teahouse_protocol::{MemberName, RoomName, Seq, UnixMillis};

pub use address::Address;
pub use change::{Change, Decision, Outcome, StoredEvent, counts_as_written, is_member_after};
pub use decide::{apply, decide};
pub use model::Model;
pub use permit::{Deed, Sight, Standing, permit};
pub use proposal::{Action, Proposal, Rejection, TokenHash};
pub use records::{Made, NoRecords, Records, Work};
pub use room_index::RoomIndex;
pub use room_set::RoomSet;
pub use teahouse_protocol::UserId;
pub use user_index::UserIndex;

/// Names a room for ever; below [`RoomId::END`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u32);

impl RoomId {
    /// The first number that is no room: the log keeps 23 bits for it.
    pub const END: u32 = 1 << 23;
}

/// The user who stands for the server itself and made the first room.
pub const SERVER_USER: UserId = UserId::SERVER;
/// What [`SERVER_USER`] is called. Nobody else can take the name.
pub const SERVER_USER_NAME: &str = "teahouse";
/// The room that exists from the start and never goes away.
pub const LOBBY: &str = "lobby";
/// The number of [`LOBBY`].
pub const LOBBY_ROOM: RoomId = RoomId(1);

/// A user who holds a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What everybody calls the user.
    pub name: MemberName,
    /// Whether the user was called something else before: the log keeps the name of then with every event of its.
    pub renamed: bool,
    /// Whether the name is kept while the user is away.
    pub keep: Keep,
    /// What proves that a connection is this user.
    pub token: TokenHash,
    /// When the user last said hello.
    pub seen_at: UnixMillis,
    /// The rooms that the user is a member of.
    pub rooms: RoomSet,
}

/// That nobody is connected as some user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    /// When the last connection closed, or the server began without one.
    pub since: UnixMillis,
    /// Where the last connection came from; unknown after a start.
    pub from: Option<Address>,
}

/// Whether a name waits for its guest while that one is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// No: the guest departs when its lease is over.
    No,
    /// It was asked for, and nobody has come back yet with the token.
    Asked,
    /// Somebody has come back with the token, so it is kept where it is of use.
    Proven,
}

impl User {
    /// Whether the name waits for this user. Not for one who is in no room: who gave its rooms up gave the name up, and
    /// who never joined one may have lost its welcome, and then nobody has the token.
    fn is_kept_at(&self, now: UnixMillis) -> bool {
        let silent_ms = now.get().saturating_sub(self.seen_at.get());
        let kept_ms = match self.keep {
            Keep::No => return false,
            Keep::Asked => UNPROVEN_NAME_MS,
            Keep::Proven => KEPT_NAME_MS,
        };
        !self.rooms.is_empty() && silent_ms < kept_ms
    }

    /// Whether somebody from the same address may have the name again, spelled the same: nobody ever came back with its
    /// token, as where a program has no place to keep one.
    fn is_forgotten(&self, away: Away, name: &MemberName, from: Address, now: UnixMillis) -> bool {
        let ms = now.get().saturating_sub(away.since.get());
        self.keep == Keep::Asked && away.from == Some(from) && ms >= FORGOTTEN_NAME_MS && self.name == *name
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its handle, as it was first written.
    pub name: RoomName,
    /// Its last event.
    pub head: Seq,
    /// How many members it has.
    pub members: u64,
    /// Whether anybody has ever posted to it. One that nobody wrote in goes away with its last member.
    pub written: bool,
}

/// How long a kept name waits for its guest after the last hello, in milliseconds: 30 days.
pub const KEPT_NAME_MS: u64 = 30 * 86_400_000;
/// How long it waits for one who never came back with the token, in milliseconds: 7 days.
pub const UNPROVEN_NAME_MS: u64 = 7 * 86_400_000;
/// After so long an absence of one who never came back, the same address may have the same name, in milliseconds: an
/// hour.
pub const FORGOTTEN_NAME_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests;
