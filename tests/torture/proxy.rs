//! A TCP proxy that treats links as bad networks do: it delays, cuts bytes into pieces, resets, falls silent on one side
//! or both, and puts in bytes that nobody sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// No byte of these stands in UTF-8, so whoever reads them can tell.
const GARBAGE: &[u8] = &[0xFF, 0xFE, 0xFF, 0xFE, 0xFF, 0xFE, 0xFF, 0xFE];

/// A fate comes within so many bytes.
const BYTES_OF_A_FATE_MAX: u64 = 150_000;

/// Which way bytes travel that nobody sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Garbage {
    /// To the clients.
    FromServer,
    /// To the clients and to the server.
    BothWays,
}

/// A running proxy; it ends with its value.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    faults: Arc<AtomicU64>,
    calm: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

/// What a proxy does to one direction of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing worse than delay and pieces; after so many bytes another fate is drawn.
    Fair(u64),
    /// After so many bytes both sides are reset.
    Reset(u64),
    /// After so many bytes nothing more comes, and nobody is told.
    Silence(u64),
    /// After so many bytes come some that nobody sent.
    Garbage(u64),
}

impl Proxy {
    /// Stands between its own address and the server's.
    pub(crate) async fn start(server: SocketAddr, garbage: Garbage, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let faults = Arc::new(AtomicU64::new(0));
        let (calm, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (counted, watched) = (Arc::clone(&faults), calm.clone());
        tasks.spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut links = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (faults, calm) = (Arc::clone(&counted), watched.subscribe());
                let link = Link { server, garbage, faults, calm, random: random.fork() };
                links.spawn(link.run(client));
                while links.try_join_next().is_some() {}
            }
        });
        Self { address, faults, calm, _tasks: tasks }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many faults there were.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// From now on links are fair; those that are silent are reset.
    pub(crate) fn calm_down(&self) {
        self.calm.send_replace(true);
    }
}

struct Link {
    server: SocketAddr,
    garbage: Garbage,
    faults: Arc<AtomicU64>,
    calm: watch::Receiver<bool>,
    random: fastrand::Rng,
}

impl Link {
    async fn run(mut self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        // Small buffers, so that pieces stay pieces.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mut up = self.direction(from_client, to_server, self.garbage == Garbage::BothWays);
        let mut down = self.direction(from_server, to_client, true);
        // One direction's end is the link's: dropping both halves of a socket that has unread bytes resets it.
        tokio::select! {
            () = up.carry() => {}
            () = down.carry() => {}
        }
    }

    fn direction(&mut self, from: OwnedReadHalf, to: OwnedWriteHalf, garbage: bool) -> Direction {
        Direction {
            from,
            to,
            garbage,
            fate: Fate::Fair(0),
            carried: 0,
            random: self.random.fork(),
            calm: self.calm.clone(),
            faults: Arc::clone(&self.faults),
        }
    }
}

struct Direction {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    garbage: bool,
    fate: Fate,
    carried: u64,
    random: fastrand::Rng,
    calm: watch::Receiver<bool>,
    faults: Arc<AtomicU64>,
}

impl Direction {
    /// Until one side closes, or its fate comes.
    async fn carry(&mut self) {
        let mut buffer = [0; 4_096];
        loop {
            let wanted = if self.random.u8(..4) == 0 { self.random.usize(1..64) } else { buffer.len() };
            let count = match self.from.read(&mut buffer[..wanted]).await {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            self.carried += count as u64;
            match self.fate {
                Fate::Reset(at) if self.carried > at => {
                    self.count();
                    return;
                }
                Fate::Silence(at) if self.carried > at => {
                    self.count();
                    // Half open: the socket lives, nothing comes. In the end somebody has had enough.
                    let _ = self.calm.wait_for(|calm| *calm).await;
                    return;
                }
                Fate::Garbage(at) if self.carried > at => {
                    self.count();
                    self.fate = self.next_fate();
                    if self.to.write_all(GARBAGE).await.is_err() {
                        return;
                    }
                }
                Fate::Fair(at) if self.carried > at => self.fate = self.next_fate(),
                _ => {}
            }
            self.delay().await;
            if self.to.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    }

    fn next_fate(&mut self) -> Fate {
        let at = self.carried + self.random.u64(200..BYTES_OF_A_FATE_MAX);
        match self.random.u8(..12) {
            _ if *self.calm.borrow() => Fate::Fair(at),
            0..3 => Fate::Reset(at),
            3 => Fate::Silence(at),
            4..6 if self.garbage => Fate::Garbage(at),
            _ => Fate::Fair(at),
        }
    }

    /// A few milliseconds, now and then, until everything is calm.
    async fn delay(&mut self) {
        if self.random.u8(..8) == 0 {
            let delay = Duration::from_millis(self.random.u64(1..20));
            let calm = self.calm.wait_for(|calm| *calm);
            // Whether the time is over or it has become calm.
            let _ = tokio::time::timeout(delay, calm).await;
        }
    }

    fn count(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }
}
