//! Programs that a server has to share the machine with.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rustix::fs::OFlags;

use crate::cores::Cores;
use crate::server::leashed;

/// What a neighbour does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Neighbour {
    /// Writes to the disk of the servers, each write synchronous, on the generator's core.
    Disk,
    /// Never sleeps, at nice 10, on the server's core.
    Hog,
}

/// What a disk's neighbour writes at once, in bytes.
const WRITE_BYTES: usize = 64 * 1024;
/// What its file grows to, in bytes.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// How nice a hog is.
const HOG_NICENESS: i32 = 10;

/// A neighbour at work; it is gone when this is dropped.
#[derive(Debug)]
pub struct AtWork {
    child: Child,
    file: Option<PathBuf>,
}

impl Neighbour {
    /// How a case says that it is there.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Disk => "beside a busy disk",
            Self::Hog => "beside a hog",
        }
    }

    /// Starts it. What it writes lies in `place`.
    pub fn start(self, place: &Path, cores: Cores) -> Result<AtWork> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("neighbour");
        let file = match self {
            Self::Disk => Some(place.join(format!("neighbour-{}", std::process::id()))),
            Self::Hog => None,
        };
        match &file {
            Some(file) => command.arg("disk").arg(file),
            None => command.arg("hog"),
        };
        let mut command = leashed(&command)?;
        command.stdin(Stdio::null());
        let child = match self {
            Self::Disk => command.spawn(),
            Self::Hog => cores.on_server_core(|| command.spawn())?,
        };
        Ok(AtWork { child: child.context("the neighbour does not start")?, file })
    }

    /// Is it, until somebody ends this process.
    pub fn become_one(self, file: Option<&Path>) -> Result<()> {
        match (self, file) {
            (Self::Hog, _) => {
                rustix::process::nice(HOG_NICENESS).context("cannot be nice")?;
                for number in 0_u64.. {
                    black_box(number);
                }
            }
            (Self::Disk, Some(file)) => {
                let sync = i32::try_from(OFlags::DSYNC.bits()).context("no such flag")?;
                let mut options = OpenOptions::new();
                options.create(true).truncate(true).write(true).custom_flags(sync);
                let mut out =
                    options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
                for write in 0.. {
                    out.seek(SeekFrom::Start(write * WRITE_BYTES as u64 % FILE_BYTES))?;
                    out.write_all(&[b'x'; WRITE_BYTES])?;
                }
            }
            (Self::Disk, None) => bail!("it needs a file"),
        }
        Ok(())
    }
}

impl AtWork {
    /// Fails if it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the neighbour ended with {status}"),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // It may be gone already, and its file with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}
