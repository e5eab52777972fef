use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use teahouse_server::connection::Socket;

/// The server's end of a link: what has arrived, and what its system has taken and not sent yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipe(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    arrived: VecDeque<u8>,
    /// The peer will write nothing more.
    ended: bool,
    /// The link is gone.
    cut: bool,
    sent: Vec<u8>,
    /// How many bytes the system takes before the peer reads.
    room: usize,
}

impl Pipe {
    pub(crate) fn new(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Ends { room, ..Ends::default() })))
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the peer arrive.
    pub(crate) fn arrive(&self, bytes: &[u8]) {
        self.ends().arrived.extend(bytes);
    }

    /// The peer closed its side, or the link is gone.
    pub(crate) fn end(&self, cut: bool) {
        let mut ends = self.ends();
        ends.ended = true;
        ends.cut |= cut;
    }

    pub(crate) fn is_readable(&self) -> bool {
        let ends = self.ends();
        !ends.arrived.is_empty() || ends.ended || ends.cut
    }

    pub(crate) fn is_writable(&self) -> bool {
        let ends = self.ends();
        ends.room > 0 || ends.cut
    }

    /// What was sent since this was asked last.
    pub(crate) fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.ends().sent)
    }

    /// The peer has read so many bytes.
    pub(crate) fn drained(&self, bytes: usize) {
        self.ends().room += bytes;
    }
}

impl Socket for Pipe {
    fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut ends = self.ends();
        if ends.cut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut taken = 0;
        for slice in slices {
            let bytes = slice.len().min(ends.room);
            ends.sent.extend_from_slice(&slice[..bytes]);
            ends.room -= bytes;
            taken += bytes;
        }
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn send_or_await(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(slices)
    }

    fn receive(&self, buffer: &mut [u8], _: bool) -> io::Result<Option<usize>> {
        let mut ends = self.ends();
        if ends.cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let bytes = ends.arrived.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(ends.arrived.drain(..bytes)) {
            *place = byte;
        }
        match (bytes, ends.ended) {
            (0, false) => Ok(None),
            (bytes, _) => Ok(Some(bytes)),
        }
    }
}
