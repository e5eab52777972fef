//! What a post says: when it was meant to go, whose it is, and which one. All peers carry the same bytes, so a receiver
//! finds them without knowing the framing: `@<meant ns, 16 hex>.<stream, 4 hex>.<number, 8 hex>@` and then `x`.

/// The bytes from `@` to `@`.
pub const TOKEN_BYTES: usize = 32;

const STREAM_AT: usize = 18;
const NUMBER_AT: usize = 23;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a payload tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When the post was meant to go, in nanoseconds of the run's clock.
    pub meant: u64,
    /// Who posted where: a poster's posts in one room are one stream.
    pub stream: u16,
    /// Which post of its stream, from 0 without gaps.
    pub number: u32,
}

impl Token {
    /// Writes a payload of `size` bytes, or of [`TOKEN_BYTES`] where that is more, in place of what `out` held.
    pub fn write(self, size: usize, out: &mut Vec<u8>) {
        out.clear();
        out.push(b'@');
        push_hex(self.meant, 16, out);
        out.push(b'.');
        push_hex(self.stream.into(), 4, out);
        out.push(b'.');
        push_hex(self.number.into(), 8, out);
        out.push(b'@');
        out.resize(size.max(TOKEN_BYTES), b'x');
    }

    /// Reads what stands between `@` and `@`, both included.
    fn read(bytes: &[u8; TOKEN_BYTES]) -> Option<Self> {
        let punctuation = [(0, b'@'), (17, b'.'), (22, b'.'), (TOKEN_BYTES - 1, b'@')];
        if punctuation.iter().any(|&(at, expected)| bytes[at] != expected) {
            return None;
        }
        Some(Self {
            meant: hex(&bytes[1..17])?,
            stream: u16::try_from(hex(&bytes[STREAM_AT..22])?).ok()?,
            number: u32::try_from(hex(&bytes[NUMBER_AT..31])?).ok()?,
        })
    }
}

fn push_hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    for digit in (0..digits).rev() {
        out.push(HEX[(value >> (4 * digit)) as usize & 15]);
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// Finds tokens in a stream of bytes, wherever it is cut.
#[derive(Debug, Default)]
pub struct Scanner {
    held: Vec<u8>,
}

impl Scanner {
    /// Calls `found` for each token that is complete with these bytes, in their order.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Token)) {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        let keep_from = loop {
            let Some(offset) = memchr::memchr(b'@', &self.held[at..]) else { break self.held.len() };
            at += offset;
            let Some(candidate) = self.held[at..].first_chunk() else { break at };
            match Token::read(candidate) {
                Some(token) => {
                    found(token);
                    at += TOKEN_BYTES;
                }
                None => at += 1,
            }
        };
        self.held.drain(..keep_from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token { meant: 0x0123_4567_89ab_cdef, stream: 0xfeed, number: 0x0000_0042 };

    fn all_of(pieces: &[&[u8]]) -> Vec<Token> {
        let mut scanner = Scanner::default();
        let mut tokens = Vec::new();
        for piece in pieces {
            scanner.feed(piece, |token| tokens.push(token));
        }
        tokens
    }

    #[test]
    fn a_payload_has_its_size_and_is_plain_ascii() {
        for size in [0, 31, 32, 33, 64, 128, 1_024] {
            let mut payload = Vec::new();
            TOKEN.write(size, &mut payload);
            assert_eq!(payload.len(), size.max(TOKEN_BYTES));
            assert!(payload.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')));
            assert_eq!(all_of(&[&payload]), [TOKEN]);
        }
    }

    #[test]
    fn tokens_are_found_wherever_the_bytes_are_cut() {
        let mut payload = Vec::new();
        TOKEN.write(48, &mut payload);
        let mut bytes = b"{\"text\":\"".to_vec();
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(b"\"}\n@");
        bytes.extend_from_slice(&payload);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(all_of(&pieces), [TOKEN, TOKEN], "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_token_is_none() {
        let mut payload = Vec::new();
        TOKEN.write(TOKEN_BYTES, &mut payload);
        for at in 0..TOKEN_BYTES {
            let mut wrong = payload.clone();
            wrong[at] = b'G';
            wrong.push(b'\n');
            assert_eq!(all_of(&[&wrong]), [], "wrong at {at}");
        }
    }
}
