use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::installed;
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};

/// The broadcaster that a beginners' socket tutorial grows into: a thread for each client, one lock around all.
pub(super) struct Python;

const SCRIPT: &str = include_str!("../../peers/broadcast.py");

impl Peer for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn version(&self) -> Result<String> {
        installed::PYTHON.says(&["--version"]).map(|version| format!("{version}, a thread for each client"))
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        let script = place.join("broadcast.py");
        std::fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
        // What is found may be a wrapper, which would be measured as well.
        let python = installed::PYTHON.says(&["-c", "import sys; print(sys.executable)"])?;
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).current_dir(place);
        Ok(command)
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Broadcast)
    }
}

/// The words of `bench/peers/broadcast.py`.
struct Broadcast;

impl Dialect for Broadcast {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn receiver_steps(&self, room: usize, _member: usize) -> Vec<Step> {
        vec![Step { send: format!("r{room}\n").into_bytes(), until: b"welcome\n".into() }]
    }

    fn poster_steps(&self, _rooms: usize, _poster: usize) -> Vec<Step> {
        vec![Step { send: b"\n".into(), until: b"welcome\n".into() }]
    }

    fn post(&self, room: usize, _poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("r{room} ").as_bytes());
        out.extend_from_slice(payload);
        out.push(b'\n');
    }

    fn ack(&self) -> Option<&'static [u8]> {
        None
    }
}
