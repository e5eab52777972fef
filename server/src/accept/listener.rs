use std::io;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::Deserialize;
use tokio::net::TcpListener;

/// The port of the tutorial that this began with.
pub const PORT: u16 = 2023;

/// An address, and what is served there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen {
    /// Where to listen.
    pub address: SocketAddr,
    /// The one door that is served; without it the first bytes decide.
    pub pin: Option<Pin>,
}

/// A door that a listener is pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// Words for people, greeted at once.
    Text,
    /// JSON Lines.
    Json,
    /// HTTP and WebSocket.
    Http,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pin, address) = match text.split_once('=') {
            None => (None, text),
            Some(("text", address)) => (Some(Pin::Text), address),
            Some(("json", address)) => (Some(Pin::Json), address),
            Some(("http", address)) => (Some(Pin::Http), address),
            Some((other, _)) => {
                return Err(format!("there is no door {other}; there are text, json and http"));
            }
        };
        let address = address.parse().map_err(|_| {
            format!("{address} is no address and port, such as 127.0.0.1:{PORT} or [::1]:{PORT}")
        })?;
        Ok(Self { address, pin })
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Opens a listener. The sockets of the default addresses for IPv4 and IPv6 do not share a port.
pub fn listen(listen: &Listen) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let domain = if listen.address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if listen.address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Windows this option would let two servers take the same port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.address.into())?;
    socket.listen(4_096)?;
    TcpListener::from_std(socket.into())
}
