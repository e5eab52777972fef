use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::{self, install_whole};
use crate::cargo_lock;
use crate::child::{cargo, output, watch};
use crate::lanes::{Lane, side_by_side};
use crate::project::Project;
use crate::screen::{answer, say};
use crate::steps::{Outcome, Progress, Steps};
use crate::wasm_target;

/// The steps that [`Tools::ensure`] takes.
pub(crate) const STEPS: usize = 3;

/// Newer ones want a newer Rust than the workspace does.
const TRUNK_VERSION: &str = "0.21.14";

/// What looks through the licences and sources of dependencies.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// What breaks the code in one place at a time.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// A program that cargo installs into the cache, at one version.
pub(crate) struct Tool {
    /// The folder in the cache is named after it and the version.
    name: &'static str,
    package: &'static str,
    version: String,
    /// Every program that must be there; the first one is asked for its version.
    programs: &'static [&'static str],
    /// How it is asked.
    question: &'static [&'static str],
    options: &'static [&'static str],
    first_time: &'static str,
}

/// The programs that build the browser client, in a cache that all clones of one user share.
pub(crate) struct Tools {
    cache: PathBuf,
    pub(crate) trunk: Tool,
    pub(crate) wasm_bindgen: Tool,
}

/// `cargo xtask tools`
pub(crate) fn command(project: &Project) -> Result<()> {
    let steps = Steps::new(STEPS);
    let tools = Tools::pinned(project)?;
    tools.ensure(&steps)?;
    for folder in tools.folders() {
        answer!("{}", folder.display());
    }
    Ok(())
}

impl Tools {
    /// The versions that this clone wants.
    pub(crate) fn pinned(project: &Project) -> Result<Self> {
        let lock = fs::read_to_string(project.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let version = cargo_lock::version_of(&lock, "wasm-bindgen")?;
        Ok(Self { cache: cache::folder()?, trunk: trunk(), wasm_bindgen: wasm_bindgen(version) })
    }

    /// Adds what is missing.
    pub(crate) fn ensure(&self, steps: &Steps) -> Result<()> {
        steps.step("the wasm target of Rust", wasm_target::ensure)?;
        side_by_side(
            || self.ensure_one(&self.trunk, steps, Lane::Long),
            || self.ensure_one(&self.wasm_bindgen, steps, Lane::Short),
        )
    }

    /// Adds one of them, as a step.
    pub(crate) fn ensure_one(&self, tool: &Tool, steps: &Steps, lane: Lane) -> Result<()> {
        steps.long_step(&tool.step(), |progress| tool.ensure(&self.cache, lane, progress))
    }

    /// The folders of the programs, for PATH.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.all().map(|tool| tool.folder(&self.cache).join("bin"))
    }

    /// Where one of the programs lies.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        self.all()
            .find(|tool| tool.programs.contains(&name))
            .map(|tool| tool.program(&self.cache, name))
            .with_context(|| format!("no pinned tool brings `{name}`"))
    }

    /// Names and versions, which decide with the sources what comes out.
    pub(crate) fn versions(&self) -> String {
        self.all().map(|tool| format!("{}-{}\n", tool.name, tool.version)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Tool> {
        [&self.trunk, &self.wasm_bindgen].into_iter()
    }
}

/// Installs cargo-deny where it is missing, as a step, and says where it lies.
pub(crate) fn ensure_cargo_deny(steps: &Steps) -> Result<PathBuf> {
    ensure_alone(&cargo_deny(), steps)
}

/// Installs cargo-mutants where it is missing, as a step, and says where it lies.
pub(crate) fn ensure_cargo_mutants(steps: &Steps) -> Result<PathBuf> {
    ensure_alone(&cargo_mutants(), steps)
}

fn ensure_alone(tool: &Tool, steps: &Steps) -> Result<PathBuf> {
    let cache = cache::folder()?;
    steps.long_step(&tool.step(), |progress| tool.ensure(&cache, Lane::Long, progress))?;
    Ok(tool.program(&cache, tool.programs[0]))
}

fn trunk() -> Tool {
    Tool {
        name: "trunk",
        package: "trunk",
        version: TRUNK_VERSION.into(),
        programs: &["trunk"],
        question: &["--version"],
        // It neither downloads nor serves over TLS here.
        options: &["--locked", "--no-default-features"],
        first_time: "about 2 minutes",
    }
}

fn wasm_bindgen(version: &str) -> Tool {
    Tool {
        name: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: version.into(),
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        question: &["--version"],
        // Its own lock file does not resolve.
        options: &["--no-default-features", "--bin", "wasm-bindgen", "--bin", "wasm-bindgen-test-runner"],
        first_time: "about a minute",
    }
}

fn cargo_mutants() -> Tool {
    Tool {
        name: "cargo-mutants",
        package: "cargo-mutants",
        version: CARGO_MUTANTS_VERSION.into(),
        programs: &["cargo-mutants"],
        // It is a command of cargo's and takes its own name first.
        question: &["mutants", "--version"],
        options: &["--locked"],
        first_time: "about a minute",
    }
}

fn cargo_deny() -> Tool {
    Tool {
        name: "cargo-deny",
        package: "cargo-deny",
        version: CARGO_DENY_VERSION.into(),
        programs: &["cargo-deny"],
        question: &["--version"],
        options: &["--locked", "--no-default-features"],
        first_time: "about 2 minutes",
    }
}

impl Tool {
    fn step(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, self.version))
    }

    fn program(&self, cache: &Path, name: &str) -> PathBuf {
        self.folder(cache).join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Whether every program is there and the first one runs and is of the version wanted.
    fn is_installed(&self, cache: &Path) -> bool {
        self.programs.iter().all(|name| self.program(cache, name).is_file())
            && output(Command::new(self.program(cache, self.programs[0])).args(self.question))
                .is_ok_and(|text| says_version(&text, &self.version))
    }

    fn ensure(&self, cache: &Path, lane: Lane, progress: &Progress<'_>) -> Result<Outcome> {
        install_whole(
            &self.folder(cache),
            || self.is_installed(cache),
            |partial| self.install(cache, partial, lane, progress),
        )
    }

    fn install(&self, cache: &Path, partial: &Path, lane: Lane, progress: &Progress<'_>) -> Result<()> {
        say!("      installing {} {}, {} the first time …", self.package, self.version, self.first_time);
        let build = cache.join(format!("{}-{}.build", self.name, self.version));
        let mut install = cargo();
        install
            // Out of reach of the workspace's own configuration.
            .current_dir(cache)
            .args(["install", self.package, "--version", &self.version])
            // Drivers: their release profile takes many minutes more to build and saves none.
            .arg("--debug")
            .args(self.options)
            .arg("--root")
            .arg(partial)
            .args(lane.jobs())
            .envs(DRIVER_PROFILE.iter().copied())
            .env("CARGO_TARGET_DIR", &build)
            // What cargo says of PATH does not apply: the programs are called by their place.
            .env("PATH", with_path(&[partial.join("bin")])?);
        watch(&mut install, progress).with_context(|| {
            format!("cannot install {} {}, which needs the internet this once", self.package, self.version)
        })?;
        cache::remove(&build)
    }
}

/// The profile that a driver is built with: what takes least to build.
const DRIVER_PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_STRIP", "symbols"),
    ("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false"),
    ("CARGO_PROFILE_DEV_PANIC", "abort"),
];

/// PATH with folders before the others.
pub(crate) fn with_path(first: &[PathBuf]) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(first.iter().cloned().chain(std::env::split_paths(&path)))?)
}

/// Whether a program's answer names this version.
pub(crate) fn says_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| word == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_whole_word() {
        assert!(says_version("trunk 0.21.14\n", "0.21.14"));
        assert!(says_version("wasm-bindgen 0.2.130 (abc)", "0.2.130"));
        assert!(!says_version("trunk 0.21.140", "0.21.14"));
        assert!(!says_version("", "0.21.14"));
    }

    #[cfg(unix)]
    #[test]
    fn half_an_installation_is_none() {
        use std::os::unix::fs::PermissionsExt as _;

        let cache = tempfile::tempdir().unwrap();
        let tool = wasm_bindgen("0.2.130");
        assert!(!tool.is_installed(cache.path()));
        let write = |name: &str, text: &str| {
            let path = tool.program(cache.path(), name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        write("wasm-bindgen", "#!/bin/sh\necho wasm-bindgen 0.2.130\n");
        assert!(!tool.is_installed(cache.path()), "the test runner is missing");
        write("wasm-bindgen-test-runner", "");
        assert!(tool.is_installed(cache.path()));
        write("wasm-bindgen", "#!/bin/sh\necho wasm-bindgen 0.2.92\n");
        assert!(!tool.is_installed(cache.path()), "another version");
    }
}
