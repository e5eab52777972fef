use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo_lock;
use crate::project::{Project, cargo, output, succeed};
use crate::steps::{Outcome, Steps};
use crate::wasm_target;

/// The steps that [`Tools::ensure`] takes.
pub(crate) const STEPS: usize = 3;

/// Newer ones want a newer Rust than the workspace does.
const TRUNK_VERSION: &str = "0.21.14";

/// A program that cargo installs into the cache, at one version.
struct Tool {
    /// The folder in the cache is named after it and the version.
    name: &'static str,
    package: &'static str,
    version: String,
    /// Every program that must be there; the first one is asked for its version.
    programs: &'static [&'static str],
    options: &'static [&'static str],
    first_time: &'static str,
}

/// The programs that build the browser client, in a cache that all clones of one user share.
pub(crate) struct Tools {
    cache: PathBuf,
    tools: Vec<Tool>,
}

/// `cargo xtask tools`
pub(crate) fn command(project: &Project) -> Result<()> {
    let mut steps = Steps::new(STEPS);
    let tools = Tools::pinned(project)?;
    tools.ensure(&mut steps)?;
    for folder in tools.folders() {
        println!("{}", folder.display());
    }
    Ok(())
}

impl Tools {
    /// The versions that this clone wants.
    pub(crate) fn pinned(project: &Project) -> Result<Self> {
        let lock = fs::read_to_string(project.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let wasm_bindgen = cargo_lock::version_of(&lock, "wasm-bindgen")?;
        Ok(Self { cache: cache_folder()?, tools: vec![trunk(), wasm_bindgen_cli(wasm_bindgen)] })
    }

    /// Adds what is missing.
    pub(crate) fn ensure(&self, steps: &mut Steps) -> Result<()> {
        steps.step("the wasm target of Rust", wasm_target::ensure)?;
        for tool in &self.tools {
            let name = format!("{} {}", tool.package, tool.version);
            steps.step(&name, || tool.ensure(&self.cache))?;
        }
        Ok(())
    }

    /// The folders of the programs, for PATH.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.tools.iter().map(|tool| tool.folder(&self.cache).join("bin"))
    }

    /// Where one of the programs lies.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        self.tools
            .iter()
            .find(|tool| tool.programs.contains(&name))
            .map(|tool| tool.program(&self.cache, name))
            .with_context(|| format!("no pinned tool brings `{name}`"))
    }

    /// Names and versions, which decide with the sources what comes out.
    pub(crate) fn versions(&self) -> String {
        self.tools.iter().map(|tool| format!("{}-{}\n", tool.name, tool.version)).collect()
    }
}

fn trunk() -> Tool {
    Tool {
        name: "trunk",
        package: "trunk",
        version: TRUNK_VERSION.into(),
        programs: &["trunk"],
        options: &["--locked", "--no-default-features", "--features", "rustls"],
        first_time: "about 3 minutes",
    }
}

fn wasm_bindgen_cli(version: &str) -> Tool {
    Tool {
        name: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: version.into(),
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        // Its own lock file does not resolve.
        options: &["--no-default-features"],
        first_time: "about a minute",
    }
}

impl Tool {
    fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, self.version))
    }

    fn program(&self, cache: &Path, name: &str) -> PathBuf {
        self.folder(cache).join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Whether every program is there and the first one runs and is of the version wanted.
    fn is_installed(&self, cache: &Path) -> bool {
        self.programs.iter().all(|name| self.program(cache, name).is_file())
            && output(Command::new(self.program(cache, self.programs[0])).arg("--version"))
                .is_ok_and(|text| says_version(&text, &self.version))
    }

    fn ensure(&self, cache: &Path) -> Result<Outcome> {
        install_whole(
            &self.folder(cache),
            || self.is_installed(cache),
            |partial| self.install(cache, partial),
        )
    }

    fn install(&self, cache: &Path, partial: &Path) -> Result<()> {
        eprintln!("      installing {} {}, {} the first time …", self.package, self.version, self.first_time);
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
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_STRIP", "symbols")
            .env("CARGO_TARGET_DIR", &build)
            // What cargo says of PATH does not apply: the programs are called by their place.
            .env("PATH", with_path(&[partial.join("bin")])?);
        succeed(&mut install).with_context(|| {
            format!(
                "cannot install {} {}; cargo needs the internet for it this once",
                self.package, self.version
            )
        })?;
        remove(&build)
    }
}

/// Fills a folder of the cache unless that is done, once for all runs that want it at the same time. `install` is given
/// a folder that gets its name only when it is whole, so that an interrupted run leaves nothing half made.
pub(crate) fn install_whole(
    folder: &Path,
    is_installed: impl Fn() -> bool,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<Outcome> {
    if is_installed() {
        return Ok(Outcome::Ready);
    }
    let cache = folder.parent().context("the cache is a folder")?;
    fs::create_dir_all(cache).with_context(|| format!("cannot make the folder {}", cache.display()))?;
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", folder.display()));
    let _lock = lock(&beside("lock"))?;
    // Whoever held the lock before may have installed it.
    if is_installed() {
        return Ok(Outcome::Ready);
    }
    let partial = beside("partial");
    remove(&partial)?;
    install(&partial)?;
    remove(folder)?;
    fs::rename(&partial, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    ensure!(is_installed(), "it was installed in {} but does not run", folder.display());
    Ok(Outcome::Done)
}

/// Waits until no other run works here. The lock ends with the file or the process.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => eprintln!("      waiting for another run of cargo xtask …"),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// PATH with folders before the others.
pub(crate) fn with_path(first: &[PathBuf]) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(first.iter().cloned().chain(std::env::split_paths(&path)))?)
}

/// Removes a folder that may be there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Whether a program's answer names this version.
pub(crate) fn says_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| word == version)
}

/// The cache of the user that this platform provides.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            folder("HOME").map(|home| home.join("Library/Caches"))
        } else {
            folder("HOME").map(|home| home.join(".cache"))
        }
    });
    base.map(|base| base.join("teahouse").join("tools"))
        .context("cannot find the user's cache: neither XDG_CACHE_HOME nor HOME is set")
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
        let tool = wasm_bindgen_cli("0.2.130");
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
