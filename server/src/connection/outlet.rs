use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use socket2::SockRef;
use teahouse_protocol::{Ack, Seq, ServerMessage};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::mailbox::{Answer, Mailbox};
use super::socket::Socket;
use super::thin_queue::ThinQueue;
use super::watches::Watches;
use crate::door::{Door, Framing};
use crate::fanout::{Delivery, News, Shelf, Watcher};
use crate::log::Reader;
use crate::order::{Reply, Verdict};
use crate::seat::Seat;
use crate::state::Outcome;

/// The socket of a connection. Its own task and the herald write to it, one at a time.
#[derive(Debug)]
pub(super) struct Outlet<S> {
    outgoing: Mutex<Outgoing>,
    socket: S,
    framing: Framing,
    mailbox: Mailbox,
}

/// What waits to be written, and what is written next.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Comes before everything else: answers, and the rest of a frame. What cursors point at is not copied here.
    pub(super) out: ThinQueue<Bytes>,
    pub(super) watches: Watches,
    /// How many bytes the socket has taken.
    pub(super) taken: u64,
    /// The socket took no more; the connection's task waits until it does.
    pub(super) full: bool,
    /// Nothing but posts is to be answered, and the task waits for none of the answers: they may go out without it.
    pub(super) acks_at_once: bool,
}

/// What is said about many rooms is written when it has reached so many bytes.
const TOGETHER_BYTES: usize = 16 * 1024;

/// So many pieces of what waits go out in one write with news.
const ALONG_MAX: usize = 8;

/// What a piece of memory needs besides its bytes, in bytes.
const PIECE_OVERHEAD_BYTES: usize = 48;

impl<S: Socket> Outlet<S> {
    pub(super) fn new(framing: Framing, socket: S) -> Self {
        Self { framing, socket, mailbox: Mailbox::default(), outgoing: Mutex::default() }
    }

    /// How to reach the connection's task.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    pub(super) fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, and what lies between a cursor and `head`, that straight from the room's tail.
    pub(super) fn advance(
        &self,
        outgoing: &mut Outgoing,
        slot: usize,
        head: Seq,
        shelf: &mut Shelf,
        send: fn(&S, &[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Advance> {
        if outgoing.out.len() > ALONG_MAX && !self.write_waiting(outgoing, send)? {
            return Ok(Advance::Full);
        }
        let Outgoing { out, watches, taken: all, full, .. } = outgoing;
        let Some(cursor) = watches.cursor(slot) else { return Ok(Advance::There) };
        while cursor.seen < head {
            let Ok(news) = shelf.news(&cursor.room, cursor.seen, cursor.replay.as_deref(), self.framing)
            else {
                return Ok(Advance::Behind);
            };
            let mut slices = [IoSlice::new(&[]); ALONG_MAX + News::PIECES_MAX];
            let (mut along, mut along_bytes) = (0, 0);
            for (slice, bytes) in slices.iter_mut().zip(out.iter()) {
                *slice = IoSlice::new(bytes);
                along += 1;
                along_bytes += bytes.len();
            }
            let used = along + news.slices(&mut slices[along..]);
            let written = taken(&slices[..used], |slices| send(&self.socket, slices))?;
            *all += written as u64;
            let Some(written) = written.checked_sub(along_bytes) else {
                take_off(out, written);
                cursor.replay = None;
                *full = true;
                return Ok(Advance::Full);
            };
            out.clear();
            if written < news.bytes() {
                let (seen, rest) = news.begun(written);
                cursor.seen = seen;
                out.as_deque().extend((!rest.is_empty()).then_some(rest));
                // Somebody who does not read holds on to nothing more.
                cursor.replay = None;
                *full = true;
                return Ok(Advance::Full);
            }
            cursor.seen = news.last();
        }
        cursor.replay = None;
        let all_written = self.write_waiting(outgoing, send)?;
        Ok(if all_written { Advance::There } else { Advance::Full })
    }

    /// Writes what waits and then what the cursors point at, as much as the socket takes and the tails hold.
    pub(super) fn serve(&self, outgoing: &mut Outgoing, door: &mut Door, reader: &Reader) -> io::Result<()> {
        self.flush(outgoing)?;
        while !outgoing.full
            && let Some(slot) = outgoing.watches.next_ready()
        {
            let Outgoing { out, watches, .. } = outgoing;
            let cursor = watches.cursor(slot).expect("it is ready");
            // Looked up before the head, which is the last one then.
            let gone = cursor.room.is_gone();
            let head = cursor.look(door, out.as_deque());
            if cursor.is_settled(head) && !gone {
                // Comings and goings of many rooms go out in one write.
                if outgoing.unwritten_bytes() >= TOGETHER_BYTES {
                    self.flush(outgoing)?;
                }
                continue;
            }
            self.flush(outgoing)?;
            if outgoing.full {
                outgoing.watches.mark_ready(slot);
                break;
            }
            match self.advance(outgoing, slot, head, &mut Shelf::default(), S::send_or_await)? {
                Advance::Full => outgoing.watches.mark_ready(slot),
                // What is not in the tail of a room that is gone is nowhere.
                Advance::There | Advance::Behind if gone => {
                    let Outgoing { out, watches, .. } = outgoing;
                    watches.say_gone(slot, reader, door, out.as_deque());
                    self.flush(outgoing)?;
                }
                Advance::There => {
                    let Outgoing { out, watches, .. } = outgoing;
                    watches.cursor(slot).expect("it was there").catch_up(door, out.as_deque());
                    self.flush(outgoing)?;
                }
                Advance::Behind => outgoing.watches.fell_behind(slot),
            }
        }
        if outgoing.full { Ok(()) } else { self.flush(outgoing) }
    }

    /// Writes what waits, as much as the socket takes.
    pub(super) fn flush(&self, outgoing: &mut Outgoing) -> io::Result<()> {
        outgoing.full = false;
        self.write_waiting(outgoing, S::send_or_await).map(|_| ())
    }

    /// Answers whether the socket took all that waits.
    fn write_waiting(
        &self,
        outgoing: &mut Outgoing,
        send: fn(&S, &[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        while !outgoing.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); News::PIECES_MAX];
            let mut used = 0;
            for (slice, bytes) in slices.iter_mut().zip(outgoing.out.iter()) {
                *slice = IoSlice::new(bytes);
                used += 1;
            }
            let written = taken(&slices[..used], |slices| send(&self.socket, slices))?;
            if written == 0 && slices[..used].iter().any(|slice| !slice.is_empty()) {
                outgoing.full = true;
                return Ok(false);
            }
            outgoing.taken += written as u64;
            take_off(&mut outgoing.out, written);
        }
        Ok(true)
    }

    /// Puts the answer to a post beside the post itself, which the herald is about to write, so that both go out in one write and
    /// no task is woken. Answers whether it did: something else may have to be answered before, or the task wait for this.
    fn acknowledge(&self, verdict: &Verdict) -> bool {
        let Ok(Outcome::Done { room, name, seq: Some(seq) }) = &verdict.result else { return false };
        let Ok(mut outgoing) = self.outgoing.try_lock() else { return false };
        if outgoing.full || !outgoing.acks_at_once || !outgoing.watches.will_be_written(*room, *seq) {
            return false;
        }
        let ack = Ack { re: verdict.re, room: name.clone(), seq: Some(*seq) };
        let Some(ack) = self.framing.push(&ServerMessage::Ack(ack)) else { return false };
        if !self.mailbox.acknowledge(ack.len()) {
            return false;
        }
        outgoing.out.push_back(ack);
        true
    }

    /// Reads once. Answers how many bytes that was, or `None` when there is nothing yet.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.socket.receive(buffer, self.framing.short_reads_are_last())
    }
}

impl Outlet<TcpStream> {
    /// Looks whether the socket is as wanted, and whether there is something to read. If not, the task is woken when it is. That is
    /// noted in what the runtime has for each socket anyway, not in a future.
    pub(super) fn poll_ready(&self, interest: Interest, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let writable = interest.is_writable() && self.socket.poll_write_ready(cx)?.is_ready();
        let readable = interest.is_readable() && self.socket.poll_read_ready(cx)?.is_ready();
        if readable || writable { Poll::Ready(Ok(readable)) } else { Poll::Pending }
    }

    /// Nothing more will be written.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        SockRef::from(&self.socket).shutdown(Shutdown::Write)
    }
}

impl<S: Socket> Watcher for Outlet<S> {
    fn deliver(&self, slot: usize, watch: u64, head: Seq, shelf: &mut Shelf) -> Delivery {
        let mut outgoing = match self.outgoing.try_lock() {
            Ok(outgoing) => outgoing,
            Err(TryLockError::Poisoned(outgoing)) => outgoing.into_inner(),
            Err(TryLockError::WouldBlock) => return Delivery::Busy,
        };
        if outgoing.full {
            // The task is waiting for the socket and looks at its cursors afterwards.
            outgoing.watches.mark_ready(slot);
            return Delivery::Done;
        }
        if !outgoing.watches.may_be_written(slot, watch) {
            return if outgoing.out.is_empty() { Delivery::Done } else { Delivery::Wake };
        }
        match self.advance(&mut outgoing, slot, head, shelf, S::send) {
            Ok(Advance::There) => Delivery::Done,
            Ok(Advance::Full | Advance::Behind) | Err(_) => {
                // Whatever it is, the task meets it again.
                outgoing.watches.mark_ready(slot);
                Delivery::Wake
            }
        }
    }

    fn tell(&self, slot: usize) -> bool {
        self.mailbox.tell(slot)
    }

    fn wake(&self) {
        self.mailbox.wake();
    }
}

impl<S: Socket> Seat for Outlet<S> {
    fn user_renamed(&self) {
        self.mailbox.note(|news| news.renamed = true);
    }

    fn user_gone(&self) {
        // With this lock nothing is under way to the peer, and the task cannot have begun another watch.
        let mut outgoing = self.outgoing();
        outgoing.watches.clear();
        self.mailbox.note(|news| news.gone = true);
    }

    fn shut_down(&self) {
        self.mailbox.note(|news| news.shutting_down = true);
    }
}

impl<S: Socket> Reply for Outlet<S> {
    fn is_broken(&self, pipeline: u64) -> bool {
        self.mailbox.is_broken(pipeline)
    }

    fn break_pipeline(&self, pipeline: u64) {
        self.mailbox.break_pipeline(pipeline);
    }

    fn take(&self, verdict: Verdict) -> bool {
        !self.acknowledge(&verdict) && self.mailbox.answer(Answer::Decided(verdict))
    }

    fn wake(&self) {
        self.mailbox.wake();
    }
}

/// How many bytes were taken. A door without words for something has nothing to send, which a socket would not
/// understand.
fn taken(
    slices: &[IoSlice<'_>],
    send: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
) -> io::Result<usize> {
    if slices.iter().all(|slice| slice.is_empty()) {
        return Ok(0);
    }
    match send(slices) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        sent => sent,
    }
}

/// How far a cursor came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// To the head.
    There,
    /// Until the socket took no more.
    Full,
    /// Nowhere: what it wants is in the log.
    Behind,
}

impl Outgoing {
    /// What waits, with what each piece of it needs, in bytes.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.out.iter().map(|piece| piece.len() + PIECE_OVERHEAD_BYTES).sum()
    }
}

/// Takes off what was written of what waited.
fn take_off(out: &mut ThinQueue<Bytes>, mut bytes: usize) {
    while let Some(front) = out.front_mut() {
        if bytes < front.len() {
            front.advance(bytes);
            return;
        }
        bytes -= front.len();
        out.pop_front();
    }
}
