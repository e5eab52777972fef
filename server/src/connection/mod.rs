//! A connection: one task, one socket, one door, one session.
//!
//! It reads when it may, writes what its cursors point at, and holds no buffers while nothing happens. When the peer
//! stops reading, it stops reading from the peer and from the rooms.

mod deadlines;
mod mailbox;
mod outlet;
mod pipeline;
mod session;
mod socket;
mod thin_queue;
mod watches;

pub use socket::Socket;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use teahouse_protocol::{Command, ErrorReply, Goodbye, GoodbyeReason, ServerMessage, limits};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use outlet::Outlet;

use crate::door::{Closing, Door, Inbound, text};
use crate::encoded::ANSWER_BYTES_MAX;
use crate::house::{House, Place};
use crate::state::Rejection;
use crate::wire_errors::{SessionError, refused};
use deadlines::{Deadline, Deadlines};
use outlet::Outgoing;
use session::{Elsewhere, Session};
use thin_queue::ThinQueue;

/// Bytes read from a socket at a time.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// What was read lies here until its door has taken it, so that connections hold no buffers.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}
/// The answers that wait to be written have at most so many bytes together: a request begins when its longest answer has
/// room beside those that are there or under way. The rest of one frame of a room comes on top.
const OUT_BYTES_MAX: usize = 64 * 1024;
/// The longest answer to what is no question: an `ack`, a `pong`, most errors.
const SHORT_ANSWER_BYTES: usize = 256;
/// The longest error, in bytes.
const ERROR_BYTES_MAX: usize = 2 * 1024;
/// After the last word, the peer has so long to read it and close.
const LINGER: Duration = Duration::from_secs(1);

/// A connection after its first bytes have chosen a door.
pub struct Connection<S: Socket = TcpStream> {
    outlet: Arc<Outlet<S>>,
    house: Arc<House>,
    door: Door,
    session: Session<S>,
    /// What was read and not decoded yet.
    unread: Bytes,
    inbound: ThinQueue<Inbound>,
    bad_lines: u32,
    /// The peer will write nothing more.
    ended: bool,
    /// Why this side closes, once it does.
    closing: Option<Closing>,
    /// Whether the last words are in `out`.
    last_words: bool,
    /// What the last words are about.
    parting: Option<Parting>,
    deadlines: Deadlines,
    /// How much the peer had taken when its socket took no more.
    stalled_at: u64,
    /// What the last step said.
    next: Next,
    /// Runs out at the next deadline.
    timer: Option<Pin<Box<Sleep>>>,
    /// The last to go.
    place: Option<Place>,
}

impl<S: Socket> Connection<S> {
    /// Takes over a socket. In a box, since the task of each connection would hold it twice. `first` was read from it already,
    /// the first byte of it at the time `since`.
    pub fn new(
        socket: S,
        peer: SocketAddr,
        house: Arc<House>,
        door: Door,
        first: &[u8],
        since: Instant,
    ) -> Box<Self> {
        let outlet = Arc::new(Outlet::new(door.framing(), socket));
        let session = Session::new(Arc::clone(&house), Arc::clone(&outlet), peer);
        let mut deadlines = Deadlines::default();
        if door.awaits_hello() {
            deadlines.set(Deadline::Hello, since + house.patience.handshake);
        }
        Box::new(Self {
            outlet,
            house,
            door,
            session,
            unread: Bytes::copy_from_slice(first),
            inbound: ThinQueue::default(),
            bad_lines: 0,
            ended: false,
            closing: None,
            last_words: false,
            parting: None,
            deadlines,
            stalled_at: 0,
            next: Next::More,
            timer: None,
            place: None,
        })
    }

    /// Greets a person before the first byte.
    #[must_use]
    pub fn greeting_at_once(mut self: Box<Self>) -> Box<Self> {
        if let Door::Text(door) = &mut self.door {
            door.enter(self.inbound.as_deque());
        }
        self
    }

    fn now(&self) -> Instant {
        Instant::from_std(self.house.clock.now())
    }

    /// Whether nothing that was proposed is undecided.
    pub fn is_settled(&self) -> bool {
        self.session.is_idle()
    }

    /// Takes the answers of somebody who is not there any more.
    pub fn settle(&mut self) {
        let outlet = Arc::clone(&self.outlet);
        let mut outgoing = outlet.outgoing();
        self.take_mail(&mut outgoing);
        outgoing.watches.clear();
        outgoing.out.clear();
    }

    /// Whether somebody has called since this was asked last, so that there is something to do.
    pub fn is_called(&self) -> bool {
        self.outlet.mailbox().take_call()
    }

    /// When a time to wait is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Does what can be done now.
    pub fn step(&mut self) -> io::Result<Next> {
        let outlet = Arc::clone(&self.outlet);
        let mut outgoing = outlet.outgoing();
        outgoing.acks_at_once = false;
        self.take_mail(&mut outgoing);
        self.start_requests(&mut outgoing);
        self.close_if_due(&mut outgoing);
        if self.closing.is_none() {
            outlet.serve(&mut outgoing, &mut self.door, &self.house.reader)?;
            while !outgoing.full && self.read_on(&mut outgoing) {
                outlet.serve(&mut outgoing, &mut self.door, &self.house.reader)?;
            }
        } else {
            outlet.flush(&mut outgoing)?;
        }
        if !outgoing.full {
            if self.is_over() {
                return Ok(Next::Over);
            }
            if self.closing.is_none() && self.has_something_to_start(&outgoing) {
                return Ok(Next::More);
            }
        }
        self.watch_the_peer(&outgoing);
        self.let_go(&mut outgoing);
        let reading =
            !self.ended && self.closing.is_none() && self.inbound.is_empty() && self.unread.is_empty();
        outgoing.acks_at_once = reading && outlet.framing().frames_answers() && self.session.posts_only();
        Ok(Next::Wait(match (reading, outgoing.full) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }))
    }

    /// A connection that waits holds no empty buffers.
    fn let_go(&mut self, outgoing: &mut Outgoing) {
        self.inbound.let_go();
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
        outgoing.out.let_go();
        outgoing.watches.let_go();
        self.session.let_go();
    }

    /// Lets the next cursor that fell off its tail read the log, one at a time and at the pace of answers. Answers whether
    /// it has something to read at once.
    fn read_on(&mut self, outgoing: &mut Outgoing) -> bool {
        self.deadlines.clear(Deadline::Replay);
        let Some((slot, cursor)) = outgoing.watches.next_behind() else { return false };
        if let Some(wait) = self.session.next_answer() {
            self.deadlines.set(Deadline::Replay, self.now() + wait);
            return false;
        }
        let (room, seen, watch) = (Arc::clone(&cursor.room), cursor.seen, cursor.watch());
        if let Some(found) = self.house.replays.find(room.id, seen) {
            self.session.sent(found.weight_bytes());
            outgoing.watches.found(found);
            return true;
        }
        outgoing.watches.begin_reading();
        self.session.replay(room, seen, slot, watch);
        false
    }

    fn is_over(&self) -> bool {
        let taken_in = self.inbound.is_empty() && self.unread.is_empty();
        self.last_words || (self.ended && taken_in && self.session.is_idle())
    }

    fn has_something_to_start(&self, outgoing: &Outgoing) -> bool {
        match self.inbound.front() {
            Some(next) => self.may_start(next, outgoing),
            None => !self.unread.is_empty() && self.may_decode(outgoing),
        }
    }

    /// Whether there is room for the longest answer, besides what waits and what is under way.
    fn may_start(&self, next: &Inbound, outgoing: &Outgoing) -> bool {
        let (may_start, longest) = match next {
            Inbound::Request(request) => {
                let command = &request.command;
                (self.session.may_start(command), longest_answer(command))
            }
            Inbound::Words(_) | Inbound::Bad(_) | Inbound::Fatal(_) | Inbound::Closed => {
                (self.session.is_idle(), ERROR_BYTES_MAX)
            }
        };
        let under_way = self.session.in_flight() * SHORT_ANSWER_BYTES;
        may_start
            && !self.deadlines.is_set(Deadline::Answer)
            && outgoing.unwritten_bytes() + under_way + longest <= OUT_BYTES_MAX
    }

    /// Doors answer some things by themselves.
    fn may_decode(&self, outgoing: &Outgoing) -> bool {
        !self.door.answers() || outgoing.unwritten_bytes() + ANSWER_BYTES_MAX <= OUT_BYTES_MAX
    }

    /// Decodes on until there is something to start. Answers whether there is.
    fn decode(&mut self, outgoing: &mut Outgoing) -> bool {
        while self.inbound.is_empty() && !self.unread.is_empty() && self.may_decode(outgoing) {
            let bytes = self.door.portion(&self.unread);
            let before = outgoing.unwritten_bytes();
            self.door.receive(&self.unread[..bytes], self.inbound.as_deque(), outgoing.out.as_deque());
            self.unread.advance(bytes);
            self.session.sent(outgoing.unwritten_bytes().saturating_sub(before));
            if self.unread.is_empty() {
                self.await_pause();
                self.door_ended();
            }
        }
        !self.inbound.is_empty()
    }

    /// The door learns that the peer has closed its side when it has taken everything before.
    fn door_ended(&mut self) {
        if self.ended && self.unread.is_empty() {
            self.deadlines.clear(Deadline::Pause);
            self.door.ended(self.inbound.as_deque());
        }
    }

    fn take_mail(&mut self, outgoing: &mut Outgoing) {
        let post = self.outlet.mailbox().empty();
        for slot in post.told.each() {
            outgoing.watches.mark_ready(slot);
        }
        for answer in post.answers {
            self.session.answered(answer, &mut self.door, outgoing);
        }
        self.session.hear(post.news);
        if self.session.is_gone() {
            self.closing.get_or_insert(Closing::Policy);
        }
        if post.news.shutting_down {
            self.part(Parting::ShuttingDown);
        }
        match self.session.changed_elsewhere() {
            Some(Elsewhere::Renamed) if self.closing.is_none() => self.part(Parting::Renamed),
            Some(Elsewhere::Gone) if self.closing.is_none() => {
                self.reject(refused(None, &Rejection::UserGone.into()), outgoing);
            }
            Some(Elsewhere::Renamed | Elsewhere::Gone) | None => {}
        }
    }

    fn start_requests(&mut self, outgoing: &mut Outgoing) {
        while self.closing.is_none() {
            self.door.follow_up(self.inbound.as_deque());
            if self.inbound.is_empty() && !self.decode(outgoing) {
                return;
            }
            self.keep_pace();
            if !self.inbound.front().is_some_and(|next| self.may_start(next, outgoing)) {
                return;
            }
            match self.inbound.pop_front() {
                Some(Inbound::Request(request)) => {
                    self.bad_lines = 0;
                    self.session.start(request, &mut self.door, outgoing);
                    if self.session.hello_came {
                        self.deadlines.clear(Deadline::Hello);
                    }
                }
                Some(Inbound::Bad(error)) => {
                    self.bad_lines += 1;
                    let told = self.door.encode(&ServerMessage::Error(error.into()));
                    self.session.sent(told.len());
                    outgoing.out.push_back(told);
                    if self.bad_lines >= limits::BAD_LINES_MAX {
                        self.reject(SessionError::TooManyBadLines.reply(None), outgoing);
                    }
                }
                Some(Inbound::Fatal(error)) => self.reject(error, outgoing),
                Some(Inbound::Words(words)) => {
                    self.session.sent(words.len());
                    outgoing.out.push_back(words);
                }
                Some(Inbound::Closed) => {
                    self.closing = Some(Closing::Policy);
                    self.last_words = true;
                }
                None => return,
            }
        }
    }

    /// Whoever had long answers waits for the next one.
    fn keep_pace(&mut self) {
        match self.session.next_answer().filter(|_| !self.inbound.is_empty()) {
            Some(wait) => self.deadlines.set(Deadline::Answer, self.now() + wait),
            None => self.deadlines.clear(Deadline::Answer),
        }
    }

    /// Says goodbye. A client that does not know its name any more begins anew, and learns it from the welcome.
    fn part(&mut self, why: Parting) {
        self.parting = Some(why);
        self.closing.get_or_insert(Closing::GoingAway);
    }

    /// Tells the peer which rule it broke, and closes.
    fn reject(&mut self, error: ErrorReply, outgoing: &mut Outgoing) {
        outgoing.out.push_back(self.door.encode(&ServerMessage::Error(error)));
        self.closing = Some(Closing::Policy);
    }

    /// Says the last words when everything before them has been answered.
    fn close_if_due(&mut self, outgoing: &mut Outgoing) {
        let Some(why) = self.closing else { return };
        self.inbound.clear();
        // The herald must not write behind the last words.
        outgoing.watches.clear();
        if self.last_words || !self.session.is_idle() {
            return;
        }
        if let Some(why) = self.parting {
            outgoing.out.push_back(self.door.encode(&ServerMessage::Goodbye(goodbye(why))));
        }
        self.door.close(why, outgoing.out.as_deque());
        self.last_words = true;
    }

    /// Takes in what the peer has written.
    pub fn read(&mut self) -> io::Result<()> {
        let read = READ.with_borrow_mut(|buffer| {
            let read = self.outlet.read(buffer)?;
            if let Some(bytes @ 1..) = read {
                self.unread = Bytes::copy_from_slice(&buffer[..bytes]);
            }
            io::Result::Ok(read)
        })?;
        match read {
            None => {}
            Some(0) => {
                self.ended = true;
                self.door_ended();
            }
            // The pause begins anew when the door has taken it.
            Some(_) => self.deadlines.clear(Deadline::Pause),
        }
        Ok(())
    }

    /// Looks which times to wait are over.
    pub fn waited_long_enough(&mut self) -> io::Result<()> {
        let outlet = Arc::clone(&self.outlet);
        let mut outgoing = outlet.outgoing();
        let now = self.now();
        while let Some(over) = self.deadlines.take_over(now) {
            match over {
                // What has waited for it is looked at in the next step.
                Deadline::Answer | Deadline::Replay => {}
                Deadline::Pause => self.door.paused(self.inbound.as_deque()),
                Deadline::Hello => {
                    let waited = self.house.patience.handshake.as_millis();
                    self.reject(SessionError::TimedOut(waited).reply(None), &mut outgoing);
                }
                Deadline::Stalled => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing"));
                }
            }
        }
        Ok(())
    }

    /// A peer that takes nothing of what waits for it has so long to take something.
    fn watch_the_peer(&mut self, outgoing: &Outgoing) {
        if !outgoing.full {
            self.deadlines.clear(Deadline::Stalled);
        } else if !self.deadlines.is_set(Deadline::Stalled) || self.stalled_at != outgoing.taken {
            self.stalled_at = outgoing.taken;
            self.deadlines.set(Deadline::Stalled, self.now() + self.house.patience.stalled);
        }
    }

    fn await_pause(&mut self) {
        if self.door.awaits_pause() {
            self.deadlines.set(Deadline::Pause, self.now() + text::PAUSE);
        } else {
            self.deadlines.clear(Deadline::Pause);
        }
    }
}

/// What waits. Everything else is in steps, which do not.
impl Connection {
    /// Serves the peer until one side has had enough. Answers who it was.
    pub async fn run(mut self: Box<Self>) -> Option<String> {
        self.place = Some(self.house.enter(Arc::<Outlet<TcpStream>>::clone(&self.outlet)));
        let served = self.serve().await;
        let name = self.session.name().map(ToString::to_string);
        if served.is_ok() && self.closing.is_some() {
            // In a box, since no connection that goes on should have room for it.
            Box::pin(self.linger()).await;
        }
        // What was proposed is decided whether the peer is there or not, and a guest who is let in must be let out.
        loop {
            self.settle();
            if self.is_settled() {
                return name;
            }
            self.outlet.mailbox().called().await;
        }
    }

    /// What it waits for lies in the connection, since the task of each, which tokio rounds up to 128 bytes, would have room for it
    /// several times.
    async fn serve(&mut self) -> io::Result<()> {
        loop {
            self.next = self.step()?;
            if self.next == Next::Over {
                return Ok(());
            }
            if self.next == Next::More {
                // Others on this thread come first.
                tokio::task::yield_now().await;
            } else {
                self.timer = self.deadlines.next().map(|until| Box::pin(sleep_until(until)));
                poll_fn(|cx| self.poll_wait(cx)).await?;
            }
        }
    }

    /// Until there is something to do.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(readable) = self.poll_event(cx) {
            return Poll::Ready(if readable? { self.read() } else { Ok(()) });
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx).map(|()| self.waited_long_enough()),
            None => Poll::Pending,
        }
    }

    /// Mail, or what is wanted of the socket. Answers whether there is something to read.
    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.outlet.mailbox().poll_call(cx).is_ready() {
            return Poll::Ready(Ok(false));
        }
        match self.next {
            Next::Wait(Some(interest)) => self.outlet.poll_ready(interest, cx),
            Next::Wait(None) | Next::More | Next::Over => Poll::Pending,
        }
    }

    /// Closes so that the peer can still read the last words: bytes of the peer that nobody read would turn the
    /// close into a reset, which throws them away.
    async fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        let drained = async {
            self.outlet.shut_down()?;
            loop {
                poll_fn(|cx| self.outlet.poll_ready(Interest::READABLE, cx)).await?;
                if READ.with_borrow_mut(|buffer| self.outlet.read(buffer))? == Some(0) {
                    return Ok::<(), io::Error>(());
                }
            }
        };
        // Whatever happens here, the connection is over.
        let _ = timeout_at(until, drained).await;
    }
}

/// Why the server says goodbye to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// The server stops.
    ShuttingDown,
    /// The user is called something else since another connection asked for that.
    Renamed,
}

fn goodbye(why: Parting) -> Goodbye {
    let (reason, message) = match why {
        Parting::ShuttingDown => {
            (GoodbyeReason::ShuttingDown, "the server is shutting down; connect again in a moment")
        }
        Parting::Renamed => {
            (GoodbyeReason::Renamed, "your name was changed on another connection; connect again")
        }
    };
    Goodbye { reason, message: message.into(), reconnect: true }
}

/// The most bytes that may come back.
fn longest_answer(command: &Command) -> usize {
    match command {
        Command::Hello(_) | Command::Rooms(_) | Command::History(_) | Command::Who(_) => ANSWER_BYTES_MAX,
        Command::Rename(_)
        | Command::SignOut(_)
        | Command::Join(_)
        | Command::Leave(_)
        | Command::Watch(_)
        | Command::Unwatch(_) => ERROR_BYTES_MAX,
        Command::Post(_) | Command::Ping(_) => SHORT_ANSWER_BYTES,
    }
}

impl<S: Socket> Drop for Connection<S> {
    /// Rooms hold on to the socket as long as it is watching, whatever ended the task.
    fn drop(&mut self) {
        self.outlet.outgoing().watches.clear();
    }
}

/// What a connection does after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Over,
    /// Requests were left because enough answers wait.
    More,
    /// It waits for somebody's word, for the peer to write, or for the peer to read.
    Wait(Option<Interest>),
}

#[cfg(test)]
mod tests;
