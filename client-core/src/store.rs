//! What the brain keeps through [`crate::Output::Store`]: the keys and the records behind them.

use serde::{Deserialize, Serialize};
use teahouse_protocol::{ErrorCode, MemberName, OpId, RoomName, UnixMillis};

/// A key, as far as it can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// [`StoredIdentity`].
    Identity,
    /// [`StoredPost`], one for each post that waits.
    Post(OpId),
    /// A draft's text.
    Draft(RoomName),
    /// The name of the open room.
    Active,
    /// The [`teahouse_protocol::Position`] up to which a room is read.
    Read(RoomName),
}

impl Key {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "identity" {
            return Some(Self::Identity);
        }
        if text == "active" {
            return Some(Self::Active);
        }
        let (kind, rest) = text.split_once('/')?;
        match kind {
            "outbox" => OpId::parse(rest).ok().map(Self::Post),
            "draft" => RoomName::parse(rest).ok().map(Self::Draft),
            "read" => RoomName::parse(rest).ok().map(Self::Read),
            _ => None,
        }
    }
}

/// Whether a stored value is a post that waits to be sent. Of several programs that share a store only one is to be given
/// it; when more are, the server still takes it once.
pub fn is_post_key(key: &str) -> bool {
    matches!(Key::parse(key), Some(Key::Post(_)))
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Active => f.write_str("active"),
            Self::Post(op) => write!(f, "outbox/{op}"),
            Self::Draft(room) => write!(f, "draft/{room}"),
            Self::Read(room) => write!(f, "read/{room}"),
        }
    }
}

/// Who the user is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredIdentity {
    pub(crate) name: MemberName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// A post that is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPost {
    pub(crate) room: RoomName,
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) action: bool,
    pub(crate) at: UnixMillis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<StoredFailure>,
    /// Whether nobody can say what became of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unknown: bool,
}

/// Why a post failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredFailure {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<ErrorCode>,
    pub(crate) reason: String,
    pub(crate) retryable: bool,
}

/// A value for the store.
pub(crate) fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records have text keys and no fallible values")
}

/// A value out of the store; one that cannot be read is dropped.
pub(crate) fn decode<T: for<'de> Deserialize<'de>>(value: &str) -> Option<T> {
    serde_json::from_str(value).ok()
}
