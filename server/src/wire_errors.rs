//! The one place where the server's own errors become codes of the wire.

use std::time::Duration;

use teahouse_protocol::{ErrorCode, ErrorReply, RequestId};

use crate::log::LogError;
use crate::order::Refusal;
use crate::state::Rejection;

/// Why a session refuses a request by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The first request was another.
    #[error(
        "say hello first: {{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"auth\":{{\"type\":\"guest\"}}}}"
    )]
    HelloFirst,
    /// A second hello.
    #[error("hello was said already on this connection")]
    AlreadyWelcome,
    /// A version that this server does not speak.
    #[error("this server speaks protocol {known}, not {asked}", known = teahouse_protocol::PROTOCOL_VERSION)]
    UnsupportedProtocol {
        /// The version that was asked for.
        asked: u32,
    },
    /// Whoever asks may not.
    #[error(transparent)]
    NotPermitted(Rejection),
    /// There is no room of this name.
    #[error("there is no room {0}; join it with \"create\":true to make it")]
    NoSuchRoom(String),
    /// Too many rooms are watched.
    #[error(
        "a connection watches at most {} rooms; unwatch one first",
        teahouse_protocol::limits::WATCHES_MAX
    )]
    TooManyWatches,
    /// More than one of the fields that exclude each other.
    #[error("give at most one of `before`, `after`, `around` and `at`")]
    OneCursor,
    /// A page of nothing.
    #[error("`limit` must be at least 1")]
    NoLimit,
    /// Something came too fast.
    #[error("too many {what}; try again in {pause} ms", what = .0, pause = .1.as_millis())]
    TooFast(TooMany, Duration),
    /// No complete hello came.
    #[error("no complete hello came within {0} ms")]
    TimedOut(u128),
    /// Too many lines that are no requests.
    #[error("{} bad lines in a row; this connection closes", teahouse_protocol::limits::BAD_LINES_MAX)]
    TooManyBadLines,
}

/// What came too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// Posts, or their texts were too long.
    Posts,
    /// Hellos of one address.
    Hellos,
    /// Joins, leaves and new guests.
    Changes,
    /// New rooms.
    Rooms,
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Posts => "posts",
            Self::Hellos => "hellos from this address",
            Self::Changes => "rooms joined and left",
            Self::Rooms => "new rooms",
        })
    }
}

impl SessionError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::HelloFirst => ErrorCode::HelloFirst,
            Self::NotPermitted(rejection) => refused(None, &rejection.clone().into()).code,
            Self::AlreadyWelcome => ErrorCode::AlreadyWelcome,
            Self::UnsupportedProtocol { .. } => ErrorCode::UnsupportedProtocol,
            Self::NoSuchRoom(_) => ErrorCode::NoSuchRoom,
            Self::TooManyWatches => ErrorCode::LimitReached,
            Self::OneCursor | Self::NoLimit => ErrorCode::InvalidField,
            Self::TooFast(..) => ErrorCode::RateLimited,
            Self::TimedOut(_) => ErrorCode::TimedOut,
            Self::TooManyBadLines => ErrorCode::TooManyBadLines,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::UnsupportedProtocol { .. } => Some("protocol"),
            Self::NoSuchRoom(_) => Some("room"),
            Self::NoLimit => Some("limit"),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooFast(_, pause) => Some(*pause),
            _ => None,
        }
    }

    /// As a reply, or without a request as a word about the connection.
    pub fn reply(&self, re: Option<RequestId>) -> ErrorReply {
        if let Self::NotPermitted(rejection) = self {
            return refused(re, &rejection.clone().into());
        }
        ErrorReply {
            re,
            code: self.code(),
            message: self.to_string(),
            field: self.field().map(Into::into),
            rule: None,
            temporary: self.retry_after().is_some(),
            retry_after_ms: self
                .retry_after()
                .map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

/// The reply to a proposal that was refused, or without a request a word about the connection.
pub fn refused(re: impl Into<Option<RequestId>>, refusal: &Refusal) -> ErrorReply {
    let (code, field, temporary) = match refusal {
        Refusal::Rejected(rejection) => match rejection {
            Rejection::NameTaken(_) => (ErrorCode::NameTaken, Some("auth.name"), false),
            Rejection::BadMemberName(_) => (ErrorCode::InvalidField, Some("auth.name"), false),
            Rejection::BadRoomName(_) => (ErrorCode::InvalidField, Some("room"), false),
            Rejection::BadToken => (ErrorCode::BadToken, Some("auth.token"), false),
            Rejection::UserGone => (ErrorCode::BadToken, None, false),
            Rejection::NoSuchRoom(_) | Rejection::RoomGone => (ErrorCode::NoSuchRoom, Some("room"), false),
            Rejection::OpReused => (ErrorCode::InvalidField, Some("op"), false),
            Rejection::NotMember => (ErrorCode::NotMember, Some("room"), false),
            Rejection::TooManyRoomsJoined | Rejection::TooManyRooms => (ErrorCode::LimitReached, None, false),
        },
        Refusal::Busy | Refusal::Behind | Refusal::Closing => (ErrorCode::Busy, None, true),
        Refusal::Storage => (ErrorCode::StorageUnavailable, None, true),
    };
    let rule = match refusal {
        Refusal::Rejected(Rejection::BadMemberName(error) | Rejection::BadRoomName(error)) => {
            Some(error.rule())
        }
        _ => None,
    };
    ErrorReply {
        re: re.into(),
        code,
        message: refusal.to_string(),
        field: field.map(Into::into),
        rule: rule.map(Into::into),
        temporary,
        retry_after_ms: None,
    }
}

/// The reply to a read that failed.
pub fn unreadable(re: RequestId, error: &LogError) -> ErrorReply {
    let (message, temporary) = match error {
        LogError::Damaged { seq, .. } => {
            (format!("event {seq} is damaged on the server's disk; ask for a page without it"), false)
        }
        _ => ("the server cannot read its disk at the moment; try again in a few seconds".into(), true),
    };
    ErrorReply {
        re: Some(re),
        code: ErrorCode::StorageUnavailable,
        message,
        field: None,
        rule: None,
        temporary,
        retry_after_ms: None,
    }
}
