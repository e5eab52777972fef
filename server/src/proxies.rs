//! Proxies that are trusted to say whom they speak for: in a header of the PROXY protocol, versions 1 and 2, before
//! anything else, or in `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use ppp::{PartialResult, v1, v2};
use serde::Deserialize;

/// A header is no longer than this, in bytes; the specification's own examples of what may follow an address have some
/// hundred.
const HEADER_BYTES_MAX: usize = 4 * 1024;
/// A header of version 1 is a line of at most so many bytes, its ending included.
const LINE_BYTES_MAX: usize = 107;
/// What it begins with, unlike words about proxies.
const VERSION_1: [&str; 3] = ["PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN"];
/// Addresses of so many proxies are looked at, from the nearest on.
const FORWARDED_MAX: usize = 64;

/// An address, or a network of them, as `10.0.0.1`, `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = address.or_else(|_| text.parse::<IpNet>());
        network.map(|network| Self(canonical(network).trunc())).map_err(|_| {
            format!("{text} is no address or network, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8")
        })
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn canonical(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(address), bits @ 96..) => IpNet::new(address.into(), bits - 96).unwrap_or(network),
        _ => network,
    }
}

/// The trusted proxies.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Trusts these.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether a proxy with this address is trusted.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|Network(network)| network.contains(&address.to_canonical()))
    }

    /// Whom a peer speaks for, from its `X-Forwarded-For`, the values of which come in their order: the last address that
    /// is no trusted proxy's. What lies further on may be anybody's invention.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops = forwarded.rev().flat_map(|value| value.rsplit(','));
        for hop in hops.take(FORWARDED_MAX) {
            if !self.trust(client) {
                break;
            }
            match address(hop.trim()) {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

/// What the first bytes from a trusted proxy are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// No header of the PROXY protocol.
    None,
    /// The beginning of one.
    Begun,
    /// One that cannot be read.
    Wrong,
    /// A whole one.
    Whole {
        /// So long it is.
        bytes: usize,
        /// Whom the proxy speaks for; `None` where that has no address, or it speaks for itself.
        client: Option<SocketAddr>,
    },
}

impl Header {
    /// Reads the first bytes.
    pub fn read(first: &[u8]) -> Self {
        let begins = |prefix: &[u8]| {
            let length = prefix.len().min(first.len());
            first[..length] == prefix[..length]
        };
        if VERSION_1.iter().any(|prefix| begins(prefix.as_bytes())) {
            Self::version_1(first)
        } else if begins(v2::PROTOCOL_PREFIX) {
            Self::version_2(first)
        } else {
            Self::None
        }
    }

    fn version_1(first: &[u8]) -> Self {
        if first.len() < LINE_BYTES_MAX && !first.contains(&b'\n') {
            return Self::Begun;
        }
        let Ok(header) = v1::Header::try_from(first) else { return Self::Wrong };
        let client = match header.addresses {
            v1::Addresses::Tcp4(from) => Some((from.source_address, from.source_port).into()),
            v1::Addresses::Tcp6(from) => Some((from.source_address, from.source_port).into()),
            v1::Addresses::Unknown => None,
        };
        Self::Whole { bytes: header.header.len(), client }
    }

    fn version_2(first: &[u8]) -> Self {
        let header = v2::Header::try_from(first);
        match header {
            Ok(header) if header.len() <= HEADER_BYTES_MAX => {
                let client = match header.addresses {
                    _ if header.command == v2::Command::Local => None,
                    v2::Addresses::IPv4(from) => Some((from.source_address, from.source_port).into()),
                    v2::Addresses::IPv6(from) => Some((from.source_address, from.source_port).into()),
                    v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
                };
                Self::Whole { bytes: header.len(), client }
            }
            Err(error) if error.is_incomplete() && first.len() < HEADER_BYTES_MAX => Self::Begun,
            _ => Self::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies::new(networks.iter().map(|network| network.parse().expect("a network")).collect())
    }

    #[test]
    fn networks_are_addresses_with_or_without_bits() {
        let proxies = proxies(&["10.1.2.3/8", "::1", "192.168.1.7", "fd00::/8", "::ffff:172.16.0.0/108"]);
        for (address, trusted) in [
            ("10.200.0.1", true),
            ("11.0.0.1", false),
            ("::1", true),
            ("::2", false),
            ("192.168.1.7", true),
            ("::ffff:192.168.1.7", true),
            ("192.168.1.8", false),
            ("fdab::1", true),
            ("172.20.0.1", true),
            ("172.32.0.1", false),
        ] {
            assert_eq!(proxies.trust(address.parse().expect("an address")), trusted, "{address}");
        }
        for wrong in ["", "localhost", "10.0.0.0/33", "10.0.0", "::/129", "10.0.0.1:80", "unix:/run/x"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_untrusted_address_is_the_clients() {
        let check = |peer: &str, forwarded: &[&str], client: &str| {
            let found = proxies(&["127.0.0.1", "10.0.0.0/8"])
                .client(peer.parse().expect("an address"), forwarded.iter().copied());
            assert_eq!(found.to_string(), client, "{peer} {forwarded:?}");
        };
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["6.6.6.6", "203.0.113.9 , 10.1.1.1"], "203.0.113.9");
        check("127.0.0.1", &["10.0.0.7,10.0.0.8"], "10.0.0.7");
        check("203.0.113.1", &["6.6.6.6"], "203.0.113.1");
        check("127.0.0.1", &["6.6.6.6, unknown, 10.0.0.8"], "10.0.0.8");
        check("127.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
        check("127.0.0.1", &["2001:db8::1"], "2001:db8::1");
        check("127.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &[""], "127.0.0.1");
    }

    fn check(first: &[u8], expected: Header) {
        assert_eq!(Header::read(first), expected, "{}", first.escape_ascii());
        if let Header::Whole { bytes, .. } = expected {
            for end in 0..bytes {
                assert_eq!(Header::read(&first[..end]), Header::Begun, "{}", first[..end].escape_ascii());
            }
        }
    }

    #[test]
    fn headers_of_version_1_are_read() {
        let client = Some("203.0.113.9:4711".parse().expect("an address"));
        check(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 2023\r\n{", Header::Whole { bytes: 43, client });
        let client = Some("[2001:db8::9]:4711".parse().expect("an address"));
        check(b"PROXY TCP6 2001:db8::9 ::1 4711 2023\r\n", Header::Whole { bytes: 38, client });
        check(b"PROXY UNKNOWN\r\nhi", Header::Whole { bytes: 15, client: None });
        check(b"PROXY UNKNOWN what ever\r\n", Header::Whole { bytes: 25, client: None });
        check(b"PROXY TCP4 nonsense 10.0.0.1 1 2\r\n", Header::Wrong);
        check(b"PROXY TCP4 1.1.1.1 10.0.0.1 1 2\n{}\n", Header::Wrong);
        check(&[&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(), Header::Wrong);
        check(b"PROXIES are nice\n", Header::None);
        check(b"PROXY servers are nice\n", Header::None);
        check(b"{", Header::None);
    }

    #[test]
    fn headers_of_version_2_are_read() {
        let header = |command: u8, family: u8, rest: &[u8]| {
            let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
            [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length[..], rest].concat()
        };
        let addresses = b"\xCB\0\x71\x09\x0A\0\0\x01\x12\x67\x07\xE7";
        let client = Some("203.0.113.9:4711".parse().expect("an address"));
        check(&header(0x21, 0x11, addresses), Header::Whole { bytes: 28, client });
        let with_more = [&addresses[..], b"\x04\0\x02ab"].concat();
        check(&header(0x21, 0x11, &with_more), Header::Whole { bytes: 33, client });
        check(&header(0x20, 0x11, addresses), Header::Whole { bytes: 28, client: None });
        check(&header(0x20, 0x00, b""), Header::Whole { bytes: 16, client: None });
        check(&header(0x21, 0x31, &[b'u'; 216]), Header::Whole { bytes: 232, client: None });
        check(&header(0x11, 0x11, addresses), Header::Wrong);
        check(&header(0x21, 0x11, b"short"), Header::Wrong);
        check(&header(0x21, 0x11, &[0; 60_000]), Header::Wrong);
    }
}
