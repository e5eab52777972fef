//! Which core runs what, and how many descriptors there may be.

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One core for the server and one for the generator.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    server: usize,
    generator: usize,
}

impl Cores {
    /// Takes the first two cores that this program may use.
    pub fn choose() -> Result<Self> {
        let set = sched_getaffinity(None).context("the system does not say which cores there are")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core));
        let (Some(server), Some(generator)) = (cores.next(), cores.next()) else {
            bail!(
                "the bench needs two cores, one for the server and one for itself; it may use only one here"
            );
        };
        Ok(Self { server, generator })
    }

    /// Pins this thread to the generator's core.
    pub fn pin_generator(self) -> Result<()> {
        pin(self.generator)
    }

    /// Runs `start` on the server's core; a process that is started there stays there, and so do its threads.
    pub fn on_server_core<T>(self, start: impl FnOnce() -> T) -> Result<T> {
        pin(self.server)?;
        let started = start();
        pin(self.generator)?;
        Ok(started)
    }
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on core {core}"))
}

/// Raises the limit on descriptors to what the system allows, for this program and those that it starts.
pub fn raise_descriptor_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("cannot raise the limit on descriptors")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}
