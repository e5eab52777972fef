use std::io::{self, Read};

use teahouse_protocol::{LineFramer, LineTooLong};
use tokio::sync::mpsc;

use crate::exit::Misuse;
use crate::language::Language;

/// How many lines are read ahead of the brain.
const LINES_AHEAD_MAX: usize = 16;
/// How many bytes are read at a time.
const READ_BYTES: usize = 16 * 1024;
/// The longest input that is read for one message, in bytes: many times what a message may have.
const WHOLE_BYTES_MAX: usize = 1024 * 1024;

/// Why standard input cannot be posted. Places count bytes from 0, lines from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadInput {
    /// A byte that is no part of UTF-8.
    NotUtf8 { byte: u8, offset: usize, line: usize },
    /// It begins with the byte order mark of this encoding.
    Encoded(&'static str),
    /// A byte that no text has.
    Nul { offset: usize, line: usize },
    /// More than [`WHOLE_BYTES_MAX`].
    Long,
    /// A line that no message could hold.
    LongLine(LineTooLong, usize),
}

impl From<BadInput> for anyhow::Error {
    fn from(bad: BadInput) -> Self {
        Misuse(Language::of_environment().bad_input(&bad)).into()
    }
}

/// Standard input that is no terminal, line by line.
pub(crate) struct InputLines {
    lines: mpsc::Receiver<anyhow::Result<String>>,
}

impl InputLines {
    /// Begins to read.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (sender, lines) = mpsc::channel(LINES_AHEAD_MAX);
        // A thread of its own, which ends with the program.
        std::thread::Builder::new().name("input".into()).spawn(move || {
            if let Err(error) = read_lines(io::stdin().lock(), &sender) {
                // Nobody listens any more when the program ends.
                let _ = sender.blocking_send(Err(error));
            }
        })?;
        Ok(Self { lines })
    }

    /// The next line; `None` at the end, and after an error. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<String>> {
        self.lines.recv().await.transpose()
    }
}

fn read_lines(mut input: impl Read, lines: &mpsc::Sender<anyhow::Result<String>>) -> anyhow::Result<()> {
    let mut framer = LineFramer::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut place = Place::default();
    loop {
        let length = read(&mut input, &mut buffer)?;
        let mut bytes = &buffer[..length];
        loop {
            let before = bytes.len();
            let line =
                framer.next_line(&mut bytes).map_err(|error| BadInput::LongLine(error, place.line + 1))?;
            place.read += before - bytes.len();
            let Some(line) = line else { break };
            lines.blocking_send(Ok(place.text(&line)?))?;
        }
        if length == 0 {
            let rest = framer.take_partial();
            if !rest.is_empty() {
                lines.blocking_send(Ok(place.text(&rest)?))?;
            }
            return Ok(());
        }
    }
}

fn read(input: &mut impl Read, buffer: &mut [u8]) -> anyhow::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map_err(|error| unreadable(&error)),
        }
    }
}

fn unreadable(error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!("standard input cannot be read: {error}")
}

/// Where in the input the next line begins.
#[derive(Default)]
struct Place {
    /// How many lines came before.
    line: usize,
    /// How many bytes came before it.
    offset: usize,
    /// How many bytes have been read, this line included.
    read: usize,
}

impl Place {
    fn text(&mut self, line: &[u8]) -> Result<String, BadInput> {
        let text = checked(line, self.line + 1, self.offset)?;
        self.line += 1;
        self.offset = self.read;
        Ok(text)
    }
}

/// All of standard input as one text, without white space at its end.
pub(crate) async fn whole_input() -> anyhow::Result<String> {
    let bytes = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        io::stdin().lock().take(WHOLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = bytes.await?.map_err(|error| unreadable(&error))?;
    if bytes.len() > WHOLE_BYTES_MAX {
        return Err(BadInput::Long.into());
    }
    Ok(checked(&bytes, 1, 0)?.trim_end().to_owned())
}

/// Bytes as text. Those that begin the input may begin with the byte order mark of UTF-8.
fn checked(bytes: &[u8], line: usize, offset: usize) -> Result<String, BadInput> {
    let (bytes, skipped) = match bytes {
        _ if offset > 0 => (bytes, 0),
        [0xEF, 0xBB, 0xBF, rest @ ..] => (rest, 3),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(BadInput::Encoded("UTF-32")),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(BadInput::Encoded("UTF-16")),
        _ => (bytes, 0),
    };
    let lines_before = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(BadInput::Nul { offset: offset + skipped + at, line: line + lines_before(at) });
    }
    std::str::from_utf8(bytes).map(ToOwned::to_owned).map_err(|error| {
        let at = error.valid_up_to();
        BadInput::NotUtf8 { byte: bytes[at], offset: offset + skipped + at, line: line + lines_before(at) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_and_a_mark_before_it_is_no_part_of_it() {
        let check = |bytes: &[u8], expected: Result<&str, BadInput>| {
            assert_eq!(checked(bytes, 1, 0).as_deref(), expected.as_deref(), "{bytes:?}");
        };
        check("你好".as_bytes(), Ok("你好"));
        check(b"\xef\xbb\xbfhi", Ok("hi"));
        check(b"", Ok(""));
        check(b"a\nb\xc4\xe3", Err(BadInput::NotUtf8 { byte: 0xC4, offset: 3, line: 2 }));
        check(b"\xef\xbb\xbfa\xff", Err(BadInput::NotUtf8 { byte: 0xFF, offset: 4, line: 1 }));
        check("你".as_bytes()[..2].as_ref(), Err(BadInput::NotUtf8 { byte: 0xE4, offset: 0, line: 1 }));
        check(b"a\0b", Err(BadInput::Nul { offset: 1, line: 1 }));
        check(b"\xff\xfea\0", Err(BadInput::Encoded("UTF-16")));
        check(b"\xfe\xff\0a", Err(BadInput::Encoded("UTF-16")));
        check(b"\xff\xfe\0\0a\0\0\0", Err(BadInput::Encoded("UTF-32")));
    }

    #[test]
    fn lines_know_where_they_are() {
        let (sender, mut lines) = mpsc::channel(9);
        let input = "\u{feff}一\r\n二\n".as_bytes();
        let error = read_lines(&[input, b"\xa4\n"].concat()[..], &sender).expect_err("it is not UTF-8");
        assert!(format!("{error}").contains("0xA4"), "{error}");
        assert!(format!("{error}").contains("12"), "{error}");
        assert_eq!(lines.try_recv().expect("a line").expect("good"), "一");
        assert_eq!(lines.try_recv().expect("a line").expect("good"), "二");
        assert!(lines.try_recv().is_err());
    }
}
