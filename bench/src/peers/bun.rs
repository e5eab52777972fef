use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::installed;
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};
use crate::websocket::{HANDSHAKE_ANSWER_END, handshake, text_frame};

/// uWebSockets, the fastest WebSocket server that we know, through `Bun.serve`.
pub(super) struct Bun;

const SCRIPT: &str = include_str!("../../peers/bun.js");

impl Peer for Bun {
    fn name(&self) -> &'static str {
        "bun"
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::WebSocket]
    }

    fn version(&self) -> Result<String> {
        installed::BUN.says(&["--version"]).map(|version| format!("bun {version} (uWebSockets)"))
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        let script = place.join("bun.js");
        std::fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
        let mut command = Command::new(installed::BUN.find()?);
        command.arg(script).arg(port.to_string()).current_dir(place);
        Ok(command)
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Rooms)
    }
}

/// The words of `bench/peers/bun.js`.
struct Rooms;

impl Dialect for Rooms {
    fn framing(&self) -> Framing {
        Framing::WebSocket
    }

    fn receiver_steps(&self, room: usize, _member: usize) -> Vec<Step> {
        vec![Step { send: handshake(&format!("/receive?room=r{room}")), until: HANDSHAKE_ANSWER_END.into() }]
    }

    fn poster_steps(&self, _rooms: usize, _poster: usize) -> Vec<Step> {
        vec![Step { send: handshake("/post"), until: HANDSHAKE_ANSWER_END.into() }]
    }

    fn post(&self, room: usize, _poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        text_frame(&[format!("r{room} ").as_bytes(), payload], out);
    }

    fn ack(&self) -> Option<&'static [u8]> {
        None
    }
}
