//! Teahouse as a peer, and what only its clients can say.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::comparison::{BEFORE, TEAHOUSE};
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};
use crate::websocket::{HANDSHAKE_ANSWER_END, handshake, text_frame};

/// Teahouse itself.
#[derive(Debug, Clone)]
pub struct Teahouse {
    name: &'static str,
    program: PathBuf,
}

impl Teahouse {
    /// The servers to load: the last one, and the one before it that it is compared with; without any, the one that was built
    /// beside this program.
    pub fn all(programs: Vec<PathBuf>) -> Result<Vec<Self>> {
        match programs.len() {
            0 => Ok(vec![Self::new(TEAHOUSE, std::env::current_exe()?.with_file_name("teahouse-server"))?]),
            1 | 2 => {
                let newest_first = programs.into_iter().rev();
                newest_first.zip([TEAHOUSE, BEFORE]).map(|(program, name)| Self::new(name, program)).collect()
            }
            _ => bail!("two servers are compared, not {}", programs.len()),
        }
    }

    fn new(name: &'static str, program: PathBuf) -> Result<Self> {
        if !program.is_file() {
            bail!(
                "there is no {}; build it with `cargo build --release -p teahouse-server`, or name one with --server",
                program.display()
            );
        }
        Ok(Self { name, program })
    }

    /// What makes a room out of events on its standard input, while no server runs there.
    pub fn import(&self, data: &Path, room: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["import", "--room", room, "--data"]).arg(data);
        command
    }
}

/// What the room with a number is called.
pub fn room_name(room: usize) -> String {
    format!("room{room}")
}

impl Peer for Teahouse {
    fn name(&self) -> &'static str {
        self.name
    }

    fn durability(&self) -> Durability {
        Durability::Synced
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp, Transport::WebSocket]
    }

    fn version(&self) -> Result<String> {
        let output = Command::new(&self.program).arg("--version").output();
        let output = output.with_context(|| format!("{} does not run", self.program.display()))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(["--log", "warn"]).env("TEAHOUSE_UNLIMITED", "true");
        // To an earlier program.
        command.env("TEAHOUSE_POSTS_PER_SECOND", "0").env("TEAHOUSE_ADDRESS_POSTS_PER_SECOND", "0");
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).arg("--data").arg(place.join("data"));
        Ok(command)
    }

    fn dialect(&self, transport: Transport) -> Box<dyn Dialect> {
        Box::new(Json::over(transport))
    }
}

/// What clients of Teahouse say.
#[derive(Debug, Clone, Copy)]
pub struct Json {
    transport: Transport,
}

impl Json {
    /// Over TCP or a WebSocket.
    pub fn over(transport: Transport) -> Self {
        Self { transport }
    }

    /// Appends one request.
    pub fn say(self, request: &str, out: &mut Vec<u8>) {
        match self.transport {
            Transport::Tcp => {
                out.extend_from_slice(request.as_bytes());
                out.push(b'\n');
            }
            Transport::WebSocket => text_frame(&[request.as_bytes()], out),
        }
    }

    /// Brings a guest in who does nothing yet.
    pub fn guest_steps(self, name: &str) -> Vec<Step> {
        self.hello(&format!(r#"{{"type":"guest","name":"{name}"}}"#))
    }

    /// Brings a member in whose name and rooms are kept, and who gets a token.
    pub fn kept_steps(self, name: &str, room: usize) -> Vec<Step> {
        let mut steps = self.hello(&format!(r#"{{"type":"guest","name":"{name}","keep":true}}"#));
        steps.push(self.step(&[join(2, room), watch(3, room, "")], WATCHING));
        steps
    }

    /// Brings a member back by its token, until it has what it missed after `seq`.
    pub fn returning_steps(self, token: &str, room: usize, epoch: &str, seq: u64) -> Vec<Step> {
        let mut steps = self.hello(&format!(r#"{{"type":"token","token":"{token}"}}"#));
        let after = format!(r#","after":{{"epoch":"{epoch}","seq":{seq}}}"#);
        steps.push(self.step(&[watch(3, room, &after)], r#""type":"caught_up""#));
        steps
    }

    fn step(self, requests: &[String], until: impl Into<Vec<u8>>) -> Step {
        let mut send = Vec::new();
        for request in requests {
            self.say(request, &mut send);
        }
        Step { send, until: until.into() }
    }

    fn hello(self, auth: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.transport == Transport::WebSocket {
            steps.push(Step { send: handshake("/ws"), until: HANDSHAKE_ANSWER_END.to_vec() });
        }
        let hello = format!(r#"{{"id":1,"type":"hello","protocol":1,"auth":{auth},"client":"bench"}}"#);
        steps.push(self.step(&[hello], r#""type":"welcome""#));
        steps
    }
}

const WATCHING: &str = r#""type":"watching""#;

fn watch(id: usize, room: usize, after: &str) -> String {
    format!(r#"{{"id":{id},"type":"watch","room":"{}"{after}}}"#, room_name(room))
}

fn join(id: usize, room: usize) -> String {
    format!(r#"{{"id":{id},"type":"join","room":"{}","create":true}}"#, room_name(room))
}

impl Dialect for Json {
    fn framing(&self) -> Framing {
        match self.transport {
            Transport::Tcp => Framing::Lines,
            Transport::WebSocket => Framing::WebSocket,
        }
    }

    fn receiver_steps(&self, room: usize, member: usize) -> Vec<Step> {
        let mut steps = self.guest_steps(&format!("m{member}"));
        steps.push(self.step(&[join(2, room), watch(3, room, "")], WATCHING));
        steps
    }

    fn poster_steps(&self, rooms: usize, poster: usize) -> Vec<Step> {
        let mut steps = self.guest_steps(&format!("p{poster}"));
        let joins: Vec<String> = (0..rooms).map(|room| join(room + 2, room)).collect();
        steps.push(self.step(&joins, format!("\"re\":{},", rooms + 1)));
        steps
    }

    fn post(&self, room: usize, _poster: usize, op: u64, payload: &[u8], out: &mut Vec<u8>) {
        use std::io::Write;
        let mut head = [0; 128];
        let mut space = &mut head[..];
        // A request number of 2,000 and more is none of the steps'.
        let id = op + 2_000;
        let written =
            write!(space, r#"{{"id":{id},"type":"post","room":"room{room}","op":"{op:016x}","text":""#);
        written.expect("three numbers fit into 128 bytes");
        let free = space.len();
        let head = &head[..head.len() - free];
        match self.transport {
            Transport::Tcp => {
                for part in [head, payload, b"\"}\n"] {
                    out.extend_from_slice(part);
                }
            }
            Transport::WebSocket => text_frame(&[head, payload, b"\"}"], out),
        }
    }

    fn ack(&self) -> Option<&'static [u8]> {
        Some(br#""type":"ack""#)
    }
}
