//! The real server under torture: with any environment and limits, killed and started again, on one address.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use teahouse_tests::process::{Finished, Process};
use teahouse_tests::server;
use teahouse_tests::wait::within;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::interval;

/// How often to look whether a server that may also fail to start has started.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spec {
    /// Further options.
    pub(crate) options: Vec<String>,
    /// Further environment.
    pub(crate) environment: Vec<(String, String)>,
    /// How many files it may have open.
    pub(crate) open_files_max: Option<u64>,
    /// Whether the limits of the pace hold that a server has by itself.
    pub(crate) limited: bool,
}

/// A server, or the place of one that has just been killed.
#[derive(Debug)]
pub(crate) struct Host {
    spec: Spec,
    data: PathBuf,
    process: Option<Process>,
    address: SocketAddr,
    up: watch::Sender<Option<SocketAddr>>,
}

/// Tells where the server listens while it is up.
pub(crate) type Up = watch::Receiver<Option<SocketAddr>>;

impl Host {
    /// Starts a server.
    pub(crate) async fn start(data: &Path, spec: Spec) -> Self {
        let mut host = Self::prepare(data, spec);
        host.start_again().await;
        host
    }

    /// A server that has not been started.
    pub(crate) fn prepare(data: &Path, spec: Spec) -> Self {
        let (up, _) = watch::channel(None);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { spec, data: data.to_owned(), process: None, address, up }
    }

    /// Starts it once more, on the same address.
    pub(crate) async fn start_again(&mut self) {
        self.launch();
        self.listening().await;
    }

    /// Starts it and does not wait.
    pub(crate) fn launch(&mut self) {
        self.process = Some(Process::spawn("server", &mut self.command()));
    }

    /// Waits until it listens.
    pub(crate) async fn listening(&mut self) {
        if let Err(said) = self.listening_or_end().await {
            panic!("the server ended at its start: {said}");
        }
    }

    /// Waits until it listens, or ends; then gives what it said.
    pub(crate) async fn listening_or_end(&mut self) -> Result<(), String> {
        let process = self.process.as_ref().expect("it was started");
        let mut look = interval(LOOK_EVERY);
        let first_line = within("a server to start", async {
            loop {
                look.tick().await;
                let ended = process.stdout.has_ended();
                match process.stdout.lines().into_iter().next() {
                    Some(line) => return Some(line),
                    None if ended => return None,
                    None => {}
                }
            }
        });
        let Some(line) = first_line.await else { return Err(process.stderr.end().await) };
        let address = line.strip_prefix("listening on ").and_then(|address| address.trim().parse().ok());
        self.address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        self.up.send_replace(Some(self.address));
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = server::command(&self.data);
        command.args(["--listen", &self.address.to_string(), "--log", "warn"]);
        // Most torture floods.
        if !self.spec.limited {
            command.arg("--unlimited");
        }
        command.args(&self.spec.options);
        if let Some(files) = self.spec.open_files_max {
            command = limited(&command, files);
        }
        command.envs(self.spec.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells writers and watchers whether it is up.
    pub(crate) fn up(&self) -> Up {
        self.up.subscribe()
    }

    /// Tells writers and watchers to wait.
    pub(crate) fn is_going_down(&self) {
        self.up.send_replace(None);
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) async fn kill(&mut self) {
        self.is_going_down();
        let mut process = self.process.take().expect("it runs");
        process.kill();
        process.exit().await;
        let log = process.stderr.end().await;
        assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn stop(&mut self) -> Finished {
        self.is_going_down();
        let mut process = self.process.take().expect("it runs");
        process.terminate();
        let finished = process.finish().await;
        assert!(!finished.stderr.contains("panicked"), "the server panicked:\n{}", finished.stderr);
        finished
    }

    /// What the server holds in memory, in KiB: the sum of `field` (such as `Pss`) over all its mappings.
    pub(crate) fn memory_kib(&self, field: &str) -> u64 {
        let id = self.process.as_ref().expect("it runs").id();
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).expect("it runs on Linux");
        let line = rollup.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.unwrap_or_else(|| panic!("no {field} in {rollup}"))
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> usize {
        let id = self.process.as_ref().expect("it runs").id();
        std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs on Linux").count()
    }

    /// How many files it has open.
    pub(crate) fn open_files(&self) -> usize {
        let id = self.process.as_ref().expect("it runs").id();
        std::fs::read_dir(format!("/proc/{id}/fd")).expect("it runs on Linux").count()
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(|process| process.stderr.text()).unwrap_or_default()
    }
}

/// The same command under a limit of open files, which `prlimit` of util-linux sets.
fn limited(command: &Command, files: u64) -> Command {
    let inner = command.as_std();
    let mut outer = Command::new("prlimit");
    outer.arg(format!("--nofile={files}:{files}")).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}
