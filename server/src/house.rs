//! What every session needs of the server: the house that they are guests in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slab::Slab;
use teahouse_protocol::{RoomName, UnixMillis};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::fanout::Replays;
use crate::lanes::Lanes;
use crate::log::Reader;
use crate::order::{Order, Wish};
use crate::origins::Origins;
use crate::pace::{Pace, Paces};
use crate::proxies::Proxies;
use crate::seat::Seat;
use crate::state::{Action, LOBBY, UserId};
use crate::turns::Source;

/// Name and version of this program.
pub const SERVER: &str = concat!("teahouse-server/", env!("CARGO_PKG_VERSION"));

/// How long the server waits for peers.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte to a complete hello or HTTP request.
    pub handshake: Duration,
    /// From connecting to the first byte.
    pub silence: Duration,
    /// For a guest whose name is not kept, from its last connection to its departure.
    pub lease: Duration,
    /// For a peer that takes nothing of what waits for it.
    pub stalled: Duration,
}

/// The running server, as sessions see it.
pub struct House {
    /// Rooms, members and who is connected.
    pub directory: Arc<Directory>,
    /// Where proposals go.
    pub order: Order,
    /// Where history comes from.
    pub reader: Reader,
    /// What cursors behind their room's tail read.
    pub replays: Arc<Replays>,
    /// How long to wait.
    pub patience: Patience,
    /// What clients have used of their rates.
    pub paces: Paces,
    /// Where reads of the log wait for their turn.
    pub lanes: Lanes,
    /// Whose pages may connect.
    pub origins: Origins,
    /// Who may say whom it speaks for.
    pub proxies: Proxies,
    /// What time it is.
    pub clock: Clock,
    connections: Mutex<Slab<Arc<dyn Seat>>>,
    next_connection: AtomicU64,
    open: watch::Sender<usize>,
}

/// A place among the connections; given back when dropped.
pub struct Place {
    house: Arc<House>,
    index: usize,
}

impl House {
    /// A house without guests.
    #[expect(clippy::too_many_arguments, reason = "it is put together once")]
    pub fn new(
        directory: Arc<Directory>,
        order: Order,
        reader: Reader,
        lanes: Lanes,
        clock: Clock,
        patience: Patience,
        pace: Pace,
        origins: Origins,
        proxies: Proxies,
    ) -> Self {
        let (open, _) = watch::channel(0);
        Self {
            directory,
            order,
            replays: Arc::new(Replays::new(reader.clone())),
            reader,
            patience,
            paces: Paces::new(pace),
            lanes,
            clock,
            origins,
            proxies,
            connections: Mutex::default(),
            next_connection: AtomicU64::new(1),
            open,
        }
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Slab<Arc<dyn Seat>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where people in words find themselves.
    pub fn first_room() -> RoomName {
        RoomName::parse(LOBBY).expect("a constant that follows the rules")
    }

    /// A number for a connection, which no other has.
    pub fn number_connection(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes a connection in.
    pub fn enter(self: &Arc<Self>, seat: Arc<dyn Seat>) -> Place {
        let index = self.connections().insert(seat);
        self.open.send_modify(|open| *open += 1);
        Place { house: Arc::clone(self), index }
    }

    /// Asks every connection to say goodbye, and waits until all have gone.
    pub async fn say_goodbye(&self) {
        for (_, seat) in self.connections().iter() {
            seat.shut_down();
        }
        // The sender lives in self, so this cannot fail.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Proposes that whoever has been away for a lease departs. Never returns.
    pub async fn end_leases(&self) {
        loop {
            let (user, since) = self.directory.lease_over().await;
            self.end_lease(user, since);
        }
    }

    /// Proposes that somebody departs whose lease is over, and who is away since then.
    pub fn end_lease(&self, user: UserId, since: UnixMillis) {
        let departs = Wish::new(user, Action::Depart { since });
        if let Err(refusal) = self.order.submit(Source::HOUSE, departs, None) {
            tracing::debug!("a departure waits: {refusal}");
            self.directory.postpone(user);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.connections().remove(self.index);
        self.house.open.send_modify(|open| *open -= 1);
    }
}
