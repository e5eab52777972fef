use std::io::{self, Write};
use std::sync::Once;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, is_raw_mode_enabled};

/// A terminal that hands over every key. It is put back as it was on every way out, a panic included.
pub(crate) struct RawTerminal(());

impl RawTerminal {
    /// Takes the terminal of standard input.
    pub(crate) fn start() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let report = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                // A report on a raw terminal would be a staircase.
                restore();
                report(panic);
            }));
        });
        let terminal = Self(());
        take()?;
        Ok(terminal)
    }

    /// Lets the shell have the terminal until the program is put into the foreground again.
    #[cfg(unix)]
    pub(crate) fn suspend(&self) -> io::Result<()> {
        use rustix::process::{Signal, getpid, kill_process};
        restore();
        kill_process(getpid(), Signal::TSTP)?;
        take()
    }

    /// Writes all at once: what is half painted would flicker.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        match crossterm::terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 0 => (columns.into(), rows.into()),
            _ => (80, 24),
        }
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    // Without it a paste comes key by key, which works as well.
    let _ = execute!(io::stdout(), EnableBracketedPaste);
    Ok(())
}

fn restore() {
    if is_raw_mode_enabled().unwrap_or(true) {
        // A terminal that is gone needs no restoring.
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
}
