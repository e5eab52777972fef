use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::installed;
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};

/// The NATS server without storage.
pub(super) struct Nats;

impl Peer for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn version(&self) -> Result<String> {
        version()
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        command(place, port, "")
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Subjects)
    }
}

/// What `nats-server --version` says.
pub(super) fn version() -> Result<String> {
    installed::NATS.says(&["--version"]).map(|line| line.replace(": v", " "))
}

/// Starts a server with these lines besides in its configuration.
pub(super) fn command(place: &Path, port: u16, more: &str) -> Result<Command> {
    let configuration = place.join("nats.conf");
    // Its pings would be traffic of no use; how long it waits for a slow reader is generous, as everywhere in the run.
    let text = format!(
        "host: 127.0.0.1\n\
         port: {port}\n\
         ping_interval: \"24h\"\n\
         ping_max: 1000\n\
         write_deadline: \"5m\"\n\
         max_pending: 1GB\n\
         {more}"
    );
    std::fs::write(&configuration, text)
        .with_context(|| format!("cannot write {}", configuration.display()))?;
    let mut command = Command::new(installed::NATS.find()?);
    command.arg("--config").arg(configuration).current_dir(place);
    Ok(command)
}

/// Says who it is, then `words`, and waits until the server has got so far.
pub(super) fn connect(words: &str) -> Step {
    let who = r#"{"verbose":false,"pedantic":false,"echo":false,"lang":"bench","version":"1","protocol":1}"#;
    Step { send: format!("CONNECT {who}\r\n{words}PING\r\n").into_bytes(), until: b"PONG\r\n".into() }
}

/// A room is a subject.
struct Subjects;

impl Dialect for Subjects {
    fn framing(&self) -> Framing {
        Framing::Nats
    }

    fn receiver_steps(&self, room: usize, _member: usize) -> Vec<Step> {
        vec![connect(&format!("SUB room.{room} 1\r\n"))]
    }

    fn poster_steps(&self, _rooms: usize, _poster: usize) -> Vec<Step> {
        vec![connect("")]
    }

    fn post(&self, room: usize, _poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB room.{room} {}\r\n", payload.len()).as_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    fn ack(&self) -> Option<&'static [u8]> {
        None
    }
}
