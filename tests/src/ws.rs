//! JSON over WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::{self, Client};
use crate::server::Server;
use crate::wait::within;

/// A WebSocket, message by message.
#[derive(Debug)]
pub struct Link {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    close: Option<(u16, String)>,
}

/// Connects and says nothing.
pub async fn connect(server: &Server) -> Client {
    try_connect(server, &[]).await.unwrap_or_else(|error| panic!("no WebSocket: {error}"))
}

/// Connects with further headers. The error has the server's answer.
pub async fn try_connect(server: &Server, headers: &[(&'static str, &str)]) -> Result<Client, Box<Error>> {
    let url = format!("ws://{}/ws", server.address());
    let mut request = url.into_client_request().expect("a good address");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a good header");
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    let (stream, _) = within("a WebSocket", connect_async(request)).await?;
    Ok(Client::new(client::Link::Ws(Box::new(Link { stream, close: None }))))
}

/// Connects, says hello, joins and watches the lobby.
pub async fn enter(server: &Server, name: &str) -> Client {
    let mut client = connect(server).await;
    client.hello(name).await;
    client.enter("lobby").await;
    client
}

impl Link {
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), Error> {
        self.send_message(Message::text(text)).await
    }

    /// Sends a message of any kind.
    pub async fn send_message(&mut self, message: Message) -> Result<(), Error> {
        within("the server to read", self.stream.send(message)).await
    }

    pub(crate) async fn receive(&mut self) -> Option<String> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    self.close = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Binary(bytes))) => panic!("a binary message of {} bytes", bytes.len()),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return None,
            }
        }
    }

    pub(crate) fn close_code(&self) -> Option<(u16, String)> {
        self.close.clone()
    }
}
