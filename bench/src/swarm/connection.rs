//! One client of the swarm.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use memchr::memmem;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use crate::framing::{Counter, Occurrences};
use crate::ledger::Ledger;
use crate::payload::Scanner;
use crate::peer::{Dialect, Step};

/// What a client is there for.
#[derive(Debug)]
pub(super) enum Role {
    /// Receives a room.
    Receiver {
        /// The room.
        room: usize,
        /// What it looks at in what it receives, if it is one of the few that do.
        sample: Option<Box<Sample>>,
    },
    /// Posts; where posts are confirmed, what came of them.
    Poster(Option<Answers>),
    /// Asks for pages.
    Reader(Answers),
}

/// What a sampled receiver keeps.
#[derive(Debug)]
pub(super) struct Sample {
    /// Finds the posts.
    pub(super) scanner: Scanner,
    /// Checks them.
    pub(super) ledger: Ledger,
}

/// Answers to what was asked, which come in the order of the questions.
#[derive(Debug)]
pub(super) struct Answers {
    marker: Occurrences,
    asked: VecDeque<u64>,
    /// How many came.
    pub(super) count: u64,
}

impl Answers {
    /// Each answer holds the marker once.
    pub(super) fn marked(marker: &'static [u8]) -> Self {
        Self { marker: Occurrences::of(marker), asked: VecDeque::new(), count: 0 }
    }

    /// Something was asked, or was meant to be.
    pub(super) fn ask(&mut self, meant: u64) {
        self.asked.push_back(meant);
    }

    /// Bytes came now; calls `answered` with how long each answer took.
    pub(super) fn feed(&mut self, bytes: &[u8], now: u64, mut answered: impl FnMut(u64)) {
        for _ in 0..self.marker.feed(bytes) {
            self.count += 1;
            if let Some(asked) = self.asked.pop_front() {
                answered(now.saturating_sub(asked));
            }
        }
    }
}

/// Where a client is on its way.
#[derive(Debug)]
enum Way {
    Connecting,
    /// What it has heard since the step began.
    Entering {
        heard: Vec<u8>,
    },
    In,
    Gone(String),
}

/// A connected client.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    way: Way,
    steps: std::vec::IntoIter<Step>,
    step: Option<Step>,
    counter: Counter,
    /// Deliveries so far, by framing.
    pub(super) frames: u64,
    /// What it is there for.
    pub(super) role: Role,
    /// All that it heard on its way in, if somebody wants to know.
    pub(super) transcript: Option<Vec<u8>>,
    /// What the socket did not take yet.
    out: Vec<u8>,
    /// It does not read.
    pub(super) stalled: bool,
}

impl Connection {
    /// Begins to connect.
    pub(super) fn connect(
        address: SocketAddr,
        dialect: &dyn Dialect,
        steps: Vec<Step>,
        role: Role,
    ) -> std::io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            stream: TcpStream::from(socket),
            way: Way::Connecting,
            steps: steps.into_iter(),
            step: None,
            counter: Counter::new(dialect.framing()),
            frames: 0,
            role,
            transcript: None,
            out: Vec::new(),
            stalled: false,
        })
    }

    /// The socket.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether it has made all its steps.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.way, Way::In)
    }

    /// Why it is no longer connected.
    pub(super) fn gone(&self) -> Option<&str> {
        match &self.way {
            Way::Gone(why) => Some(why),
            _ => None,
        }
    }

    /// What it waits for on its way in, in words.
    pub(super) fn waits_for(&self) -> String {
        match (&self.way, &self.step) {
            (Way::Connecting, _) => "to be connected".into(),
            (Way::Entering { heard }, Some(step)) => {
                let last = &heard[heard.len().saturating_sub(400)..];
                let (until, last) = (String::from_utf8_lossy(&step.until), String::from_utf8_lossy(last));
                format!("for {until:?}; it heard {last:?}")
            }
            (Way::Gone(why), _) => format!("for nothing more: {why}"),
            _ => "for nothing".into(),
        }
    }

    /// Takes little more than this before it is read.
    pub(super) fn narrow(&self, bytes: usize) -> std::io::Result<()> {
        Ok(sockopt::set_socket_recv_buffer_size(&self.stream, bytes)?)
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, why: String) {
        self.way = Way::Gone(why);
    }

    /// The socket can be written to.
    pub(super) fn writable(&mut self) {
        if matches!(self.way, Way::Connecting) {
            match sockopt::socket_error(&self.stream) {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => return self.lose(format!("it could not connect: {error}")),
            }
            self.way = Way::Entering { heard: Vec::new() };
            self.next_step();
        }
        self.flush();
    }

    /// Says the next step, and further ones as long as they have nothing to wait for.
    fn next_step(&mut self) {
        loop {
            self.step = self.steps.next();
            let Some(step) = &self.step else {
                self.way = Way::In;
                return self.flush();
            };
            self.out.extend_from_slice(&step.send);
            if !step.until.is_empty() {
                return self.flush();
            }
        }
    }

    /// Reads once into the shared buffer; how many bytes came, or `None` when there are none for now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if !matches!(self.way, Way::Entering { .. } | Way::In) {
            return None;
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => self.lose("the server closed the connection".into()),
                Ok(length) => return Some(length),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => self.lose(error.to_string()),
            }
            return None;
        }
    }

    /// Counts what came, and goes on with its steps. How many deliveries were among it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> u64 {
        let frames = self.counter.feed(bytes);
        self.frames += frames;
        if let Way::Entering { heard } = &mut self.way {
            heard.extend_from_slice(bytes);
            if let Some(transcript) = &mut self.transcript {
                transcript.extend_from_slice(bytes);
            }
            self.hear();
        }
        frames
    }

    fn hear(&mut self) {
        while let (Way::Entering { heard }, Some(step)) = (&mut self.way, &self.step) {
            let Some(at) = memmem::find(heard, &step.until) else { return };
            heard.drain(..at + step.until.len());
            self.next_step();
        }
    }

    /// Adds bytes to say; [`Self::flush`] sends them.
    pub(super) fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.out.len() && !matches!(self.way, Way::Connecting | Way::Gone(_)) {
            match self.stream.write(&self.out[sent..]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => self.lose(error.to_string()),
            }
        }
        self.out.drain(..sent);
    }
}
