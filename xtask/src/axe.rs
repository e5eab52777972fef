//! axe-core, which looks for barriers in the browser client's pages. Only the stories use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::{self, install_whole};
use crate::child::{find_program, succeed};
use crate::programs;
use crate::steps::Outcome;

/// The stories look for this version where no variable names another file (`tests/src/axe.rs`).
const VERSION: &str = "4.14.1";
/// By which the stories find it.
pub(crate) const VARIABLE: &str = "TEAHOUSE_AXE";

/// The file, in the cache that all clones of one user share.
pub(crate) fn script() -> Result<PathBuf> {
    Ok(script_in(&folder()?))
}

fn folder() -> Result<PathBuf> {
    Ok(cache::folder()?.join(format!("axe-core-{VERSION}")))
}

fn script_in(folder: &Path) -> PathBuf {
    folder.join("node_modules/axe-core/axe.min.js")
}

/// Brings it with npm where it is missing. Nothing of it is run outside the pages of the stories.
pub(crate) fn ensure() -> Result<Outcome> {
    let folder = folder()?;
    install_whole(
        &folder,
        || is_version(&script_in(&folder)),
        |partial| {
            programs::ensure(&programs::NPM)?;
            fs::create_dir_all(partial)
                .with_context(|| format!("cannot make the folder {}", partial.display()))?;
            let mut npm = Command::new(find_program("npm").context("npm went away")?);
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
                .arg(partial)
                .arg(format!("axe-core@{VERSION}"));
            succeed(npm.current_dir(partial)).context("it comes over the internet this once")
        },
    )
}

fn is_version(script: &Path) -> bool {
    let begins = format!("/*! axe v{VERSION}\n");
    fs::read_to_string(script).is_ok_and(|text| text.starts_with(&begins))
}
