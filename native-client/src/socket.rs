use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use teahouse_protocol::limits::SERVER_MESSAGE_BYTES_MAX;
use teahouse_protocol::{LineFramer, LineTooLong};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use crate::address::Address;

/// How many objects wait for the brain before the socket is read no further.
const INCOMING_MAX: usize = 64;
/// How many bytes are read at a time.
const READ_BYTES: usize = 16 * 1024;
/// How long one attempt to open may take; the brain gives up earlier.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// What happens on a link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// It stands.
    Opened,
    /// One JSON object came.
    Received(String),
    /// Something longer than [`SERVER_MESSAGE_BYTES_MAX`] came, and it was closed. The last event of a link.
    TooLong,
    /// It is gone, or never came to be. The last event of a link.
    Closed(String),
}

/// A link to the server. Dropping it closes it at once, and nothing of it is heard afterwards.
#[derive(Debug)]
pub(crate) struct Socket {
    events: mpsc::Receiver<LinkEvent>,
    /// Unbounded, since the brain has few requests and no more posts outstanding than the server works on.
    outgoing: mpsc::UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Socket {
    /// Begins to open a link.
    pub(crate) fn open(address: Address) -> Self {
        let (sender, events) = mpsc::channel(INCOMING_MAX);
        let (outgoing, lines) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let end = match talk(&address, &sender, lines).await {
                Ok(()) => LinkEvent::Closed("the server closed the connection".to_owned()),
                Err(error) if is_too_long(&error) => LinkEvent::TooLong,
                Err(error) => LinkEvent::Closed(format!("{error:#}")),
            };
            // Nobody listens when the driver has dropped the link, and then nobody needs to know.
            let _ = sender.send(end).await;
        });
        Self { events, outgoing, task }
    }

    /// Waits for the next event; after the last one, for ever. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> LinkEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Sends one JSON object. One that cannot be sent any more is sent again by the brain over the next link.
    pub(crate) fn send(&self, line: String) {
        let _ = self.outgoing.send(line);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn is_too_long(error: &anyhow::Error) -> bool {
    let message = error.downcast_ref::<WebSocketError>();
    error.is::<LineTooLong>()
        || matches!(message, Some(WebSocketError::Capacity(CapacityError::MessageTooLong { .. })))
}

async fn talk(
    address: &Address,
    events: &mpsc::Sender<LinkEvent>,
    lines: mpsc::UnboundedReceiver<String>,
) -> anyhow::Result<()> {
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    let stream = tokio::time::timeout(CONNECT_WITHIN, connecting)
        .await
        .map_err(|_| anyhow::anyhow!("no answer from {address}"))?
        .map_err(|error| anyhow::anyhow!("cannot connect to {address}: {error}"))?;
    stream.set_nodelay(true)?;
    if address.web_socket.is_some() {
        talk_web_socket(address, stream, events, lines).await
    } else {
        talk_lines(stream, events, lines).await
    }
}

async fn talk_lines(
    mut stream: TcpStream,
    events: &mpsc::Sender<LinkEvent>,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> anyhow::Result<()> {
    events.send(LinkEvent::Opened).await?;
    let (mut reader, mut writer) = stream.split();
    let read = async {
        let mut framer = LineFramer::new(SERVER_MESSAGE_BYTES_MAX);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = reader.read(&mut buffer).await?;
            if length == 0 {
                return anyhow::Ok(());
            }
            let mut input = &buffer[..length];
            while let Some(line) = framer.next_line(&mut input)? {
                let line = String::from_utf8(line.into_owned())?;
                events.send(LinkEvent::Received(line)).await?;
            }
        }
    };
    let write = async {
        while let Some(mut line) = lines.recv().await {
            line.push('\n');
            writer.write_all(line.as_bytes()).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = read => ended,
        ended = write => ended,
    }
}

async fn talk_web_socket(
    address: &Address,
    stream: TcpStream,
    events: &mpsc::Sender<LinkEvent>,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> anyhow::Result<()> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(SERVER_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SERVER_MESSAGE_BYTES_MAX));
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(address.to_string(), stream, Some(config)).await?;
    events.send(LinkEvent::Opened).await?;
    let (mut sink, mut stream) = socket.split();
    let read = async {
        while let Some(message) = stream.next().await {
            match message? {
                Message::Text(text) => events.send(LinkEvent::Received(text.to_string())).await?,
                Message::Close(Some(frame)) => {
                    anyhow::bail!("the server closed the connection: {}", frame.reason)
                }
                Message::Close(None) => break,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        anyhow::Ok(())
    };
    let write = async {
        while let Some(line) = lines.recv().await {
            sink.send(Message::text(line)).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = read => ended,
        ended = write => ended,
    }
}
