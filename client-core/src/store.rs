//! What the brain keeps through [`crate::Output::Store`]: the keys and the records behind them.

use serde::{Deserialize, Serialize};
use teahouse_protocol::{ErrorCode, MemberName, OpId, Position, RoomName, UnixMillis, UserId};

/// A key, as far as it can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// [`StoredIdentity`].
    Identity,
    /// [`StoredOperation`], one for each operation that waits.
    Operation(OpId),
    /// A draft's text.
    Draft(RoomName),
    /// The name of the open room.
    Active,
    /// The [`teahouse_protocol::Position`] up to which a room is read.
    Read(RoomName),
    /// Somebody signed out with this token, and the server has not said that it knows.
    Farewell(String),
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
            "outbox" => OpId::parse(rest).ok().map(Self::Operation),
            "draft" => RoomName::parse(rest).ok().map(Self::Draft),
            "read" => RoomName::parse(rest).ok().map(Self::Read),
            "farewell" => Some(Self::Farewell(rest.to_owned())),
            _ => None,
        }
    }
}

/// Whether a stored value is an operation that waits to be sent: a post, or a joining. Of several programs that share a store only one is to be given
/// it; when more are, the server still takes it once.
pub fn is_operation_key(key: &str) -> bool {
    matches!(Key::parse(key), Some(Key::Operation(_)))
}

/// Whether what is stored are words of the user's that were not sent, or were refused.
pub fn is_kept_post(key: &str, value: &str) -> bool {
    is_operation_key(key) && matches!(decode(value), Some(StoredOperation::Post(_)))
}

/// Whether a stored value says who the user is. Without it nothing else that is kept is anybody's.
pub fn is_identity_key(key: &str) -> bool {
    matches!(Key::parse(key), Some(Key::Identity))
}

/// Whether a stored value is the draft of a room.
pub fn is_draft_key(key: &str) -> bool {
    draft_room(key).is_some()
}

/// The room whose draft a stored value is.
pub fn draft_room(key: &str) -> Option<RoomName> {
    match Key::parse(key) {
        Some(Key::Draft(room)) => Some(room),
        _ => None,
    }
}

/// What a store that several programs of one user share is to hold under a key, where one of them puts `put` there, last
/// saw `seen` there, and finds `held`. `None`: nothing.
pub fn settle<'a>(
    key: &str,
    seen: Option<&str>,
    held: Option<&'a str>,
    put: Option<&'a str>,
) -> Option<&'a str> {
    let unchanged = seen == held;
    match Key::parse(key) {
        // Who comes second becomes whoever came first.
        Some(Key::Identity) if !unchanged => held,
        // What was sent here or taken back here is not what was typed elsewhere meanwhile.
        Some(Key::Draft(_)) if put.is_none() && !unchanged => held,
        Some(Key::Read(_)) => match (held.and_then(decode), put.and_then(decode)) {
            (Some(held_position), Some(position)) if !is_newer(&position, &held_position) => held,
            _ => put,
        },
        _ => put,
    }
}

/// Whether [`settle`] has to know what a store holds under a key before this is put there.
pub fn is_contested(key: &str, put: Option<&str>) -> bool {
    match Key::parse(key) {
        Some(Key::Identity | Key::Read(_)) => true,
        Some(Key::Draft(_)) => put.is_none(),
        Some(Key::Operation(_) | Key::Active | Key::Farewell(_)) | None => false,
    }
}

/// Whether a read position goes beyond another. Of different logs the later told is the newer.
pub(crate) fn is_newer(position: &Position, than: &Position) -> bool {
    position.epoch != than.epoch || position.seq > than.seq
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Active => f.write_str("active"),
            Self::Operation(op) => write!(f, "outbox/{op}"),
            Self::Draft(room) => write!(f, "draft/{room}"),
            Self::Read(room) => write!(f, "read/{room}"),
            Self::Farewell(token) => write!(f, "farewell/{token}"),
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

/// An operation that is not acknowledged. What earlier versions stored are posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum StoredOperation {
    Post(StoredPost),
    Join(StoredJoin),
}

/// The user asked to be a member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredJoin {
    pub(crate) room: RoomName,
    /// Whether joining may make it.
    pub(crate) create: bool,
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
    /// The token of whoever may have sent it. Missing: whoever is kept beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
    /// The number of whoever may have sent it, by which its event is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<UserId>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_with_an_identity_changes_nothing() {
        let settled = |seen, held, put| settle("identity", seen, held, put);
        assert_eq!(settled(None, None, Some("ana")), Some("ana"));
        assert_eq!(settled(None, Some("bo"), Some("ana")), Some("bo"), "another program was first");
        assert_eq!(settled(Some("bo"), Some("bo"), Some("ana")), Some("ana"), "a new name");
        assert_eq!(settled(Some("bo"), Some("bo"), None), None, "signed out");
        assert_eq!(settled(Some("bo"), Some("ana"), None), Some("ana"), "that was somebody else");
        assert_eq!(settled(Some("bo"), None, Some("bo")), None, "signed out elsewhere");
    }

    #[test]
    fn words_are_told_from_what_else_waits() {
        let op = "outbox/0199aabbccdd01234567";
        let post = r#"{"room":"lobby","text":"hi","at":"2026-11-22T08:00:00.000Z"}"#;
        assert!(is_kept_post(op, post));
        assert!(!is_kept_post(op, r#"{"room":"lobby","create":true}"#), "a joining");
        assert!(!is_kept_post("draft/lobby", post) && !is_kept_post(op, "{"));
    }

    #[test]
    fn a_read_position_only_grows() {
        let at = |seq: u64| format!(r#"{{"epoch":"e","seq":{seq}}}"#);
        let (three, five) = (at(3), at(5));
        assert_eq!(settle("read/lobby", None, Some(&five), Some(&three)), Some(&*five));
        assert_eq!(settle("read/lobby", None, Some(&three), Some(&five)), Some(&*five));
        let other = r#"{"epoch":"f","seq":1}"#;
        assert_eq!(settle("read/lobby", None, Some(&five), Some(other)), Some(other), "another log");
        assert_eq!(settle("read/lobby", None, Some("nonsense"), Some(&three)), Some(&*three));
        assert_eq!(settle("read/lobby", None, Some(&three), None), None);
    }

    #[test]
    fn sending_one_draft_leaves_another() {
        assert_eq!(settle("draft/lobby", Some("a"), Some("a"), None), None);
        assert_eq!(settle("draft/lobby", Some("a"), Some("b"), None), Some("b"));
        assert_eq!(settle("draft/lobby", Some("a"), Some("b"), Some("c")), Some("c"), "the last one counts");
    }

    #[test]
    fn what_is_not_contested_is_put_whatever_is_there() {
        let op = "outbox/0199aabbccdd01234567";
        for key in ["identity", "active", "read/lobby", "draft/lobby", op, "farewell/t", "later"] {
            for put in [None, Some("put")] {
                if is_contested(key, put) {
                    continue;
                }
                for (seen, held) in [(None, None), (None, Some("held")), (Some("seen"), Some("held"))] {
                    assert_eq!(settle(key, seen, held, put), put, "{key}");
                }
            }
        }
    }
}
