//! What the part of the address after `#` means: `#/room/NAME` and `#/room/NAME/SEQ`.

use teahouse_protocol::{RoomName, Seq};

/// A place in the program that has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The room.
    pub(crate) room: RoomName,
    /// The message in it.
    pub(crate) seq: Option<Seq>,
}

/// What the part of an address after `#` comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// It is empty.
    Nothing,
    /// It names a place.
    Place(Address),
    /// It names none, but maybe a room.
    Broken(Option<RoomName>),
}

impl Named {
    /// Reads the part of an address from its `#` on.
    pub(crate) fn parse(hash: &str) -> Self {
        let place = hash.trim_start_matches('#');
        if matches!(place, "" | "/") {
            return Self::Nothing;
        }
        let room = || RoomName::parse(&decode(place.strip_prefix("/room/")?.split('/').next()?)?).ok();
        Address::parse(hash).map_or_else(|| Self::Broken(room()), Self::Place)
    }
}

impl Address {
    /// Reads the part of an address from its `#` on. `None`: it names no place.
    pub(crate) fn parse(hash: &str) -> Option<Self> {
        let mut parts = hash.trim_start_matches('#').strip_prefix("/room/")?.split('/');
        let room = RoomName::parse(&decode(parts.next()?)?).ok()?;
        let seq = match parts.next() {
            None | Some("") => None,
            Some(number) => Some(Seq::new(number.parse().ok()?).ok()?),
        };
        parts.next().is_none().then_some(Self { room, seq })
    }

    /// The address of a room, from its `#` on.
    pub(crate) fn of_room(room: &RoomName) -> String {
        format!("#/room/{}", encode(room.as_str()))
    }

    /// The address of a message, from its `#` on.
    pub(crate) fn of_message(room: &RoomName, seq: Seq) -> String {
        format!("{}/{seq}", Self::of_room(room))
    }
}

/// Letters of any script stay readable. What has a meaning in an address, or ends one that stands in a sentence, is written
/// as `%XX`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || (matches!(c, '-' | '_' | '.' | '~') && chars.peek().is_some()) {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

/// Takes `%XX` back, also where the browser wrote whole names so. `None`: broken, or no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digit = |byte: u8| char::from(byte).to_digit(16);
            bytes.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use teahouse_client_core::{Names, Span, spans};

    use super::*;

    #[test]
    fn every_room_has_an_address() {
        for name in ["lobby", "茶馆", "a/b", "50%", "what?#!", "🍵", "o'brien"] {
            let room = RoomName::parse(name).expect("a legal name");
            let seq = Seq::new(120).expect("small");
            assert_eq!(
                Address::parse(&Address::of_room(&room)),
                Some(Address { room: room.clone(), seq: None })
            );
            let expected = Some(Address { room: room.clone(), seq: Some(seq) });
            assert_eq!(Address::parse(&Address::of_message(&room, seq)), expected);
        }
    }

    #[test]
    fn the_address_of_any_room_is_one_link_in_a_sentence() {
        let odd = "茶馆 a.b wow! etc. what? 茶（一） 【公告】 真的。 a) (a \"x\" o'brien it’s 50% a_ a- a~ x… a*b* `x` c++ a&b 🍵 \
                   👩\u{200d}🏫 שלום مرحبا नमस्ते";
        for name in odd.split(' ') {
            let room = RoomName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            let address = format!("http://tea.example:2023/{}", Address::of_room(&room));
            let spans = spans(&format!("看 {address}，好"), Names::default());
            let link = spans.iter().find_map(|span| match span {
                Span::Link { href, .. } => Some(href.as_str()),
                _ => None,
            });
            assert_eq!(link, Some(&*address), "{name}");
            let hash = &address[address.find('#').expect("it has one")..];
            assert_eq!(Address::parse(hash), Some(Address { room, seq: None }));
        }
    }

    #[test]
    fn the_browsers_own_spelling_is_read() {
        let address = Address::parse("#/room/%E8%8C%B6%E9%A6%86/7").expect("an address");
        assert_eq!((address.room.as_str(), address.seq.map(Seq::get)), ("茶馆", Some(7)));
    }

    #[test]
    fn other_hashes_name_no_place() {
        for hash in
            ["", "#", "#/", "#/room/", "#/room/a b", "#/room/%E8", "#/room/a/x", "#/room/a/1/2", "#/room/%zz"]
        {
            assert_eq!(Address::parse(hash), None, "{hash}");
        }
    }

    #[test]
    fn a_broken_address_may_still_name_a_room() {
        for (hash, room) in [
            ("#/room/lobby/abc", Some("lobby")),
            ("#/room/lobby/-1", Some("lobby")),
            ("#/room/lobby/9007199254740993", Some("lobby")),
            ("#/room/茶/1/2", Some("茶")),
            ("#/room/a b", None),
            ("#/room/", None),
            ("#garbage", None),
            ("#/rooms/lobby", None),
        ] {
            let room = room.map(|room| RoomName::parse(room).expect("a legal name"));
            assert_eq!(Named::parse(hash), Named::Broken(room), "{hash}");
        }
        assert_eq!(Named::parse("#"), Named::Nothing);
        assert_eq!(Named::parse("#/"), Named::Nothing);
        assert!(matches!(Named::parse("#/room/lobby/7"), Named::Place(_)));
    }
}
