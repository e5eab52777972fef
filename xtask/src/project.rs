use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::child::cargo;

/// A profile of the root manifest that programs are built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What the tests use.
    Dev,
    /// Soonest ready to be used.
    Quick,
    /// What is installed, released and measured.
    Release,
}

/// This workspace on disk.
pub(crate) struct Project {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds, as it put this program there: TARGET/debug/xtask.
    pub(crate) target: PathBuf,
}

impl Profile {
    /// The profile as cargo calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Quick => "quick",
            Self::Release => "release",
        }
    }

    /// The folder in the target directory.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Quick => "quick",
            Self::Release => "release",
        }
    }
}

impl Project {
    /// The workspace that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a workspace")?;
        let program = std::env::current_exe().context("cannot find out where this program lies")?;
        let target = program.ancestors().nth(2).context("this program is started by `cargo xtask`")?;
        Ok(Self { root: root.into(), target: target.into() })
    }

    /// The browser client as the server embeds it.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A cargo command in the root of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// Where a program lies once it is built with a profile.
    pub(crate) fn built(&self, profile: Profile, name: &str) -> PathBuf {
        self.target.join(profile.folder()).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Where a program of the release profile lies once it is built.
    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.built(Profile::Release, name)
    }
}
