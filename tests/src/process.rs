//! A program in a process group of its own, which ends with this value.

use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};

use crate::received::Received;
use crate::wait::within;

/// A running program with its three streams.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The leader's id, which is the group's id too.
    pid: Pid,
    stdin: Option<ChildStdin>,
    /// Everything on standard output.
    pub stdout: Received,
    /// Everything on standard error.
    pub stderr: Received,
}

impl Process {
    /// Starts the program with piped streams. `name` is for messages.
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self {
            name: name.to_owned(),
            child,
            pid: pid.expect("a child that has just started has an id"),
            stdin,
            stdout: Received::from_reader(&format!("{name}'s output"), stdout.expect("piped")),
            stderr: Received::from_reader(&format!("{name}'s log"), stderr.expect("piped")),
        }
    }

    /// Types into the program.
    pub async fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is still open");
        let written = within("a program to read its input", async {
            stdin.write_all(text.as_bytes()).await?;
            stdin.flush().await
        });
        written.await.unwrap_or_else(|error| panic!("{} reads no more: {error}", self.name));
    }

    /// Ends the program's standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGTERM to the program itself.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT to the program itself, as Ctrl+C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends SIGKILL to the program itself.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Lets it do nothing until [`Self::go_on`].
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on where it was paused.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid, signal)
            .unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }

    /// Waits for the program's end.
    pub async fn exit(&mut self) -> ExitStatus {
        let status = within(&format!("{} to end", self.name), self.child.wait()).await;
        status.unwrap_or_else(|error| panic!("cannot wait for {}: {error}", self.name))
    }

    /// Waits for the program's end; gives its exit code and both outputs.
    pub async fn finish(&mut self) -> Finished {
        let status = self.exit().await;
        Finished { code: status.code(), stdout: self.stdout.end().await, stderr: self.stderr.end().await }
    }

    /// The program's id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }
}

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// Missing when a signal ended it.
    pub code: Option<i32>,
    /// Everything it printed.
    pub stdout: String,
    /// Everything it logged.
    pub stderr: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        if std::thread::panicking() {
            eprintln!("── {} printed ──\n{}", self.name, self.stdout.text());
            eprintln!("── {} logged ──\n{}──", self.name, self.stderr.text());
        }
    }
}
