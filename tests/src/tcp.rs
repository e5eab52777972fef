//! JSON Lines over TCP.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::client::{self, Client};
use crate::server::Server;
use crate::wait::within;

/// A TCP connection, line by line.
#[derive(Debug)]
pub struct Link {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    local: SocketAddr,
}

/// Connects and says nothing.
pub async fn connect(server: &Server) -> Client {
    let stream =
        within("a connection", TcpStream::connect(server.address())).await.expect("the server accepts");
    let local = stream.local_addr().expect("connected");
    let (reader, writer) = stream.into_split();
    Client::new(client::Link::Tcp(Link { reader: BufReader::new(reader), writer, local }))
}

/// Connects, says hello, joins and watches the lobby.
pub async fn enter(server: &Server, name: &str) -> Client {
    let mut client = connect(server).await;
    client.hello(name).await;
    client.enter("lobby").await;
    client
}

impl Link {
    pub(crate) async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.send_bytes(format!("{text}\n").as_bytes()).await
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        within("the server to read", self.writer.write_all(bytes)).await
    }

    /// Says that nothing more will come.
    pub async fn finish(&mut self) {
        self.writer.shutdown().await.expect("a connection can be half closed");
    }

    /// The address of this end.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) async fn receive(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).await {
            // A server that closes while bytes for it are on their way resets the connection.
            Ok(0) | Err(_) => None,
            Ok(_) => {
                assert!(line.ends_with('\n'), "the server closed in the middle of a line: {line:?}");
                Some(line.trim_end().to_owned())
            }
        }
    }
}
