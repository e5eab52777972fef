//! JSON Lines.

use std::collections::VecDeque;

use bytes::Bytes;
use teahouse_protocol::{ErrorCode, ErrorReply, LineFramer, ServerMessage, decode_request, limits};

use super::Inbound;

/// One JSON object per line.
#[derive(Debug, Default)]
pub struct JsonDoor {
    framer: LineFramer,
}

impl JsonDoor {
    pub(super) fn receive(&mut self, mut bytes: &[u8], inbound: &mut VecDeque<Inbound>) {
        loop {
            match self.framer.next_line(&mut bytes) {
                Ok(Some(line)) => Self::line(&line, inbound),
                Ok(None) => return,
                Err(_) => return inbound.push_back(Inbound::Fatal(frame_too_long("line"))),
            }
        }
    }

    /// The peer has closed its side: what it wrote last counts as a line.
    pub(super) fn ended(&mut self, inbound: &mut VecDeque<Inbound>) {
        Self::line(&self.framer.take_partial(), inbound);
    }

    fn line(line: &[u8], inbound: &mut VecDeque<Inbound>) {
        // Some programs put a byte order mark before the first line.
        let line = line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        inbound.push_back(match decode_request(line) {
            Ok(request) => Inbound::Request(request),
            Err(error) => Inbound::Bad(error),
        });
    }
}

/// What is said about a frame above the limit.
pub(super) fn frame_too_long(frame: &str) -> ErrorReply {
    ErrorReply {
        re: None,
        code: ErrorCode::FrameTooLong,
        message: format!(
            "a {frame} is at most {} bytes long; this connection closes",
            limits::LINE_BYTES_MAX
        ),
        field: None,
        rule: None,
        temporary: false,
        retry_after_ms: None,
    }
}

/// A message as a line.
pub(super) fn line(message: &ServerMessage) -> Bytes {
    let mut line = message.to_json();
    line.push('\n');
    line.into()
}
