//! A connection: one task, one socket, one door, one session.
//!
//! It reads when it may, writes what its cursors point at, and holds no buffers while nothing happens. When the peer
//! stops reading, it stops reading from the peer and from the rooms.

mod mailbox;
mod session;
mod watches;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use teahouse_protocol::{ErrorReply, Goodbye, ServerMessage, limits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub use mailbox::{Answer, Mailbox};

use crate::door::{Closing, Door, DoorKind, Inbound, text};
use crate::house::House;
use crate::wire_errors::SessionError;
use session::Session;

/// Bytes read from a socket at a time, into a buffer on the stack.
const READ_BYTES: usize = 16 * 1024;
/// While so many bytes wait to be written, nothing more is read or gathered, in bytes.
const OUT_BYTES_MAX: usize = 64 * 1024;
/// The most pieces in one write.
const WRITE_SLICES_MAX: usize = 64;
/// After the last word, the peer has so long to read it and close.
const LINGER: Duration = Duration::from_secs(1);

/// A connection after its first bytes have chosen a door.
pub struct Connection {
    stream: TcpStream,
    house: Arc<House>,
    mailbox: Arc<Mailbox>,
    door: Door,
    session: Session,
    inbound: VecDeque<Inbound>,
    out: VecDeque<Bytes>,
    bad_lines: u32,
    /// The peer will write nothing more.
    ended: bool,
    /// Why this side closes, once it does.
    closing: Option<Closing>,
    /// Whether the last words are in `out`.
    last_words: bool,
    goodbye: Option<Goodbye>,
    hello_until: Option<Instant>,
    pause_until: Option<Instant>,
}

impl Connection {
    /// Takes over a socket. In a box, since the task of each connection would hold it twice. `first` was read from it already.
    pub fn new(
        stream: TcpStream,
        peer: SocketAddr,
        house: Arc<House>,
        door: Door,
        first: &[u8],
    ) -> Box<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let session = Session::new(Arc::clone(&house), Arc::clone(&mailbox), peer);
        let hello_until = (door.kind() != DoorKind::Text).then(|| Instant::now() + house.patience.handshake);
        let mut connection = Box::new(Self {
            stream,
            house,
            mailbox,
            door,
            session,
            inbound: VecDeque::new(),
            out: VecDeque::new(),
            bad_lines: 0,
            ended: false,
            closing: None,
            last_words: false,
            goodbye: None,
            hello_until,
            pause_until: None,
        });
        connection.receive(first);
        connection
    }

    /// Greets a person before the first byte.
    #[must_use]
    pub fn greeting_at_once(mut self: Box<Self>) -> Box<Self> {
        if let Door::Text(door) = &mut self.door {
            door.enter(&mut self.inbound);
        }
        self
    }

    /// Serves the peer until one side has had enough. Answers who it was.
    pub async fn run(mut self: Box<Self>) -> Option<String> {
        let place = self.house.enter(Arc::clone(&self.mailbox));
        let served = self.serve().await;
        let name = self.session.name().map(ToString::to_string);
        if served.is_ok() && self.closing.is_some() {
            self.linger().await;
        }
        // What was proposed is decided whether the peer is there or not, and a guest who is let in must be let out.
        while !self.session.is_idle() {
            self.mailbox.woken().await;
            self.take_mail();
            self.out.clear();
        }
        self.session.end();
        drop(place);
        name
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            self.take_mail();
            self.start_requests();
            self.close_if_due();
            if self.closing.is_none() {
                self.session.watches.gather(
                    &mut self.door,
                    &self.mailbox,
                    &self.house.reader,
                    OUT_BYTES_MAX,
                    &mut self.out,
                );
            }
            self.flush()?;
            if self.out.is_empty() {
                if self.is_over() {
                    return Ok(());
                }
                if self.has_more_to_do() {
                    // Others on this thread come first.
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            self.wait().await?;
        }
    }

    fn is_over(&self) -> bool {
        self.last_words || (self.ended && self.inbound.is_empty() && self.session.is_idle())
    }

    /// Whether requests or cursors were left because `out` was full.
    fn has_more_to_do(&self) -> bool {
        self.closing.is_none()
            && (self.session.watches.has_ready()
                || self.inbound.front().is_some_and(|next| self.may_start(next)))
    }

    fn may_start(&self, next: &Inbound) -> bool {
        match next {
            Inbound::Request(request) => self.session.may_start(&request.command),
            Inbound::Bad(_) | Inbound::Fatal(_) | Inbound::Closed => self.session.is_idle(),
        }
    }

    fn unwritten_bytes(&self) -> usize {
        self.out.iter().map(Bytes::len).sum()
    }

    fn take_mail(&mut self) {
        let post = self.mailbox.take();
        for slot in post.told {
            self.session.watches.mark_ready(slot);
        }
        for answer in post.answers {
            self.session.answered(answer, &mut self.door, &mut self.out);
        }
        if self.session.is_gone() {
            self.closing.get_or_insert(Closing::Policy);
        }
        if let Some(goodbye) = post.goodbye {
            self.goodbye = Some(goodbye);
            self.closing.get_or_insert(Closing::GoingAway);
        }
    }

    fn start_requests(&mut self) {
        // A few bytes may ask for a long answer, so the answers count and not the requests.
        while self.closing.is_none() && self.unwritten_bytes() < OUT_BYTES_MAX {
            if !self.inbound.front().is_some_and(|next| self.may_start(next)) {
                return;
            }
            match self.inbound.pop_front() {
                Some(Inbound::Request(request)) => {
                    self.bad_lines = 0;
                    self.session.start(request, &mut self.door, &mut self.out);
                    if self.session.hello_came {
                        self.hello_until = None;
                    }
                }
                Some(Inbound::Bad(error)) => {
                    self.bad_lines += 1;
                    self.out.push_back(self.door.encode(&ServerMessage::Error(error.into())));
                    if self.bad_lines >= limits::BAD_LINES_MAX {
                        self.reject(SessionError::TooManyBadLines.reply(None));
                    }
                }
                Some(Inbound::Fatal(error)) => self.reject(error),
                Some(Inbound::Closed) => {
                    self.closing = Some(Closing::Policy);
                    self.last_words = true;
                }
                None => return,
            }
        }
    }

    /// Tells the peer which rule it broke, and closes.
    fn reject(&mut self, error: ErrorReply) {
        self.out.push_back(self.door.encode(&ServerMessage::Error(error)));
        self.closing = Some(Closing::Policy);
    }

    /// Says the last words when everything before them has been answered.
    fn close_if_due(&mut self) {
        let Some(why) = self.closing else { return };
        self.inbound.clear();
        if self.last_words || !self.session.is_idle() {
            return;
        }
        if let Some(goodbye) = self.goodbye.take() {
            self.out.push_back(self.door.encode(&ServerMessage::Goodbye(goodbye)));
        }
        self.door.close(why, &mut self.out);
        self.last_words = true;
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
            let mut used = 0;
            for (slice, bytes) in slices.iter_mut().zip(self.out.iter()) {
                *slice = IoSlice::new(bytes);
                used += 1;
            }
            match self.stream.try_write_vectored(&slices[..used]) {
                Ok(written) => self.written(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out.shrink_to(16);
        Ok(())
    }

    fn written(&mut self, mut bytes: usize) {
        while let Some(front) = self.out.front_mut() {
            if bytes < front.len() {
                front.advance(bytes);
                return;
            }
            bytes -= front.len();
            self.out.pop_front();
        }
    }

    /// Until there is something to do.
    async fn wait(&mut self) -> io::Result<()> {
        let unwritten = self.unwritten_bytes();
        let may_read =
            !self.ended && self.closing.is_none() && self.inbound.is_empty() && unwritten < OUT_BYTES_MAX;
        let until = [self.hello_until, self.pause_until].into_iter().flatten().min();
        let ready = async {
            tokio::select! {
                () = self.mailbox.woken() => Ok(false),
                readable = self.stream.readable(), if may_read => readable.map(|()| true),
                writable = self.stream.writable(), if unwritten > 0 => writable.map(|()| false),
            }
        };
        let readable = match until {
            None => ready.await?,
            Some(until) => match timeout_at(until, ready).await {
                Ok(ready) => ready?,
                Err(_) => {
                    self.waited_long_enough();
                    return Ok(());
                }
            },
        };
        if readable { self.read() } else { Ok(()) }
    }

    fn waited_long_enough(&mut self) {
        let now = Instant::now();
        if self.pause_until.is_some_and(|until| until <= now) {
            self.pause_until = None;
            self.door.paused(&mut self.inbound, &mut self.out);
        }
        if self.hello_until.is_some_and(|until| until <= now) {
            self.hello_until = None;
            let waited = self.house.patience.handshake.as_millis();
            self.reject(SessionError::TimedOut(waited).reply(None));
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; READ_BYTES];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => {
                self.ended = true;
                self.pause_until = None;
                self.door.ended(&mut self.inbound, &mut self.out);
                Ok(())
            }
            Ok(read) => {
                self.receive(&buffer[..read]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.door.receive(bytes, &mut self.inbound, &mut self.out);
        self.pause_until = self.door.awaits_pause().then(|| Instant::now() + text::PAUSE);
    }

    /// Throws away what the peer still writes. Answers whether that was the end. Not part of [`Self::linger`], whose
    /// buffer would be part of every connection's task.
    fn discard(&self) -> io::Result<bool> {
        let mut buffer = [0; READ_BYTES];
        match self.stream.try_read(&mut buffer) {
            Ok(read) => Ok(read == 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Closes so that the peer can still read the last words: bytes of the peer that nobody read would turn the
    /// close into a reset, which throws them away.
    async fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        let drained = async {
            self.stream.shutdown().await?;
            loop {
                self.stream.readable().await?;
                if self.discard()? {
                    return Ok::<(), io::Error>(());
                }
            }
        };
        // Whatever happens here, the connection is over.
        let _ = timeout_at(until, drained).await;
    }
}
