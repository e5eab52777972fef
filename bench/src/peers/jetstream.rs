use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::nats;
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};

/// The NATS server with a stream on disk that is synced before each acknowledgement. Who merely subscribes gets a message
/// before it is stored: the class is that of the acknowledgements.
pub(super) struct JetStream;

impl Peer for JetStream {
    fn name(&self) -> &'static str {
        "jetstream"
    }

    fn durability(&self) -> Durability {
        Durability::Synced
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn version(&self) -> Result<String> {
        nats::version().map(|version| format!("{version}, JetStream, file storage, sync_interval always"))
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        let store = place.join("jetstream");
        nats::command(
            place,
            port,
            &format!("jetstream {{ store_dir: \"{}\", sync_interval: always }}\n", store.display()),
        )
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Stream)
    }
}

/// All rooms are one stream.
struct Stream;

const STREAM: &str =
    r#"{"name":"rooms","subjects":["room.*"],"storage":"file","retention":"limits","num_replicas":1}"#;

impl Dialect for Stream {
    fn framing(&self) -> Framing {
        Framing::Nats
    }

    fn receiver_steps(&self, room: usize, _member: usize) -> Vec<Step> {
        vec![nats::connect(&format!("SUB room.{room} 1\r\n"))]
    }

    /// Each makes the stream, which is there already for all but the first.
    fn poster_steps(&self, _rooms: usize, poster: usize) -> Vec<Step> {
        let create =
            format!("PUB $JS.API.STREAM.CREATE.rooms made.{poster} {}\r\n{STREAM}\r\n", STREAM.len());
        vec![
            nats::connect(&format!("SUB ack.{poster} 1\r\nSUB made.{poster} 2\r\n")),
            Step { send: create.into_bytes(), until: b"stream_create_response".into() },
        ]
    }

    fn post(&self, room: usize, poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB room.{room} ack.{poster} {}\r\n", payload.len()).as_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    /// `{"stream":"rooms","seq":1}`; an error has a `null` or nothing there.
    fn ack(&self) -> Option<&'static [u8]> {
        Some(br#"{"stream":"#)
    }
}
