//! Why tests failed, said again at the end: whoever reads the end of a long output sees it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines of one panic are kept, the one that says where included.
const LINES_MAX: usize = 6;
/// How many bytes of a line are kept.
const LINE_BYTES_MAX: usize = 600;
/// How many panics are kept.
const PANICS_MAX: usize = 10;

/// The panics in what a program printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panics(Arc<Mutex<Vec<Vec<String>>>>);

impl Panics {
    /// A writer that passes on everything, and keeps the panics.
    pub(crate) fn listen<W: Write>(&self, to: W) -> Listener<W> {
        Listener { to, panics: self.clone(), line: Vec::new(), follows: false }
    }

    /// What was kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }
}

/// Passes on what is written.
pub(crate) struct Listener<W> {
    to: W,
    panics: Panics,
    line: Vec<u8>,
    /// Whether the line belongs to the last panic.
    follows: bool,
}

impl<W> Listener<W> {
    fn take_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let mut panics = self.panics.0.lock().unwrap_or_else(PoisonError::into_inner);
        if line.starts_with("thread '") && line.contains(" panicked at ") {
            self.follows = panics.len() < PANICS_MAX;
            if self.follows {
                panics.push(Vec::new());
            }
        }
        self.follows &= !line.is_empty() && line != "stack backtrace:" && !line.starts_with("note: ");
        match panics.last_mut() {
            Some(panic) if self.follows && panic.len() < LINES_MAX => panic.push(line.to_owned()),
            _ => self.follows = false,
        }
    }
}

impl<W: Write> Write for Listener<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                self.take_line();
            } else if self.line.len() < LINE_BYTES_MAX {
                self.line.push(*byte);
            }
        }
        self.to.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_kept_and_everything_is_passed_on() {
        let panics = Panics::default();
        let mut passed = Vec::new();
        let mut listener = panics.listen(&mut passed);
        let said = "test a ... FAILED\nthread 'a' (7) panicked at tests/a.rs:1:2:\nassertion failed: 茶\n  left: 1\n\nmore\n\
            thread 'b' panicked at b.rs:3:4:\nwaited in vain\nstack backtrace:\n   0: x\n";
        for piece in said.as_bytes().chunks(7) {
            listener.write_all(piece).unwrap();
        }
        assert_eq!(passed, said.as_bytes());
        assert_eq!(
            panics.lines(),
            [
                "thread 'a' (7) panicked at tests/a.rs:1:2:",
                "assertion failed: 茶",
                "  left: 1",
                "thread 'b' panicked at b.rs:3:4:",
                "waited in vain",
            ]
        );
    }
}
