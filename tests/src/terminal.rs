//! The real terminal client, with pipes instead of a terminal.

use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Process;
use crate::programs;

/// The folders that the terminal client keeps its things in, for one person.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// A person who has never used it.
    #[expect(clippy::new_without_default, reason = "makes a folder")]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Starts `teahouse` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Process {
        Process::spawn(&name(arguments), &mut self.command(arguments))
    }

    /// Starts `teahouse` in a terminal of 80 columns and 24 rows: what is written is typed, and the screen's bytes come
    /// out.
    pub fn run_in_terminal(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new("python3");
        command.args(["-c", IN_TERMINAL]).arg(programs::terminal()).args(arguments);
        Process::spawn(&name(arguments), self.settle(&mut command).env("TERM", "xterm"))
    }

    /// `teahouse` with these arguments, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::terminal());
        self.settle(command.args(arguments));
        command
    }

    fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TEAHOUSE_") {
                command.env_remove(&name);
            }
        }
        command
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("LC_ALL", "C.UTF-8")
    }
}

fn name(arguments: &[&str]) -> String {
    format!("teahouse {}", arguments.first().unwrap_or(&""))
}

/// Runs a program in a pseudo-terminal, and ends as it does.
const IN_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
program, fd = sys.argv[1:], None
child, fd = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    os.execv(program[0], program)
import select
inputs = [0, fd]
while True:
    ready, _, _ = select.select(inputs, [], [])
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(fd, typed)
        else:
            inputs.remove(0)
    if fd in ready:
        try:
            shown = os.read(fd, 65536)
        except OSError:
            break
        if not shown:
            break
        os.write(1, shown)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
";
