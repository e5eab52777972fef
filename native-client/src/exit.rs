use std::process::ExitCode;

/// How the program ends. `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done.
    Done = 0,
    /// The server refused it.
    Refused = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// The server could not be reached.
    Unreachable = 3,
    /// Interrupted, or anything else.
    Other = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Waits until the system asks the program to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            return;
        }
    }
    // Without handlers the system ends the program itself.
    let _ = tokio::signal::ctrl_c().await;
}

/// For `--help`.
pub(crate) const EXIT_HELP: &str = "\
Exit codes:
  0  done (send: acknowledged, so it is on the server's disk)
  1  refused by the server
  2  the arguments are wrong, or the text breaks a rule
  3  the server could not be reached
  4  interrupted, or anything else";
