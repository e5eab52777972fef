//! Values of options, which the command line, the environment and the file share.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::PORT;

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

/// Several values of an option in one text, with commas between them and white space around them. A text without any is
/// none, so that a variable of the environment may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T>(pub(super) Vec<T>);

impl<T: FromStr<Err = String>> FromStr for Listed<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        values.map(T::from_str).collect::<Result<_, _>>().map(Self)
    }
}

/// A time to wait, of at least a millisecond and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Millis(u64);

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;

impl Millis {
    pub(super) fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl TryFrom<u64> for Millis {
    type Error = String;

    fn try_from(millis: u64) -> Result<Self, String> {
        if (1..=DAY_MILLIS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(format!(
                "{millis} is no time to wait; it lies between 1 and {DAY_MILLIS} milliseconds, which is a day"
            ))
        }
    }
}

impl FromStr for Millis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>().map_err(|_| format!("{text:?} is no number of milliseconds"))?.try_into()
    }
}
