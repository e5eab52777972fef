//! Takes connections in, and lets their first bytes choose a door.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::config::{Listen, Pin};
use crate::connection::Connection;
use crate::door::{Door, Guess, JsonDoor, TextDoor, sniff, text};
use crate::house::House;
use crate::http;

/// The most connections that have said nothing, from one address.
const SILENT_PER_ADDRESS_MAX: usize = 32;
/// The most connections that have said nothing, in all.
const SILENT_MAX: usize = 1_000;
/// A connection counts as silent after this time; a crowd that comes at once may take that long to say its first word.
const WAITS_STANDING: Duration = Duration::from_secs(1);
/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The kernel asks a peer that has said nothing for so long whether it is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// A TLS alert: fatal, handshake_failure. RFC 8446 section 6.
const TLS_REFUSAL: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

/// A connection from accept to close, for the log.
#[derive(Debug)]
pub struct Visit {
    peer: SocketAddr,
    /// Whether its end is in the log.
    over: AtomicBool,
}

impl Visit {
    fn begin(peer: SocketAddr) -> Arc<Self> {
        tracing::info!("{peer} connected");
        Arc::new(Self { peer, over: AtomicBool::new(false) })
    }

    /// The other end's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// It is over, and this is who it was.
    pub fn was(&self, name: Option<String>) {
        if let Some(name) = name {
            tracing::info!("{} left ({name})", self.peer);
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            tracing::info!("{} left", self.peer);
        }
    }
}

/// Accepts connections until the task is aborted.
pub async fn accept(listener: TcpListener, pin: Option<Pin>, house: Arc<House>, waiting: Arc<WaitingRoom>) {
    let router = http::router(Arc::clone(&house));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let visit = Visit::begin(peer);
                // Drawn here, since tasks do not begin in the order of their connections.
                let ticket = waiting.draw_ticket(peer.ip());
                let (house, router) = (Arc::clone(&house), router.clone());
                tokio::spawn(async move {
                    if let Err(error) = receive(stream, pin, ticket, visit, house, router).await {
                        tracing::debug!("{peer}: {error}");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely. Those who are here go on, and the next one waits.
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn receive(
    mut stream: TcpStream,
    pin: Option<Pin>,
    ticket: Ticket,
    visit: Arc<Visit>,
    house: Arc<House>,
    router: Router,
) -> io::Result<()> {
    let peer = visit.peer();
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;

    let (guess, first) = match pin {
        Some(Pin::Text) => {
            let door = Door::Text(Box::default());
            stay(Connection::new(stream, peer, house, door, &[]).greeting_at_once(), visit);
            return Ok(());
        }
        Some(Pin::Json) => (Guess::Json, Vec::new()),
        Some(Pin::Http) => (Guess::Http, Vec::new()),
        None => match first_bytes(&mut stream, &house, ticket).await? {
            Some(first) => first,
            None => return Ok(()),
        },
    };
    let door = match guess {
        Guess::Http => {
            Box::pin(http::serve(stream, &first, visit, &house, &router)).await;
            return Ok(());
        }
        Guess::Tls => {
            tracing::info!("{peer} asked for TLS, which this server does not speak");
            return stream.write_all(TLS_REFUSAL).await;
        }
        Guess::Json => Door::Json(JsonDoor::default()),
        Guess::Text | Guess::Unsure => Door::Text(Box::<TextDoor>::default()),
    };
    stay(Connection::new(stream, peer, house, door, &first), visit);
    Ok(())
}

/// Serves a connection to its end, in a task of its own: that of the first bytes has room for much that is over now.
fn stay(connection: Box<Connection>, visit: Arc<Visit>) {
    tokio::spawn(async move { visit.was(connection.run().await) });
}

/// Reads until the door is clear. `None`: the peer left or stayed silent for too long.
async fn first_bytes(
    stream: &mut TcpStream,
    house: &House,
    ticket: Ticket,
) -> io::Result<Option<(Guess, Vec<u8>)>> {
    let mut first = Vec::new();
    let begin = Instant::now();
    match timeout_at(begin + WAITS_STANDING, stream.read_buf(&mut first)).await {
        Ok(read) => read?,
        Err(_) => {
            let seat = ticket.take_seat();
            tokio::select! {
                // Whoever has said something by now is not silent.
                biased;
                read = stream.read_buf(&mut first) => read?,
                () = tokio::time::sleep_until(begin + house.patience.silence) => 0,
                () = seat.called_up() => 0,
            }
        }
    };
    loop {
        match sniff(&first) {
            _ if first.is_empty() => return Ok(None),
            Guess::Unsure => {}
            guess => return Ok(Some((guess, first))),
        }
        let pause = Instant::now() + text::PAUSE;
        match timeout_at(pause, stream.read_buf(&mut first)).await {
            Ok(Ok(read)) if read > 0 => {}
            _ => return Ok(Some((Guess::Text, first))),
        }
    }
}

/// Connections that have said nothing yet. When there are too many, the oldest has to go.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next_ticket: u64,
    taken: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
    per_address: HashMap<IpAddr, usize>,
}

/// Says in which order connections came.
struct Ticket {
    room: Arc<WaitingRoom>,
    number: u64,
    address: IpAddr,
}

/// A place in the waiting room; given back when dropped.
struct Seat {
    room: Arc<WaitingRoom>,
    number: u64,
    call: Arc<Notify>,
}

impl WaitingRoom {
    fn seats(&self) -> std::sync::MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw_ticket(self: &Arc<Self>, address: IpAddr) -> Ticket {
        let mut seats = self.seats();
        let number = seats.next_ticket;
        seats.next_ticket += 1;
        drop(seats);
        Ticket { room: Arc::clone(self), number, address }
    }
}

impl Ticket {
    /// Takes a seat; where too many are taken, whoever came first has to go.
    fn take_seat(self) -> Seat {
        let Self { room, number, address } = self;
        let call = Arc::new(Notify::new());
        let mut seats = room.seats();
        seats.taken.insert(number, (address, Arc::clone(&call)));
        let from_here = seats.per_address.entry(address).or_default();
        *from_here += 1;
        let oldest = if *from_here > SILENT_PER_ADDRESS_MAX {
            seats.taken.iter().find(|(_, (other, _))| *other == address).map(|(number, _)| *number)
        } else if seats.taken.len() > SILENT_MAX {
            seats.taken.keys().next().copied()
        } else {
            None
        };
        if let Some(oldest) = oldest {
            seats.call_up(oldest);
        }
        drop(seats);
        Seat { room, number, call }
    }
}

impl Seats {
    fn call_up(&mut self, number: u64) {
        if let Some(call) = self.give_back(number) {
            call.notify_one();
        }
    }

    fn give_back(&mut self, number: u64) -> Option<Arc<Notify>> {
        let (address, call) = self.taken.remove(&number)?;
        if let Some(from_there) = self.per_address.get_mut(&address) {
            *from_there -= 1;
            if *from_there == 0 {
                self.per_address.remove(&address);
            }
        }
        Some(call)
    }
}

impl Seat {
    /// Until the seat is needed for somebody else.
    async fn called_up(&self) {
        self.call.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.seats().give_back(self.number);
    }
}

/// Opens a listener. The sockets of the default addresses for IPv4 and IPv6 do not share a port.
pub fn listen(listen: &Listen) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let domain = if listen.address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if listen.address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Windows this option would let two servers take the same port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.address.into())?;
    socket.listen(4_096)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn is_called_up(seat: &Seat) -> bool {
        !seat.room.seats().taken.contains_key(&seat.number)
    }

    #[test]
    fn the_oldest_of_a_crowded_address_goes_first() {
        let room = Arc::new(WaitingRoom::default());
        let other = room.draw_ticket(address(2)).take_seat();
        let seats: Vec<Seat> =
            (0..=SILENT_PER_ADDRESS_MAX).map(|_| room.draw_ticket(address(1)).take_seat()).collect();
        assert!(is_called_up(&seats[0]));
        assert!(!is_called_up(&seats[1]) && !is_called_up(&other));
        drop(seats);
        assert_eq!(room.seats().taken.len(), 1);
        assert_eq!(room.seats().per_address.len(), 1);
    }

    #[test]
    fn the_oldest_of_all_goes_when_the_room_is_full() {
        let room = Arc::new(WaitingRoom::default());
        let seats: Vec<Seat> =
            (0..=SILENT_MAX).map(|n| room.draw_ticket(address((n % 200) as u8)).take_seat()).collect();
        assert!(is_called_up(&seats[0]) && !is_called_up(&seats[1]));
    }
}
