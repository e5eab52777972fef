//! A JSON client that expects nothing to go well.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use teahouse_protocol::{
    Auth, Command, Hello, Join, MemberName, PROTOCOL_VERSION, Request, RequestId, RoomName, ServerMessage,
    decode_server_message,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How a client comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// JSON Lines.
    Tcp,
    /// WebSocket.
    Ws,
}

/// The link is of no more use: closed, reset, silent, or speaking what is no message of the protocol.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

/// A link on which a request is unanswered and nothing comes for so long is taken for dead, as a client's heartbeat
/// does it. Nothing that works waits for it.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Socket {
    Tcp { reader: BufReader<OwnedReadHalf>, writer: OwnedWriteHalf, partial: Vec<u8> },
    Ws(Box<WebSocketStream<TcpStream>>),
}

/// A connection. It numbers its requests.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Socket,
    last_id: u64,
}

fn broken(error: impl std::fmt::Display) -> Broken {
    Broken(error.to_string())
}

impl Link {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr, way: Way) -> Result<Self, Broken> {
        let opening = async {
            let stream = TcpStream::connect(address).await.map_err(broken)?;
            stream.set_nodelay(true).map_err(broken)?;
            Ok(match way {
                Way::Tcp => {
                    let (reader, writer) = stream.into_split();
                    Socket::Tcp { reader: BufReader::new(reader), writer, partial: Vec::new() }
                }
                Way::Ws => {
                    let (socket, _) =
                        client_async(format!("ws://{address}/ws"), stream).await.map_err(broken)?;
                    Socket::Ws(Box::new(socket))
                }
            })
        };
        let socket = tokio::time::timeout(SILENCE_MAX, opening).await.map_err(|_| broken("no answer"))??;
        Ok(Self { socket, last_id: 0 })
    }

    /// JSON Lines over a connection that is there.
    pub(crate) fn over(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        let socket = Socket::Tcp { reader: BufReader::new(reader), writer, partial: Vec::new() };
        Self { socket, last_id: 0 }
    }

    /// Sends a request; gives its number.
    pub(crate) async fn send(&mut self, command: Command) -> Result<RequestId, Broken> {
        self.last_id += 1;
        let id = RequestId::new(self.last_id).expect("small");
        self.send_text(&Request { id, command }.to_json()).await?;
        Ok(id)
    }

    /// Sends a text as one line or message.
    pub(crate) async fn send_text(&mut self, text: &str) -> Result<(), Broken> {
        let sending = async {
            match &mut self.socket {
                Socket::Tcp { writer, .. } => {
                    writer.write_all(format!("{text}\n").as_bytes()).await.map_err(broken)
                }
                Socket::Ws(socket) => socket.send(Message::text(text)).await.map_err(broken),
            }
        };
        tokio::time::timeout(SILENCE_MAX, sending).await.map_err(|_| broken("nobody reads"))?
    }

    /// The next message. May be given up and called again: nothing is lost.
    pub(crate) async fn receive(&mut self) -> Result<ServerMessage, Broken> {
        let text = match &mut self.socket {
            Socket::Tcp { reader, partial, .. } => {
                reader.read_until(b'\n', partial).await.map_err(broken)?;
                if partial.last() != Some(&b'\n') {
                    return Err(broken("closed"));
                }
                std::mem::take(partial)
            }
            Socket::Ws(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => break text.as_bytes().to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(other)) => return Err(Broken(format!("{other:?}"))),
                    Some(Err(error)) => return Err(broken(error)),
                    None => return Err(broken("closed")),
                }
            },
        };
        match decode_server_message(&text) {
            Ok(ServerMessage::Unknown) => Err(broken("a message of an unknown type")),
            Ok(ServerMessage::Goodbye(goodbye)) => Err(Broken(goodbye.message)),
            Ok(ServerMessage::Error(error)) if error.re.is_none() => Err(Broken(error.message)),
            Ok(message) => Ok(message),
            Err(error) => Err(broken(error)),
        }
    }

    /// The next message, which must come soon.
    pub(crate) async fn receive_soon(&mut self) -> Result<ServerMessage, Broken> {
        tokio::time::timeout(SILENCE_MAX, self.receive()).await.map_err(|_| broken("silent"))?
    }

    /// Sends a request and waits for its reply. Pushes on the way are thrown away.
    pub(crate) async fn ask(&mut self, command: Command) -> Result<ServerMessage, Broken> {
        let id = self.send(command).await?;
        loop {
            let message = self.receive_soon().await?;
            if message.re() == Some(id) {
                return Ok(message);
            }
        }
    }

    /// Says hello.
    pub(crate) async fn hello(&mut self, auth: Auth) -> Result<ServerMessage, Broken> {
        let hello = Hello { protocol: PROTOCOL_VERSION, auth, client: Some("torture/1".into()) };
        self.ask(Command::Hello(hello)).await
    }

    /// Says hello as a guest for whom nothing is kept.
    pub(crate) async fn hello_as_anybody(&mut self) -> Result<(), Broken> {
        match self.hello(Auth::Guest { name: None, keep: false }).await? {
            ServerMessage::Welcome(_) => Ok(()),
            other => Err(Broken(other.to_json())),
        }
    }

    /// Becomes a member of a room, which is made where there is none.
    pub(crate) async fn join(&mut self, room: &RoomName) -> Result<(), Broken> {
        match self.ask(Command::Join(Join { room: room.clone(), create: true })).await? {
            ServerMessage::Ack(_) => Ok(()),
            other => Err(Broken(other.to_json())),
        }
    }
}

/// A guest's hello that keeps the name.
pub(crate) fn kept(name: &str) -> Auth {
    Auth::Guest { name: Some(MemberName::parse(name).expect("a legal name")), keep: true }
}

/// A room's name.
pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a legal name")
}
