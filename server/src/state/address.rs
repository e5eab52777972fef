use std::net::{IpAddr, Ipv6Addr};

/// Where somebody is, as limits count it: an IPv4 address, or the 64 bits of an IPv6 address that one customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub(crate) u64);

impl Address {
    /// The server itself; in the block of IPv6 that is never given to anybody.
    pub const HOUSE: Self = Self(u64::MAX);

    /// IPv4 whole, IPv6 by /64, IPv4 written as IPv6 as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // ::/32 is nobody's, so no prefix of IPv6 looks like this.
            IpAddr::V4(ip) => Self(u64::from(u32::from(ip))),
            IpAddr::V6(Ipv6Addr::LOCALHOST) => Self(1 << 32 | 1),
            IpAddr::V6(ip) => Self(u64::try_from(u128::from(ip) >> 64).expect("64 bits are left")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_as_their_owners_are() {
        let of = |text: &str| Address::of(text.parse().expect("an address"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("::1"), of("0.0.0.0"));
        assert_ne!(of("::1"), of("127.0.0.1"));
    }
}
