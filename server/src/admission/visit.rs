use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Crowded, Pass};
use crate::pace::{Address, Kind, Paces};

/// A connection from accept to close, for the log.
#[derive(Debug)]
pub struct Visit {
    socket: SocketAddr,
    /// Whom a trusted proxy speaks for. In a box, since most connections are nobody's proxy.
    client: Mutex<Option<Box<(SocketAddr, Pass)>>>,
    /// Whether its end is in the log.
    over: AtomicBool,
    /// Its place among the connections.
    pass: Pass,
}

impl Visit {
    pub(crate) fn begin(socket: SocketAddr, pass: Pass) -> Arc<Self> {
        tracing::info!("{socket} connected");
        Arc::new(Self { socket, client: Mutex::default(), over: AtomicBool::new(false), pass })
    }

    fn client(&self) -> MutexGuard<'_, Option<Box<(SocketAddr, Pass)>>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client's address, behind a trusted proxy too.
    pub fn peer(&self) -> SocketAddr {
        self.client().as_ref().map_or(self.socket, |client| client.0)
    }

    /// A trusted proxy said whom it speaks for, who has limits of its own.
    pub fn speaks_for(&self, client: SocketAddr, paces: &Paces) -> Result<(), Crowded> {
        let before = self.peer();
        if before == client {
            return Ok(());
        }
        let address = Address::of(client.ip());
        paces.take(Kind::Connections, address, Instant::now()).map_err(|_| Crowded::Pace)?;
        let pass = self.pass.for_client(address)?;
        tracing::info!("{before} speaks for {client}");
        *self.client() = Some(Box::new((client, pass)));
        Ok(())
    }

    /// It is over, and this is who it was.
    pub fn was(&self, name: Option<String>) {
        if let Some(name) = name {
            tracing::info!("{} left ({name})", self.peer());
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !*self.over.get_mut() {
            tracing::info!("{} left", self.peer());
        }
    }
}
