use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::admission::Pass;

/// A connection from accept to close, for the log.
#[derive(Debug)]
pub struct Visit {
    socket: SocketAddr,
    /// Whom a trusted proxy speaks for.
    client: OnceLock<SocketAddr>,
    /// Whether its end is in the log.
    over: AtomicBool,
    /// Its place among the connections.
    _pass: Pass,
}

impl Visit {
    pub(super) fn begin(socket: SocketAddr, pass: Pass) -> Arc<Self> {
        tracing::info!("{socket} connected");
        Arc::new(Self { socket, client: OnceLock::new(), over: AtomicBool::new(false), _pass: pass })
    }

    /// The client's address, behind a trusted proxy too.
    pub fn peer(&self) -> SocketAddr {
        self.client.get().copied().unwrap_or(self.socket)
    }

    /// A trusted proxy said whom it speaks for. Only the first time counts.
    pub fn speaks_for(&self, client: SocketAddr) {
        let before = self.peer();
        if before != client && self.client.set(client).is_ok() {
            tracing::info!("{before} speaks for {client}");
        }
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
