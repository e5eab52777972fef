use std::borrow::Cow;

use crate::limits::LINE_BYTES_MAX;

/// A line is longer than the framer takes. The stream cannot be read on from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line must be at most {bytes_max} bytes long")]
pub struct LineTooLong {
    /// What it takes, in bytes, without the line ending.
    pub bytes_max: usize,
}

/// Cuts a stream of bytes into lines that end in `\n` or `\r\n`. Holds no more than the beginning of one line, and no
/// memory at all between lines.
#[derive(Debug)]
pub struct LineFramer {
    partial: Vec<u8>,
    bytes_max: usize,
}

impl Default for LineFramer {
    /// For the lines of a client.
    fn default() -> Self {
        Self::new(LINE_BYTES_MAX)
    }
}

impl LineFramer {
    /// For lines of at most so many bytes, without their ending.
    pub fn new(bytes_max: usize) -> Self {
        Self { partial: Vec::new(), bytes_max }
    }

    /// Takes the next line, without its ending, from the front of `input`. When `input` has no further line ending, its
    /// rest is kept for the next call, `input` is left empty and the answer is `None`.
    ///
    /// ```
    /// # use teahouse_protocol::LineFramer;
    /// let mut framer = LineFramer::default();
    /// let mut input = &b"one\r\ntw"[..];
    /// assert_eq!(framer.next_line(&mut input).unwrap().as_deref(), Some(&b"one"[..]));
    /// assert_eq!(framer.next_line(&mut input).unwrap(), None);
    /// let mut input = &b"o\n"[..];
    /// assert_eq!(framer.next_line(&mut input).unwrap().as_deref(), Some(&b"two"[..]));
    /// ```
    pub fn next_line<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, LineTooLong> {
        // One byte more than the limit may be the `\r` of a line ending.
        let room = self.bytes_max + 1 - self.partial.len();
        let Some(end) = input.iter().take(room + 1).position(|byte| *byte == b'\n') else {
            if input.len() > room {
                return Err(self.too_long());
            }
            self.keep(input);
            *input = &[];
            return Ok(None);
        };
        let (head, rest) = input.split_at(end);
        *input = &rest[1..];
        let line = if self.partial.is_empty() {
            Cow::Borrowed(head.strip_suffix(b"\r").unwrap_or(head))
        } else {
            self.keep(head);
            let mut line = std::mem::take(&mut self.partial);
            line.pop_if(|last| *last == b'\r');
            Cow::Owned(line)
        };
        if line.len() > self.bytes_max { Err(self.too_long()) } else { Ok(Some(line)) }
    }

    /// Grows as a vector does, but never beyond what a line may have.
    fn keep(&mut self, bytes: &[u8]) {
        let needed = self.partial.len() + bytes.len();
        if needed > self.partial.capacity() {
            let wanted = (2 * self.partial.capacity()).min(self.bytes_max + 1).max(needed);
            self.partial.reserve_exact(wanted - self.partial.len());
        }
        self.partial.extend_from_slice(bytes);
    }

    fn too_long(&self) -> LineTooLong {
        LineTooLong { bytes_max: self.bytes_max }
    }

    /// Whether the beginning of a line waits for its end.
    pub fn has_partial(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Takes the beginning of a line as if it had ended here.
    pub fn take_partial(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOO_LONG: LineTooLong = LineTooLong { bytes_max: LINE_BYTES_MAX };

    /// Feeds the chunks and collects what comes out.
    fn frame(chunks: &[&[u8]]) -> Result<(Vec<Vec<u8>>, Vec<u8>), LineTooLong> {
        let mut framer = LineFramer::default();
        let mut lines = Vec::new();
        for mut chunk in chunks.iter().copied() {
            while let Some(line) = framer.next_line(&mut chunk)? {
                lines.push(line.into_owned());
            }
        }
        Ok((lines, framer.take_partial()))
    }

    #[test]
    fn both_line_endings_end_a_line() {
        let (lines, rest) = frame(&[b"a\r\nb\n\nc\rd\n e"]).unwrap();
        assert_eq!(lines, [&b"a"[..], b"b", b"", b"c\rd"]);
        assert_eq!(rest, b" e");
    }

    #[test]
    fn the_limit_does_not_count_the_line_ending() {
        let line = vec![b'x'; LINE_BYTES_MAX];
        for ending in [&b"\n"[..], b"\r\n"] {
            let (lines, _) = frame(&[&line, ending]).unwrap();
            assert_eq!(lines, std::slice::from_ref(&line));
            assert_eq!(frame(&[&line, b"x", ending]), Err(TOO_LONG));
            assert_eq!(frame(&[&[&line[..], b"x", ending].concat()]), Err(TOO_LONG));
        }
        assert_eq!(frame(&[&line, b"xy"]), Err(TOO_LONG));
    }

    #[test]
    fn a_framer_has_the_limit_that_it_was_told() {
        let mut framer = LineFramer::new(2);
        let mut input = &b"ab\r\nabc\n"[..];
        assert_eq!(framer.next_line(&mut input).unwrap().as_deref(), Some(&b"ab"[..]));
        assert_eq!(framer.next_line(&mut input), Err(LineTooLong { bytes_max: 2 }));
    }

    #[test]
    fn a_line_takes_no_more_memory_than_its_limit() {
        let mut framer = LineFramer::new(1_000);
        for byte in std::iter::repeat_n(&b"x"[..], 1_001) {
            assert_eq!(framer.next_line(&mut &*byte), Ok(None));
            assert!(framer.partial.capacity() <= 1_001, "{}", framer.partial.capacity());
        }
        assert_eq!(framer.next_line(&mut &b"\n"[..]), Err(LineTooLong { bytes_max: 1_000 }));
    }

    #[test]
    fn nothing_is_held_between_lines() {
        let mut framer = LineFramer::default();
        let mut input = &b"half"[..];
        assert_eq!(framer.next_line(&mut input), Ok(None));
        assert!(framer.has_partial());
        let mut input = &b" done\n"[..];
        assert!(framer.next_line(&mut input).unwrap().is_some());
        assert_eq!(framer.partial.capacity(), 0);
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_makes_no_difference(
            text in "[a-c\r\n茶]{0,60}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(frame(&chunks), frame(&[bytes]));
        }
    }
}
