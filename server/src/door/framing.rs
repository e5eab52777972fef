use bytes::Bytes;
use teahouse_protocol::ServerMessage;

use super::{json, phrases, websocket};

/// Which frames a connection takes. Events are encoded once, as lines of JSON; other frames are derived from those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// JSON Lines over TCP.
    Json,
    /// JSON over WebSocket.
    WebSocket,
    /// Words for people over TCP.
    Text,
}

impl Framing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Json, Self::WebSocket, Self::Text];
    /// How many are derived from lines of JSON.
    pub const DERIVED: usize = 2;

    /// Which of the derived ones it is, counted from 0; `None` for the lines themselves.
    pub fn derived(self) -> Option<usize> {
        match self {
            Self::Json => None,
            Self::WebSocket => Some(0),
            Self::Text => Some(1),
        }
    }

    /// The frame of an event, from its JSON without a line ending.
    pub fn frame(self, json: &[u8]) -> Bytes {
        match self {
            Self::Json => [json, b"\n"].concat().into(),
            Self::WebSocket => websocket::text_frame(json),
            Self::Text => phrases::frame(json),
        }
    }

    /// The frame of a push that is the same for every watcher. Text has no words for some; then there is none.
    pub fn push(self, message: &ServerMessage) -> Option<Bytes> {
        match self {
            Self::Json => Some(json::line(message)),
            Self::WebSocket => Some(websocket::text_frame(message.to_json().as_bytes())),
            Self::Text => Some(phrases::push(message)).filter(|words| !words.is_empty()),
        }
    }

    /// Whether the peer learns the token of its welcome, with which it can come back as the same user.
    pub fn shows_tokens(self) -> bool {
        match self {
            Self::Json | Self::WebSocket => true,
            Self::Text => false,
        }
    }

    /// Whether the answer to a post is framed by itself. What words say to one depends on what was asked before.
    pub fn frames_answers(self) -> bool {
        match self {
            Self::Json | Self::WebSocket => true,
            Self::Text => false,
        }
    }

    /// Whether a read that filled less than it might has emptied the socket. Urgent data of telnet ends a read early.
    pub fn short_reads_are_last(self) -> bool {
        match self {
            Self::Json | Self::WebSocket => true,
            Self::Text => false,
        }
    }
}
