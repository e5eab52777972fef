use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name of a host, in bytes: what DNS takes.
const HOST_BYTES_MAX: usize = 253;
/// The port of a server when none is given.
pub(crate) const DEFAULT_PORT: u16 = 2023;

/// Where a server listens, and through which door to come in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// A host's name or address, IPv6 without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// The path of the WebSocket; `None`: JSON Lines over TCP.
    pub(crate) web_socket: Option<String>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// Nothing that could be a host.
    Host,
    /// No number from 1 to 65535 after the colon.
    Port(String),
    /// A scheme that this program does not speak.
    Scheme(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("write HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws"),
            Self::Port(port) => write!(f, "\"{}\" is no port; write 1 to 65535", port.escape_debug()),
            Self::Scheme(scheme) => {
                write!(
                    f,
                    "\"{}://\" is not spoken here; write HOST:PORT or ws://HOST:PORT/ws",
                    scheme.escape_debug()
                )
            }
        }
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// A server on this machine.
    pub(crate) fn local() -> Self {
        Self { host: Ipv4Addr::LOCALHOST.to_string(), port: DEFAULT_PORT, web_socket: None }
    }
}

/// Whether it could be a host: an IPv6 address, perhaps with its zone, an IPv4 address, or a name.
fn is_host(host: &str) -> bool {
    if host.contains(':') {
        let (address, zone) = host.split_once('%').unwrap_or((host, "0"));
        return address.parse::<Ipv6Addr>().is_ok()
            && !zone.is_empty()
            && !zone.contains(char::is_whitespace);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    if !last.is_empty() && last.chars().all(|c| c.is_ascii_digit()) {
        return name.parse::<Ipv4Addr>().is_ok();
    }
    let in_name = |c: char| c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !c.is_control());
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.chars().all(|c| in_name(c) || matches!(c, '-' | '_'))
    };
    host.len() <= HOST_BYTES_MAX && name.split('.').all(is_label)
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (rest, web_socket) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, "ws"));
                (authority, Some(format!("/{path}")))
            }
            Some((scheme, _)) => return Err(AddressError::Scheme(scheme.to_owned())),
            None => (text, None),
        };
        let (host, port) = if let Some(rest) = rest.strip_prefix('[') {
            let (host, after) = rest.split_once(']').ok_or(AddressError::Host)?;
            if !host.contains(':') {
                return Err(AddressError::Host);
            }
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(AddressError::Host),
            }
        } else if rest.matches(':').count() > 1 {
            // An IPv6 address without brackets has no port.
            (rest, None)
        } else {
            match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        if !is_host(host) {
            return Err(AddressError::Host);
        }
        let port = match port {
            None if web_socket.is_some() => 80,
            None => DEFAULT_PORT,
            Some(port) => match port.parse() {
                Ok(number) if number > 0 && port.chars().all(|c| c.is_ascii_digit()) => number,
                _ => return Err(AddressError::Port(port.to_owned())),
            },
        };
        Ok(Self { host: host.to_owned(), port, web_socket })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.web_socket.is_some() {
            f.write_str("ws://")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        f.write_str(self.web_socket.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &AddressError>) {
        let address = text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(address.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn addresses_are_read() {
        check("tea.example", Ok("tea.example:2023"));
        check("tea.example:1", Ok("tea.example:1"));
        check("127.0.0.1", Ok("127.0.0.1:2023"));
        check("::1", Ok("[::1]:2023"));
        check("[::1]", Ok("[::1]:2023"));
        check("[fe80::1%eth0]:99", Ok("[fe80::1%eth0]:99"));
        check("ws://tea.example:8080/ws", Ok("ws://tea.example:8080/ws"));
        check("ws://tea.example", Ok("ws://tea.example:80/ws"));
        check("WS://[::1]:2023/chat/ws", Ok("ws://[::1]:2023/chat/ws"));
        check("茶馆.example", Ok("茶馆.example:2023"));
        check("tea.example.:1", Ok("tea.example.:1"));
        check("my_host-2", Ok("my_host-2:2023"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            " ",
            ":2023",
            "[::1",
            "[::1]x",
            "a b",
            "a/b",
            "ws://",
            "[]:1",
            "nonsense:::",
            "1:2:3",
            "[tea]:1",
            "256.0.0.1",
            "1.2.3",
            "a..b",
            "-a",
            "me@tea",
            "a?b",
            "a#b",
            "\"a\"",
            "fe80::1%",
        ] {
            check(text, Err(&AddressError::Host));
        }
        for port in ["0", "65536", "x", "", "-1", "+80"] {
            check(&format!("h:{port}"), Err(&AddressError::Port(port.into())));
        }
        check("wss://h", Err(&AddressError::Scheme("wss".into())));
        check("http://h", Err(&AddressError::Scheme("http".into())));
    }
}
