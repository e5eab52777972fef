//! Many clients in one thread: connects them, counts what they receive, and looks closely at a few.

mod connection;
mod entering;
mod load;
mod posting;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use crate::clock::{Clock, nanoseconds};
use crate::ledger::Faults;
use crate::peer::Dialect;
use connection::{Connection, Role};

pub use entering::Arrival;
pub use load::{Load, Pages, Plan, Stretch};

/// When nobody receives anything for so long, nothing more comes.
const SILENCE: Duration = Duration::from_millis(400);
/// What each connection adds to that: comings and goings are told at a pace.
const SILENCE_OF_EACH: Duration = Duration::from_micros(650);
/// Who does not fall silent for so long never will.
const SILENCE_PATIENCE: Duration = Duration::from_secs(400);
/// One buffer for all.
const BUFFER_BYTES: usize = 256 * 1024;
const EVENTS_MAX: usize = 1_024;

/// Where a poster's posts to a room are counted.
#[derive(Debug)]
struct Stream {
    poster: usize,
    room: usize,
    posted: u32,
}

/// All clients of one server.
pub struct Swarm {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    clock: Clock,
    address: SocketAddr,
    dialect: Box<dyn Dialect>,
    connections: Vec<Connection>,
    /// The posters' places among the connections.
    posters: Vec<usize>,
    /// The sampled receivers' places among the connections.
    sampled: Vec<usize>,
    streams: Vec<Stream>,
    /// Which streams are posted to.
    posted_to: std::ops::Range<usize>,
    /// Deliveries to all receivers, by framing.
    frames: u64,
    /// Reads that brought something to a receiver.
    reads: u64,
    latencies: Histogram<u64>,
    ack_latencies: Histogram<u64>,
    page_latencies: Histogram<u64>,
    /// How many receivers there have been.
    members: usize,
    posts: u64,
    payload: Vec<u8>,
}

impl Swarm {
    /// Nobody yet.
    pub fn new(address: SocketAddr, dialect: Box<dyn Dialect>) -> Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            clock: Clock::start(),
            address,
            dialect,
            connections: Vec::new(),
            posters: Vec::new(),
            sampled: Vec::new(),
            streams: Vec::new(),
            posted_to: 0..0,
            frames: 0,
            reads: 0,
            latencies: load::histogram(),
            ack_latencies: load::histogram(),
            page_latencies: load::histogram(),
            members: 0,
            posts: 0,
            payload: Vec::new(),
        })
    }

    /// Waits until nobody has received anything for a while, so that comings and goings are over.
    pub fn settle(&mut self) -> Result<()> {
        let start = self.clock.now();
        let mut last = (start, self.reads);
        let connections = u32::try_from(self.connections.len()).unwrap_or(u32::MAX);
        let silence = nanoseconds(SILENCE + SILENCE_OF_EACH * connections);
        while self.clock.now() - last.0 < silence {
            self.turn(SILENCE)?;
            if self.reads > last.1 {
                last = (self.clock.now(), self.reads);
            }
            if last.0 - start > nanoseconds(SILENCE_PATIENCE) {
                bail!("the server has been sending for {SILENCE_PATIENCE:?} although nobody posts");
            }
        }
        Ok(())
    }

    /// Asks one question and waits for its answer; how long it took, in nanoseconds.
    pub fn ask(&mut self, reader: usize, question: &[u8]) -> Result<u64> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let start = self.clock.now();
        let connection = &mut self.connections[reader];
        connection.outgoing().extend_from_slice(question);
        connection.flush();
        let answered = |swarm: &Self| match &swarm.connections[reader].role {
            Role::Reader(answers) => answers.count,
            _ => 0,
        };
        let before = answered(self);
        while answered(self) == before {
            self.turn(Duration::from_millis(20))?;
            if let Some(why) = self.connections[reader].gone() {
                bail!("the reader is gone: {why}");
            }
            if self.clock.now() - start > nanoseconds(PATIENCE) {
                bail!("there is no answer to {:?}", String::from_utf8_lossy(question));
            }
        }
        Ok(self.clock.now() - start)
    }

    /// One of the sampled receivers stops reading. It no longer counts until it has caught up.
    pub fn stall_one(&mut self) -> Result<usize> {
        /// With room for so little, the server soon notices.
        const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;
        let index = *self.sampled.get(self.sampled.len() / 2).context("nobody is sampled")?;
        self.connections[index].narrow(RECEIVE_BUFFER_BYTES)?;
        self.connections[index].stalled = true;
        Ok(index)
    }

    /// The stalled one reads again until it has all or is cut off. The share that it lacks.
    pub fn catch_up(&mut self, index: usize, patience: Duration) -> Result<f64> {
        let end = self.clock.now() + nanoseconds(patience);
        self.connections[index].stalled = false;
        self.read(index, true);
        let lacks = |swarm: &Self| {
            let Role::Receiver { room, sample: Some(sample) } = &swarm.connections[index].role else {
                return 0.0;
            };
            let posted: u64 = swarm
                .streams
                .iter()
                .filter(|stream| stream.room == *room)
                .map(|stream| u64::from(stream.posted))
                .sum();
            1.0 - sample.ledger.received() as f64 / posted.max(1) as f64
        };
        while lacks(self) > 0.0 && self.connections[index].gone().is_none() && self.clock.now() < end {
            self.turn(Duration::from_millis(20))?;
        }
        Ok(lacks(self))
    }

    /// Waits for something to happen, but not longer than this, and takes it in.
    fn turn(&mut self, timeout: Duration) -> Result<()> {
        let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("epoll"),
        }
        for event in &events {
            let index = event.data.u64() as usize;
            let flags = event.flags;
            if flags.contains(epoll::EventFlags::OUT) {
                self.connections[index].writable();
            }
            if !self.connections[index].stalled {
                let ending = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
                self.read(index, flags.intersects(ending));
            }
        }
        self.events = events;
        Ok(())
    }

    /// Reads what is there. A read that does not fill the buffer has emptied the socket, unless the end follows.
    fn read(&mut self, index: usize, ending: bool) {
        let connection = &mut self.connections[index];
        while let Some(length) = connection.read(&mut self.buffer) {
            let bytes = &self.buffer[..length];
            let frames = connection.take(bytes);
            match &mut connection.role {
                Role::Receiver { sample, .. } => {
                    self.frames += frames;
                    self.reads += 1;
                    if let Some(sample) = sample {
                        let now = self.clock.now();
                        let (ledger, latencies) = (&mut sample.ledger, &mut self.latencies);
                        sample.scanner.feed(bytes, |token| {
                            ledger.receive(token);
                            latencies.saturating_record(now.saturating_sub(token.meant));
                        });
                    }
                }
                Role::Poster(Some(acks)) => {
                    let latencies = &mut self.ack_latencies;
                    acks.feed(bytes, self.clock.now(), |latency| latencies.saturating_record(latency));
                }
                Role::Reader(pages) => {
                    let latencies = &mut self.page_latencies;
                    pages.feed(bytes, self.clock.now(), |latency| latencies.saturating_record(latency));
                }
                Role::Poster(None) => {}
            }
            if length < self.buffer.len() && !ending {
                break;
            }
        }
    }

    /// What the sampled receivers that read found wrong so far.
    pub fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for &index in &self.sampled {
            let connection = &self.connections[index];
            if let Role::Receiver { sample: Some(sample), .. } = &connection.role
                && !connection.stalled
            {
                faults.add(sample.ledger.faults(|stream| self.streams[usize::from(stream)].posted));
            }
        }
        faults
    }

    /// Confirmations of posts so far.
    fn acked(&self) -> u64 {
        let acked = |&index: &usize| match &self.connections[index].role {
            Role::Poster(Some(acks)) => acks.count,
            _ => 0,
        };
        self.posters.iter().map(acked).sum()
    }
}
