//! What a WebSocket client says.

/// How the answer to [`handshake`] ends.
pub const HANDSHAKE_ANSWER_END: &[u8] = b"\r\n\r\n";

/// The request for a WebSocket, without compression.
pub fn handshake(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

/// Appends a text message made of these parts. Its mask is zero, which servers must undo like any other.
pub fn text_frame(parts: &[&[u8]], out: &mut Vec<u8>) {
    const FINAL_TEXT: u8 = 0x81;
    const MASKED: u8 = 0x80;
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(FINAL_TEXT);
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        out.push(MASKED | short);
    } else if let Ok(medium) = u16::try_from(length) {
        out.push(MASKED | 126);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(MASKED | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_has_three_forms() {
        let frame = |length: usize| {
            let mut out = Vec::new();
            text_frame(&[&vec![b'x'; length - 1], b"y"], &mut out);
            assert!(out.ends_with(b"xy"));
            out
        };
        assert_eq!(frame(125)[..6], [0x81, 0x80 | 125, 0, 0, 0, 0]);
        assert_eq!(frame(126)[..8], [0x81, 0x80 | 126, 0, 126, 0, 0, 0, 0]);
        assert_eq!(frame(70_000)[..10], [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }
}
