use std::io::{self, Write};

/// Puts the terminal back as it was, on every way out: the line editor's thread may still be reading then.
pub(crate) struct TerminalGuard {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl TerminalGuard {
    /// Remembers how the terminal is now.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(unix)]
            before: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            // A terminal that is gone needs no restoring.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
        // Bracketed paste off. In a column of its own the shell's prompt is not mixed with what was typed.
        let mut out = io::stdout().lock();
        let _ = out.write_all(b"\x1b[?2004l\r").and_then(|()| out.flush());
    }
}
