//! A small reverse proxy for HTTP and WebSocket, as nginx is set up in front of a server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the proxy does with the path below which it shows the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Takes it off, so that the server sees `/`.
    Strip,
    /// Leaves it.
    Keep,
}

/// A running proxy; it ends with this value.
#[derive(Debug)]
pub struct ReverseProxy {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl ReverseProxy {
    /// Shows the server below `path`, such as `/chat`. Adds these lines to the head of each request.
    pub async fn start(server: SocketAddr, path: &'static str, prefix: Prefix, lines: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(async move {
                    // Either side may go at any time.
                    let _ = carry(client, server, path, prefix, lines).await;
                });
            }
        });
        Self { address, _tasks: tasks }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One request a connection, whatever comes back, and both ways after an upgrade.
async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    path: &str,
    prefix: Prefix,
    lines: &str,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (request, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
    let target = request.split(' ').nth(1).unwrap_or_default();
    let below = match target.strip_prefix(path) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => rest,
        _ => {
            return client
                .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
    };
    let target = match prefix {
        Prefix::Keep => target.to_owned(),
        // `/chat` becomes `/`, as with most proxies.
        Prefix::Strip => format!("/{}", below.trim_start_matches('/')),
    };
    let is_upgrade = fields.to_ascii_lowercase().contains("upgrade: websocket");
    let kept = |field: &&str| {
        !field.is_empty() && (is_upgrade || !field.to_ascii_lowercase().starts_with("connection:"))
    };
    let mut forwarded = format!("GET {target} HTTP/1.1\r\n{lines}");
    fields.split("\r\n").filter(kept).for_each(|field| {
        forwarded.push_str(field);
        forwarded.push_str("\r\n");
    });
    forwarded.push_str(if is_upgrade { "\r\n" } else { "Connection: close\r\n\r\n" });
    let mut server = TcpStream::connect(server).await?;
    server.write_all(forwarded.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}
