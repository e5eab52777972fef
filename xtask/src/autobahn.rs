//! The Autobahn conformance suite, which runs on Python 2.7 alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::child::{find_program, succeed};
use crate::steps::Outcome;

const SUITE_VERSION: &str = "0.8.2";
/// The last one that runs on Python 2.7.
const VIRTUALENV: &str = "virtualenv==20.15.1";

const NO_PYTHON: &str = "\
the conformance suite runs on Python 2.7 alone, which was not found, and nothing is skipped.
Debian 12 has no package of it. With pyenv (https://github.com/pyenv/pyenv) it is built by
  pyenv install 2.7.18
and found by itself; the variable PYTHON2 names one in another place. It needs its module pip.";

/// The suite's program `wstest`, in the cache that all clones of one user share.
pub(crate) fn program() -> Result<PathBuf> {
    Ok(folder()?.join("bin/wstest"))
}

fn folder() -> Result<PathBuf> {
    Ok(cache::folder()?.join(format!("autobahntestsuite-{SUITE_VERSION}")))
}

/// Installs the suite where it is missing.
pub(crate) fn ensure() -> Result<Outcome> {
    if runs(&program()?, &["--autobahnversion"]) {
        return Ok(Outcome::Ready);
    }
    let python = candidates().into_iter().find(|python| is_python_2_with_pip(python)).context(NO_PYTHON)?;
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let _lock = cache::lock(&folder.with_extension("lock"))?;
    // Whoever held the lock before may have installed it.
    if runs(&program()?, &["--autobahnversion"]) {
        return Ok(Outcome::Ready);
    }
    cache::remove(&folder)?;
    let virtualenv = folder.with_extension("virtualenv");
    cache::remove(&virtualenv)?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet"];
    let installed = succeed(quiet(&python).args(pip).arg("--target").arg(&virtualenv).arg(VIRTUALENV))
        .and_then(|()| {
            let mut make = quiet(&python);
            make.env("PYTHONPATH", &virtualenv).args(["-m", "virtualenv", "--quiet"]).arg(&folder);
            succeed(&mut make)
        })
        .and_then(|()| {
            let suite = format!("autobahntestsuite=={SUITE_VERSION}");
            succeed(quiet(&folder.join("bin/python")).args(pip).arg(suite))
        });
    installed.context("cannot install the suite; pip needs the internet for it this once")?;
    cache::remove(&virtualenv)?;
    if !runs(&program()?, &["--autobahnversion"]) {
        bail!("the suite was installed in {} but does not run", folder.display());
    }
    Ok(Outcome::Done)
}

/// Without the words about the end of Python 2.
fn quiet(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.env("PYTHONWARNINGS", "ignore").env("PIP_NO_PYTHON_VERSION_WARNING", "1");
    command
}

/// Where a Python 2.7 may be, the first choice first.
fn candidates() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut found: Vec<PathBuf> = variable("PYTHON2").into_iter().chain(find_program("python2.7")).collect();
    // pyenv's own command works only where somebody has chosen this version.
    let pyenv = variable("PYENV_ROOT").or_else(|| variable("HOME").map(|home| home.join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok()).into_iter().flatten();
    let versions = versions.filter_map(Result::ok).map(|version| version.path().join("bin/python2.7"));
    found.extend(versions.filter(|python| python.is_file()));
    found
}

fn is_python_2_with_pip(python: &Path) -> bool {
    runs(python, &["-c", "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"])
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
