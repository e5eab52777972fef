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
        let mut command = Command::new(programs::terminal());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TEAHOUSE_") {
                command.env_remove(&name);
            }
        }
        command
            .args(arguments)
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CACHE_HOME", self.path().join("cache"));
        Process::spawn(&format!("teahouse {}", arguments.first().unwrap_or(&"")), &mut command)
    }
}
