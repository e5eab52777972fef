//! The real server on a free port with data of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Finished, Process};
use crate::programs;

/// A running `teahouse-server`.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    options: Vec<String>,
    folder: Arc<TempDir>,
}

impl Server {
    /// Starts a server with nothing in it.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a server with further options.
    pub async fn with(options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let options = options.iter().map(ToString::to_string).collect();
        Self::launch("127.0.0.1:0", options, Arc::new(folder)).await
    }

    /// Starts a server whose standard streams a shell redirects, all but standard output.
    pub async fn with_streams(redirections: &str, options: &[&str]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let data = folder.path().join("data");
        let mut server = command(&data);
        server.args(["--listen", "127.0.0.1:0"]).args(options);
        let process = Process::spawn("server", &mut redirected(&server, redirections));
        let address = listening_address(&process).await;
        Self { process, address, options: Vec::new(), folder }
    }

    async fn launch(listen: &str, options: Vec<String>, folder: Arc<TempDir>) -> Self {
        let data = folder.path().join("data");
        let process = Process::spawn("server", command(&data).args(["--listen", listen]).args(&options));
        let address = listening_address(&process).await;
        Self { process, address, options, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a browser opens.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The folder that `--data` names.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The operating system's id of the server's process.
    pub fn id(&self) -> i32 {
        self.process.id()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(&mut self) -> Finished {
        self.process.terminate();
        self.process.finish().await
    }

    /// Sends SIGTERM and does not wait.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Sends SIGINT and waits for the end.
    pub async fn interrupt(&mut self) -> Finished {
        self.process.interrupt();
        self.process.finish().await
    }

    /// Waits for an end that was asked for before.
    pub async fn finish(&mut self) -> Finished {
        self.process.finish().await
    }

    /// Lets it do nothing until [`Self::go_on`]; the system takes connections and bytes for it meanwhile.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Goes on where it was paused.
    pub fn go_on(&self) {
        self.process.go_on();
    }

    /// Sends SIGKILL and waits for the end.
    pub async fn kill(&mut self) {
        self.process.kill();
        self.process.exit().await;
    }

    /// Starts it again after its end, on the same port with the same data.
    pub async fn start_again(&mut self) {
        let address = self.address.to_string();
        *self = Self::launch(&address, self.options.clone(), self.folder.clone()).await;
    }

    /// Waits for a line of the log that fits.
    pub async fn wait_for_log(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.process.stderr.line(what, fits).await
    }

    /// Waits until so many lines of the log fit.
    pub async fn wait_for_logs(&self, count: usize, what: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
        self.process.stderr.count(count, what, fits).await
    }

    /// What it printed so far.
    pub fn printed(&self) -> String {
        self.process.stdout.text()
    }
}

/// The server's program for a data folder, untouched by the environment's settings.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(programs::server());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("TEAHOUSE_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command.env("NO_COLOR", "1").arg("--data").arg(data);
    command
}

/// The same program with standard streams as a shell redirects them, such as `2>/dev/full`.
pub fn redirected(command: &Command, redirections: &str) -> Command {
    let command = command.as_std();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec \"$@\" {redirections}")).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

async fn listening_address(process: &Process) -> SocketAddr {
    let line = process.stdout.line("`listening on ADDR`", |line| line.starts_with("listening on ")).await;
    line["listening on ".len()..].trim().parse().unwrap_or_else(|_| panic!("no address in {line:?}"))
}
