//! What this program says. Whoever reads may be gone, as after `cargo xtask run | head`: that ends nothing.

use std::fmt::Arguments;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Mutex;

/// A line about what is going on, to standard error.
macro_rules! say {
    ($($words:tt)*) => { $crate::screen::line(format_args!($($words)*)) };
}

/// A line that was asked for, to standard output.
macro_rules! answer {
    ($($words:tt)*) => { $crate::screen::write_line(&mut std::io::stdout(), format_args!($($words)*)) };
}

pub(crate) use {answer, say};

/// Whether the last line of the terminal is one that the next takes the place of.
static PASSING: Mutex<bool> = Mutex::new(false);

/// Back to the line's beginning, and the line empty.
const CLEAR: &str = "\r\x1b[2K";

/// Writes a line about what is going on.
pub(crate) fn line(words: Arguments<'_>) {
    let mut passing = PASSING.lock().expect("nothing panics while it writes");
    let clear = if std::mem::take(&mut *passing) { CLEAR } else { "" };
    write_line(&mut io::stderr(), format_args!("{clear}{words}"));
}

/// Writes a line that stands until the next one, where a terminal makes that possible. Gives whether it does.
pub(crate) fn passing_line(words: &str) -> bool {
    if !io::stderr().is_terminal() {
        return false;
    }
    let mut passing = PASSING.lock().expect("nothing panics while it writes");
    *passing = true;
    let _: io::Result<()> = io::stderr().write_all(format!("{CLEAR}{words}").as_bytes());
    true
}

/// Writes a line at once, and nothing where nobody reads.
pub(crate) fn write_line(out: &mut impl Write, words: Arguments<'_>) {
    // In one piece, so that lines of two threads do not mix.
    let _: io::Result<()> = out.write_all(format!("{words}\n").as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_and_nothing_happens() {
        let (reader, mut writer) = io::pipe().unwrap();
        drop(reader);
        write_line(&mut writer, format_args!("{}", "words"));
        write_line(&mut writer, format_args!("more"));
    }
}
