use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::listener::Pin;
use super::waiting_room::{Ticket, WaitingRoom};
use crate::admission::{Crowded, Visit};
use crate::door::{Guess, blank_bytes, sniff, text, unfinished};
use crate::house::House;
use crate::pace::Address;
use crate::proxies::{Header, Proxies};

/// A connection counts as silent after this time; a crowd that comes at once may take that long to say its first word.
const WAITS_STANDING: Duration = Duration::from_secs(1);
/// A person who sent an empty line is greeted when nothing follows for so long: a program's first object may follow it.
const BLANK_PAUSE: Duration = Duration::from_secs(1);
/// So much white space before the first word is kept, in bytes.
const BLANK_BYTES_MAX: usize = 512;
/// A peer that is turned away has so long to read why and close.
const LINGER: Duration = Duration::from_secs(1);

/// A connection until its door is clear.
pub(super) struct Arrival {
    pub(super) stream: TcpStream,
    /// What was read.
    pub(super) first: Vec<u8>,
    /// When the first byte came.
    pub(super) since: Option<Instant>,
    waiting: Arc<WaitingRoom>,
    ticket: Option<Ticket>,
    from_proxy: bool,
}

impl Arrival {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        proxies: &Proxies,
        waiting: &Arc<WaitingRoom>,
    ) -> Self {
        let from_proxy = proxies.trust(peer.ip());
        let ticket = waiting.draw_ticket((!from_proxy).then(|| Address::of(peer.ip())));
        Self {
            stream,
            first: Vec::new(),
            since: None,
            waiting: Arc::clone(waiting),
            ticket: Some(ticket),
            from_proxy,
        }
    }

    /// Takes the header of the PROXY protocol out of what a trusted proxy sends, if there is one. Answers whether to go
    /// on.
    pub(super) async fn proxy_header(
        &mut self,
        pin: Option<Pin>,
        visit: &Visit,
        house: &House,
    ) -> io::Result<Result<bool, Crowded>> {
        if !self.from_proxy {
            return Ok(Ok(true));
        }
        match pin {
            None => {
                if !self.first_byte(house).await? {
                    return Ok(Ok(false));
                }
            }
            Some(pin) => {
                // Where it sends none, its clients are served all the same, and people greeted at once.
                let patience = if pin == Pin::Text { text::PAUSE } else { house.patience.handshake };
                if !self.read_until(Instant::now() + patience).await? {
                    return Ok(Ok(true));
                }
            }
        }
        let deadline = Instant::now() + house.patience.handshake;
        loop {
            let blank = blank_bytes(&self.first) == self.first.len();
            match Header::read(&self.first) {
                Header::None => return Ok(Ok(true)),
                Header::Begun => {
                    let pause = if blank { Instant::now() + BLANK_PAUSE } else { deadline };
                    if self.read_until(pause.min(deadline)).await? {
                        continue;
                    }
                    if blank {
                        return Ok(Ok(true));
                    }
                }
                Header::Whole { bytes, client } => {
                    self.first.drain(..bytes);
                    if self.first.is_empty() {
                        self.since = None;
                    }
                    if let Some(client) = client {
                        if let Err(why) = visit.speaks_for(client, &house.paces) {
                            return Ok(Err(why));
                        }
                        self.ticket = Some(self.waiting.draw_ticket(Some(Address::of(client.ip()))));
                    }
                    return Ok(Ok(true));
                }
                Header::Wrong => {}
            }
            tracing::warn!("{} sent a header of the PROXY protocol that cannot be read", visit.peer());
            return Ok(Ok(false));
        }
    }

    /// Reads until the door is clear. `None`: the peer left or stayed silent for too long.
    pub(super) async fn first_words(&mut self, house: &House) -> io::Result<Option<Guess>> {
        if !self.first_byte(house).await? {
            return Ok(None);
        }
        let deadline = self.since.unwrap_or_else(Instant::now) + house.patience.handshake;
        loop {
            let guess = sniff(&self.first);
            let until = match guess {
                Guess::Blank { line_ended: true } => deadline.min(Instant::now() + BLANK_PAUSE),
                Guess::Blank { line_ended: false } | Guess::Begun => deadline,
                guess => return Ok(Some(guess)),
            };
            self.forget_blank();
            if !self.read_until(until).await? {
                return Ok(Some(match guess {
                    Guess::Blank { line_ended: true } => Guess::Text,
                    _ => unfinished(&self.first),
                }));
            }
        }
    }

    /// Waits in the waiting room until there is something to read. Answers whether there is.
    async fn first_byte(&mut self, house: &House) -> io::Result<bool> {
        if !self.first.is_empty() {
            return Ok(true);
        }
        let begin = Instant::now();
        if let Ok(read) = timeout_at(begin + WAITS_STANDING, read(&self.stream, &mut self.first)).await {
            self.since = Some(Instant::now());
            return Ok(read? > 0);
        }
        let seat = self.ticket.take().map(Ticket::take_seat);
        let called_up = async {
            match &seat {
                Some(seat) => seat.called_up().await,
                None => std::future::pending().await,
            }
        };
        let read = tokio::select! {
            // Whoever has said something by now is not silent.
            biased;
            read = read(&self.stream, &mut self.first) => read?,
            () = tokio::time::sleep_until(begin + house.patience.silence) => 0,
            () = called_up => 0,
        };
        self.since = Some(Instant::now());
        Ok(read > 0)
    }

    /// Reads more. Answers whether something came in time.
    async fn read_until(&mut self, until: Instant) -> io::Result<bool> {
        let read = match timeout_at(until, read(&self.stream, &mut self.first)).await {
            Ok(read) => read? > 0,
            Err(_) => false,
        };
        self.since.get_or_insert_with(Instant::now);
        Ok(read)
    }

    /// Any amount of white space may come before the first word, and costs no memory.
    fn forget_blank(&mut self) {
        let blank = blank_bytes(&self.first);
        if blank > BLANK_BYTES_MAX {
            let line_ended = self.first[..blank].iter().any(|byte| matches!(byte, b'\r' | b'\n'));
            self.first.splice(..blank, line_ended.then_some(b'\n'));
        }
    }
}

/// Reads what is there. Not as a stream does, which takes a read that filled less than it might for the last one: urgent data of
/// telnet ends a read early, and nobody would say that there is more.
async fn read(stream: &TcpStream, first: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read_buf(first) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// Says the last words to a peer, and closes so that it can read them: bytes of the peer that nobody read would turn the
/// close into a reset, which throws them away.
pub(super) async fn refuse(mut stream: TcpStream, words: &[u8]) {
    let farewell = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        let mut unread = [0; 512];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever happens here, the connection is over.
    let _ = timeout(LINGER, farewell).await;
}
