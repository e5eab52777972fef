use std::fmt;
use std::io::{self, IoSlice, Read};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What a connection needs of its socket, without waiting.
pub trait Socket: fmt::Debug + Send + Sync + 'static {
    /// How many bytes the socket took.
    fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The same, and whoever waits for the socket is woken when it takes more.
    fn send_or_await(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Reads once. Answers how many bytes that was, or `None` when there is nothing yet. `short_is_last`: a read that filled
    /// less than it might has emptied the socket.
    fn receive(&self, buffer: &mut [u8], short_is_last: bool) -> io::Result<Option<usize>>;
}

impl Socket for TcpStream {
    /// The runtime's record of what the socket takes is not asked, which would be one more memory access for each
    /// recipient.
    fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let socket = SockRef::from(self);
        match slices {
            [only] => socket.send(only),
            slices => socket.send_vectored(slices),
        }
    }

    fn send_or_await(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || self.send(slices))
    }

    fn receive(&self, buffer: &mut [u8], short_is_last: bool) -> io::Result<Option<usize>> {
        let mut read = None;
        let tried = self.try_io(Interest::READABLE, || {
            let bytes = (&*SockRef::from(self)).read(buffer)?;
            read = Some(bytes);
            // Saying so here spares the read that would find it empty.
            if bytes > 0 && bytes < buffer.len() && short_is_last {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        match tried {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(read),
        }
    }
}
