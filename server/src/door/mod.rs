//! Doors: bytes to requests, and messages to bytes. Nothing beyond a door knows TCP from WebSocket.
//!
//! A door does no IO of its own. The connection hands it what came in and writes what it gives back.

mod foreign;
mod framing;
mod json;
pub mod phrases;
mod shape;
mod sniff;
mod telnet;
pub mod text;
mod typing;
pub mod websocket;

use std::collections::VecDeque;

use bytes::Bytes;
use teahouse_protocol::{DecodeError, ErrorReply, Request, ServerMessage};

pub use foreign::Foreign;
pub use framing::Framing;
pub use json::JsonDoor;
pub use sniff::{FIRST_LINE_BYTES_MAX, Guess, blank_bytes, sniff, unfinished};
pub use text::TextDoor;
pub use websocket::WebSocketDoor;

/// Of words and of WebSocket frames so many bytes are decoded at a time.
const PORTION_BYTES: usize = 256;

/// What came in through a door.
#[derive(Debug)]
pub enum Inbound {
    /// A request.
    Request(Request),
    /// A line that is no request. The connection lives.
    Bad(DecodeError),
    /// Something after which the stream cannot be read on. The peer is told and the connection closes.
    Fatal(ErrorReply),
    /// What the door itself says when everything before has been answered.
    Words(Bytes),
    /// The peer is done; the door has answered already what there was to answer.
    Closed,
}

/// One of the doors.
#[derive(Debug)]
pub enum Door {
    /// JSON Lines over TCP.
    Json(JsonDoor),
    /// JSON over WebSocket.
    WebSocket(Box<WebSocketDoor>),
    /// Words for people over TCP.
    Text(Box<TextDoor>),
}

impl Door {
    /// Which frames this door takes.
    pub fn framing(&self) -> Framing {
        match self {
            Self::Json(_) => Framing::Json,
            Self::WebSocket(_) => Framing::WebSocket,
            Self::Text(_) => Framing::Text,
        }
    }

    /// Whether the peer has to say hello by itself, and soon.
    pub fn awaits_hello(&self) -> bool {
        match self {
            Self::Json(_) | Self::WebSocket(_) => true,
            Self::Text(_) => false,
        }
    }

    /// Whether the door itself may answer what it receives.
    pub fn answers(&self) -> bool {
        match self {
            Self::Json(_) => false,
            Self::WebSocket(_) | Self::Text(_) => true,
        }
    }

    /// How many of these bytes are to be received at a time, so that whatever they ask waits as bytes: of JSON Lines one
    /// line.
    pub fn portion(&self, bytes: &[u8]) -> usize {
        match self {
            Self::Json(_) => bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1),
            Self::WebSocket(_) | Self::Text(_) => bytes.len().min(PORTION_BYTES),
        }
    }

    /// Takes bytes from the peer. What they ask goes to `inbound`; what the door itself has to say at once, to `out`.
    pub fn receive(&mut self, bytes: &[u8], inbound: &mut VecDeque<Inbound>, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Json(door) => door.receive(bytes, inbound),
            Self::WebSocket(door) => door.receive(bytes, inbound, out),
            Self::Text(door) => door.receive(bytes, inbound, out),
        }
    }

    /// Whether [`Door::paused`] would make a line of the bytes that wait for more.
    pub fn awaits_pause(&mut self) -> bool {
        match self {
            Self::Text(door) => door.awaits_pause(),
            Self::Json(_) | Self::WebSocket(_) => false,
        }
    }

    /// The peer has written nothing for [`text::PAUSE`].
    pub fn paused(&mut self, inbound: &mut VecDeque<Inbound>) {
        if let Self::Text(door) = self {
            door.paused(inbound);
        }
    }

    /// The peer has closed its side of the connection.
    pub fn ended(&mut self, inbound: &mut VecDeque<Inbound>) {
        match self {
            Self::Json(door) => door.ended(inbound),
            Self::WebSocket(_) => {}
            Self::Text(door) => door.ended(inbound),
        }
    }

    /// Puts what follows from the answers that were encoded before everything else that was asked.
    pub fn follow_up(&mut self, inbound: &mut VecDeque<Inbound>) {
        if let Self::Text(door) = self {
            door.follow_up(inbound);
        }
    }

    /// The bytes of a message. Text has no words for some of them; then there are none.
    pub fn encode(&mut self, message: &ServerMessage) -> Bytes {
        match self {
            Self::Json(_) => json::line(message),
            Self::WebSocket(_) => websocket::text_frame(message.to_json().as_bytes()),
            Self::Text(door) => door.encode(message),
        }
    }

    /// The last words of a connection that this side closes.
    pub fn close(&mut self, why: Closing, out: &mut VecDeque<Bytes>) {
        if let Self::WebSocket(door) = self {
            door.close(why, out);
        }
    }
}

/// Why this side closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The peer broke a rule and has been told which.
    Policy,
    /// The server is going away.
    GoingAway,
}
