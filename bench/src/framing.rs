//! Counts what a server delivers without parsing it, since the generator must keep up with servers that do little else
//! than write. Nothing here allocates per delivery.

use memchr::{memchr, memchr_iter};

use crate::peer::Framing;

/// Counts the deliveries of one connection, however its bytes are cut. Bytes that break the framing count for nothing
/// from there on, so the deliveries behind them are missing.
#[derive(Debug)]
pub struct Counter(Kind);

#[derive(Debug)]
enum Kind {
    Lines,
    WebSocket(WebSocket),
    Nats(Nats),
    Mqtt(Mqtt),
}

impl Counter {
    /// Begins with the first byte of a connection.
    pub fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Lines => Kind::Lines,
            Framing::WebSocket => Kind::WebSocket(WebSocket::Answer { matched: 0 }),
            Framing::Nats => Kind::Nats(Nats::Line { held: Vec::new() }),
            Framing::Mqtt => Kind::Mqtt(Mqtt::Header { held: [0; 5], length: 0 }),
        })
    }

    /// How many deliveries are complete with these bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> u64 {
        match &mut self.0 {
            Kind::Lines => memchr_iter(b'\n', bytes).count() as u64,
            Kind::WebSocket(websocket) => websocket.feed(bytes),
            Kind::Nats(nats) => nats.feed(bytes),
            Kind::Mqtt(mqtt) => mqtt.feed(bytes),
        }
    }
}

/// Skips as much of a body as is there; whether it is over.
fn skip(bytes: &mut &[u8], remaining: &mut u64) -> bool {
    let step = usize::try_from(*remaining).map_or(bytes.len(), |remaining| remaining.min(bytes.len()));
    *bytes = &bytes[step..];
    *remaining -= step as u64;
    *remaining == 0
}

/// RFC 6455, section 5.2, from a server, whose frames have no mask.
#[derive(Debug)]
enum WebSocket {
    Answer { matched: usize },
    Header { held: [u8; 10], length: usize },
    Body { remaining: u64, counts: u64 },
    Broken,
}

const ANSWER_END: &[u8] = b"\r\n\r\n";

impl WebSocket {
    const START: Self = Self::Header { held: [0; 10], length: 0 };

    fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        let mut count = 0;
        while !bytes.is_empty() {
            match self {
                Self::Answer { matched } => {
                    let byte = bytes[0];
                    bytes = &bytes[1..];
                    *matched = match byte {
                        _ if byte == ANSWER_END[*matched] => *matched + 1,
                        b'\r' => 1,
                        _ => 0,
                    };
                    if *matched == ANSWER_END.len() {
                        *self = Self::START;
                    }
                }
                Self::Header { held, length } => {
                    if *length == 0 {
                        count += whole_short_frames(&mut bytes);
                    }
                    let Some((&byte, rest)) = bytes.split_first() else { break };
                    held[*length] = byte;
                    *length += 1;
                    bytes = rest;
                    if let Some(next) = Self::after_header(&held[..*length]) {
                        let empty = matches!(next, Self::Body { remaining: 0, .. });
                        if let Self::Body { counts, .. } = next
                            && empty
                        {
                            count += counts;
                        }
                        *self = if empty { Self::START } else { next };
                    }
                }
                Self::Body { remaining, counts } => {
                    if skip(&mut bytes, remaining) {
                        count += *counts;
                        *self = Self::START;
                    }
                }
                Self::Broken => break,
            }
        }
        count
    }

    /// What follows a header, or `None` as long as it is not whole.
    fn after_header(header: &[u8]) -> Option<Self> {
        let [first, second, extended @ ..] = header else { return None };
        let remaining = match (second, extended) {
            (0..126, _) => u64::from(*second),
            (126, [a, b, ..]) => u16::from_be_bytes([*a, *b]).into(),
            (127, [a, b, c, d, e, f, g, h]) => u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            (126 | 127, _) => return None,
            _ => return Some(Self::Broken),
        };
        Some(Self::Body { remaining, counts: counts(*first) })
    }
}

/// Whether a frame ends a message; control frames and all but the last piece of a message do not count.
fn counts(first: u8) -> u64 {
    const FINAL: u8 = 0x80;
    const CONTROL: u8 = 0x08;
    u64::from(first & FINAL != 0 && first & CONTROL == 0)
}

/// The frames of the two short forms that lie there whole, which nearly all do.
fn whole_short_frames(bytes: &mut &[u8]) -> u64 {
    let mut count = 0;
    while let [first, second, ..] = bytes {
        let end = match *second {
            0..126 => 2 + usize::from(*second),
            126 if bytes.len() >= 4 => 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
            _ => break,
        };
        if end > bytes.len() {
            break;
        }
        count += counts(*first);
        *bytes = &bytes[end..];
    }
    count
}

/// A line, and after a `MSG` or `HMSG` as many bytes as its last number says.
#[derive(Debug)]
enum Nats {
    Line { held: Vec<u8> },
    Payload { remaining: u64 },
    Broken,
}

impl Nats {
    fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        /// Longer lines than this are none of this protocol; `INFO` is the longest.
        const LINE_MAX: usize = 64 * 1024;
        let mut count = 0;
        while !bytes.is_empty() {
            match self {
                Self::Line { held } => {
                    let Some(end) = memchr(b'\n', bytes) else {
                        held.extend_from_slice(bytes);
                        if held.len() > LINE_MAX {
                            *self = Self::Broken;
                        }
                        break;
                    };
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    let next = if held.is_empty() {
                        Self::after_line(line)
                    } else {
                        held.extend_from_slice(line);
                        Self::after_line(held)
                    };
                    match next {
                        Some(next) => *self = next,
                        None => held.clear(),
                    }
                }
                Self::Payload { remaining } => {
                    if skip(&mut bytes, remaining) {
                        count += 1;
                        *self = Self::Line { held: Vec::new() };
                    }
                }
                Self::Broken => break,
            }
        }
        count
    }

    fn after_line(line: &[u8]) -> Option<Self> {
        const LINE_ENDING: u64 = 2;
        if !line.starts_with(b"MSG ") && !line.starts_with(b"HMSG ") {
            return None;
        }
        let size = line.trim_ascii_end().rsplit(|&byte| byte == b' ').next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().and_then(|size| size.parse::<u64>().ok());
        Some(match size {
            Some(size) => Self::Payload { remaining: size.saturating_add(LINE_ENDING) },
            None => Self::Broken,
        })
    }
}

/// MQTT 3.1.1, section 2.2: a type, a length of one to four bytes, and a body.
#[derive(Debug)]
enum Mqtt {
    Header { held: [u8; 5], length: usize },
    Body { remaining: u64, counts: u64 },
    Broken,
}

impl Mqtt {
    const START: Self = Self::Header { held: [0; 5], length: 0 };

    fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        const PUBLISH: u8 = 3;
        const CONTINUES: u8 = 0x80;
        let mut count = 0;
        while !bytes.is_empty() {
            match self {
                Self::Header { held, length } => {
                    held[*length] = bytes[0];
                    *length += 1;
                    bytes = &bytes[1..];
                    if *length == 1 || held[*length - 1] & CONTINUES != 0 {
                        if *length == held.len() {
                            *self = Self::Broken;
                        }
                        continue;
                    }
                    let size = held[1..*length].iter().rev();
                    let remaining = size.fold(0, |size, byte| size << 7 | u64::from(byte & !CONTINUES));
                    let counts = u64::from(held[0] >> 4 == PUBLISH);
                    *self = if remaining == 0 {
                        count += counts;
                        Self::START
                    } else {
                        Self::Body { remaining, counts }
                    };
                }
                Self::Body { remaining, counts } => {
                    if skip(&mut bytes, remaining) {
                        count += *counts;
                        *self = Self::START;
                    }
                }
                Self::Broken => break,
            }
        }
        count
    }
}

/// Counts how often something stands in a stream of bytes, however it is cut.
#[derive(Debug)]
pub struct Occurrences {
    finder: memchr::memmem::Finder<'static>,
    held: Vec<u8>,
}

impl Occurrences {
    /// Counts these bytes.
    pub fn of(needle: &'static [u8]) -> Self {
        Self { finder: memchr::memmem::Finder::new(needle), held: Vec::new() }
    }

    /// How many are complete with these bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> u64 {
        self.held.extend_from_slice(bytes);
        let length = self.finder.needle().len();
        let mut count = 0;
        let mut after = 0;
        for at in self.finder.find_iter(&self.held) {
            count += 1;
            after = at + length;
        }
        let keep_from = after.max((self.held.len() + 1).saturating_sub(length));
        self.held.drain(..keep_from);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn websocket_frame(first: u8, body: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match body {
            0..126 => frame.push(body as u8),
            126..65_536 => {
                frame.push(126);
                frame.extend_from_slice(&(body as u16).to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend_from_slice(&(body as u64).to_be_bytes());
            }
        }
        // Bytes that would be headers if the place were lost.
        frame.extend(std::iter::repeat_n(0x81, body));
        frame
    }

    fn stream(framing: Framing) -> (Vec<u8>, u64) {
        match framing {
            Framing::Lines => (b"one\n\nthree\r\nfour@\nnot whole".to_vec(), 4),
            Framing::WebSocket => {
                let mut bytes = b"HTTP/1.1 101 Switching\r\nA: b\r\r\nC: \r\n\r\r\n\r\n".to_vec();
                for (first, body) in [
                    (0x81, 5),
                    (0x89, 3),
                    (0x82, 126),
                    (0x81, 0),
                    (0x01, 7),
                    (0x8a, 0),
                    (0x80, 300),
                    (0x81, 125),
                ] {
                    bytes.extend_from_slice(&websocket_frame(first, body));
                }
                bytes.extend_from_slice(&websocket_frame(0x81, 9)[..10]);
                (bytes, 5)
            }
            Framing::Nats => {
                let bytes = b"INFO {\"a\":\"MSG 1\"}\r\nPONG\r\n+OK\r\nMSG room 1 11\r\nMSG a 1 99\r\n\r\n\
                    PING\r\nMSG room 1 reply.to 0\r\n\r\nHMSG room 1 4 6\r\nab\r\ncd\r\nMSG room 1 5\r\nhello\r"
                    .to_vec();
                (bytes, 3)
            }
            Framing::Mqtt => {
                let mut bytes = vec![0x20, 2, 0, 0, 0x90, 3, 0, 1, 0, 0x30, 4, 0x30, 0x30, 0x30, 0x30];
                bytes.extend_from_slice(&[0x3d, 0x80 | 72, 1]);
                bytes.extend(std::iter::repeat_n(0x30, 200));
                bytes.extend_from_slice(&[0xd0, 0, 0x30, 0, 0x30, 2, 0]);
                (bytes, 3)
            }
        }
    }

    const ALL: [Framing; 4] = [Framing::Lines, Framing::WebSocket, Framing::Nats, Framing::Mqtt];

    #[test]
    fn deliveries_are_counted_wherever_the_bytes_are_cut() {
        for framing in ALL {
            let (bytes, expected) = stream(framing);
            for first in 0..=bytes.len() {
                for second in (first..=bytes.len()).step_by(7) {
                    let mut counter = Counter::new(framing);
                    let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    let count: u64 = pieces.iter().map(|piece| counter.feed(piece)).sum();
                    assert_eq!(count, expected, "{framing:?} cut at {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn deliveries_are_counted_byte_by_byte() {
        for framing in ALL {
            let (bytes, expected) = stream(framing);
            let mut counter = Counter::new(framing);
            let count: u64 = bytes.chunks(1).map(|byte| counter.feed(byte)).sum();
            assert_eq!(count, expected, "{framing:?}");
        }
    }

    #[test]
    fn a_delivery_counts_with_its_last_byte_and_not_before() {
        let mut counter = Counter::new(Framing::WebSocket);
        assert_eq!(counter.feed(ANSWER_END), 0);
        let frame = websocket_frame(0x81, 70_000);
        assert_eq!(counter.feed(&frame[..frame.len() - 1]), 0);
        assert_eq!(counter.feed(&frame[frame.len() - 1..]), 1);
    }

    #[test]
    fn broken_framing_counts_nothing_more() {
        let broken: [(Framing, &[u8]); 3] = [
            (Framing::WebSocket, b"\r\n\r\n\x81\xff\x81\x01x\x81\x01x"),
            (Framing::Nats, b"MSG room 1 many\r\nMSG room 1 0\r\n\r\n"),
            (Framing::Mqtt, b"\x30\xff\xff\xff\xff\xff\x30\x00"),
        ];
        for (framing, bytes) in broken {
            assert_eq!(Counter::new(framing).feed(bytes), 0, "{framing:?}");
        }
    }

    #[test]
    fn occurrences_are_counted_wherever_the_bytes_are_cut() {
        let bytes = b"\"ack\"\"ack\"\"ac\"ack\" \"ackack\"";
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut acks = Occurrences::of(b"\"ack\"");
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let count: u64 = pieces.iter().map(|piece| acks.feed(piece)).sum();
                assert_eq!(count, 3, "cut at {first} and {second}");
            }
        }
    }
}
