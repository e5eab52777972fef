//! The floor: what no server can be cheaper than. One thread waits with epoll, and what one read from a poster brought is
//! written to every receiver of the room with one `write` each. It checks nothing, keeps nothing and formats nothing.
//!
//! `J room\n` receives a room and is answered by `in\n`; `P room payload\n` posts to it; receivers get `payload\n`.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;

const LISTENER: u64 = u64::MAX;
const BUFFER_BYTES: usize = 256 * 1024;

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// A line that is not whole.
    held: Vec<u8>,
    /// What the socket did not take.
    behind: Vec<u8>,
}

#[derive(Debug, Default)]
struct Room {
    receivers: Vec<usize>,
    /// What the current read brought.
    out: Vec<u8>,
}

#[derive(Debug)]
struct Floor {
    epoll: OwnedFd,
    connections: Vec<Option<Connection>>,
    rooms: BTreeMap<u32, Room>,
    touched: Vec<u32>,
}

/// Listens on an IPv4 address.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    bound(address).with_context(|| format!("cannot listen on {address}"))
}

/// Serves for ever.
pub fn serve(listener: &TcpListener) -> Result<()> {
    let mut floor = Floor {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        connections: Vec::new(),
        rooms: BTreeMap::new(),
        touched: Vec::new(),
    };
    epoll::add(&floor.epoll, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut events = Vec::with_capacity(1_024);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        events.clear();
        match epoll::wait(&floor.epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let (data, flags) = (event.data, event.flags);
            match data.u64() {
                LISTENER => floor.accept(listener)?,
                index => floor.serve_one(index as usize, flags, &mut buffer)?,
            }
        }
    }
}

fn bound(address: SocketAddr) -> Result<TcpListener> {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, 4_096)?;
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            epoll::add(&self.epoll, &stream, EventData::new_u64(self.connections.len() as u64), flags)?;
            self.connections.push(Some(Connection { stream, held: Vec::new(), behind: Vec::new() }));
        }
        Ok(())
    }

    fn serve_one(&mut self, index: usize, flags: EventFlags, buffer: &mut [u8]) -> Result<()> {
        if flags.contains(EventFlags::OUT) {
            self.catch_up(index);
        }
        let ending = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        while let Some(Some(connection)) = self.connections.get_mut(index) {
            match rustix::io::read(&connection.stream, &mut *buffer) {
                Ok(0) => self.drop_connection(index),
                Ok(length) => {
                    self.take(index, &buffer[..length])?;
                    self.fan_out();
                    if length < buffer.len() && !ending {
                        break;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.drop_connection(index),
            }
        }
        Ok(())
    }

    fn take(&mut self, index: usize, mut bytes: &[u8]) -> Result<()> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            let Some(Some(connection)) = self.connections.get_mut(index) else { return Ok(()) };
            if connection.held.is_empty() {
                self.line(index, line)?;
            } else {
                connection.held.extend_from_slice(line);
                let held = std::mem::take(&mut connection.held);
                self.line(index, &held)?;
            }
        }
        if let Some(Some(connection)) = self.connections.get_mut(index) {
            connection.held.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn line(&mut self, index: usize, line: &[u8]) -> Result<()> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (verb, room) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let number = std::str::from_utf8(room.trim_ascii()).ok().and_then(|room| room.parse().ok());
        let number: u32 =
            number.with_context(|| format!("no room in {:?}", String::from_utf8_lossy(line)))?;
        let room = self.rooms.entry(number).or_default();
        match verb {
            b"J" => {
                room.receivers.push(index);
                if let Some(Some(connection)) = self.connections.get(index) {
                    rustix::io::write(&connection.stream, b"in\n")?;
                }
            }
            _ => {
                if room.out.is_empty() {
                    self.touched.push(number);
                }
                room.out.extend_from_slice(words.next().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn fan_out(&mut self) {
        for number in self.touched.drain(..) {
            let Some(room) = self.rooms.get_mut(&number) else { continue };
            for &receiver in &room.receivers {
                let Some(Some(connection)) = self.connections.get_mut(receiver) else { continue };
                let sent = if connection.behind.is_empty() {
                    rustix::io::write(&connection.stream, &room.out).unwrap_or_default()
                } else {
                    0
                };
                connection.behind.extend_from_slice(&room.out[sent..]);
            }
            room.out.clear();
        }
    }

    fn catch_up(&mut self, index: usize) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        while !connection.behind.is_empty() {
            match rustix::io::write(&connection.stream, &connection.behind) {
                Ok(sent) => drop(connection.behind.drain(..sent)),
                Err(_) => break,
            }
        }
    }

    fn drop_connection(&mut self, index: usize) {
        self.connections[index] = None;
        for room in self.rooms.values_mut() {
            room.receivers.retain(|&receiver| receiver != index);
        }
    }
}
