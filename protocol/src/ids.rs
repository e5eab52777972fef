use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{INTEGER_MAX, OP_BYTES_MAX};

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A number above [`INTEGER_MAX`].
    #[error("must be a whole number from 0 to 9007199254740991")]
    Integer,
    /// An operation id of the wrong length or with other characters.
    #[error("must be 1 to {OP_BYTES_MAX} ASCII letters, digits, '-', '_' or '.'")]
    Op,
    /// An epoch of the wrong length or with other characters.
    #[error("must be 1 to 32 ASCII letters or digits")]
    Epoch,
}

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Takes a number from 0 to [`INTEGER_MAX`].
            pub const fn new(value: u64) -> Result<Self, IdError> {
                if value <= INTEGER_MAX { Ok(Self(value)) } else { Err(IdError::Integer) }
            }

            /// The number itself.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = u64::deserialize(deserializer)?;
                Self::new(value).map_err(serde::de::Error::custom)
            }
        }
    };
}

integer_id! {
    /// The client's own number of a request; the reply repeats it in `re`.
    RequestId
}

integer_id! {
    /// The place of an event in its room: 1 for the first, then without gaps. 0 stands before the first.
    Seq
}

integer_id! {
    /// Names a user for ever: it is never given to another, whatever names they bear. That of the server itself is 0.
    UserId
}

impl UserId {
    /// The server itself.
    pub const SERVER: Self = Self(0);
    /// The last there can be.
    pub const MAX: Self = Self(INTEGER_MAX);

    /// Every number of 32 bits is one.
    pub const fn of(number: u32) -> Self {
        Self(number as u64)
    }

    /// The number that follows. Panics at 2^53 - 1, which a house that takes a million guests a second reaches in 285
    /// years.
    #[must_use]
    pub const fn next(self) -> Self {
        assert!(self.0 < INTEGER_MAX, "the numbers of users are used up");
        Self(self.0 + 1)
    }
}

impl Seq {
    /// Before the first event of a room.
    pub const ZERO: Self = Self(0);

    /// The seq that follows. Panics at 2^53 - 1, which a room that takes a million events a second reaches in 285
    /// years.
    #[must_use]
    pub const fn next(self) -> Self {
        assert!(self.0 < INTEGER_MAX, "a room's seq is used up");
        Self(self.0 + 1)
    }

    /// The seq `count` further on. Panics where [`Seq::next`] does.
    #[must_use]
    pub const fn plus(self, count: usize) -> Self {
        assert!(count as u64 <= INTEGER_MAX - self.0, "a room's seq is used up");
        Self(self.0 + count as u64)
    }

    /// The seq before this one; [`Seq::ZERO`] before the first.
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $error:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks length and characters.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let allowed: fn(u8) -> bool = $allowed;
                if (1..=$max).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.into()))
                } else {
                    Err($error)
                }
            }

            /// The id as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id! {
    /// A client's own id of one write, unique per author for ever: the same id again returns the first `ack`.
    OpId, OP_BYTES_MAX, IdError::Op,
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

text_id! {
    /// Names one life of a log. A seq means something only within its epoch; a restored backup has another epoch.
    Epoch, 32, IdError::Epoch,
    |byte| byte.is_ascii_alphanumeric()
}

/// A place in a room's log that still means the same after a reconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The life of the log that `seq` belongs to.
    pub epoch: Epoch,
    /// The last event that was seen.
    pub seq: Seq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stop_where_javascript_does() {
        assert!(Seq::new(INTEGER_MAX).is_ok());
        assert_eq!(Seq::new(INTEGER_MAX + 1), Err(IdError::Integer));
        assert!(serde_json::from_str::<RequestId>("9007199254740992").is_err());
        assert!(serde_json::from_str::<RequestId>("-1").is_err());
        assert!(serde_json::from_str::<RequestId>("1.5").is_err());
    }

    #[test]
    fn ops_are_short_and_plain() {
        assert!(OpId::parse("9f86d081884c7d65").is_ok());
        assert!(OpId::parse("").is_err());
        assert!(OpId::parse(&"a".repeat(OP_BYTES_MAX)).is_ok());
        assert!(OpId::parse(&"a".repeat(OP_BYTES_MAX + 1)).is_err());
        assert!(OpId::parse("a b").is_err());
        assert!(OpId::parse("茶").is_err());
    }
}
