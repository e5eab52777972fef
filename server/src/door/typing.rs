use teahouse_protocol::limits;

use super::telnet::{Heard, Telnet};

/// Cuts what is typed into lines. CR, LF, CR LF and CR NUL (telnet's bare CR, RFC 854) end a line; commands of telnet are
/// taken out wherever they stand. Holds no more than the beginning of one line, and no memory between lines.
#[derive(Debug, Default)]
pub(super) struct Typing {
    telnet: Telnet,
    partial: Vec<u8>,
    /// So many bytes of it are known to be whole characters.
    whole: usize,
    after_cr: bool,
    /// Whether the peer knows how to end a line, since it has ended one.
    ends_lines: bool,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, without its ending.
    Line(Vec<u8>),
    /// More than one line may hold, or a command of telnet without an end. The stream cannot be read on from here.
    TooLong,
}

impl Typing {
    /// Takes the next line from the front of `input`. `None`: `input` is empty, and its rest is kept. What telnet is to
    /// be answered goes to `answers`.
    pub(super) fn next_line(&mut self, input: &mut &[u8], answers: &mut Vec<u8>) -> Option<Typed> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            let line = match self.telnet.hear(*byte, answers) {
                Heard::Nothing => None,
                Heard::Typed(byte) => self.take(byte),
                // The first of the two is no line ending.
                Heard::AndTyped(first, second) => self.take(first).or_else(|| self.take(second)),
                Heard::EraseLine => {
                    self.take_partial();
                    None
                }
                Heard::EraseCharacter => {
                    while self.partial.pop().is_some_and(|byte| (0x80..0xC0).contains(&byte)) {}
                    self.whole = self.whole.min(self.partial.len());
                    None
                }
                Heard::Endless => Some(Typed::TooLong),
            };
            if line.is_some() {
                return line;
            }
        }
        None
    }

    fn take(&mut self, byte: u8) -> Option<Typed> {
        let belongs_to_cr = std::mem::take(&mut self.after_cr) && matches!(byte, b'\n' | 0);
        match byte {
            _ if belongs_to_cr => None,
            b'\r' | b'\n' => {
                self.after_cr = byte == b'\r';
                self.ends_lines = true;
                Some(Typed::Line(self.take_partial()))
            }
            _ if self.partial.len() == limits::LINE_BYTES_MAX => Some(Typed::TooLong),
            _ => {
                self.partial.push(byte);
                None
            }
        }
    }

    /// The beginning of a line that a pause may end: of a peer that has never ended one, and with no character cut in
    /// the middle.
    pub(super) fn pausing(&mut self) -> Option<&[u8]> {
        if self.partial.is_empty() || self.ends_lines || self.telnet.is_amid() {
            return None;
        }
        // What comes byte by byte is looked at once.
        let is_cut = match std::str::from_utf8(&self.partial[self.whole..]) {
            Ok(_) => {
                self.whole = self.partial.len();
                false
            }
            Err(error) => {
                self.whole += error.valid_up_to();
                error.error_len().is_none()
            }
        };
        (!is_cut).then_some(&self.partial)
    }

    /// Takes the beginning of a line as if it had ended here.
    pub(super) fn take_partial(&mut self) -> Vec<u8> {
        self.whole = 0;
        std::mem::take(&mut self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<Typed>, Vec<u8>) {
        let (mut typing, mut lines, mut answers) = (Typing::default(), Vec::new(), Vec::new());
        for mut chunk in chunks.iter().copied() {
            while let Some(line) = typing.next_line(&mut chunk, &mut answers) {
                lines.push(line);
            }
        }
        (lines, typing.take_partial())
    }

    fn check(bytes: &[u8], expected: &[&[u8]], rest: &[u8]) {
        let expected: Vec<Typed> = expected.iter().map(|line| Typed::Line(line.to_vec())).collect();
        assert_eq!(lines(&[bytes]), (expected, rest.to_vec()), "{}", bytes.escape_ascii());
    }

    #[test]
    fn every_ending_ends_one_line() {
        check(b"a\nb\r\nc\rd\r\0e", &[b"a", b"b", b"c", b"d"], b"e");
        check(b"\n\r\r\n\r\0\n", &[b"", b"", b"", b"", b""], b"");
        check(b"a\0b\n", &[b"a\0b"], b"");
    }

    #[test]
    fn telnet_leaves_nothing_in_a_line() {
        check(
            b"\xff\xfb\x1fhi\xff\xf4there\r\xff\xfd\x06\n\xe4\xff\xf1\xbd\xa0\r\0",
            &[b"there", "你".as_bytes()],
            b"",
        );
        check(
            "你好\u{1F375}"
                .as_bytes()
                .iter()
                .chain(b"\xff\xf7\xff\xf7\n")
                .copied()
                .collect::<Vec<_>>()
                .as_slice(),
            &["你".as_bytes()],
            b"",
        );
    }

    #[test]
    fn a_pause_ends_whole_characters_of_those_who_end_no_lines() {
        let pausing = |bytes: &[u8]| {
            let (mut typing, mut input) = (Typing::default(), bytes);
            while typing.next_line(&mut input, &mut Vec::new()).is_some() {}
            typing.pausing().map(<[u8]>::to_vec)
        };
        assert_eq!(pausing("大家好".as_bytes()), Some("大家好".into()));
        assert_eq!(pausing(b"\xe5\xa4"), None, "the rest of the character comes");
        assert_eq!(
            pausing(b"\xc4\xe3\xba\xc3"),
            Some(b"\xc4\xe3\xba\xc3".to_vec()),
            "no UTF-8, and never will be"
        );
        assert_eq!(pausing(b"a\nb"), None, "this peer knows how to end a line");
        assert_eq!(pausing(b"a\xff\xfb"), None);
        assert_eq!(pausing(b""), None);
    }

    #[test]
    fn a_character_is_whole_or_cut_however_the_bytes_come() {
        let pausing = |bytes: &[u8]| {
            let mut typing = Typing::default();
            bytes
                .iter()
                .map(|byte| {
                    typing.next_line(&mut &[*byte][..], &mut Vec::new());
                    typing.pausing().is_some()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(pausing("a你".as_bytes()), [true, false, false, true]);
        assert_eq!(pausing(b"\xc4\xe3\xba\xc3"), [false, true, true, true], "no UTF-8 stays none");
        // Erased, and begun again.
        assert_eq!(pausing(b"ab\xff\xf7\xff\xf7\xe5"), [true, true, false, true, false, false, false]);
    }

    #[test]
    fn the_limit_does_not_count_the_line_ending() {
        let line = vec![b'x'; limits::LINE_BYTES_MAX];
        for ending in [&b"\n"[..], b"\r\n", b"\r\0"] {
            assert_eq!(lines(&[&line, ending]).0, [Typed::Line(line.clone())]);
            assert_eq!(lines(&[&line, b"x"]).0, [Typed::TooLong]);
        }
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_makes_no_difference(
            bytes in proptest::collection::vec(
                proptest::sample::select(&[b'a', b'\r', b'\n', 0, 0xFF, 0xFD, 0xFA, 0xF0, 0xF4, 0xE4, 0xBD, 6][..]), 0..60,
            ),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(lines(&chunks), lines(&[&bytes]));
        }
    }
}
