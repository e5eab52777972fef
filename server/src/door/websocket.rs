//! WebSocket, RFC 6455. tungstenite reads frames and answers pings and closes; what a room says is framed here once
//! for all readers.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use bytes::{BufMut, Bytes, BytesMut};
use teahouse_protocol::{decode_request, limits};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::json::frame_too_long;
use super::{Closing, Inbound};

/// What tungstenite reads at a time, in bytes. It keeps a buffer of this size for the life of the connection.
const READ_BYTES: usize = 128;

/// A WebSocket after its handshake.
#[derive(Debug)]
pub struct WebSocketDoor {
    socket: WebSocket<Pipe>,
    /// Nothing more is read: the peer is done, or broke a rule, after which its bytes mean nothing.
    closed: bool,
}

/// Stands between tungstenite and the connection, which owns the real socket.
#[derive(Debug, Default)]
struct Pipe {
    inbound: Bytes,
    outbound: BytesMut,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.inbound.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = self.inbound.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.inbound.split_to(taken));
        Ok(taken)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbound.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for WebSocketDoor {
    fn default() -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(limits::LINE_BYTES_MAX))
            .max_frame_size(Some(limits::LINE_BYTES_MAX));
        Self {
            socket: WebSocket::from_raw_socket(Pipe::default(), Role::Server, Some(config)),
            closed: false,
        }
    }
}

impl WebSocketDoor {
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        inbound: &mut VecDeque<Inbound>,
        out: &mut VecDeque<Bytes>,
    ) {
        if self.closed {
            return;
        }
        self.socket.get_mut().inbound = Bytes::copy_from_slice(bytes);
        while self.read_one(inbound) {}
        self.closed = matches!(inbound.back(), Some(Inbound::Closed));
        self.socket.get_mut().inbound = Bytes::new();
        self.collect(out);
    }

    /// Reads one message. Answers whether to go on.
    fn read_one(&mut self, inbound: &mut VecDeque<Inbound>) -> bool {
        match self.socket.read() {
            Ok(said @ (Message::Text(_) | Message::Binary(_))) if cfg!(feature = "echo") => {
                self.echo(said);
                true
            }
            Ok(Message::Text(text)) => {
                inbound.push_back(match decode_request(text.as_bytes()) {
                    Ok(request) => Inbound::Request(request),
                    Err(error) => Inbound::Bad(error),
                });
                true
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => true,
            Ok(Message::Binary(_)) => {
                self.close_with(CloseCode::Unsupported, "this server speaks JSON in text messages");
                inbound.push_back(Inbound::Closed);
                false
            }
            Ok(Message::Close(_) | Message::Frame(_)) => {
                // Writes the answer to the peer's close frame.
                let _ = self.socket.flush();
                inbound.push_back(Inbound::Closed);
                false
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                match error {
                    Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                        let message =
                            teahouse_protocol::ServerMessage::Error(frame_too_long("message")).to_json();
                        let frame = text_frame(message.as_bytes());
                        self.socket.get_mut().outbound.extend_from_slice(&frame);
                        let reason = format!("a message is at most {} bytes long", limits::LINE_BYTES_MAX);
                        self.close_with(CloseCode::Size, &reason);
                    }
                    Error::Utf8(_) => self.close_with(CloseCode::Invalid, "text must be UTF-8"),
                    Error::Protocol(error) => self.close_with(CloseCode::Protocol, &error.to_string()),
                    _ => {}
                }
                inbound.push_back(Inbound::Closed);
                false
            }
        }
    }

    /// Says what was said, text in the frame that all messages go out in. For tests of conformance.
    fn echo(&mut self, said: Message) {
        if let Message::Text(text) = said {
            let frame = text_frame(text.as_bytes());
            self.socket.get_mut().outbound.extend_from_slice(&frame);
        } else {
            // The pipe takes everything; after a close frame nothing more is to be said.
            let _ = self.socket.send(said);
        }
    }

    pub(super) fn close(&mut self, why: Closing, out: &mut VecDeque<Bytes>) {
        match why {
            Closing::Policy => self.close_with(CloseCode::Policy, "see the error before this"),
            Closing::GoingAway => self.close_with(CloseCode::Away, "connect again"),
        }
        self.collect(out);
    }

    fn close_with(&mut self, code: CloseCode, reason: &str) {
        // RFC 6455 section 5.5: a control frame carries at most 125 bytes, two of them the code.
        let reason = reason.get(..123).unwrap_or(reason);
        let frame = CloseFrame { code, reason: reason.into() };
        // Fails when a close frame was sent already, and then one is enough.
        let _ = self.socket.close(Some(frame));
        let _ = self.socket.flush();
    }

    fn collect(&mut self, out: &mut VecDeque<Bytes>) {
        let written = std::mem::take(&mut self.socket.get_mut().outbound);
        if !written.is_empty() {
            out.push_back(written.freeze());
        }
    }
}

/// A whole text message in one unmasked frame, RFC 6455 section 5.2.
pub fn text_frame(payload: &[u8]) -> Bytes {
    const FIN_AND_TEXT: u8 = 0x81;
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(FIN_AND_TEXT);
    match payload.len() {
        length @ 0..=125 => frame.put_u8(length as u8),
        length @ 126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(length as u16);
        }
        length => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of a connection: a client by tungstenite, and the door.
    struct Ends {
        client: WebSocket<Pipe>,
        door: WebSocketDoor,
        inbound: VecDeque<Inbound>,
    }

    impl Ends {
        fn new() -> Self {
            let client = WebSocket::from_raw_socket(Pipe::default(), Role::Client, None);
            Self { client, door: WebSocketDoor::default(), inbound: VecDeque::new() }
        }

        /// Carries what the client wrote to the door, `chunk` bytes at a time, and the answers back.
        fn carry(&mut self, chunk: usize) {
            let bytes = std::mem::take(&mut self.client.get_mut().outbound);
            let mut out = VecDeque::new();
            for part in bytes.chunks(chunk) {
                self.door.receive(part, &mut self.inbound, &mut out);
            }
            let back: Vec<u8> = out.into_iter().flatten().collect();
            self.client.get_mut().inbound = back.into();
        }
    }

    #[test]
    fn requests_come_through_however_they_are_cut() {
        for chunk in [1, 7, 100_000] {
            let mut ends = Ends::new();
            let long = format!(r#"{{"id":7,"type":"post","room":"lobby","text":"{}"}}"#, "茶".repeat(8_000));
            for text in [r#"{"id":6,"type":"ping"}"#, &long, "{"] {
                ends.client.send(Message::text(text)).expect("memory takes any bytes");
            }
            ends.client.send(Message::Ping(Bytes::from_static(b"?"))).expect("memory takes any bytes");
            ends.carry(chunk);
            assert!(
                matches!(
                    ends.inbound.make_contiguous(),
                    [Inbound::Request(ping), Inbound::Request(post), Inbound::Bad(_)]
                    if ping.id.get() == 6 && post.id.get() == 7
                ),
                "{:?}",
                ends.inbound
            );
            assert_eq!(ends.client.read().expect("a pong"), Message::Pong(Bytes::from_static(b"?")));
        }
    }

    fn closes_with(send: Message, expected: CloseCode) {
        let mut ends = Ends::new();
        ends.client.send(send).expect("memory takes any bytes");
        ends.carry(100_000);
        assert!(matches!(ends.inbound.back(), Some(Inbound::Closed)));
        let last = std::iter::from_fn(|| ends.client.read().ok()).last();
        assert!(matches!(&last, Some(Message::Close(Some(frame))) if frame.code == expected), "{last:?}");
    }

    #[test]
    fn what_breaks_a_rule_is_closed_with_its_code() {
        closes_with(Message::binary(&b"\x00"[..]), CloseCode::Unsupported);
        closes_with(Message::text("x".repeat(limits::LINE_BYTES_MAX + 1)), CloseCode::Size);
        let bye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        closes_with(Message::Close(Some(bye)), CloseCode::Normal);
    }

    #[test]
    fn frames_of_every_length_are_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let text = "x".repeat(length);
            let pipe = Pipe { inbound: text_frame(text.as_bytes()), outbound: BytesMut::new() };
            let mut client = WebSocket::from_raw_socket(pipe, Role::Client, None);
            assert_eq!(client.read().expect("a frame"), Message::text(text));
        }
    }
}
