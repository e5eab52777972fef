//! Many clients in one thread: connects them, counts what they receive, and looks closely at a few.

mod connection;
mod posting;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use crate::clock::{Clock, nanoseconds};
use crate::framing::Occurrences;
use crate::ledger::{Faults, Ledger};
use crate::payload::Scanner;
use crate::peer::Dialect;
use connection::{Connection, Role, Sample};

pub use posting::{Load, Stretch};

/// How many clients are on their way in at a time, unless all are to come at once.
const ENTERING_MAX: usize = 200;
/// After so long without getting on, clients will not get in any more.
const ENTERING_PATIENCE: Duration = Duration::from_secs(20);
/// When nobody receives anything for so long, nothing more comes.
const SILENCE: Duration = Duration::from_millis(300);
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
    posters: Vec<usize>,
    sampled: Vec<usize>,
    streams: Vec<Stream>,
    /// Deliveries to all receivers, by framing.
    frames: u64,
    /// Reads that brought something to a receiver.
    reads: u64,
    latencies: Option<Histogram<u64>>,
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
            frames: 0,
            reads: 0,
            latencies: None,
            members: 0,
            posts: 0,
            payload: Vec::new(),
        })
    }

    /// Brings posters in, each of which posts to every room below `rooms` that is its turn: room r is poster
    /// r % `posters`' when there are more rooms than posters, otherwise all post to all.
    pub fn add_posters(&mut self, posters: usize, rooms: usize) -> Result<()> {
        let mut joining = Vec::new();
        for poster in 0..posters {
            let acks = self.dialect.ack().map(Occurrences::of);
            let steps = self.dialect.poster_steps(rooms, poster);
            joining.push((steps, Role::Poster { poster, acks, acked: 0 }));
        }
        let first = self.connections.len();
        self.enter(joining, ENTERING_MAX)?;
        self.posters = (first..self.connections.len()).collect();
        for room in 0..rooms {
            for poster in 0..posters {
                if rooms <= posters || room % posters == poster {
                    self.streams.push(Stream { poster, room, posted: 0 });
                }
            }
        }
        Ok(())
    }

    /// Brings members into each of the rooms below `rooms`; every `sample_every`th of all looks closely.
    pub fn add_receivers(&mut self, rooms: usize, members: usize, sample_every: usize) -> Result<()> {
        let joining = self.receivers(rooms, members, sample_every);
        self.enter(joining, ENTERING_MAX)
    }

    /// Like [`Self::add_receivers`], but all at once. How long it took until the last was in, in nanoseconds.
    pub fn storm(&mut self, rooms: usize, members: usize, sample_every: usize) -> Result<u64> {
        let joining = self.receivers(rooms, members, sample_every);
        let start = self.clock.now();
        self.enter(joining, usize::MAX)?;
        Ok(self.clock.now() - start)
    }

    fn receivers(
        &mut self,
        rooms: usize,
        members: usize,
        sample_every: usize,
    ) -> Vec<(Vec<crate::peer::Step>, Role)> {
        let mut joining = Vec::with_capacity(rooms * members);
        for index in 0..rooms * members {
            let room = index % rooms;
            let sample = (index % sample_every == sample_every / 2).then(|| {
                let streams = self.streams.iter().enumerate().filter(|(_, stream)| stream.room == room);
                let ledger = Ledger::new(streams.map(|(number, stream)| (number as u16, stream.posted)));
                Box::new(Sample { scanner: Scanner::default(), ledger })
            });
            joining.push((self.dialect.receiver_steps(room, self.members), Role::Receiver { room, sample }));
            self.members += 1;
        }
        joining
    }

    fn enter(&mut self, joining: Vec<(Vec<crate::peer::Step>, Role)>, at_a_time: usize) -> Result<()> {
        let first = self.connections.len();
        let mut joining = joining.into_iter().peekable();
        let mut waiting = first;
        let mut got_on = self.clock.now();
        loop {
            while self.connections.len() - waiting < at_a_time {
                let Some((steps, role)) = joining.next() else { break };
                self.add(steps, role)?;
            }
            let before = waiting;
            while self.connections.get(waiting).is_some_and(Connection::is_in) {
                waiting += 1;
            }
            if waiting == self.connections.len() && joining.peek().is_none() {
                return Ok(());
            }
            if waiting > before {
                got_on = self.clock.now();
            }
            let stuck = &self.connections[waiting.min(self.connections.len() - 1)];
            if stuck.gone().is_some() || self.clock.now() - got_on > nanoseconds(ENTERING_PATIENCE) {
                bail!("client {} of {} waits {}", waiting, self.connections.len(), stuck.waits_for());
            }
            self.turn(Duration::from_millis(10))?;
        }
    }

    fn add(&mut self, steps: Vec<crate::peer::Step>, role: Role) -> Result<()> {
        use epoll::EventFlags;
        let index = self.connections.len();
        let connection = Connection::connect(self.address, self.dialect.as_ref(), steps, role)
            .with_context(|| format!("client {index} cannot connect"))?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, connection.stream(), epoll::EventData::new_u64(index as u64), flags)?;
        if matches!(connection.role, Role::Receiver { sample: Some(_), .. }) {
            self.sampled.push(index);
        }
        self.connections.push(connection);
        Ok(())
    }

    /// Waits until nobody has received anything for a while, so that comings and goings are over.
    pub fn settle(&mut self) -> Result<()> {
        let mut last = (self.clock.now(), self.reads);
        while self.clock.now() - last.0 < nanoseconds(SILENCE) {
            self.turn(SILENCE)?;
            if self.reads > last.1 {
                last = (self.clock.now(), self.reads);
            }
        }
        Ok(())
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
                            if let Some(latencies) = latencies {
                                latencies.saturating_record(now.saturating_sub(token.meant));
                            }
                        });
                    }
                }
                Role::Poster { acks, acked, .. } => {
                    if let Some(acks) = acks {
                        *acked += acks.feed(bytes);
                    }
                }
            }
            if length < self.buffer.len() && !ending {
                break;
            }
        }
    }

    /// What the sampled receivers found wrong so far.
    fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        for &index in &self.sampled {
            if let Role::Receiver { sample: Some(sample), .. } = &self.connections[index].role {
                faults.add(sample.ledger.faults(|stream| self.streams[usize::from(stream)].posted));
            }
        }
        faults
    }

    /// Confirmations of posts so far.
    fn acked(&self) -> u64 {
        let acked = |&index: &usize| match self.connections[index].role {
            Role::Poster { acked, .. } => acked,
            Role::Receiver { .. } => 0,
        };
        self.posters.iter().map(acked).sum()
    }
}
