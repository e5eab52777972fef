//! A server that the bench has started: on its core, in a folder of its own, and gone when it is dropped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::cores::Cores;
use crate::peer::Peer;

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    place: PathBuf,
    keeps_place: bool,
}

/// CPU that a process has had.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// Nanoseconds on a core by thread.
    threads: BTreeMap<u32, u64>,
    /// Of all threads, those that have ended too, in ticks of 10 ms.
    ticks: u64,
    /// How often it called `write` or `writev`.
    writes: u64,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident.
    pub resident: u64,
    /// Resident, with shared pages divided among those who share them.
    pub proportional: u64,
    /// Not shared and not on disk.
    pub anonymous: u64,
}

impl Server {
    /// Starts a peer and waits until it accepts connections. `prepared` puts files into its folder before.
    pub fn start(peer: &dyn Peer, place: &Path, cores: Cores) -> Result<Self> {
        let place = place.join(format!("{}-{}", peer.name(), std::process::id()));
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        Self::start_in(peer, place, cores)
    }

    /// Starts a peer in a folder that may hold files already. The folder goes when the server is dropped.
    pub fn start_in(peer: &dyn Peer, place: PathBuf, cores: Cores) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = leashed(&peer.command(&place, port)?)?;
        let output = File::create(place.join("output.log"))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = cores.on_server_core(|| command.spawn())?;
        let child = child.with_context(|| format!("{} does not start", peer.name()))?;
        let mut server = Self { child, address, place, keeps_place: false };
        server.wait_until_it_listens().with_context(|| format!("{} does not listen", peer.name()))?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} and said:\n{}", self.output());
            }
            if start.elapsed() > PATIENCE {
                bail!("it said:\n{}", self.output());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends it as an administrator would, and leaves its folder to the next one.
    pub fn stop_but_keep(mut self) -> Result<()> {
        self.keeps_place = true;
        let process =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no such process")?;
        kill_process(process, Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it ended with {status} and said:\n{}", self.output());
        }
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The end of what it has said.
    pub fn output(&self) -> String {
        const TAIL_BYTES: usize = 2_000;
        let said = fs::read(self.place.join("output.log")).unwrap_or_default();
        String::from_utf8_lossy(&said[said.len().saturating_sub(TAIL_BYTES)..]).into_owned()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The CPU that it has had so far.
    pub fn cpu(&self) -> Result<Cpu> {
        Cpu::of(self.child.id())
    }

    /// The memory that it has now.
    pub fn memory(&self) -> Result<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))
            .context("the server's memory cannot be read")?;
        let field = |name: &str| -> Result<u64> {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
            let kibibytes = line.trim().trim_end_matches(" kB").parse::<u64>()?;
            Ok(kibibytes * 1_024)
        };
        Ok(Memory { resident: field("Rss:")?, proportional: field("Pss:")?, anonymous: field("Anonymous:")? })
    }
}

/// The same command through this program's own `leashed`, so that the server ends with the bench however that ends.
pub(crate) fn leashed(command: &Command) -> Result<Command> {
    let mut leashed = Command::new(std::env::current_exe()?);
    leashed.arg("leashed").arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => leashed.env(name, value),
            None => leashed.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        leashed.current_dir(folder);
    }
    Ok(leashed)
}

/// Becomes a program that is killed when the one that started this ends. It only comes back when that fails.
pub fn become_leashed(words: &[OsString]) -> Result<()> {
    let (program, arguments) = words.split_first().context("there is no program")?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Err(Command::new(program).args(arguments).exec()).with_context(|| format!("{program:?} does not start"))
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and its folder with it; there is nothing else to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.keeps_place {
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

impl Cpu {
    /// Of any process.
    pub fn of(process: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{process}/task")).context("the process has ended")? {
            let entry = entry?;
            let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may end between the two reads.
            let Ok(schedstat) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let on_core = schedstat.split(' ').next().and_then(|field| field.parse().ok());
            threads.insert(thread, on_core.context("this kernel has no schedstat")?);
        }
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("the process has ended")?;
        // The name in brackets may hold anything, so the fields are counted from its end.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field =
            |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        let (user, system) = (field(11), field(12));
        let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
        let writes =
            io.lines().find_map(|line| line.strip_prefix("syscw: ")).and_then(|count| count.parse().ok());
        Ok(Self { threads, ticks: user + system, writes: writes.unwrap_or_default() })
    }

    /// Of this program.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// Seconds on a core since `before`. Exact to the nanosecond; but if threads have ended that had more than a trifle,
    /// to 20 ms.
    pub fn seconds_since(&self, before: &Self) -> f64 {
        const TRIFLE: f64 = 0.03;
        let exact: u64 = self
            .threads
            .iter()
            .map(|(thread, now)| now.saturating_sub(before.threads.get(thread).copied().unwrap_or_default()))
            .sum();
        let exact = exact as f64 / 1e9;
        let coarse = self.ticks.saturating_sub(before.ticks) as f64 / 100.0;
        if coarse > exact + TRIFLE { coarse } else { exact }
    }

    /// Calls of `write` and `writev` since `before`. Servers that use `send` show none.
    pub fn writes_since(&self, before: &Self) -> u64 {
        self.writes.saturating_sub(before.writes)
    }
}
