//! Takes connections in, and lets their first bytes choose a door.

mod arrival;
mod listener;
mod refusals;
mod waiting_room;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

pub use listener::{Listen, PORT, Pin, listen};
pub use waiting_room::WaitingRoom;

use crate::admission::{Admission, Crowded, Pass, Visit};
use crate::connection::Connection;
use crate::door::{Door, Foreign, Guess, JsonDoor, TextDoor, blank_bytes, sniff};
use crate::house::House;
use crate::http;
use crate::pace::{Address, Kind};
use arrival::{Arrival, refuse};
use refusals::{Refusals, refusal};

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The kernel asks a peer that has said nothing for so long whether it is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// A TLS alert: fatal, handshake_failure. RFC 8446 section 6.
const TLS_REFUSAL: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

/// Accepts connections until the task is aborted.
pub async fn accept(
    listener: TcpListener,
    pin: Option<Pin>,
    house: Arc<House>,
    waiting: Arc<WaitingRoom>,
    admission: Arc<Admission>,
) {
    let router = http::router(Arc::clone(&house));
    let refusals = Arc::new(Refusals::default());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let pass = match let_in(peer, &house, &admission) {
                    Ok(pass) => pass,
                    Err(why) => {
                        tracing::debug!("{peer} is not let in: {why}");
                        let refusals = Arc::clone(&refusals);
                        tokio::spawn(async move { refusals.tell(stream, pin, why).await });
                        continue;
                    }
                };
                let visit = Visit::begin(peer, pass);
                let (house, router) = (Arc::clone(&house), router.clone());
                // Its place in the waiting room is found here, since tasks do not begin in the order of their connections.
                let arrival = Arrival::new(stream, peer, &house.proxies, &waiting);
                tokio::spawn(async move {
                    if let Err(error) = receive(arrival, pin, visit, house, router).await {
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

/// Whether there is room for one more connection, in all and of its address. A proxy's count only in all.
fn let_in(peer: SocketAddr, house: &House, admission: &Arc<Admission>) -> Result<Pass, Crowded> {
    let address = (!house.proxies.trust(peer.ip())).then(|| Address::of(peer.ip()));
    if let Some(address) = address {
        let now = std::time::Instant::now();
        house.paces.take(Kind::Connections, address, now).map_err(|_| Crowded::Pace)?;
    }
    admission.enter(address)
}

async fn receive(
    mut arrival: Arrival,
    pin: Option<Pin>,
    visit: Arc<Visit>,
    house: Arc<House>,
    router: Router,
) -> io::Result<()> {
    prepare(&arrival.stream, house.patience.stalled)?;
    match arrival.proxy_header(pin, &visit, &house).await? {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(why) => {
            refuse(arrival.stream, &refusal(pin, sniff(&arrival.first), why)).await;
            return Ok(());
        }
    }
    let guess = match pin {
        Some(Pin::Text) => {
            let Arrival { stream, first, .. } = arrival;
            let door = Door::Text(TextDoor::new(House::first_room()).into());
            let connection = Connection::new(stream, visit.peer(), house, door, &first, Instant::now());
            stay(connection.greeting_at_once(), visit);
            return Ok(());
        }
        Some(Pin::Json) => Guess::Json,
        Some(Pin::Http) => Guess::Http,
        None => match arrival.first_words(&house).await? {
            Some(guess) => guess,
            None => return Ok(()),
        },
    };
    let Arrival { stream, mut first, since, .. } = arrival;
    let since = since.unwrap_or_else(Instant::now);
    let door = match guess {
        Guess::Http => {
            first.drain(..blank_bytes(&first));
            Box::pin(http::serve(stream, &first, since, visit, &house, &router)).await;
            return Ok(());
        }
        Guess::Tls => {
            tracing::info!("{} asked for TLS, which this server does not speak", visit.peer());
            refuse(stream, TLS_REFUSAL).await;
            return Ok(());
        }
        Guess::Foreign(foreign) => return turn_away(stream, foreign, &visit).await,
        Guess::Json => {
            first.drain(..blank_bytes(&first));
            Door::Json(JsonDoor::default())
        }
        Guess::Text | Guess::Open | Guess::Begun | Guess::Blank { .. } => {
            Door::Text(TextDoor::new(House::first_room()).into())
        }
    };
    stay(Connection::new(stream, visit.peer(), house, door, &first, since), visit);
    Ok(())
}

/// `stalled`: so long the system waits for a peer that confirms nothing of what was sent to it.
fn prepare(stream: &TcpStream, stalled: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    socket.set_tcp_keepalive(&keepalive)?;
    // Other systems have times of their own.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(stalled))?;
    #[cfg(not(target_os = "linux"))]
    let _ = stalled;
    // Telnet sends the end of its Ctrl-C as urgent data, which would be missing in what is read.
    socket.set_out_of_band_inline(true)
}

/// Says to a peer that its protocol is not spoken here.
async fn turn_away(stream: TcpStream, foreign: Foreign, visit: &Visit) -> io::Result<()> {
    tracing::info!("{} was turned away: it seems to speak {foreign}", visit.peer());
    refuse(stream, &foreign.refusal()).await;
    Ok(())
}

/// Serves a connection to its end, in a task of its own: that of the first bytes has room for much that is over now.
fn stay(connection: Box<Connection>, visit: Arc<Visit>) {
    tokio::spawn(async move { visit.was(connection.run().await) });
}
