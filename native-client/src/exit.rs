use std::fmt;
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
    /// Anything else.
    Other = 4,
    /// Nobody can say whether the server has taken something.
    Unknown = 5,
    /// SIGHUP, as shells count: 128 and the signal.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has it"))]
    HungUp = 129,
    /// SIGINT, or Ctrl+C.
    Interrupted = 130,
    /// SIGTERM.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has it"))]
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What was asked makes no sense, in words.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// How the program ends for this reason.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<Misuse>() { Exit::Usage } else { Exit::Other }
}

/// Waits until the system asks the program to end, and says how it ends then.
pub(crate) async fn interrupted() -> Exit {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => Exit::Interrupted,
                _ = terminate.recv() => Exit::Terminated,
                _ = hang_up.recv() => Exit::HungUp,
            };
        }
    }
    // Without handlers the system ends the program itself.
    let _ = tokio::signal::ctrl_c().await;
    Exit::Interrupted
}

/// For `--help`.
pub(crate) const EXIT_HELP: &str = "\
Exit codes:
  0  done (send: acknowledged, so it is on the server's disk; also when nobody reads the output any more)
  1  refused by the server, or a line that was no command
  2  the arguments are wrong, or the text breaks a rule
  3  the server could not be reached
  4  anything else
  5  send: not known; the message was sent and not acknowledged, and may be in the room: it is on standard error
  130, 143, 129  ended by SIGINT, SIGTERM, SIGHUP";
