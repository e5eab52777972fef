use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::installed;
use crate::peer::{Dialect, Durability, Framing, Peer, Step, Transport};

/// Mosquitto with MQTT 3.1.1 at quality of service 0, without persistence.
pub(super) struct Mosquitto;

impl Peer for Mosquitto {
    fn name(&self) -> &'static str {
        "mosquitto"
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn transports(&self) -> &'static [Transport] {
        &[Transport::Tcp]
    }

    fn version(&self) -> Result<String> {
        installed::MOSQUITTO.says(&["-h"])
    }

    fn command(&self, place: &Path, port: u16) -> Result<Command> {
        let configuration = place.join("mosquitto.conf");
        // A receiver that is behind gets everything later, as at every other server of the run.
        let text = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence false\n\
             max_queued_messages 0\n\
             set_tcp_nodelay true\n\
             log_type error\n"
        );
        std::fs::write(&configuration, text)
            .with_context(|| format!("cannot write {}", configuration.display()))?;
        let mut command = Command::new(installed::MOSQUITTO.find()?);
        command.arg("-c").arg(configuration).current_dir(place);
        Ok(command)
    }

    fn dialect(&self, _transport: Transport) -> Box<dyn Dialect> {
        Box::new(Topics)
    }
}

/// A room is a topic.
struct Topics;

const CONNECT: u8 = 0x10;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
/// Accepted, and no session was kept.
const CONNECTED: &[u8] = &[0x20, 2, 0, 0];
/// To request 1, at quality of service 0.
const SUBSCRIBED: &[u8] = &[0x90, 3, 0, 1, 0];

impl Dialect for Topics {
    fn framing(&self) -> Framing {
        Framing::Mqtt
    }

    fn receiver_steps(&self, room: usize, member: usize) -> Vec<Step> {
        let mut subscribe = Vec::new();
        packet(SUBSCRIBE, &[&[0, 1], &text(&format!("room/{room}")), &[0]], &mut subscribe);
        vec![connect(&format!("r{member}")), Step { send: subscribe, until: SUBSCRIBED.into() }]
    }

    fn poster_steps(&self, _rooms: usize, poster: usize) -> Vec<Step> {
        vec![connect(&format!("p{poster}"))]
    }

    fn post(&self, room: usize, _poster: usize, _op: u64, payload: &[u8], out: &mut Vec<u8>) {
        packet(PUBLISH, &[&text(&format!("room/{room}")), payload], out);
    }

    fn ack(&self) -> Option<&'static [u8]> {
        None
    }
}

fn connect(name: &str) -> Step {
    const CLEAN_SESSION: u8 = 2;
    const NO_KEEPALIVE: [u8; 2] = [0, 0];
    let mut send = Vec::new();
    packet(CONNECT, &[&text("MQTT"), &[4, CLEAN_SESSION], &NO_KEEPALIVE, &text(name)], &mut send);
    Step { send, until: CONNECTED.into() }
}

/// A string with its length before it.
fn text(words: &str) -> Vec<u8> {
    let length = u16::try_from(words.len()).expect("names of rooms and clients are short");
    [&length.to_be_bytes(), words.as_bytes()].concat()
}

fn packet(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let mut rest: usize = parts.iter().map(|part| part.len()).sum();
    out.push(kind);
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        out.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_seven_bits_of_each_byte() {
        let length = |bytes: usize| {
            let mut out = Vec::new();
            packet(PUBLISH, &[&vec![0; bytes]], &mut out);
            out.truncate(out.len() - bytes);
            out
        };
        assert_eq!(length(127), [0x30, 127]);
        assert_eq!(length(128), [0x30, 0x80, 1]);
        assert_eq!(length(16_384), [0x30, 0x80, 0x80, 1]);
    }
}
