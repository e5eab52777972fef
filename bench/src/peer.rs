//! What the bench must know of a server to load it: how to start it, and which bytes to say to it.
//!
//! Nothing here runs anything: a peer is a description, and the generator drives all of them alike.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What a server has done with a post before it confirms or delivers it. Figures of different classes are never put
/// into one ratio without saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// It exists in memory only.
    Memory,
    /// It was written to a file, which a power cut may undo.
    Written,
    /// It is on disk: fsync came back.
    Synced,
}

/// How a client reaches a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Bytes over TCP, in the server's own framing.
    Tcp,
    /// Messages over a WebSocket.
    WebSocket,
}

/// Where one delivery ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A line is a delivery.
    Lines,
    /// A text or binary frame is a delivery; the HTTP answer to the handshake comes before all frames.
    WebSocket,
    /// A `MSG` with its payload is a delivery; `PING`, `+OK` and `INFO` are not.
    Nats,
    /// A `PUBLISH` packet is a delivery.
    Mqtt,
}

/// One step on a client's way in: it says something and waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to say. May be empty when the server speaks first.
    pub send: Vec<u8>,
    /// The step is over when these bytes have come since it began. Empty: it is over as soon as it is said.
    pub until: Vec<u8>,
}

/// What is said over one transport.
pub trait Dialect: Send + Sync {
    /// How deliveries are told apart.
    fn framing(&self) -> Framing;

    /// Brings a client in that receives what is posted in `room`. `member` is unique in the run.
    fn receiver_steps(&self, room: usize, member: usize) -> Vec<Step>;

    /// Brings a client in that posts in all rooms below `rooms` and receives none of their posts. `poster` is unique
    /// among posters.
    fn poster_steps(&self, rooms: usize, poster: usize) -> Vec<Step>;

    /// Appends one post of `poster`, whose payload is printable ASCII without quotes, backslashes or spaces. `op` is unique
    /// in the run.
    fn post(&self, room: usize, poster: usize, op: u64, payload: &[u8], out: &mut Vec<u8>);

    /// What each confirmation of a post holds exactly once and nothing else does; `None` where posts are not confirmed.
    fn ack(&self) -> Option<&'static [u8]>;

    /// What each delivery of a post holds and no other delivery (a coming and going, say) does. Only sampled receivers look.
    fn delivery(&self) -> &'static [u8] {
        b"@"
    }
}

/// A server under load.
pub trait Peer: Send + Sync {
    /// Its name in tables and on the command line: `teahouse`, `bun`, `nats`.
    fn name(&self) -> &'static str;

    /// What a confirmation, or where there is none a delivery, means.
    fn durability(&self) -> Durability;

    /// How its clients may reach it.
    fn transports(&self) -> &'static [Transport];

    /// Its version in a few words. An error says what is missing and how to get it.
    fn version(&self) -> anyhow::Result<String>;

    /// The process to start, which must stay in the foreground and listen on `127.0.0.1:port`. It may keep files in
    /// `place`, an empty folder on the disk. The generator adds where it runs and how many descriptors it may have.
    fn command(&self, place: &Path, port: u16) -> anyhow::Result<Command>;

    /// What its clients say.
    fn dialect(&self, transport: Transport) -> Box<dyn Dialect>;
}
