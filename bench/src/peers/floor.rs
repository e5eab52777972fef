//! The floor as a peer.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};

/// The least that a server can do: this program's own subcommand, see [`crate::floor`].
pub struct Floor;

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn version(&self) -> Result<String> {
        Ok(format!("write loop of teahouse-bench {}", env!("CARGO_PKG_VERSION")))
    }

    fn command(&self, _place: &Path, port: u16) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--listen"]).arg(format!("127.0.0.1:{port}"));
        Ok(command)
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Bare)
    }
}

struct Bare;

impl Dialect for Bare {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn receiver_steps(&self, room: usize, _member: usize) -> Vec<Step> {
        vec![Step { send: format!("J {room}\n").into_bytes(), until: b"in\n".to_vec() }]
    }

    fn poster_steps(&self, _rooms: usize, _poster: usize) -> Vec<Step> {
        Vec::new()
    }

    fn post(&self, room: usize, _poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        use std::io::Write;
        let mut head = [0; 24];
        let mut space = &mut head[..];
        write!(space, "P {room} ").expect("a number fits into 24 bytes");
        let length = 24 - space.len();
        for part in [&head[..length], payload, b"\n"] {
            out.extend_from_slice(part);
        }
    }

    fn ack(&self) -> Option<&'static [u8]> {
        None
    }
}
